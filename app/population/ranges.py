"""An NDJSON file in byte ranges that begin and end with a line, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Windows begins a text file with it (U+FEFF); it belongs to the file and not to its first line.
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from ``start`` up to, but without, ``end``: whole lines."""

    start: int
    end: int


def ranges(path: Path, start: int, size: int) -> Iterator[ByteRange]:
    """Ranges of about ``size`` bytes from ``start`` to the end; a longer line stays whole."""
    length = path.stat().st_size
    with path.open("rb") as file:
        while start < length:
            end = _end_of_line(file, start + size, length)
            yield ByteRange(start, end)
            start = end


def lines(path: Path, of: ByteRange) -> Iterator[tuple[int, bytes]]:
    """Each line with the offset at which it begins, without its end of line."""
    with path.open("rb") as file:
        file.seek(of.start)
        at = of.start
        while at < of.end:
            line = file.readline()
            yield at, (line if at else line.removeprefix(BOM)).rstrip(b"\r\n")
            at += len(line)


def _end_of_line(file: BinaryIO, near: int, length: int) -> int:
    if near >= length:
        return length
    file.seek(near - 1)
    return near - 1 + len(file.readline())
