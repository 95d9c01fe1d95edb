"""Everything that the book is written from."""

from dataclasses import dataclass

from app.book.cases import Cases
from app.book.groups import Group, grouped
from app.book.names import Names
from app.knowledge.records import ManifestRecord
from app.knowledge.source import Source


@dataclass(frozen=True, slots=True)
class Material:
    """The records, their files as text, the cases, and the names by which links are made."""

    source: Source
    manifest: ManifestRecord
    files: dict[str, str]
    digest: str
    cases: Cases
    names: Names

    def groups(self, kind: str, ids: list[str]) -> list[Group]:
        """Records of one kind by their file; ``kind`` is the word that the Source notes."""
        origin = {id_: self.source.origin.get(f"{kind} {id_}", "") for id_ in ids}
        return grouped(ids, origin, self.files)

    def review(self, file: str) -> str:
        """Who signed the records of a file, or that nobody has."""
        review = self.source.reviews.get(file)
        wrote = f"Written by {review.authored_by}. " if review is not None else ""
        if review is not None and review.checked_by:
            return f"{wrote}Signed by {review.checked_by}."
        return f"{wrote}Unsigned: no clinician has signed this."
