"""Where each statement about the patient stands: which fact decides it, or why none does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Choice, Finding, Input, Reading, Test, ValueType
from app.domain.content_tables import Plain
from app.domain.facts import Bounds, Fact, FactValue, NotUsed, SaidBy
from app.domain.period import Period, whole_weeks
from app.domain.truth import FALSE, TRUE, UNKNOWN, Truth

ASSESSED = "red-flag-assessed"
# By these names: looking a member up in its Enum costs several times as much.
LATEST, GATE, SCORED, RECORD = Choice.LATEST, Choice.GATE, Choice.SCORED, Choice.RECORD
NUMBERS = (int, Decimal)
CLINICIAN, PATIENT = SaidBy.CLINICIAN, SaidBy.PATIENT


class Standing(NamedTuple):
    """The truth of one slot and the fact that decided it (none while unknown and never said)."""

    truth: Truth
    fact: Fact | None = None


@dataclass(frozen=True, slots=True)
class Standings:
    """Every slot that some fact speaks to; a slot that is not here is unknown."""

    by_slot: Mapping[int, Standing]
    facts: Mapping[str, Sequence[Fact]]
    conflicts: tuple[str, ...]
    not_used: tuple[NotUsed, ...]

    def truth(self, slot: int) -> Truth:
        """Unknown is the answer for everything that was never said."""
        standing = self.by_slot.get(slot)
        return UNKNOWN if standing is None else standing.truth


@dataclass(slots=True)
class _Scales:
    """The edges of time for one instant of evaluation, worked out once."""

    as_of: datetime
    assessed: Mapping[str, datetime]
    home: Mapping[str, tuple[str, ...]]
    edges: dict[Period, datetime]

    def is_within(self, at: datetime, period: Period) -> bool:
        edge = self.edges.get(period)
        if edge is None:
            edge = self.edges[period] = period.earliest(self.as_of)
        return at >= edge


def stand(facts: Iterable[Fact], content: Content, as_of: datetime) -> Standings:
    """Choose the fact that counts for every statement (contract §2, ``phenotyping.md`` §5).

    What lies after ``as_of`` is not used and listed.
    """
    grouped, not_used = _up_to(facts, as_of)
    assessed = grouped.get(ASSESSED, ())
    others = {f.source for f in assessed if f.said_by is not CLINICIAN}
    if others:
        not_used += tuple(
            NotUsed(source, "only a clinician can say that a red flag was assessed")
            for source in sorted(others)
        )
    assessments = _assessments(f for f in assessed if f.said_by is CLINICIAN)
    scales = _Scales(as_of, assessments, content.home_flags, {})
    by_slot: dict[int, Standing] = {}
    conflicts: list[str] = []
    plain = content.tables.plain
    for name, about in grouped.items():
        known = content.inputs.get(name)
        if known is None:
            continue
        if len(about) == 1 and name in plain and _plainly(plain[name], about[0], scales, by_slot):
            continue
        if len(about) > 1 and _disagree(known, about):
            conflicts.append(name)
        by_slot.update(_standings(known, content.readings.get(name, ()), about, scales))
    return Standings(by_slot, grouped, tuple(sorted(conflicts)), not_used)


def _up_to(
    facts: Iterable[Fact], as_of: datetime
) -> tuple[dict[str, list[Fact]], tuple[NotUsed, ...]]:
    """What is known by then, by input and in the order of time; and what came later."""
    grouped: dict[str, list[Fact]] = {}
    late: set[str] = set()
    for fact in facts:
        if fact.at > as_of:
            late.add(fact.source)
        elif fact.input in grouped:
            grouped[fact.input].append(fact)
        else:
            grouped[fact.input] = [fact]
    for about in grouped.values():
        if len(about) > 1:
            about.sort(key=_order)
    return grouped, tuple([NotUsed(source, "effective after asOf") for source in sorted(late)])


def _plainly(plain: Plain, fact: Fact, scales: _Scales, by_slot: dict[int, Standing]) -> bool:
    """The only answer to an input, where it says all that its statements ask; False if not."""
    value = fact.value
    settled = plain.yes if value is True else plain.no if value is False else None
    if settled is None:
        return False
    holding, failing = settled
    if plain.known_for is not None and not scales.is_within(fact.at, plain.known_for):
        by_slot.update(dict.fromkeys((*holding, *failing), Standing(UNKNOWN, fact)))
        return True
    if holding:
        yes = Standing(TRUE, fact)
        for slot in holding:
            by_slot[slot] = yes
    if failing:
        no = Standing(FALSE, fact)
        for slot in failing:
            by_slot[slot] = no
    return True


def _order(fact: Fact) -> tuple[datetime, str, str, str]:
    return (fact.at, fact.source, fact.said_by.value, str(fact.value))


def _assessments(facts: Iterable[Fact]) -> dict[str, datetime]:
    latest: dict[str, datetime] = {}
    for fact in facts:
        flag = str(fact.value)
        if flag not in latest or fact.at > latest[flag]:
            latest[flag] = fact.at
    return latest


def _disagree(known: Input, about: Sequence[Fact]) -> bool:
    """Two values at the latest instant by the same kind of author."""
    if known.repeats or known.choice is RECORD:
        return False
    latest = about[-1].at
    values = {(f.said_by, f.value) for f in about if f.at == latest}
    return len(values) > len({said_by for said_by, _ in values})


def _standings(
    known: Input, readings: Sequence[Reading], about: Sequence[Fact], scales: _Scales
) -> Iterable[tuple[int, Standing]]:
    """Every statement about one input."""
    if known.choice is LATEST and known.repeats:
        return [(r.slot, _any_of(known, r.finding, about, scales)) for r in readings]
    if known.choice is LATEST:
        return _latest(known, readings, about, scales)
    if known.choice is GATE and _all_said_no(known, about):
        no = _negative(known, about[-1], scales)
        return [(r.slot, no) for r in readings]
    if known.choice is GATE:
        return [(r.slot, _gate(known, r, about, scales)) for r in readings]
    if known.choice is SCORED:
        return [(r.slot, _scored(known, r, about, scales)) for r in readings]
    return [(r.slot, _record(known, r, about, scales)) for r in readings]


def _latest(
    known: Input, readings: Sequence[Reading], about: Sequence[Fact], scales: _Scales
) -> Iterable[tuple[int, Standing]]:
    fact = _current(about)
    is_stale = known.known_for is not None and not scales.is_within(fact.at, known.known_for)
    if is_stale or (len(about) > 1 and _contradicted(fact, about)):
        unknown = Standing(UNKNOWN, fact)
        return [(r.slot, unknown) for r in readings]
    return [(r.slot, Standing(_holds(known, r.finding, fact, scales), fact)) for r in readings]


def _current(about: Sequence[Fact]) -> Fact:
    """The latest; on its day the clinician's answer beats the patient's."""
    last = about[-1]
    if len(about) == 1 or last.said_by is CLINICIAN:
        return last
    day = last.at.date()
    for fact in reversed(about):
        if fact.at.date() != day:
            break
        if fact.said_by is CLINICIAN:
            return fact
    return last


def _contradicted(fact: Fact, about: Sequence[Fact]) -> bool:
    return any(
        other.at == fact.at and other.said_by is fact.said_by and other.value != fact.value
        for other in about
    )


def _any_of(known: Input, finding: Finding, about: Sequence[Fact], scales: _Scales) -> Standing:
    for fact in reversed(about):
        if _holds(known, finding, fact, scales) is TRUE:
            return Standing(TRUE, fact)
    return Standing(UNKNOWN, about[-1])


def _gate(known: Input, reading: Reading, about: Sequence[Fact], scales: _Scales) -> Standing:
    """A positive acts until it was assessed or a clinician said no later; a no goes stale."""
    finding = reading.finding
    acting = _acting_positive(known, finding, about, scales)
    if acting is not None:
        cleared_at = _cleared_at(acting, known, reading, scales)
        if cleared_at is not None:
            return _cleared(known, acting, about[-1], cleared_at, scales)
        return Standing(_in_window(finding, acting, scales), acting)
    last = about[-1]
    if known.known_for is not None and not scales.is_within(last.at, known.known_for):
        return Standing(UNKNOWN, last)
    # A positive that does not act was taken back, or is not the word that the finding is about.
    truth = _compare(known, finding.test, last, scales.as_of)
    return Standing(FALSE if truth is TRUE else truth, last)


def _cleared(
    known: Input, positive: Fact, last: Fact, cleared_at: datetime, scales: _Scales
) -> Standing:
    """Known from the assessment on, or from a later no; like every no it goes stale."""
    fact, at = (last, last.at) if last.at > cleared_at else (positive, cleared_at)
    if known.known_for is not None and not scales.is_within(at, known.known_for):
        return Standing(UNKNOWN, fact)
    return Standing(FALSE, fact)


def _all_said_no(known: Input, about: Sequence[Fact]) -> bool:
    """Then every statement about this input is false, or has gone stale: no need to ask each."""
    return known.value_type is ValueType.BOOLEAN and not any(fact.value is True for fact in about)


def _negative(known: Input, last: Fact, scales: _Scales) -> Standing:
    is_stale = known.known_for is not None and not scales.is_within(last.at, known.known_for)
    return Standing(UNKNOWN if is_stale else FALSE, last)


def _acting_positive(
    known: Input, finding: Finding, about: Sequence[Fact], scales: _Scales
) -> Fact | None:
    for fact in reversed(about):
        if finding.said_by and fact.said_by.value != finding.said_by:
            continue
        if _compare(known, finding.test, fact, scales.as_of) is not TRUE:
            continue
        if not _taken_back(known, finding, fact, about, scales):
            return fact
    return None


def _taken_back(
    known: Input, finding: Finding, positive: Fact, about: Sequence[Fact], scales: _Scales
) -> bool:
    for other in about:
        if other.said_by is not CLINICIAN:
            continue
        if _compare(known, finding.test, other, scales.as_of) is not FALSE:
            continue
        if other.at > positive.latest:
            return True
        same_day = other.at.date() == positive.at.date()
        if same_day and positive.said_by is PATIENT:
            return True
    return False


def _cleared_at(fact: Fact, known: Input, reading: Reading, scales: _Scales) -> datetime | None:
    """When the flag was assessed after this positive; outside a flag's rules, its home flags.

    There a lasting risk (osteoporosis, an earlier cancer) stays what it is: that a fracture was
    excluded then does not make the bone strong, nor does it answer for a fall of today.
    """
    if known.lasting and not reading.flag:
        return None
    flags = (reading.flag,) if reading.flag else scales.home.get(known.name, ())
    times = [scales.assessed[f] for f in flags if f in scales.assessed]
    later = [at for at in times if at > fact.latest]
    return max(later) if later and len(later) == len(flags) else None


def _scored(known: Input, reading: Reading, about: Sequence[Fact], scales: _Scales) -> Standing:
    """The latest score decides; of one instant the highest does; only an assessment clears."""
    finding = reading.finding
    latest_at = about[-1].at
    if finding.earlier:
        return _scored_earlier(known, reading, about, scales)
    latest = max((f for f in about if f.at == latest_at), key=_number)
    truth = _compare(known, finding.test, latest, scales.as_of)
    if truth is TRUE and _cleared_at(latest, known, reading, scales) is not None:
        return Standing(FALSE, latest)
    if truth is TRUE:
        return Standing(_in_window(finding, latest, scales), latest)
    is_negative = truth is FALSE and _number(latest) == 0
    if is_negative and known.known_for and not scales.is_within(latest.at, known.known_for):
        return Standing(UNKNOWN, latest)
    return Standing(truth, latest)


def _scored_earlier(
    known: Input, reading: Reading, about: Sequence[Fact], scales: _Scales
) -> Standing:
    latest_at = about[-1].at
    for fact in reversed(about):
        if fact.at == latest_at:
            continue
        if _compare(known, reading.finding.test, fact, scales.as_of) is not TRUE:
            continue
        if _cleared_at(fact, known, reading, scales) is None:
            return Standing(TRUE, fact)
    return Standing(FALSE, about[-1])


def _number(fact: Fact) -> Decimal:
    value = fact.value
    if isinstance(value, Bounds):
        return value.high
    return Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)


def _record(known: Input, reading: Reading, about: Sequence[Fact], scales: _Scales) -> Standing:
    """An entry stands as long as it is there; what is not listed says nothing."""
    for fact in reversed(about):
        if _compare(known, reading.finding.test, fact, scales.as_of) is not TRUE:
            continue
        if reading.flag and _cleared_at(fact, known, reading, scales) is not None:
            return Standing(FALSE, fact)
        return Standing(_in_window(reading.finding, fact, scales), fact)
    return Standing(FALSE, about[-1])


def _holds(known: Input, finding: Finding, fact: Fact, scales: _Scales) -> Truth:
    if finding.said_by and fact.said_by.value != finding.said_by:
        return FALSE
    truth = _compare(known, finding.test, fact, scales.as_of)
    return _in_window(finding, fact, scales) if truth is TRUE else truth


def _in_window(finding: Finding, fact: Fact, scales: _Scales) -> Truth:
    if finding.within is not None and not scales.is_within(fact.latest, finding.within):
        return FALSE
    if finding.older_than is not None and scales.is_within(fact.latest, finding.older_than):
        return FALSE
    return TRUE


def _compare(known: Input, test: Test, fact: Fact, as_of: datetime) -> Truth:
    value = fact.value
    if known.grows and isinstance(value, int):
        value += whole_weeks(fact.at, as_of)
    return compare(test, value)


def compare(test: Test, value: FactValue) -> Truth:
    """Whether a value makes a statement true; between bounds only when both ends agree."""
    if isinstance(value, bool):
        return TRUE if value is test.is_value else FALSE
    if isinstance(value, NUMBERS):
        return _compared(test, value)
    if isinstance(value, Bounds):
        low, high = compare(test, value.low), compare(test, value.high)
        return low if low is high else UNKNOWN
    if isinstance(value, str):
        return TRUE if value in test.any_code else FALSE
    return UNKNOWN


def _compared(test: Test, number: int | Decimal) -> Truth:
    if test.at_least is not None:
        return TRUE if number >= test.at_least else FALSE
    if test.at_most is not None:
        return TRUE if number <= test.at_most else FALSE
    if test.below is not None:
        return TRUE if number < test.below else FALSE
    if test.above is not None:
        return TRUE if number > test.above else FALSE
    return UNKNOWN
