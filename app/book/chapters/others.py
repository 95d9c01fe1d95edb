"""Kinds of content that have no chapter of their own yet: every record with its fields."""

from collections.abc import Sequence
from dataclasses import fields

import msgspec

from app.book.document import Block, Facts, Paragraph, Row, Section, Table
from app.book.fields import heading, in_line, rest
from app.book.material import Material
from app.book.names import BEHIND_THE_BOOK, Names, anchor

SHOWN = 400
UNTOLD = "all-"


def others(material: Material, told: frozenset[str]) -> list[Section]:
    """A chapter for each list of the Source that no other chapter tells."""
    return [
        _chapter(known.name, getattr(material.source, known.name), material.names)
        for known in fields(material.source)
        if known.name not in told | BEHIND_THE_BOOK
    ]


def _chapter(name: str, records: object, names: Names) -> Section:
    blocks: tuple[Block, ...] = ()
    parts: tuple[Section, ...] = ()
    match records:
        case dict():
            parts = tuple(_record(name, str(i), record, names) for i, record in records.items())
        case list() if all(isinstance(record, dict) for record in records):
            blocks = _rows(name, records, names)
        case list():
            parts = tuple(_numbered(name, n, record, names) for n, record in enumerate(records, 1))
        case _:
            blocks = (Paragraph(in_line(records, names)),)
    return Section(UNTOLD + name, heading(name), blocks, parts)


def _numbered(name: str, number: int, record: object, names: Names) -> Section:
    id_ = str(getattr(record, "id", number))
    return _record(name, id_, record, names)


def _record(name: str, id_: str, record: object, names: Names) -> Section:
    if not isinstance(record, msgspec.Struct):
        return Section(anchor(name, id_), id_, (Paragraph(in_line(record, names)),))
    label = getattr(record, "label", "")
    title = f"{id_}: {label}" if label else id_
    pairs = rest(record, {"id", "label"}, names)
    return Section(anchor(name, id_), title, (Facts(tuple(pairs)),))


def _rows(name: str, rows: Sequence[dict[str, str]], names: Names) -> tuple[Block, ...]:
    """A table as it stands, cut where nobody would read on."""
    if not rows:
        return (Paragraph(("Nothing yet.",)),)
    columns = tuple(rows[0])
    told = tuple(
        Row(tuple(in_line(row.get(column, ""), names) for column in columns))
        for row in rows[:SHOWN]
    )
    table = Table(heading(name), tuple(map(heading, columns)), told)
    if len(rows) <= SHOWN:
        return (table,)
    more = f"{len(rows) - SHOWN} more rows stand in the content; here are the first {SHOWN}."
    return (Paragraph((more,)), table)
