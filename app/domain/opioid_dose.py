"""Morphine equivalents a day by the factors of CDC 2022, or why they cannot be computed.

The figure weighs a risk and is never used to change from one opioid to another.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from app.domain.content import Content
from app.domain.doubt import Doubts
from app.domain.facts import Bounds, CodedMedicine, Fact, FactValue, SaidBy
from app.domain.medicine_list import WHOLE_LIST, Entry
from app.domain.period import whole_weeks

OPIOID, DOSE = "takes-opioid", "mme-per-day"
WEEKS = "opioid-weeks-on-list"
# Either may be the treatment of an opioid use disorder, which is no long-term opioid for pain.
TREATS = frozenset({"takes-buprenorphine", "takes-methadone"})
MOST = Decimal(5000)
UNKNOWN = "opioid dose unknown: "


def opioid_dose(
    listed: Iterable[Entry], content: Content, as_of: datetime, doubts: Doubts, *, is_whole: bool
) -> Iterator[Fact]:
    """Nothing on a whole list without opioids; at least what is known while a part is missing."""
    known = tuple(listed)
    opioids = once([e for e in known if e.is_taken and OPIOID in e.what.classes])
    is_open = not is_whole or any(_may_be_opioid(e) for e in known)
    if not opioids and is_open:
        return
    doses: dict[str, dict[str, Decimal]] = {}
    for entry in opioids:
        dose = _equivalents(entry, content)
        if isinstance(dose, str):
            doubts.tell(entry.medicine.source, UNKNOWN + dose)
            is_open = True
            continue
        kind = entry.medicine.source.partition("/")[0]
        sums = doses.setdefault(_opioid(entry), {})
        sums[kind] = sums.get(kind, Decimal(0)) + dose
    # A request and a statement of one opioid may tell of the same tablets.
    low = sum((max(sums.values()) for sums in doses.values()), Decimal(0))
    high = sum((sum(sums.values(), Decimal(0)) for sums in doses.values()), Decimal(0))
    if is_open:
        high = content.inputs[DOSE].high or MOST
        if not low:
            return
    value: FactValue = low if low == high else Bounds(low, high)
    source = opioids[-1].medicine.source if opioids else WHOLE_LIST
    yield Fact(DOSE, value, as_of, SaidBy.CLINICIAN, source)


def opioid_weeks(listed: Iterable[Entry], content: Content, as_of: datetime) -> Iterator[Fact]:
    """For how long at least: an earlier prescription may not stand on the list any more.

    Nothing where the content does not ask: an older one, decided with again.
    """
    known = content.inputs.get(WEEKS)
    if known is None or known.high is None:
        return
    taken = (e.medicine for e in listed if e.is_taken and _is_for_pain(e))
    begun = [(m.began, m.source) for m in taken if m.began is not None]
    if begun:
        first, source = min(begun)
        weeks = Bounds(Decimal(whole_weeks(first, as_of)), known.high)
        yield Fact(WEEKS, weeks, as_of, SaidBy.CLINICIAN, source)


def _is_for_pain(entry: Entry) -> bool:
    what = entry.what
    return OPIOID in what.classes and not TREATS & (what.classes | what.possible)


def _may_be_opioid(entry: Entry) -> bool:
    if entry.is_taken:
        return OPIOID in entry.what.possible
    return entry.may_be_taken and OPIOID in entry.what.classes | entry.what.possible


def once(opioids: list[Entry]) -> list[Entry]:
    """A renewal counts once: what another entry replaces, or what had ended when it began."""
    by_source = {e.medicine.source: e for e in opioids}
    listed = [entry for _, entry in sorted(by_source.items())]
    kept = [e for e in listed if not any(stands_for(other, e) for other in listed)]
    return kept or listed  # entries that name each other: better twice than not at all


def stands_for(other: Entry, entry: Entry) -> bool:
    """Whether ``other`` tells of the same tablets, or began when those of ``entry`` had ended."""
    if other is entry or other.what.ingredients.keys() != entry.what.ingredients.keys():
        return False
    ended, begins = entry.medicine.ended, other.medicine.began or other.medicine.at
    is_over = ended is not None and ended <= begins
    return is_over or entry.medicine.source in other.medicine.replaces


def _opioid(entry: Entry) -> str:
    return min(name for name, classes in entry.what.ingredients.items() if OPIOID in classes)


def _equivalents(entry: Entry, content: Content) -> Decimal | str:
    """Morphine equivalents in mg a day, or what is missing."""
    medicine: CodedMedicine = entry.medicine
    if len(entry.what.ingredients) > 1:
        return "the dose of a combination does not say how much of the opioid"
    factor = content.opioid_factors.get(_opioid(entry))
    if factor is None:
        return "no factor for this opioid"
    if medicine.daily_dose is None:
        return "no daily dose that can be computed of this opioid"
    if medicine.dose_unit != factor.unit:
        return f"its factor is for {factor.unit}, its dose is in {medicine.dose_unit}"
    return factor.factor * medicine.daily_dose
