"""The patient together with one order: the facts of both, and where every rule stands."""

from dataclasses import dataclass, field

from app.domain.applicability import LOW_BACK
from app.domain.content import Content
from app.domain.explanation import Explanation, explain
from app.domain.facts import Fact, SaidBy
from app.domain.gate import Gate, judge
from app.domain.medicine_list import MEDICINES
from app.domain.opioid_dose import DOSE
from app.domain.orders.meaning import what_is_ordered, why_ordered
from app.domain.orders.setting import Setting
from app.domain.orders.taking import Taking, taking, what_changes, with_the_order
from app.domain.orders.types import Order
from app.domain.record_codes import with_lists
from app.domain.standing import Standings, stand
from app.domain.worlds import Worlds, evaluate

ORDER = "order"


@dataclass(frozen=True, slots=True)
class Situation:
    """``order`` is None in patient-view. Order rules share rules: each is explained once."""

    setting: Setting
    order: Order | None
    standings: Standings
    worlds: Worlds
    _told: dict[str, Explanation] = field(default_factory=dict, repr=False, compare=False)

    @property
    def content(self) -> Content:
        """What is known of medicine."""
        return self.setting.content

    def gate(self) -> Gate:
        """The red-flag gate of the patient."""
        is_low_back = self.worlds.truth(self.content.rule_by_id[LOW_BACK].slot)
        return judge(self.content, self.worlds, is_low_back=is_low_back)

    def explained(self, rule: str) -> Explanation:
        """Why a rule stands as it does here."""
        if rule not in self._told:
            self._told[rule] = explain(self.content.rule_by_id[rule], self.content, self.worlds)
        return self._told[rule]


def situation(order: Order | None, setting: Setting) -> Situation:
    """Stand the facts of the patient and of one order, and evaluate all rules."""
    content, as_of = setting.content, setting.as_of
    taken = taking(order, setting.entry(order), setting.listed, setting.beside(order))
    after = [] if taken.ordered is None else with_the_order(taken, setting.record, content, as_of)
    facts = [*_of_patient(taken, after, setting), *setting.facts]
    if order is not None:
        facts += _of_order(order, taken, after, setting)
    standings = stand(facts, content, as_of)
    return Situation(
        setting, order, standings, evaluate(content, standings, content.baseline_of_orders)
    )


def _of_patient(taken: Taking, after: list[Fact], setting: Setting) -> list[Fact]:
    """The record with the other drafts; dose and count of medicines are those with the order."""
    content, as_of = setting.content, setting.as_of
    stated = with_lists(setting.problems, setting.record, taken.others, content, as_of)
    facts = [f for f in stated.facts if _is_stated(f, content)]
    if taken.ordered is None:
        return facts
    # What is not known with the order is not known: the figure without it does not stand in.
    figures = {DOSE, *content.counting.get(MEDICINES, ())}
    return [*(f for f in facts if f.input not in figures), *after]


def _of_order(order: Order, taken: Taking, after: list[Fact], setting: Setting) -> list[Fact]:
    content, as_of = setting.content, setting.as_of
    said = (
        *what_is_ordered(order, content),
        *why_ordered(order, content),
        *what_changes(taken, after, setting.record, content, as_of, stops=order.stops),
        ("order-stops", order.stops),
    )
    return [Fact(name, value, as_of, SaidBy.CLINICIAN, order.reference) for name, value in said]


def _is_stated(fact: Fact, content: Content) -> bool:
    """What is ordered is read of the order alone, whoever else says something of it."""
    known = content.inputs.get(fact.input)
    return known is None or known.asked_of != ORDER
