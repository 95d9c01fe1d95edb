"""What it takes for a withheld option to become possible: one answer, or the fewest pairs of two.

A rule that cannot be checked withholds an option. Where no single answer settles every rule that
concerns it, pairs of answers are tried (``interventions.md`` §6.5, 1: unknown removes and asks).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.domain.content import Content, Rule, WhatIf
from app.domain.safety import SafetyResult
from app.domain.standing import Standing, Standings
from app.domain.truth import FALSE, TRUE, UNKNOWN
from app.domain.worlds import HERE, World, Worlds, evaluate


@dataclass(frozen=True, slots=True)
class Unlocking:
    """Answers that together settle every safety rule of an activity in its favour."""

    activity: str
    answers: tuple[tuple[str, bool | str | int], ...]


def unlocking(
    content: Content, standings: Standings, considered: Sequence[str]
) -> tuple[Unlocking, ...]:
    """For each activity that a missing fact withholds: every single answer, else every pair."""
    worlds = evaluate(content, standings)
    found: list[Unlocking] = []
    for activity in considered:
        rules = [r for _, group in content.safety_rules.get(activity, ()) for r in group]
        if not rules or _is_possible(rules, worlds, HERE) or _is_blocked(rules, worlds):
            continue
        singles = [
            Unlocking(activity, ((w.input, w.answer.answer),))
            for w in worlds.others
            if _is_possible(rules, worlds, w.bit)
        ]
        found.extend(singles or _pairs(activity, rules, content, standings, worlds))
    return tuple(found)


def _pairs(
    activity: str, rules: Sequence[Rule], content: Content, standings: Standings, worlds: Worlds
) -> Iterator[Unlocking]:
    """Each pair once, in the order of asking."""
    telling = [w for w in worlds.others if _settles_something(rules, worlds, w)]
    place = {name: number for number, name in enumerate(content.ask_order)}
    for first in telling:
        told = evaluate(content, _answered(standings, first.input, first.answer))
        for second in told.others:
            is_later = place[second.input] > place[first.input]
            if is_later and _is_possible(rules, told, second.bit):
                answers = (
                    (first.input, first.answer.answer),
                    (second.input, second.answer.answer),
                )
                yield Unlocking(activity, answers)


def _is_possible(rules: Sequence[Rule], worlds: Worlds, world: int) -> bool:
    """Every rule is known, and none that holds blocks."""
    for rule in rules:
        if worlds.is_unknown(rule.slot, world):
            return False
        blocks = SafetyResult(rule.result) is SafetyResult.BLOCK
        if blocks and worlds.is_true(rule.slot, world):
            return False
    return True


def _is_blocked(rules: Sequence[Rule], worlds: Worlds) -> bool:
    return any(
        SafetyResult(rule.result) is SafetyResult.BLOCK and worlds.is_true(rule.slot)
        for rule in rules
    )


def _settles_something(rules: Sequence[Rule], worlds: Worlds, world: World) -> bool:
    return any(
        worlds.is_unknown(rule.slot) and not worlds.is_unknown(rule.slot, world.bit)
        for rule in rules
    )


def _answered(standings: Standings, name: str, answer: WhatIf) -> Standings:
    """As if the question had been answered; what other facts had settled stays."""
    by_slot: dict[int, Standing] = dict(standings.by_slot)
    for slots, truth in ((answer.makes_true, TRUE), (answer.makes_false, FALSE)):
        for slot in slots:
            known = by_slot.get(slot)
            if known is None or known.truth is UNKNOWN:
                by_slot[slot] = Standing(truth)
    return replace(standings, by_slot=by_slot, facts={**standings.facts, name: ()})
