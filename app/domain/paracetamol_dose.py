"""How much paracetamol is taken a day, by the list of medicines."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from app.domain.content import Content
from app.domain.doubt import Doubts
from app.domain.facts import Bounds, Fact, FactValue, SaidBy
from app.domain.medicine_list import WHOLE_LIST, Entry
from app.domain.opioid_dose import once

PARACETAMOL, DOSE, MG = "takes-paracetamol", "paracetamol-mg-per-day", "mg"
MOST = Decimal(50000)
UNKNOWN = "paracetamol dose unknown: "


def paracetamol_dose(
    listed: Iterable[Entry], content: Content, as_of: datetime, doubts: Doubts, *, is_whole: bool
) -> Iterator[Fact]:
    """Milligrams a day; at least what is known while the dose of one entry is missing.

    A request and a statement may tell of the same tablets, so between the larger and the sum.
    Nothing where the content does not ask: an older one, decided with again.
    """
    asked = content.inputs.get(DOSE)
    if asked is None:
        return
    known = tuple(listed)
    taken = once([e for e in known if e.is_taken and PARACETAMOL in e.what.classes])
    is_open = not is_whole or any(_may_be(e) for e in known)
    if not taken and is_open:
        return
    doses: dict[str, Decimal] = {}
    for entry in taken:
        dose = _milligrams(entry)
        if isinstance(dose, str):
            doubts.tell(entry.medicine.source, UNKNOWN + dose)
            is_open = True
            continue
        kind = entry.medicine.source.partition("/")[0]
        doses[kind] = doses.get(kind, Decimal(0)) + dose
    low = max(doses.values(), default=Decimal(0))
    high = sum(doses.values(), Decimal(0))
    if is_open:
        high = asked.high or MOST
        if not low:
            return
    value: FactValue = low if low == high else Bounds(low, high)
    source = taken[-1].medicine.source if taken else WHOLE_LIST
    yield Fact(DOSE, value, as_of, SaidBy.CLINICIAN, source)


def _may_be(entry: Entry) -> bool:
    if entry.is_taken:
        return PARACETAMOL in entry.what.possible
    return entry.may_be_taken and PARACETAMOL in entry.what.classes | entry.what.possible


def _milligrams(entry: Entry) -> Decimal | str:
    """Milligrams a day, or what is missing."""
    medicine = entry.medicine
    if set(entry.what.ingredients.values()) != {(PARACETAMOL,)}:
        return "the dose of a combination does not say how much of it is paracetamol"
    if medicine.daily_dose is None or medicine.dose_unit != MG:
        return "no daily dose in mg that can be computed"
    return medicine.daily_dose
