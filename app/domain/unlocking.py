"""What it takes for a withheld option to become possible: one answer, or the fewest pairs of two.

A rule that cannot be checked withholds an option. Where no single answer settles every rule that
concerns it, pairs of answers are tried (``interventions.md`` §6.5, 1: unknown removes and asks).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Rule
from app.domain.content_tables import WhatIf
from app.domain.explanation import explain
from app.domain.safety_types import SafetyResult
from app.domain.standing import Standing, Standings
from app.domain.truth import FALSE, TRUE, UNKNOWN
from app.domain.worlds import HERE, World, Worlds, evaluate


class Unlocking(NamedTuple):
    """Answers that together settle every safety rule of an activity in its favour."""

    activity: str
    answers: tuple[tuple[str, bool | str | int], ...]


def unlocking(
    content: Content, standings: Standings, worlds: Worlds, considered: Sequence[str]
) -> tuple[Unlocking, ...]:
    """For each activity that a missing fact withholds: every single answer, else every pair.

    ``worlds`` are those of ``standings``.
    """
    found: list[Unlocking] = []
    told: dict[tuple[str, int], Worlds] = {}
    for activity in considered:
        rules = [r for _, group in content.safety_rules.get(activity, ()) for r in group]
        if not rules or _is_blocked(rules, worlds):
            continue
        possible = _possible(rules, worlds)
        if possible & HERE:
            continue
        singles = [Unlocking(activity, (_answer(w),)) for w in worlds.within(possible)]
        found.extend(
            singles
            or _pairs(
                activity,
                _could_settle(rules, content, worlds),
                rules,
                content,
                standings,
                worlds,
                told,
            )
        )
    return tuple(found)


def _pairs(  # noqa: PLR0913  (one search: for what, among which, in which worlds)
    activity: str,
    supports: Sequence[frozenset[str]],
    rules: Sequence[Rule],
    content: Content,
    standings: Standings,
    worlds: Worlds,
    told: dict[tuple[str, int], Worlds],
) -> Iterator[Unlocking]:
    """Each pair once, in the order of asking; ``told`` keeps the worlds after a first answer."""
    place = {name: number for number, name in enumerate(content.ask_order)}
    for first in worlds.others:
        partners = _partners(first.input, supports)
        if not any(place[name] > place[first.input] for name in partners):
            continue
        key = (first.input, first.position)
        if key not in told:
            told[key] = evaluate(content, _answered(standings, first.input, first.answer))
        after = told[key]
        for second in after.within(_possible(rules, after)):
            if second.input in partners and place[second.input] > place[first.input]:
                yield Unlocking(activity, (_answer(first), _answer(second)))


def _could_settle(
    rules: Sequence[Rule], content: Content, worlds: Worlds
) -> tuple[frozenset[str], ...]:
    """For each rule that is open, the questions of which one at least must be answered for it.

    A rule that no question settles (a list that is not known to be complete) has none, and then
    no pair is looked for.
    """
    asked = frozenset(w.input for w in worlds.others)
    found: list[frozenset[str]] = []
    for rule in rules:
        if not worlds.is_unknown(rule.slot):
            continue
        names = (
            content.slot_names[slot].partition("@")[0]
            for slot in explain(rule, content, worlds).missing
        )
        support = asked & frozenset(content.findings[name].input for name in names)
        if not support:
            return ()
        found.append(support)
    return tuple(found)


def _partners(first: str, supports: Sequence[frozenset[str]]) -> frozenset[str]:
    """What, beside the first, touches every open rule; both touch one at least."""
    if not supports:
        return frozenset()
    rest = [support for support in supports if first not in support]
    if len(rest) == len(supports):
        return frozenset()
    if not rest:
        return frozenset().union(*supports) - {first}
    return rest[0].intersection(*rest[1:])


def _answer(world: World) -> tuple[str, bool | str | int]:
    return world.input, world.answer.answer


def _possible(rules: Sequence[Rule], worlds: Worlds) -> int:
    """The worlds in which every rule is known, and none that holds blocks."""
    found = worlds.all
    for rule in rules:
        ruled_out = worlds.false_in(rule.slot)
        found &= ruled_out if _blocks(rule) else ruled_out | worlds.true_in(rule.slot)
    return found


def _is_blocked(rules: Sequence[Rule], worlds: Worlds) -> bool:
    return any(_blocks(rule) and worlds.is_true(rule.slot) for rule in rules)


def _blocks(rule: Rule) -> bool:
    return rule.result == SafetyResult.BLOCK.value


def _answered(standings: Standings, name: str, answer: WhatIf) -> Standings:
    """As if the question had been answered; what other facts had settled stays."""
    by_slot: dict[int, Standing] = dict(standings.by_slot)
    for slots, truth in ((answer.makes_true, TRUE), (answer.makes_false, FALSE)):
        for slot in slots:
            known = by_slot.get(slot)
            if known is None or known.truth is UNKNOWN:
                by_slot[slot] = Standing(truth)
    return replace(standings, by_slot=by_slot, facts={**standings.facts, name: ()})
