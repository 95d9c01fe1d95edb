"""Every rule of a review as it stood for each order: its value, the facts it used, what it lacks.

Worked out from the kept facts with the kept knowledge, as a replay is, so it cannot tell of another
review than the one that was kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Rule
from app.domain.explanation import explain
from app.domain.orders.review import SELECT, VOID
from app.domain.orders.setting import setting
from app.domain.orders.situation import Situation, situation
from app.domain.orders.types import PATIENT_VIEW, Order
from app.use_cases.kept_review import KeptFact, KeptFacts, KeptReview, Source, kept_fact, record_of

Json = dict[str, object]
FAILED = "fault"


class Reviewed(NamedTuple):
    """What was kept of one review."""

    orders: tuple[Order, ...]
    facts: KeptFacts
    told: KeptReview
    as_of: datetime
    guideline_profile: str


def reviewed_rules(kept: Reviewed, content: Content) -> Iterator[Json]:
    """The order rules of the hook and the safety rules behind its cards, order by order."""
    sources = {source.reference: source for source in kept.facts.sources}
    failed = {(f.rule, f.order) for f in kept.told.faults}
    for here in _situations(kept, content):
        order = "" if here.order is None else here.order.reference
        for rule in _rules(kept.told, order, content):
            if (rule.id, order) not in failed:
                yield {**_named(rule, order), **_stands(rule, here, sources)}
    cards = {card.id: card for card in content.orders.cards}
    for rule_id, order in sorted(failed):
        label = cards[rule_id].label if rule_id in cards else ""
        yield {
            "id": rule_id,
            "order": order or None,
            "label": label,
            "status": None,
            "evidence": [],
            "value": FAILED,
            "facts": [],
            "missing": [],
        }


def _situations(kept: Reviewed, content: Content) -> Iterator[Situation]:
    """One an order that was advised on; none where the facts could not be worked out then."""
    live = [o for o in kept.orders if o.stops or o.status not in VOID]
    try:
        about = setting(
            live,
            record_of(kept.facts),
            content,
            as_of=kept.as_of,
            guideline_profile=kept.guideline_profile,
            plan=kept.facts.plan,
        )
        for order in _advised([o for o, _ in about.drafts], kept.told.hook):
            yield situation(order, about)
    except Exception:  # noqa: BLE001  (it failed then, too: the trace names each rule as at fault)
        return


def _advised(orders: Sequence[Order], hook: str) -> Sequence[Order | None]:
    if hook == PATIENT_VIEW:
        return (None,)
    return [o for o in orders if o.is_selected] if hook == SELECT else orders


def _rules(told: KeptReview, order: str, content: Content) -> Iterator[Rule]:
    """Each once, the order rules first."""
    cards = (card for card in content.orders.cards if told.hook in card.hooks)
    names = [wording.rule for card in cards for wording in card.wordings]
    names += [name for a in told.shown if a.order == order for name in a.rules]
    known = (content.rule_by_id.get(name) for name in dict.fromkeys(names))
    yield from (rule for rule in known if rule is not None)


def _named(rule: Rule, order: str) -> Json:
    return {
        "id": rule.id,
        "order": order or None,
        "label": rule.label,
        "status": rule.status,
        "evidence": list(rule.evidence),
    }


def _stands(rule: Rule, here: Situation, sources: Mapping[str, Source]) -> Json:
    content = here.content
    why = explain(rule, content, here.worlds)
    standings = (here.standings.by_slot.get(slot) for slot in why.used)
    facts = dict.fromkeys(s.fact for s in standings if s is not None and s.fact is not None)
    missing = (content.slot_names[slot].partition("@")[0] for slot in why.missing)
    return {
        "value": here.worlds.truth(rule.slot).value,
        "facts": [_fact(kept_fact(fact), sources) for fact in facts],
        "missing": list(dict.fromkeys(missing)),
    }


def _fact(fact: KeptFact, sources: Mapping[str, Source]) -> Json:
    source = sources.get(fact.source)
    told: Json = {
        "input": fact.input,
        "value": fact.value,
        "source": fact.source,
        "at": fact.at.isoformat().replace("+00:00", "Z"),
        "saidBy": fact.said_by.value,
    }
    if source is not None:
        told["version"] = source.version or None
        told["digest"] = f"sha256:{source.sha256}"
    return told
