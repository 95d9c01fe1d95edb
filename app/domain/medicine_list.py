"""What the lists of medicines and allergies say: classes taken, stopped, counted, and doses."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from app.domain.content import Content
from app.domain.facts import Bounds, CodedMedicine, Fact, NotUsed, Record, SaidBy
from app.domain.medicines import classes_of

MEDICINES, ALLERGIES = "MedicationRequest", "AllergyIntolerance"
OPIOID, DOSE = "takes-opioid", "mme-per-day"
NOT_KNOWN = "a medicine that matches nothing we know: it rules nothing out"


def of_medicines(
    record: Record, content: Content, as_of: datetime, unclear: dict[str, list[NotUsed]]
) -> Iterator[Fact]:
    """A class that is seen is taken, whatever else is on the list."""
    known: list[tuple[CodedMedicine, tuple[str, ...]]] = []
    unclear[MEDICINES] = []
    for medicine in record.medicines:
        classes = classes_of(medicine, content)
        known.append((medicine, classes))
        if medicine.current and not classes:
            unclear[MEDICINES].append(NotUsed(medicine.source, NOT_KNOWN))
    for medicine, classes in known:
        for name in classes:
            if medicine.current and name in content.inputs:
                yield Fact(name, True, as_of, SaidBy.CLINICIAN, medicine.source)  # noqa: FBT003
    yield from _stopped(known, content, as_of)
    is_whole = MEDICINES in record.complete and not unclear[MEDICINES]
    current = [(m, classes) for m, classes in known if m.current]
    yield from _counted(current, content, as_of, is_whole=is_whole)
    yield from _dose(current, content, as_of, unclear[MEDICINES], is_whole=is_whole)


def _stopped(
    known: list[tuple[CodedMedicine, tuple[str, ...]]], content: Content, as_of: datetime
) -> Iterator[Fact]:
    """What was stopped a short while ago still acts."""
    for name, about in content.inputs.items():
        if about.stopped_within is None:
            continue
        edge = about.stopped_within.earliest(as_of)
        for medicine, classes in known:
            if not medicine.current and about.stopped in classes and medicine.at >= edge:
                yield Fact(name, True, as_of, SaidBy.CLINICIAN, medicine.source)  # noqa: FBT003


def _counted(
    current: list[tuple[CodedMedicine, tuple[str, ...]]],
    content: Content,
    as_of: datetime,
    *,
    is_whole: bool,
) -> Iterator[Fact]:
    """How many medicines of some classes; at least so many while the list is not known whole."""
    for name, about in content.inputs.items():
        if not about.counts:
            continue
        counted = {m.source: m for m, classes in current if set(about.counts) & set(classes)}
        source = max(counted) if counted else f"{MEDICINES} (complete list)"
        if is_whole:
            yield Fact(name, len(counted), as_of, SaidBy.CLINICIAN, source)
        elif counted:
            most = about.high if about.high is not None else Decimal(100)
            bounds = Bounds(Decimal(len(counted)), most)
            yield Fact(name, bounds, as_of, SaidBy.CLINICIAN, source)


def _dose(
    current: list[tuple[CodedMedicine, tuple[str, ...]]],
    content: Content,
    as_of: datetime,
    unclear: list[NotUsed],
    *,
    is_whole: bool,
) -> Iterator[Fact]:
    """Morphine equivalents a day (CDC 2022); unknown while one factor or dose is missing."""
    by_source = {m.source: m for m, classes in current if OPIOID in classes}
    opioids = [by_source[source] for source in sorted(by_source)]
    if not opioids:
        if is_whole:
            source = f"{MEDICINES} (complete list)"
            yield Fact(DOSE, Decimal(0), as_of, SaidBy.CLINICIAN, source)
        return
    total = Decimal(0)
    missing = False
    for medicine in opioids:
        factor = _factor(medicine, content)
        if factor is None or medicine.daily_dose is None:
            what = "no factor for" if factor is None else "no daily dose that can be computed of"
            unclear_dose = NotUsed(medicine.source, f"opioid dose unknown: {what} this opioid")
            unclear.append(unclear_dose)
            missing = True
            continue
        total += factor * medicine.daily_dose
    if missing:
        most = content.inputs[DOSE].high or Decimal(5000)
        if total:
            bounds = Bounds(total, most)
            yield Fact(DOSE, bounds, as_of, SaidBy.CLINICIAN, opioids[-1].source)
        return
    yield Fact(DOSE, total, as_of, SaidBy.CLINICIAN, opioids[-1].source)


def _factor(medicine: CodedMedicine, content: Content) -> Decimal | None:
    """By the ingredient's name in the text; never for conversion between opioids."""
    words = medicine.text.lower().split()
    for name, factor in content.opioid_factors.items():
        if name in words:
            return factor
    return None


def of_allergies(
    record: Record, content: Content, as_of: datetime, unclear: dict[str, list[NotUsed]]
) -> Iterator[Fact]:
    """An allergy to one member counts for its class."""
    unclear[ALLERGIES] = []
    for allergy in record.allergies:
        classes = set(classes_of(allergy, content))
        if not classes:
            if allergy.is_to_medicine:
                unclear[ALLERGIES].append(NotUsed(allergy.source, NOT_KNOWN))
            continue
        for name, about in content.inputs.items():
            if classes & set(about.allergy_to):
                yield Fact(name, True, as_of, SaidBy.CLINICIAN, allergy.source)  # noqa: FBT003
