"""A rule as a function of the truths above it, put together once when the content is loaded.

The truths are integers with two bits a world (``worlds.py``): "and" is ``&``, "or" is ``|``. Each
function here is one line of the grammar of rules; which of them a rule needs is looked at when it
is put together, not when it is evaluated.
"""

from collections.abc import Callable, Sequence

from app.domain.content_parts import AtLeast, Rule

Step = Callable[[Sequence[int]], int]


def step_of(rule: Rule, count: int) -> Step:
    """What works a rule out in ``count`` worlds; one without operands always holds."""
    true = (1 << 2 * count) - 1
    parts: list[Step] = []
    if rule.all_of:
        parts.append(_all_of(rule.all_of))
    if rule.any_of:
        parts.append(_any_of(rule.any_of))
    if rule.none_of:
        parts.append(_not(_any_of(rule.none_of), true, count))
    if rule.open_of:
        parts.append(_open_of(rule.open_of, count))
    if rule.at_least is not None:
        parts.append(_enough(rule.at_least, true))
    return _joined(parts, true)


def _joined(parts: Sequence[Step], true: int) -> Step:
    match parts:
        case ():
            return lambda _: true
        case (only,):
            return only
        case (first, second):
            return lambda values: first(values) & second(values)
        case _:
            before, last = _joined(parts[:-1], true), parts[-1]
            return lambda values: before(values) & last(values)


def _all_of(slots: Sequence[int]) -> Step:
    match slots:
        case (a,):
            return lambda values: values[a]
        case (a, b):
            return lambda values: values[a] & values[b]
        case (a, b, c):
            return lambda values: values[a] & values[b] & values[c]
        case _:
            before, last = _all_of(slots[:-1]), slots[-1]
            return lambda values: before(values) & values[last]


def _any_of(slots: Sequence[int]) -> Step:
    match slots:
        case (a,):
            return lambda values: values[a]
        case (a, b):
            return lambda values: values[a] | values[b]
        case (a, b, c):
            return lambda values: values[a] | values[b] | values[c]
        case (a, b, c, d):
            return lambda values: values[a] | values[b] | values[c] | values[d]
        case _:
            few, rest = _any_of(slots[:4]), _any_of(slots[4:])
            return lambda values: few(values) | rest(values)


def _not(some: Step, true: int, count: int) -> Step:
    """What cannot hold holds, what does not hold can; unknown stays unknown."""
    everywhere = true >> count

    def step(values: Sequence[int]) -> int:
        value = some(values)
        if not value:
            return true
        return true ^ ((value & everywhere) << count | value >> count)

    return step


def _open_of(slots: Sequence[int], count: int) -> Step:
    def step(values: Sequence[int]) -> int:
        opened = 0
        for slot in slots:
            value = values[slot]
            opened |= value >> count & ~value
        return opened << count | opened

    return step


def _enough(wanted: AtLeast, true: int) -> Step:
    """At least ``n`` of them: each slot lifts every count below it by one where it holds."""
    places = tuple(range(wanted.n, 0, -1))

    def step(values: Sequence[int]) -> int:
        counted = [true] + [0] * wanted.n
        for slot in wanted.of:
            value = values[slot]
            for n in places:
                counted[n] |= counted[n - 1] & value
        return counted[-1]

    return step
