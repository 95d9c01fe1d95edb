"""Why a rule stands as it does: the facts it used and the findings it lacks.

Read off the same truths that decided, so the explanation cannot disagree with the decision.
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Rule
from app.domain.truth import FALSE, Truth
from app.domain.worlds import Worlds


class Explanation(NamedTuple):
    """Finding slots that decided the rule, and finding slots that are unknown and matter."""

    used: tuple[int, ...]
    missing: tuple[int, ...]


def explain(rule: Rule, content: Content, worlds: Worlds) -> Explanation:
    """Follow only the operands that made the rule what it is."""
    used: dict[int, None] = {}
    missing: dict[int, None] = {}
    seen: set[int] = set()
    pending = [rule]
    while pending:
        current = pending.pop()
        for slot in _decisive(current, worlds):
            if slot in seen:
                continue
            seen.add(slot)
            below = content.rule_by_slot.get(slot)
            if below is not None:
                pending.append(below)
            elif worlds.is_unknown(slot):
                missing[slot] = None
            else:
                used[slot] = None
    return Explanation(tuple(sorted(used)), tuple(sorted(missing)))


def _decisive(rule: Rule, worlds: Worlds) -> Iterator[int]:
    match worlds.truth(rule.slot):
        case Truth.TRUE:
            yield from rule.all_of
            yield from rule.none_of
            yield from (s for s in rule.any_of if worlds.is_true(s))
            yield from (s for s in rule.open_of if worlds.is_unknown(s))
            if rule.at_least is not None:
                yield from (s for s in rule.at_least.of if worlds.is_true(s))
        case Truth.FALSE:
            yield from _against(rule, worlds)
        case Truth.UNKNOWN:
            yield from (*rule.all_of, *rule.none_of, *rule.any_of)
            if rule.at_least is not None:
                yield from rule.at_least.of


def _against(rule: Rule, worlds: Worlds) -> Iterator[int]:
    yield from (s for s in rule.all_of if worlds.truth(s) is FALSE)
    yield from (s for s in rule.none_of if worlds.is_true(s))
    if all(worlds.truth(s) is FALSE for s in rule.any_of):
        yield from rule.any_of
    if not any(worlds.is_unknown(s) for s in rule.open_of):
        yield from rule.open_of
    if rule.at_least is not None:
        yield from (s for s in rule.at_least.of if worlds.truth(s) is FALSE)
