"""What a review is about, worked out once for all of its orders: the patient, the drafts, the plan.

More drafts than anybody signs at once are not looked at: each of them is named, and the list of
medicines is no longer known to be whole, because one of them might belong to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from app.domain.content import Content
from app.domain.facts import CodedCondition, Fact, FactValue, Record, SaidBy
from app.domain.medicine_list import MEDICINES, Entry, entries
from app.domain.opioid_dose import OPIOID
from app.domain.orders.meaning import is_understood, names_low_back_pain, what_is_ordered
from app.domain.orders.taking import at_least, entry_of
from app.domain.orders.types import Order, PlanOnRecord
from app.domain.period import whole_weeks
from app.domain.record_codes import CONDITION, Problems, problems_of, with_lists

MOST_ORDERS = 60
OPIOID_BEFORE = "opioid-within-90-days"
QUESTIONNAIRE = "QuestionnaireResponse/"
MECHANISMS = frozenset({"nociceptive", "neuropathic", "nociplastic", "mixed"})


class Setting(NamedTuple):
    """The same for each order. ``drafts`` are the orders, each with its medicine, if it has one.

    ``listed`` is the list of medicines as understood, ``problems`` the rest of the record;
    ``facts`` is what is known besides the record;
    ``left_out`` are the references of orders that are not looked at.
    """

    drafts: tuple[tuple[Order, Entry | None], ...]
    left_out: tuple[str, ...]
    record: Record
    listed: tuple[Entry, ...]
    problems: Problems
    facts: tuple[Fact, ...]
    content: Content
    as_of: datetime
    guideline_profile: str
    plan: PlanOnRecord | None

    def entry(self, order: Order | None) -> Entry | None:
        """The medicine of one of the drafts; None where it orders none."""
        return next((entry for other, entry in self.drafts if other is order), None)

    def beside(self, order: Order | None) -> tuple[Entry, ...]:
        """The other drafts of medicines, selected or not, as if they were taken."""
        return tuple(
            entry
            for other, entry in self.drafts
            if entry is not None and other is not order and not other.stops
        )


def setting(  # noqa: PLR0913  (all that a review depends on)
    orders: Sequence[Order],
    record: Record,
    content: Content,
    *,
    as_of: datetime,
    guideline_profile: str,
    plan: PlanOnRecord | None,
) -> Setting:
    """Where there are too many: the selected first, of them those that a rule is about."""
    considered, left_out = tuple(orders), tuple[str, ...]()
    if len(orders) > MOST_ORDERS:
        by_turn = sorted(orders, key=lambda order: (not order.is_selected, _turn(order, content)))
        considered = tuple(by_turn[:MOST_ORDERS])
        left_out = tuple(order.reference for order in by_turn[MOST_ORDERS:])
        record = replace(record, complete=record.complete - {MEDICINES})
    listed, problems = entries(record, content), problems_of(record, content, as_of)
    stated = with_lists(problems, record, listed, content, as_of).facts
    facts = (
        Fact("guideline-profile", guideline_profile, as_of, SaidBy.CLINICIAN, "Parameters"),
        *_of_problems(record, content, as_of),
        *_of_plan(record, plan, as_of),
        *_of_opioids(stated),
        *_opioid_weeks(listed, as_of),
    )
    return Setting(
        drafts=tuple((order, entry_of(order, content)) for order in considered),
        left_out=left_out,
        record=record,
        listed=listed,
        problems=problems,
        facts=facts,
        content=content,
        as_of=as_of,
        guideline_profile=guideline_profile,
        plan=plan,
    )


def _turn(order: Order, content: Content) -> int:
    """What is known to be of a kind comes before what may be, and that before what is not."""
    said = dict(what_is_ordered(order, content))
    known = (*content.orders.kinds, *content.orders.classes.values())
    if any(said.get(name) is True for name in known):
        return 0
    return 1 if any(name not in said for name in known) else 2


def _of_problems(record: Record, content: Content, as_of: datetime) -> Iterator[Fact]:
    """An active problem of the low back; none on a list that is whole and understood."""
    current: list[CodedCondition] = [c for c in record.conditions if c.current]
    named = [c for c in current if names_low_back_pain(c.system_codes, content)]
    is_whole = CONDITION in record.complete
    name, by = "low-back-pain-is-active", SaidBy.CLINICIAN
    value: FactValue = bool(named)
    if named:
        yield Fact(name, value, as_of, by, named[0].source)
    elif is_whole and all(is_understood(c.system_codes, content) for c in current):
        yield Fact(name, value, as_of, by, f"{CONDITION} (complete list)")


def _of_plan(record: Record, plan: PlanOnRecord | None, as_of: datetime) -> Iterator[Fact]:
    """A plan and an intake that are on record, at their time; none is known to be none."""
    answered = [f.at for f in record.facts if f.source.startswith(QUESTIONNAIRE) and f.at <= as_of]
    latest = max(answered, default=None)
    made = None if plan is None else min(plan.as_of, as_of)
    has_mechanism = plan is not None and plan.mechanism in MECHANISMS
    by = SaidBy.CLINICIAN
    yield Fact("intake-on-record", latest is not None, latest or as_of, by, "Patient")
    yield Fact("plan-on-record", made is not None, made or as_of, by, "CarePlan")
    yield Fact("mechanism-on-record", has_mechanism, as_of, by, "CarePlan")


def _of_opioids(said: Sequence[Fact]) -> Iterator[Fact]:
    """Whether an opioid was taken within 90 days, the one that an order renews included."""
    about = [f for f in said if f.input in (OPIOID, OPIOID_BEFORE)]
    had = next((f for f in about if f.value is True), None)
    if had is not None:
        yield had._replace(input="had-opioid")
    elif len({f.input for f in about}) == len((OPIOID, OPIOID_BEFORE)):
        yield about[0]._replace(input="had-opioid")


def _opioid_weeks(listed: Sequence[Entry], as_of: datetime) -> Iterator[Fact]:
    """For how long at least the opioid that is taken has been taken."""
    taken = [e.medicine for e in listed if e.is_taken and OPIOID in e.what.classes]
    began = {m.began: m.source for m in taken if m.began is not None}
    if began:
        first = min(began)
        weeks = at_least(whole_weeks(first, as_of))
        yield Fact("opioid-taken-weeks", weeks, as_of, SaidBy.CLINICIAN, began[first])
