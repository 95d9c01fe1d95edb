"""The rules once more, as slowly and as plainly as they can be said.

One patient, one world, one rule at a time, by recursion, straight from the table of Kleene's
three-valued logic. ``test_worlds.py`` holds the fast engine to it.
"""

from collections.abc import Iterable, Mapping

from app.domain.content import Content
from app.domain.content_parts import AtLeast, Rule
from app.domain.truth import Truth
from app.domain.worlds import Worlds

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN

Known = Mapping[int, Truth]


def truths(content: Content, known: Known) -> dict[str, Truth]:
    """The truth of every rule; ``known`` gives finding slots, what it does not give is unknown."""
    rules = {rule.slot: rule for rule in content.rules}
    found: dict[int, Truth] = {}

    def truth_of(slot: int) -> Truth:
        if slot not in rules:
            return known.get(slot, UNKNOWN)
        if slot not in found:
            found[slot] = holds(rules[slot])
        return found[slot]

    def holds(rule: Rule) -> Truth:
        parts = [
            every(truth_of(slot) for slot in rule.all_of),
            every(negation(truth_of(slot)) for slot in rule.none_of),
        ]
        if rule.any_of:
            parts.append(some(truth_of(slot) for slot in rule.any_of))
        if rule.open_of:
            parts.append(is_open(truth_of(slot) for slot in rule.open_of))
        if rule.at_least is not None:
            parts.append(enough(rule.at_least, [truth_of(slot) for slot in rule.at_least.of]))
        return every(parts)

    return {rule.id: truth_of(rule.slot) for rule in content.rules}


def negation(truth: Truth) -> Truth:
    """What is unknown stays unknown when it is turned round."""
    return {TRUE: FALSE, FALSE: TRUE, UNKNOWN: UNKNOWN}[truth]


def every(truths_: Iterable[Truth]) -> Truth:
    """One that fails is enough against it; of nothing at all, everything holds."""
    seen = list(truths_)
    if FALSE in seen:
        return FALSE
    return UNKNOWN if UNKNOWN in seen else TRUE


def some(truths_: Iterable[Truth]) -> Truth:
    """One that holds is enough."""
    seen = list(truths_)
    if TRUE in seen:
        return TRUE
    return UNKNOWN if UNKNOWN in seen else FALSE


def is_open(truths_: Iterable[Truth]) -> Truth:
    """Never unknown itself: it says whether something is."""
    return Truth.of(UNKNOWN in list(truths_))


def enough(wanted: AtLeast, truths_: list[Truth]) -> Truth:
    """Settled as soon as enough hold, or as enough can no longer hold."""
    if truths_.count(TRUE) >= wanted.n:
        return TRUE
    return FALSE if truths_.count(TRUE) + truths_.count(UNKNOWN) < wanted.n else UNKNOWN


def alone(worlds: Worlds, world: int) -> Worlds:
    """One of many worlds as if it were the patient as known, and no question open."""
    place, count = world.bit_length() - 1, worlds.count
    values = [v >> place & 1 | (v >> place + count & 1) << 1 for v in worlds.values]
    return Worlds.of(values, 1, ())
