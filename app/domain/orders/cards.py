"""One order rule on one order: what it says, that it is silent, or that it cannot be decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.orders.filling import detail, lacking, summary, used
from app.domain.orders.knowledge import CardRule, Wording
from app.domain.orders.situation import Situation
from app.domain.orders.suggesting import suggestions
from app.domain.orders.types import Advice, Undecided
from app.domain.safety import each
from app.domain.safety_types import SafetyResult
from app.domain.truth import Truth


@dataclass(frozen=True, slots=True)
class _Held:
    """How a wording stands, and the rules that made it so (its own first)."""

    truth: Truth
    rules: tuple[str, ...]


def said_of(card: CardRule, situation: Situation) -> Advice | Undecided | None:
    """The first wording that is known to hold; undecided where none does and one may."""
    open_rules: list[str] = []
    for wording in card.wordings:
        held = _held(wording, situation)
        match held.truth:
            case Truth.TRUE:
                lacks = lacking(list(dict.fromkeys((*held.rules, *open_rules))), situation)
                return _advice(card, wording, held.rules, lacks, situation)
            case Truth.UNKNOWN:
                open_rules.extend(held.rules)
            case Truth.FALSE:
                pass
    if not open_rules:
        return None
    order = "" if situation.order is None else situation.order.reference
    return Undecided(card.id, order, lacking(list(dict.fromkeys(open_rules)), situation))


def _held(wording: Wording, situation: Situation) -> _Held:
    rule = situation.content.rule_by_id[wording.rule]
    truth = situation.worlds.truth(rule.slot)
    if truth is Truth.FALSE or not wording.activity:
        return _Held(truth, (wording.rule,))
    hits, unknown = _of_safety(wording, situation)
    if hits:
        return _Held(truth, (wording.rule, *hits))
    if unknown:
        return _Held(Truth.UNKNOWN, (wording.rule, *unknown))
    return _Held(Truth.FALSE, (wording.rule,))


def _of_safety(wording: Wording, situation: Situation) -> tuple[list[str], list[str]]:
    """The safety rules of the plan that come to the result, and those that might.

    One engine, two doors. A known caution counts although something else cannot be checked.
    """
    hits: list[str] = []
    unknown: list[str] = []
    for safety, result, rule in each(wording.activity, situation.content, situation.worlds):
        if safety not in wording.safety:
            continue
        if result.value in wording.result:
            hits.append(rule.id)
        elif result is SafetyResult.UNKNOWN and rule.result in wording.result:
            unknown.append(rule.id)
    return hits, unknown


def _advice(
    card: CardRule,
    wording: Wording,
    rules: tuple[str, ...],
    lacks: tuple[str, ...],
    situation: Situation,
) -> Advice:
    """``lacks`` keeps a stronger wording open, or is what a lowered one rests on."""
    behind = rules[1:] or rules
    if SafetyResult.UNKNOWN.value in wording.result:
        rules = rules[:1]  # the others cannot be checked: they do not hold
    rules = (*rules, *_noted(wording, situation))
    facts = used(rules, situation)
    evidence = _evidence(card, rules, situation)
    return Advice(
        rule=card.id,
        order="" if situation.order is None else situation.order.reference,
        indicator=wording.indicator,
        summary=summary(wording.summary, situation, behind),
        detail=detail(rules, facts, lacks, evidence, situation),
        facts=facts,
        rules=rules,
        evidence=evidence,
        suggestions=suggestions(wording, situation),
        overrides=card.overrides,
        is_lowered=wording.is_lowered,
        order_class=card.order_class,
    )


def _noted(wording: Wording, situation: Situation) -> Iterator[str]:
    slots = situation.content.rule_by_id
    return (note for note in wording.notes if situation.worlds.is_true(slots[note].slot))


def _evidence(card: CardRule, rules: Sequence[str], situation: Situation) -> tuple[str, ...]:
    behind = (e for rule in rules[1:] for e in situation.content.rule_by_id[rule].evidence)
    return tuple(dict.fromkeys((*card.evidence, *behind)))
