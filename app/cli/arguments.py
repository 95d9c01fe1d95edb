"""What several commands are given: a file, an instant, a database that has to be there."""

from datetime import datetime
from pathlib import Path

from app.cli.endings import stop
from app.domain.problem import Problem, Refused
from app.fhir.reading.times import instant
from app.sql.database import is_postgresql
from app.sql.sqlite import path_of


def read_file(path: Path) -> bytes:
    """Its bytes; stops where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        stop(f"{path}: {error.strerror}")


def as_of_option(text: str) -> datetime:
    """The instant of ``--as-of``; Refused where it is none."""
    moment = instant(text)
    if moment is None:
        raise Refused(Problem(f"--as-of {text!r} is no date or dateTime.", code="value"))
    return moment


def require_database(url: str) -> None:
    """Stops where there is no file of a SQLite database."""
    if not is_postgresql(url) and not path_of(url).is_file():
        stop("There is no database (PAINPLAN_DATABASE_URL).")
