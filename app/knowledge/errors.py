"""What is wrong with the content, gathered so that an author sees everything at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """``file`` and ``record`` say where, ``what`` says what and how to mend it."""

    file: str
    record: str
    what: str

    def __str__(self) -> str:
        """As an author reads it."""
        return f"{self.file}: {self.record}: {self.what}"


class ContentError(Exception):
    """The content cannot be used; the service does not start with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
