"""The book as Markdown: a first page and a file for each chapter, linked with one another."""

import re

from app.book.document import (
    Block,
    Book,
    Bullets,
    Code,
    Facts,
    Figure,
    Link,
    Paragraph,
    Piece,
    Row,
    Section,
    Table,
    Text,
)

FIRST_PAGE = "README.md"
SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")
Places = dict[str, str]


def markdown(book: Book) -> dict[str, str]:
    """Every file by its name."""
    places = {
        anchor: f"{chapter.anchor}.md" for chapter in book.chapters for anchor in chapter.anchors()
    }
    files = {FIRST_PAGE: _first_page(book, places)}
    for chapter in book.chapters:
        lines = [f"[{_escape(book.title)}]({FIRST_PAGE})", "", *_section(chapter, 1, places)]
        files[f"{chapter.anchor}.md"] = _joined(lines)
    return files


def _first_page(book: Book, places: Places) -> str:
    lines = [f"# {_escape(book.title)}", "", f"> {_escape(book.notice)}", ""]
    lines += _blocks(book.front, places, FIRST_PAGE)
    lines += ["## Chapters", ""]
    lines += [f"- [{_escape(c.title)}]({c.anchor}.md)" for c in book.chapters]
    lines += ["", "The same on one page: [index.html](index.html)."]
    return _joined(lines)


def _joined(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def _section(section: Section, level: int, places: Places) -> list[str]:
    here = places[section.anchor]
    lines = [
        f'<a id="{section.anchor}"></a>',
        "",
        f"{'#' * level} {_escape(section.title)}",
        "",
        *_blocks(section.blocks, places, here),
    ]
    for part in section.parts:
        lines += _section(part, level + 1, places)
    return lines


def _blocks(blocks: tuple[Block, ...], places: Places, here: str) -> list[str]:
    return [line for block in blocks for line in (*_block(block, places, here), "")]


def _block(block: Block, places: Places, here: str) -> list[str]:
    match block:
        case Paragraph(text):
            return [_text(text, places, here)]
        case Bullets(items):
            return [f"- {_text(item, places, here)}" for item in items]
        case Facts(pairs):
            return [line for pair in pairs for line in _fact(*pair, places, here)]
        case Table():
            return _table(block, places, here)
        case Figure():
            return [
                f"**{_escape(block.title)}.** {_escape(block.description)}",
                "",
                "```mermaid",
                block.mermaid,
                "```",
            ]


def _fact(name: str, value: Text | Bullets, places: Places, here: str) -> list[str]:
    if isinstance(value, Bullets):
        inner = [f"  - {_text(item, places, here)}" for item in value.items]
        return [f"- **{_escape(name)}**", *inner]
    return [f"- **{_escape(name)}**: {_text(value, places, here)}"]


def _table(table: Table, places: Places, here: str) -> list[str]:
    return [
        f"*{_escape(table.caption)}*",
        "",
        f"| {' | '.join(_escape(name) for name in table.header)} |",
        f"|{'---|' * len(table.header)}",
        *(_row(row, places, here) for row in table.rows),
    ]


def _row(row: Row, places: Places, here: str) -> str:
    at = f'<a id="{row.anchor}"></a>' if row.anchor else ""
    return f"| {at}{' | '.join(_text(cell, places, here) for cell in row.cells)} |"


def _text(text: Text, places: Places, here: str) -> str:
    return "".join(_piece(piece, places, here) for piece in text)


def _piece(piece: Piece, places: Places, here: str) -> str:
    match piece:
        case Link(words, anchor):
            file = "" if places[anchor] == here else places[anchor]
            return f"[{_escape(words)}]({file}#{anchor})"
        case Code(words):
            return f"`{words}`"
        case str():
            return _escape(piece)


def _escape(words: str) -> str:
    return SPECIAL.sub(r"\\\1", " ".join(words.split("\n")))
