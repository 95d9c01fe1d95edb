"""The patient together with one order: the facts of both, and where every rule stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.content import Content
from app.domain.facts import CodedCondition, Fact, FactValue, Record, SaidBy
from app.domain.medicine_list import Entry, entries
from app.domain.orders.meaning import (
    is_understood,
    names_low_back_pain,
    what_is_ordered,
    why_ordered,
)
from app.domain.orders.taking import entry_of, taking, what_changes, with_the_order
from app.domain.orders.types import Order, PlanOnRecord
from app.domain.record_codes import CONDITION, facts_of_record
from app.domain.standing import Standings, stand
from app.domain.worlds import Worlds, evaluate

OPIOID_NOW, OPIOID_BEFORE = "takes-opioid", "opioid-within-90-days"
ORDER = "order"
QUESTIONNAIRE = "QuestionnaireResponse/"
MECHANISMS = frozenset({"nociceptive", "neuropathic", "nociplastic", "mixed"})


@dataclass(frozen=True, slots=True)
class Setting:
    """What a review is about, the same for each of its orders."""

    orders: tuple[Order, ...]
    record: Record
    content: Content
    hook: str
    as_of: datetime
    guideline_profile: str
    plan: PlanOnRecord | None


@dataclass(frozen=True, slots=True)
class Situation:
    """``order`` is None in patient-view."""

    setting: Setting
    order: Order | None
    standings: Standings
    worlds: Worlds

    @property
    def content(self) -> Content:
        """What is known of medicine."""
        return self.setting.content


def situation(order: Order | None, setting: Setting) -> Situation:
    """Stand the facts of the patient and of one order, and evaluate all rules."""
    content, as_of, record = setting.content, setting.as_of, setting.record
    listed = entries(record, content)
    taken = taking(order, listed, tuple(_beside(order, setting)), content)
    others = replace(record, medicines=tuple(e.medicine for e in taken.others))
    facts = [f for f in facts_of_record(others, content, as_of).facts if _is_stated(f, content)]
    if taken.ordered is not None:
        counted = with_the_order(taken, record, content, as_of)
        about = {fact.input for fact in counted}
        facts = [*(f for f in facts if f.input not in about), *counted]
    facts += _facts(_of_patient(setting), as_of, "Patient")
    facts += _of_plan(setting)
    facts += _of_opioids(listed, setting)
    if order is not None:
        said = (
            *what_is_ordered(order, content),
            *why_ordered(order, content),
            *what_changes(taken, record, content, as_of, stops=order.stops),
            ("order-stops", order.stops),
        )
        facts += _facts(said, as_of, order.reference)
    standings = stand(facts, content, as_of)
    return Situation(setting, order, standings, evaluate(content, standings, content.rules))


def _is_stated(fact: Fact, content: Content) -> bool:
    """What is ordered is read of the order alone, whoever else says something of it."""
    known = content.inputs.get(fact.input)
    return known is None or known.asked_of != ORDER


def _facts(said: Iterable[tuple[str, FactValue]], as_of: datetime, source: str) -> list[Fact]:
    return [Fact(name, value, as_of, SaidBy.CLINICIAN, source) for name, value in said]


def _beside(order: Order | None, setting: Setting) -> Iterator[Entry]:
    """The other drafts of medicines, selected or not, as if they were taken."""
    for other in setting.orders:
        if other is order or other.stops:
            continue
        entry = entry_of(other, setting.content)
        if entry is not None:
            yield entry


def _of_patient(setting: Setting) -> Iterator[tuple[str, FactValue]]:
    yield "guideline-profile", setting.guideline_profile
    is_listed = _lists_low_back_pain(setting.record, setting.content)
    if is_listed is not None:
        yield "low-back-pain-is-active", is_listed


def _lists_low_back_pain(record: Record, content: Content) -> bool | None:
    """An active problem; none on a list that is whole and understood."""
    current: list[CodedCondition] = [c for c in record.conditions if c.current]
    if any(names_low_back_pain(c.system_codes, content) for c in current):
        return True
    if CONDITION not in record.complete:
        return None
    return False if all(is_understood(c.system_codes, content) for c in current) else None


def _of_plan(setting: Setting) -> Iterator[Fact]:
    """A plan and an intake that are on record, at their time; none is known to be none."""
    plan, as_of = setting.plan, setting.as_of
    answered = [f for f in setting.record.facts if f.source.startswith(QUESTIONNAIRE)]
    latest = max((f.at for f in answered if f.at <= as_of), default=None)
    yield Fact("intake-on-record", latest is not None, latest or as_of, SaidBy.CLINICIAN, "Patient")
    made = None if plan is None else min(plan.as_of, as_of)
    yield Fact("plan-on-record", made is not None, made or as_of, SaidBy.CLINICIAN, "CarePlan")
    has_mechanism = plan is not None and plan.mechanism in MECHANISMS
    yield Fact("mechanism-on-record", has_mechanism, as_of, SaidBy.CLINICIAN, "CarePlan")


def _of_opioids(listed: Sequence[Entry], setting: Setting) -> Iterator[Fact]:
    """Whether an opioid was taken within 90 days, the one that an order renews included."""
    record = replace(setting.record, medicines=tuple(e.medicine for e in listed))
    said = facts_of_record(record, setting.content, setting.as_of).facts
    about = [f for f in said if f.input in (OPIOID_NOW, OPIOID_BEFORE)]
    known = {f.input: f.value for f in about}
    had = next((f for f in about if f.value is True), None)
    if had is not None:
        yield replace(had, input="had-opioid")
    elif len(known) == len((OPIOID_NOW, OPIOID_BEFORE)):
        yield replace(about[0], input="had-opioid")
