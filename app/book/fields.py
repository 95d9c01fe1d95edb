"""What a record says in fields that no chapter has words for: names and values, as they stand."""

from collections.abc import Collection
from typing import Any

import msgspec

from app.book.document import Bullets, Piece, Text, listed
from app.book.names import Names

Pair = tuple[str, Text | Bullets]
LONG = 6


def rest(record: msgspec.Struct, told: Collection[str], names: Names) -> list[Pair]:
    """Every field that is set and was not told otherwise."""
    return [
        (heading(name), worded(value, names))
        for name, value in _set(record).items()
        if name not in told
    ]


def rest_in_line(record: msgspec.Struct, told: Collection[str], names: Names) -> list[Text]:
    """The same, each as a line of its own in the cell of a table."""
    return [
        (f"{heading(name).lower()}: ", *in_line(value, names))
        for name, value in _set(record).items()
        if name not in told
    ]


def heading(name: str) -> str:
    """``true_when`` as a reader would write it."""
    return name.strip("_").replace("_", " ").capitalize()


def worded(value: object, names: Names) -> Text | Bullets:
    """Any value; a long list becomes bullets."""
    if isinstance(value, list) and len(value) > LONG:
        return Bullets(tuple(in_line(part, names) for part in value))
    return in_line(value, names)


def in_line(value: object, names: Names) -> Text:
    """Any value in one line."""
    match value:
        case bool():
            return ("yes" if value else "no",)
        case str():
            return names.anything(value)
        case list() | tuple():
            return listed([in_line(part, names) for part in value])
        case dict():
            parts: list[Text] = []
            for key, part in value.items():
                label: list[Piece] = [f"{heading(str(key)).lower()}: "]
                parts.append((*label, *in_line(part, names)))
            return listed(parts, "; ")
        case _:
            return (str(value),)


def _set(record: msgspec.Struct) -> dict[str, Any]:
    """The fields that differ from their default."""
    found: dict[str, Any] = {}
    for known in msgspec.structs.fields(record):
        value = getattr(record, known.name)
        default = known.default
        if known.default_factory is not msgspec.NODEFAULT:
            default = known.default_factory()
        if value != default:
            found[known.name] = msgspec.to_builtins(value)
    return found
