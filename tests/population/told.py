"""What the tests of a population share: how it is decided, and files of lines."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from app.population.deciding import How

PEOPLE = 40
AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
WHO = How(AT, "who")


def written(path: Path, lines: Iterable[bytes]) -> Path:
    """Lines as a file."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    """A file of JSON lines."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]
