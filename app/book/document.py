"""What a page is made of: chapters, sections and blocks, before anybody says HTML or Markdown."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """To another place of the book, by its anchor; ``text`` is what is read."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Code:
    """An id or a code, as it is written in the content."""

    text: str


Piece = str | Link | Code
Text = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: Text


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without order."""

    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said of one record: a name and what stands under it, one line or a list."""

    pairs: tuple[tuple[str, Text | Bullets], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; its first cell is its head, ``anchor`` is where links arrive."""

    cells: tuple[Text, ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Never without a caption and heads of columns."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing; ``description`` says the same in words."""

    title: str
    description: str
    svg: str
    mermaid: str


Block = Paragraph | Bullets | Facts | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what stands under it, and its parts."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple["Section", ...] = ()

    def anchors(self) -> Iterator[str]:
        """Every place in it that a link may lead to."""
        yield self.anchor
        for block in self.blocks:
            if isinstance(block, Table):
                yield from (row.anchor for row in block.rows if row.anchor)
        for part in self.parts:
            yield from part.anchors()


@dataclass(frozen=True, slots=True)
class Book:
    """The whole: a title, what comes before the chapters, the chapters, and what closes it."""

    title: str
    version: str
    notice: str
    front: tuple[Block, ...]
    chapters: tuple[Section, ...]
    footer: Text = ()


def plain(text: Text) -> str:
    """The words alone."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in text)


def listed(texts: list[Text], separator: str = ", ") -> Text:
    """Several texts in one line."""
    pieces: list[Piece] = []
    for number, text in enumerate(texts):
        if number:
            pieces.append(separator)
        pieces.extend(text)
    return tuple(pieces)
