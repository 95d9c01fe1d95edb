"""Counting what was decided: mechanisms, gate, grades, drivers, and what was withheld and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

GRADED = ("neuropathic-grade", "nociplastic-grade", "nociceptive-support")
Counts = Counter[str]


@dataclass(slots=True)
class Tally:
    """Counts of patients. ``withheld`` is by ``activity: reason``, the others by code."""

    patients: int = 0
    rejected: int = 0
    gates: Counts = field(default_factory=Counter)
    mechanisms: Counts = field(default_factory=Counter)
    grades: Counts = field(default_factory=Counter)
    drivers: Counts = field(default_factory=Counter)
    withheld: Counts = field(default_factory=Counter)

    def count(self, found: "Found") -> None:
        """One more patient."""
        self.patients += 1
        self.gates[found.gate] += 1
        self.mechanisms[found.mechanism] += 1
        self.grades.update(f"{name}: {code}" for name, code in found.grades)
        self.drivers.update(f"{name}: {level}" for name, level in found.drivers)
        self.withheld.update(f"{name}: {why}" for name, why in found.withheld)

    def add(self, other: "Tally") -> None:
        """What another process counted."""
        self.patients += other.patients
        self.rejected += other.rejected
        for mine, theirs in zip(self.counts(), other.counts(), strict=True):
            mine.update(theirs)

    def as_json(self) -> dict[str, object]:
        """For a program, and for going on later; counts in falling order."""
        return {
            "patients": self.patients,
            "rejected": self.rejected,
            **{
                name: dict(_falling(counts))
                for name, counts in zip(NAMES, self.counts(), strict=True)
            },
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, object]) -> "Tally":
        """Read back what ``as_json`` wrote."""
        counts = [Counter(_counted(kept[name])) for name in NAMES]
        return cls(_number(kept["patients"]), _number(kept["rejected"]), *counts)

    def counts(self) -> tuple[Counts, ...]:
        """In the order of ``NAMES``."""
        return (self.gates, self.mechanisms, self.grades, self.drivers, self.withheld)


NAMES = ("gates", "mechanisms", "grades", "drivers", "withheld")


@dataclass(frozen=True, slots=True)
class Found:
    """What is counted of one decision."""

    gate: str
    mechanism: str
    grades: tuple[tuple[str, str], ...]
    drivers: tuple[tuple[str, str], ...]
    withheld: tuple[tuple[str, str], ...]


def _falling(counts: Counts) -> Iterable[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _counted(value: object) -> dict[str, int]:
    assert isinstance(value, dict)  # noqa: S101  (written by as_json only)
    return {str(name): int(count) for name, count in value.items()}


def _number(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101  (written by as_json only)
    return value
