"""The position of every finding and rule, given out in the order in which names are defined."""

from dataclasses import dataclass, field

from app.domain.content_parts import Finding, Reading


@dataclass(slots=True)
class Slots:
    """The positions given out so far, in the order in which names are defined."""

    names: list[str] = field(default_factory=list)
    by_name: dict[str, int] = field(default_factory=dict)
    readings: dict[str, list[Reading]] = field(default_factory=dict)

    def add(self, name: str) -> int:
        """The next free position."""
        slot = len(self.names)
        self.names.append(name)
        self.by_name[name] = slot
        return slot

    def read(self, finding: Finding, flag: str) -> int:
        """Where a finding stands; one of its own for each red flag that clears it."""
        name = f"{finding.name}@{flag}" if flag else finding.name
        slot = self.by_name.get(name)
        if slot is None:
            slot = self.add(name)
            self.readings.setdefault(finding.input, []).append(Reading(slot, finding, flag))
        return slot
