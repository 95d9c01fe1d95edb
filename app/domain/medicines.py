"""What a medicine or an allergen is: by its codes, else by its name, else unknown.

Codes first (RxNorm ingredient, ATC by its first letters, the deployer's map), the name last. A code
that names a group only, such as "opioids", leaves open which member it is; the name may say it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.content import Content
from app.domain.content_parts import MedicineClasses
from app.domain.facts import CodedMedicine

OTHER = "other"
LONGEST_NAME = 6
Pair = tuple[str, str]
_WORDS = re.compile(r"[a-z0-9']+")
_TOGETHER = re.compile(r"[/+&]")
_LOOKALIKES = str.maketrans("\u2019\u02bc`\u00b4\u2010\u2011\u2012\u2013", "''''----")
ON_THE_SKIN = frozenset(
    (
        "gel emulgel cream ointment topical topically cutaneous lotion foam patch plaster "
        "eye eyes ophthalmic ocular otic ear dermal skin"
    ).split()
)
# Behind the stroke of "mg/mL" or "50 mg/day" stands a measure, not one more medicine.
MEASURES = frozenset(
    (
        "ml l dl g mg mcg ug kg iu unit units unt meq mmol m2 cm2 actuat actuation puff spray dose "
        "inhalation application drop drops tablet tab tablets capsule cap capsules sachet vial "
        "ampoule patch suppository min h hr hour hours d day days wk week month night prn x"
    ).split()
)
# Behind the hyphen of "metoprolol-succinate" or "ibuprofen-ratiopharm" stands a salt, the manner of
# release or who makes it, not one more medicine.
BESIDE_A_NAME = frozenset(
    (
        "acid ethyl acetate besilate besylate bromide carbonate chloride citrate fumarate "
        "gluconate hydrobromide hydrochloride hydrochlorid hcl lactate lysine maleate mesilate "
        "mesylate nitrate oxalate oxide phosphate succinate succinat sulfate sulphate sulfat "
        "tartrate tartrat tosilate calcium kalium magnesium natrium potassium sodium zinc "
        "er sr xr xl cr mr dr ir la ec odt retard depot release extended modified sustained "
        "immediate prolonged delayed slow long short acting low high dose strength once twice "
        "daily coated film enteric free based containing generic "
        "liquid oral solution suspension syrup powder tropfen tabletten kapseln saft salbe creme "
        "accord aristo hexal mylan ratiopharm sandoz stada teva zentiva"
    ).split()
)
# Stems of biological medicines, whose names may end in four letters without a meaning ("-yfgn").
BIOLOGICAL = ("mab", "cept", "grastim", "poetin", "glargine", "aspart", "lispro")
MEANINGLESS_SUFFIX, SHORTEST_NAME = 4, 3
INTO_THE_AIRWAYS = frozenset("nasal nose inhaler inhalation inhaled".split())
# With one of these words a gel is swallowed or a foam is rectal: it acts in the whole body.
IN_THE_BODY = frozenset(
    (
        "oral orally mouth po tablet tablets tab tabs capsule capsules cap caps caplet caplets "
        "softgel softgels liquigel liquigels gelcap gelcaps liqui liquid soft "
        "rectal suppository suppositories enema injection injectable intravenous intramuscular "
        "subcutaneous iv im"
    ).split()
)
# What acts in the whole body by mouth does not from there. An anti-inflammatory in the nose does.
ELSEWHERE = {
    "takes-nsaid": (ON_THE_SKIN, "takes-topical-nsaid"),
    "takes-systemic-steroid": (ON_THE_SKIN | INTO_THE_AIRWAYS, OTHER),
    "takes-immunosuppressant": (ON_THE_SKIN | INTO_THE_AIRWAYS, OTHER),
    "takes-calcineurin-inhibitor": (ON_THE_SKIN, OTHER),
}


@dataclass(frozen=True, slots=True)
class Understood:
    """Its ingredients, each with its classes (inputs); no ingredient where nothing is known.

    ``possible`` are classes that it may have besides: only a group is known. ``is_whole`` is False
    while it is not known or has an ingredient that is not.
    """

    ingredients: Mapping[str, tuple[str, ...]]
    possible: frozenset[str]
    is_whole: bool
    classes: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Those that it has for certain, which many ask for."""
        certain = frozenset(name for classes in self.ingredients.values() for name in classes)
        object.__setattr__(self, "classes", certain)


