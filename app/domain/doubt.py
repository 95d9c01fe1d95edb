"""What keeps a complete list from ruling something out, and what is told back because of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.domain.facts import NotUsed


@dataclass(slots=True)
class Doubts:
    """``lists`` hold an entry that might be anything, ``inputs`` cannot be ruled out one by one.

    Either with the first entry that makes it so.
    """

    lists: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    told: list[NotUsed] = field(default_factory=list)

    def copy(self) -> "Doubts":
        """The same so far; what is added to one is not added to the other."""
        return Doubts(dict(self.lists), dict(self.inputs), list(self.told))

    def not_whole(self, list_: str, reference: str) -> None:
        """An entry of the list might be anything."""
        self.lists.setdefault(list_, reference)

    def leave_open(self, inputs: Iterable[str], reference: str) -> None:
        """An entry may or may not mean these."""
        for name in inputs:
            self.inputs.setdefault(name, reference)

    def tell(self, reference: str, why: str) -> None:
        """List an entry that was not, or not wholly, used; once for each reason."""
        entry = NotUsed(reference, why)
        if entry not in self.told:
            self.told.append(entry)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The lists that are known to be ``complete``, and what they leave open all the same.

    ``inputs`` are left open by an entry that may or may not mean them, ``lists`` hold an entry that
    might be anything; either with that entry.
    """

    complete: frozenset[str] = frozenset()
    inputs: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
