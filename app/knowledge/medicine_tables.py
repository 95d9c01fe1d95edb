"""The tables of medicines: names and codes with their classes, opioid factors; and their checks.

A class with a question mark (``tramadol?``) is one that a member of a named group may have;
``adjunct`` marks a word that often stands beside a medicine that is not named (a salt, caffeine):
it names one only where a text begins with it.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation

from app.domain.content import Content
from app.domain.content_parts import MedicineClasses, OpioidFactor
from app.domain.medicines import LONGEST_NAME, OTHER, words
from app.knowledge.errors import Fault
from app.knowledge.source import Source

NAMES, CODES, FACTORS = "medicine-names.csv", "medicine-codes.csv", "mme-factors.csv"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
VERIFIED = "VERIFIED"
MAY_BE, ADJUNCT = "?", "adjunct"
ANTICOAGULANT = "anticoagulant"
UNITS = ("mg", "ug/h")
Pair = tuple[str, str]


def medicine_names(rows: Iterable[Mapping[str, str]]) -> dict[str, MedicineClasses]:
    """Classes by the name as it is matched: small words without accents and hyphens."""
    return {
        " ".join(words(row["name"])): _classes(
            (_input_of(token) for token in row["classes"].split() if token != ADJUNCT),
            only_first=ADJUNCT in row["classes"].split(),
        )
        for row in rows
    }


def medicine_codes(rows: Iterable[Mapping[str, str]]) -> dict[Pair, MedicineClasses]:
    """Classes by (system, code); a code may end in ``*``."""
    tokens: dict[Pair, list[str]] = {}
    for row in rows:
        tokens.setdefault((row["system"], row["code"]), []).append(row["acts_as"])
    return {pair: _classes(acts_as) for pair, acts_as in tokens.items()}


def ingredients(
    codes: Iterable[Mapping[str, str]], names: Mapping[str, MedicineClasses]
) -> dict[Pair, str]:
    """The name of each verified RxNorm ingredient and ATC substance that has classes."""
    found: dict[Pair, str] = {}
    for row in codes:
        name = " ".join(words(row["display"]))
        if row["system"] in (RXNORM, ATC) and name in names:
            found[row["system"], row["code"]] = name
    return found


def opioid_factors(source: Source) -> dict[str, OpioidFactor]:
    """Morphine equivalents by the opioid's name; a factor that is no number is a fault."""
    found: dict[str, OpioidFactor] = {}
    for row in source.opioid_factors:
        try:
            found[row["name"]] = OpioidFactor(Decimal(row["factor"]), row["unit"])
        except InvalidOperation:
            source.faults.append(Fault(FACTORS, row["name"], "its factor is no number"))
    return found


def _input_of(token: str) -> str:
    """The input that a class of medicines stands for; ``other`` stands for none."""
    name = token.removesuffix(MAY_BE)
    mark = token.removeprefix(name)
    if name == OTHER:
        return token
    return f"{name}-current{mark}" if name == ANTICOAGULANT else f"takes-{name}{mark}"


def _classes(tokens: Iterable[str], *, only_first: bool = False) -> MedicineClasses:
    told = tuple(dict.fromkeys(tokens))
    return MedicineClasses(
        sure=tuple(t for t in told if not t.endswith(MAY_BE)),
        possible=tuple(t.removesuffix(MAY_BE) for t in told if t.endswith(MAY_BE)),
        only_first=only_first,
    )


def medicine_faults(source: Source, content: Content) -> Iterator[Fault]:
    """Classes that nobody knows, names that never match, codes that are not verified."""
    for name, classes in content.medicine_names.items():
        yield from _unknown(NAMES, name, classes, content)
    for (_, code), classes in content.medicine_codes.items():
        yield from _unknown(CODES, code, classes, content)
    yield from _name_faults(source)
    yield from _code_faults(source, content)
    for name, factor in content.opioid_factors.items():
        if name not in content.medicine_names:
            yield Fault(FACTORS, name, f"is no name in {NAMES}")
        if factor.unit not in UNITS:
            yield Fault(FACTORS, name, f"unit {factor.unit} is none of {', '.join(UNITS)}")


def _unknown(file: str, record: str, classes: MedicineClasses, content: Content) -> Iterator[Fault]:
    if not classes.sure and not classes.possible:
        yield Fault(file, record, f"has no class; one without any is {OTHER}")
    for name in (*classes.sure, *classes.possible):
        if name not in content.inputs and name != OTHER:
            yield Fault(file, record, f"{name} is no input")
    if OTHER in classes.sure and len(classes.sure) > 1:
        yield Fault(file, record, f"is {OTHER} and something else")


def _name_faults(source: Source) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for row in source.medicine_names:
        parts = words(row["name"])
        name = " ".join(parts)
        if not 0 < len(parts) <= LONGEST_NAME:
            yield Fault(NAMES, row["name"], f"has not 1 to {LONGEST_NAME} words")
        if name in seen:
            yield Fault(NAMES, row["name"], f"is matched as {seen[name]}, which stands there too")
        seen[name] = row["name"]


def _code_faults(source: Source, content: Content) -> Iterator[Fault]:
    """A code of a substance has the classes of its name, and each verified code has a name.

    That the numbers of RxNorm are verified is seen to in codes.py.
    """
    verified = {
        (row["system"], row["code"])
        for row in source.codes
        if row["verified_in"].startswith(VERIFIED)
    }
    for pair, classes in content.medicine_codes.items():
        system, code = pair
        name = content.ingredients.get(pair)
        if name is not None and system == RXNORM:
            named = content.medicine_names[name].sure
            if set(named) != set(classes.sure):
                yield Fault(CODES, code, f"has not the classes that {name} has in {NAMES}")
    for pair in verified:
        system, code = pair
        if system in (RXNORM, ATC) and pair not in content.ingredients:
            yield Fault(NAMES, code, "is verified, and its display is no name there")