def what_is(medicine: CodedMedicine, content: Content) -> Understood:
    """What a medicine is; one that is told by its ingredients is whole when each is known."""
    manner = medicine.manner
    each = content.asks_of_each_part
    told = understood(medicine.system_codes, medicine.text, content, manner=manner, each=each)
    parts = [
        understood(codes, text, content, manner=manner, each=each) for codes, text in medicine.parts
    ]
    if not any(part.ingredients for part in parts):
        return told
    is_whole = all(part.is_whole for part in parts)
    found = parts if is_whole else [*parts, told]
    ingredients = {name: classes for one in found for name, classes in one.ingredients.items()}
    have = {name for classes in ingredients.values() for name in classes}
    possible = frozenset(name for one in found for name in one.possible) - have
    return Understood(ingredients, possible, is_whole=is_whole)


def understood(
    system_codes: Iterable[Pair],
    text: str,
    content: Content,
    *,
    manner: str = "",
    each: bool = False,
) -> Understood:
    """What it is. ``manner`` are further words that tell where it acts, never what it is.

    With ``each`` a combination told by its name is whole only when each part of it is known.
    """
    found: dict[str, MedicineClasses] = {}
    is_whole = True
    for pair in system_codes:
        parts = content.clinical_drugs.get(pair, (pair,))
        known = {name: classes for part in parts for name, classes in _by_code(part, content)}
        found.update(known)
        if pair in content.clinical_drugs and any(not [*_by_code(p, content)] for p in parts):
            is_whole = False
    if each and not found and not _is_each_part_named(text, content):
        is_whole = False
    if not found or any(classes.possible for classes in found.values()):
        found.update(_by_name(text, content))
    return _joined(found, frozenset(words(f"{text} {manner}")), is_whole=is_whole)


def _is_each_part_named(text: str, content: Content) -> bool:
    """Each part of "losartan/hctz" or "a + b" holds a name; what holds none might be anything.

    So might a stranger that a hyphen joins to a name.
    """
    parts = _TOGETHER.split(text)
    is_each = len(parts) == 1 or all(_holds_a_name(words(part), content) for part in parts)
    return is_each and not _is_joined_to_a_stranger(text, content)


def _is_joined_to_a_stranger(text: str, content: Content) -> bool:
    """Of words joined by hyphens one belongs to a name and another might be a medicine, too.

    "co-codamol" is one name, and of "5-HT" nothing is one: neither is taken apart.
    """
    plain = _plain(text)
    if "-" not in plain:
        return False
    found = list(_WORDS.finditer(plain))
    said = [word.group() for word in found]
    named = _named(said, content)
    return any(
        not named.isdisjoint(joined) and any(_may_be_a_name(said, at, named) for at in joined)
        for joined in _joined_by_hyphens(found, plain)
    )


def _joined_by_hyphens(found: Sequence[re.Match[str]], plain: str) -> Iterator[range]:
    """The places of words between which stands a hyphen and nothing else."""
    first = 0
    for at, word in enumerate(found, start=1):
        if at < len(found) and plain[word.end() : found[at].start()] == "-":
            continue
        if at - first > 1:
            yield range(first, at)
        first = at


def _named(said: Sequence[str], content: Content) -> frozenset[int]:
    """The places of the words that belong to a name, the longest first."""
    found: set[int] = set()
    at = 0
    while at < len(said):
        longest = min(LONGEST_NAME, len(said) - at)
        lengths = (n for n in range(longest, 0, -1) if _is_name(said[at : at + n], content))
        length = next(lengths, 0)
        found.update(range(at, at + length))
        at += length or 1
    return frozenset(found)


