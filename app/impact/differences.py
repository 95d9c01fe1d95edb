"""What differs between two standpoints on one patient, and which rules made it so."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.domain.content import Content
from app.domain.truth import Truth
from app.impact.standpoint import Standpoint

NOTHING = "-"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
FLAG = "@"
Operands = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a clinician would see otherwise; ``-`` where it is not there."""

    aspect: str
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding or rule that stands otherwise while nothing below it does."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that changes for one patient; no cause means that no rule stands otherwise."""

    patient: str
    changes: tuple[Change, ...]
    causes: tuple[Cause, ...]


def difference(patient: str, old: Standpoint, new: Standpoint, operands: Operands) -> Difference:
    """Compare; without changes there is nothing to explain."""
    changes = tuple(_changes(old, new))
    return Difference(patient, changes, _causes(changes, old, new, operands) if changes else ())


def operands_of(*contents: Content) -> Operands:
    """The names that each rule uses, in any of the versions."""
    used: dict[str, frozenset[str]] = {}
    for content in contents:
        for rule in content.rules:
            slots = [*rule.all_of, *rule.any_of, *rule.none_of, *rule.open_of]
            slots += rule.at_least.of if rule.at_least is not None else ()
            names = frozenset(content.slot_names[slot] for slot in slots)
            used[rule.id] = used.get(rule.id, frozenset()) | names
    return used


def _changes(old: Standpoint, new: Standpoint) -> Iterator[Change]:
    for aspect, was in old.seen.items():
        now = new.seen[aspect]
        for name in sorted({*was, *now}):
            before, after = was.get(name, NOTHING), now.get(name, NOTHING)
            if before != after:
                yield Change(aspect, name, before, after)


def _causes(
    changes: Iterable[Change], old: Standpoint, new: Standpoint, operands: Operands
) -> tuple[Cause, ...]:
    """From what the changed things name down to what first stands otherwise."""
    differing = {
        name
        for name in {*old.truths, *new.truths}
        if old.truths.get(name) is not new.truths.get(name)
    }
    # What one version alone has changes nothing by being there: only what is cited counts then.
    in_both = differing & old.truths.keys() & new.truths.keys()
    pending = sorted(_named(changes, old, new) & differing or in_both)
    seen: set[str] = set()
    roots: dict[str, Cause] = {}
    while pending:
        name = pending.pop(0)
        if name in seen:
            continue
        seen.add(name)
        below = sorted(operands.get(name, frozenset()) & differing)
        if below:
            pending.extend(below)
            continue
        plain = name.partition(FLAG)[0]
        roots[plain] = Cause(plain, _told(old.truths.get(name)), _told(new.truths.get(name)))
    return tuple(roots[name] for name in sorted(roots))


def _named(changes: Iterable[Change], old: Standpoint, new: Standpoint) -> frozenset[str]:
    """The rules behind each change, and every name in the reasons that are given."""
    named: set[str] = set()
    for change in changes:
        for standpoint in (old, new):
            named |= standpoint.cited.get((change.aspect, change.name), frozenset())
        named.update(NAME.findall(f"{change.old} {change.new}"))
    return frozenset(named)


def _told(truth: Truth | None) -> str:
    """A name that a version does not have is "-"."""
    return NOTHING if truth is None else truth.value
