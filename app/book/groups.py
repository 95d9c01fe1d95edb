"""Records under the file that they stand in, with what its author wrote at its head."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.book.names import UNSAFE

SENTENCE = re.compile(r"(.+?)\.(?=\s|$)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Group:
    """A file and the records of one kind in it; ``about`` is what follows its first sentence."""

    file: str
    title: str
    about: str
    ids: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Where the group stands."""
        return UNSAFE.sub("-", f"file-{self.file.rpartition('.')[0]}")


def grouped(ids: Iterable[str], origin: dict[str, str], texts: dict[str, str]) -> list[Group]:
    """In the order in which the files are read; ``origin`` is the file of each id."""
    by_file: dict[str, list[str]] = {}
    for id_ in ids:
        by_file.setdefault(origin.get(id_, ""), []).append(id_)
    return [_group(file, found, texts.get(file, "")) for file, found in by_file.items()]


def _group(file: str, ids: list[str], text: str) -> Group:
    head = _head(text)
    told = SENTENCE.match(head)
    title, about = (told[1], told[2].strip()) if told else (head, "")
    return Group(file, title or file or "Without a file", about, tuple(ids))


def _head(text: str) -> str:
    """The comment at the head of a file, without its marks."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(lines)