def _may_be_a_name(said: Sequence[str], at: int, named: frozenset[int]) -> bool:
    """No name that we know, and no word that stands beside one: a salt, a form, a number."""
    word = said[at]
    if at in named or not word.isalpha() or len(word) < SHORTEST_NAME:
        return False
    if any(word in known for known in (BESIDE_A_NAME, MEASURES, ON_THE_SKIN, IN_THE_BODY)):
        return False
    is_suffix = len(word) == MEANINGLESS_SUFFIX and at - 1 in named
    return not (is_suffix and said[at - 1].endswith(BIOLOGICAL))


def _holds_a_name(said: Sequence[str], content: Content) -> bool:
    """A name among these words; a strength, a measure or nothing at all stands for no part."""
    if not said or not said[0].isalpha() or said[0] in MEASURES:
        return True
    return any(
        _is_name(said[at : at + length], content)
        for at in range(len(said))
        for length in range(1, LONGEST_NAME + 1)
    )


def _is_name(said: Sequence[str], content: Content) -> bool:
    return " ".join(said) in content.medicine_names


def words(text: str) -> list[str]:
    """Lower-case words without accents; a hyphen parts words."""
    return _WORDS.findall(_plain(text))


def _plain(text: str) -> str:
    plain = text.translate(_LOOKALIKES).lower()
    if not plain.isascii():  # nearly every name is, and then nothing has an accent
        apart = unicodedata.normalize("NFKD", plain).lower()
        plain = "".join(c for c in apart if not unicodedata.combining(c))
    return plain


def _joined(
    found: Mapping[str, MedicineClasses], said: frozenset[str], *, is_whole: bool
) -> Understood:
    """A group is narrowed by an ingredient beside it that belongs to the group."""
    named = {c for classes in found.values() if not classes.possible for c in classes.sure}
    possible: set[str] = set()
    for classes in found.values():
        if not named & set(classes.sure) - {OTHER}:
            possible.update(classes.possible)
    ingredients = {
        name: tuple(c for c in _acting(classes.sure, said) if c != OTHER)
        for name, classes in found.items()
    }
    have = {c for classes in ingredients.values() for c in classes}
    left = frozenset(_acting(possible, said)) - have - {OTHER}
    return Understood(ingredients, left, is_whole=is_whole and bool(found))


def _acting(classes: Iterable[str], said: frozenset[str]) -> Iterator[str]:
    for name in classes:
        places, instead = ELSEWHERE.get(name, (frozenset(), name))
        yield instead if said & places and not said & IN_THE_BODY else name


def _by_code(pair: Pair, content: Content) -> Iterator[tuple[str, MedicineClasses]]:
    system, code = pair
    name = content.ingredients.get(pair)
    exact = content.medicine_codes.get(pair)
    if exact is None and name is not None:
        exact = content.medicine_names[name]
    sure = [] if exact is None else list(exact.sure)
    if sure == [OTHER]:
        # Named as no member of the class that its first letters would put it in.
        yield name or code, MedicineClasses((OTHER,))
        return
    is_exact = bool(sure)
    possible: list[str] = []
    for length in range(len(code), 0, -1):
        group = content.medicine_codes.get((system, f"{code[:length]}*"))
        if group is not None:
            sure.extend(group.sure)
            possible.extend(group.possible)
    if sure or possible:
        merged = tuple(dict.fromkeys(sure))
        yield name or code, MedicineClasses(merged, () if is_exact else tuple(possible))


def _by_name(text: str, content: Content) -> Iterator[tuple[str, MedicineClasses]]:
    """Whole words, the longest name first; a combination has several."""
    said = words(text)
    at = 0
    while at < len(said):
        for length in range(min(LONGEST_NAME, len(said) - at), 0, -1):
            name = " ".join(said[at : at + length])
            classes = content.medicine_names.get(name)
            if classes is not None and (at == 0 or not classes.only_first):
                yield name, classes
                at += length
                break
        else:
            at += 1
