"""What keeps a complete list from ruling something out, and what is told back because of it."""

from dataclasses import dataclass, field

from app.domain.facts import NotUsed


@dataclass(slots=True)
class Doubts:
    """``lists`` hold an entry that might be anything, ``inputs`` cannot be ruled out one by one."""

    lists: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    told: list[NotUsed] = field(default_factory=list)

    def copy(self) -> "Doubts":
        """The same so far; what is added to one is not added to the other."""
        return Doubts(set(self.lists), set(self.inputs), list(self.told))

    def tell(self, reference: str, why: str) -> None:
        """List an entry that was not, or not wholly, used; once for each reason."""
        entry = NotUsed(reference, why)
        if entry not in self.told:
            self.told.append(entry)
