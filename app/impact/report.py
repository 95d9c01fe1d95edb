"""The impact of one content version on the patients of another, counted and explained."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.domain.content import Content
from app.domain.facts import Record
from app.impact.differences import Difference, difference, operands_of
from app.impact.standpoint import standpoint

# An example is read with the content that decides: codes may mean more in a newer version.
Patient = tuple[str, Callable[[Content], Record]]


@dataclass(frozen=True, slots=True)
class Impact:
    """``changed`` holds the patients for whom something differs, in the order of the population."""

    old: Content
    new: Content
    profile: str
    patients: int
    changed: tuple[Difference, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The content files that differ."""
        names = sorted({*self.old.files, *self.new.files})
        return tuple(n for n in names if self.old.files.get(n) != self.new.files.get(n))

    def by_aspect(self) -> dict[str, int]:
        """How many patients see something else, by what they see."""
        counted = Counter(
            a for d in self.changed for a in dict.fromkeys(c.aspect for c in d.changes)
        )
        return dict(counted)

    def by_cause(self) -> dict[str, int]:
        """How many patients each finding or rule moves, the most first."""
        counted = Counter(cause.name for d in self.changed for cause in d.causes)
        return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))

    def without_cause(self) -> int:
        """Patients for whom every rule stands as before: another kind of content made it."""
        return sum(1 for d in self.changed if not d.causes)


def impact(old: Content, new: Content, patients: Iterable[Patient], profile: str) -> Impact:
    """Decide about every patient twice."""
    operands = operands_of(old, new)
    count = 0
    changed = []
    for name, record in patients:
        count += 1
        before = standpoint(record(old), old, profile)
        after = standpoint(record(new), new, profile)
        found = difference(name, before, after, operands)
        if found.changes:
            changed.append(found)
    return Impact(old, new, profile, count, tuple(changed))


def as_json(found: Impact) -> dict[str, Any]:
    """For a program: the same as the tables say, with every patient."""
    return {
        "old": {"version": found.old.version, "digest": found.old.digest},
        "new": {"version": found.new.version, "digest": found.new.digest},
        "guidelineProfile": found.profile,
        "patients": found.patients,
        "files": list(found.files),
        "byAspect": found.by_aspect(),
        "byCause": found.by_cause(),
        "withoutCause": found.without_cause(),
        "changed": [
            {
                "patient": d.patient,
                "changes": [
                    {"aspect": c.aspect, "name": c.name, "old": c.old, "new": c.new}
                    for c in d.changes
                ],
                "causes": [{"name": c.name, "old": c.old, "new": c.new} for c in d.causes],
            }
            for d in found.changed
        ],
    }
