"""From measurements: body mass index, creatinine clearance (Cockcroft-Gault 1976), severity."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from app.domain.content import Content
from app.domain.facts import Bounds, Fact, SaidBy

WEIGHT, HEIGHT, BMI = "weight-kg", "height-cm", "bmi"
CREATININE, EGFR, CLEARANCE = "creatinine", "egfr", "creatinine-clearance"
AGE, GENDER = "age-years", "gender"
WPI, SSS, SEVERITY = "wpi", "sss", "fs-total"
READ = frozenset({WEIGHT, HEIGHT, BMI, CREATININE, EGFR, AGE, GENDER, WPI, SSS, SEVERITY})
OBESE = Decimal(30)
TENTH = Decimal("0.1")


def measured(facts: Iterable[Fact], content: Content, as_of: datetime) -> Iterator[Fact]:
    """From the newest value of each, as long as it still counts."""
    known = newest((f for f in facts if f.input in READ), content, as_of)
    if not known:
        return
    weight, height = _number(known, WEIGHT), _number(known, HEIGHT)
    bmi = _number(known, BMI)
    if bmi is None and weight is not None and height is not None:
        bmi = _plausible(BMI, weight / (height / 100) ** 2, content)
        if bmi is not None:
            yield _worked_out(BMI, bmi, known[WEIGHT])
    worked_out = _clearance(known, weight, height, bmi)
    clearance = None if worked_out is None else _plausible(CLEARANCE, worked_out, content)
    if clearance is not None and not _is_overtaken(clearance, known):
        yield _worked_out(CLEARANCE, clearance, known[CREATININE])
    elif EGFR in known:
        stands_in = _number(known, EGFR)
        if stands_in is not None:
            yield _worked_out(CLEARANCE, stands_in, known[EGFR])
    severity = _severity(known)
    if severity is not None:
        yield severity


def _is_overtaken(clearance: Decimal, newest: dict[str, Fact]) -> bool:
    """By a lower eGFR of a later day: kidneys that failed since are not told well by old blood."""
    egfr = _number(newest, EGFR)
    if egfr is None or egfr >= clearance:
        return False
    return newest[EGFR].at.date() > newest[CREATININE].at.date()


def _severity(newest: dict[str, Fact]) -> Fact | None:
    """Fibromyalgia severity: the Widespread Pain Index plus the Symptom Severity Scale of a day."""
    index, scale = _number(newest, WPI), _number(newest, SSS)
    if SEVERITY in newest or index is None or scale is None:
        return None
    if newest[WPI].at.date() != newest[SSS].at.date():
        return None
    return newest[WPI]._replace(input=SEVERITY, value=index + scale)


def _worked_out(name: str, value: Decimal, source: Fact) -> Fact:
    return Fact(name, value, source.at, SaidBy.CLINICIAN, source.source, source.preliminary)


def newest(facts: Iterable[Fact], content: Content, as_of: datetime) -> dict[str, Fact]:
    """Of each measurement the newest that still counts; two at one time that differ count not."""
    found: dict[str, Fact] = {}
    conflicts: set[str] = set()
    for fact in facts:
        known_for = content.inputs[fact.input].known_for
        if fact.at > as_of or (known_for is not None and fact.at < known_for.earliest(as_of)):
            continue
        before = found.get(fact.input)
        if before is None or fact.at > before.at:
            found[fact.input] = fact
            conflicts.discard(fact.input)
        elif fact.at == before.at and fact.value != before.value:
            conflicts.add(fact.input)
    return {name: fact for name, fact in found.items() if name not in conflicts}


def _number(newest: dict[str, Fact], name: str) -> Decimal | None:
    fact = newest.get(name)
    if fact is None or isinstance(fact.value, bool | Bounds):
        return None
    return Decimal(fact.value) if isinstance(fact.value, int | Decimal) else None


def _clearance(
    newest: dict[str, Fact], weight: Decimal | None, height: Decimal | None, bmi: Decimal | None
) -> Decimal | None:
    """mL/min; with a BMI of 30 or more the adjusted weight, which needs the height."""
    creatinine, age = _number(newest, CREATININE), _number(newest, AGE)
    gender = newest[GENDER].value if GENDER in newest else None
    if creatinine is None or not creatinine or age is None or weight is None or bmi is None:
        return None
    if gender not in ("male", "female"):
        return None
    is_female = gender == "female"
    if bmi >= OBESE:
        if height is None:
            return None
        weight = _adjusted(weight, height, is_female=is_female)
    return (140 - age) * weight / (72 * creatinine) * (Decimal("0.85") if is_female else 1)


def _plausible(name: str, value: Decimal, content: Content) -> Decimal | None:
    """To a tenth; None outside the range of its input: then a value it comes from is wrong."""
    known = content.inputs[name]
    too_low = known.low is not None and value < known.low
    too_high = known.high is not None and value > known.high
    return None if too_low or too_high else value.quantize(TENTH)


def _adjusted(weight: Decimal, height: Decimal, *, is_female: bool) -> Decimal:
    """Ideal weight (Devine 1974) and four tenths of what lies above it, in kg."""
    inches = height / Decimal("2.54") - 60
    ideal = (Decimal("45.5") if is_female else Decimal(50)) + Decimal("2.3") * inches
    return ideal + Decimal("0.4") * (weight - ideal)
