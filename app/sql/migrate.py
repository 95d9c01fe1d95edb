"""Bring a database to the newest schema, from the migrations beside the package."""

import os
import sqlite3
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from app.domain.problem import Problem, Unavailable
from app.sql.database import is_postgresql, parsed
from app.sql.sqlite import path_of
from app.sql.tables import METADATA

ROOT = Path(__file__).parent.parent.parent


def _config(url: str) -> Config:
    folder = ROOT / "migrations"
    if not folder.is_dir():
        raise Unavailable(
            Problem(
                f"There are no migrations in {folder}.",
                mend="Run the service from a checkout or from its image.",
                code="exception",
            )
        )
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    config.attributes["target_metadata"] = METADATA
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade to ``revision``. Unavailable when a newer release has been at work here."""
    if not is_postgresql(url):
        _make_file(path_of(url))
    try:
        command.upgrade(_config(url), revision)
    except CommandError as error:
        raise Unavailable(
            Problem(
                f"The database cannot be brought to this release's schema ({error}).",
                mend="It may have been used by a newer release: run that one.",
                code="exception",
            )
        ) from error
    except (DBAPIError, sqlite3.Error, asyncpg.PostgresError, OSError, RuntimeError) as error:
        raise _not_migrated(url, error) from None


def _make_file(path: Path) -> None:
    """Patients' data: for nobody but the service."""
    if not path.parent.is_dir():
        raise Unavailable(
            Problem(
                f"There is no folder {path.parent} for the database.",
                mend="Create it, or set PAINPLAN_DATABASE_URL.",
                code="exception",
            )
        )
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise _not_migrated(f"sqlite:///{path}", error) from None


def _not_migrated(url: str, error: Exception) -> Unavailable:
    name, what = parsed(url).database, "a database which the service's owner may change"
    if not is_postgresql(url):
        name, what = path_of(url).name, "a SQLite file which the service may write"
    return Unavailable(
        Problem(
            f"The database {name} cannot be opened and migrated ({_cause(error)}).",
            mend=f"Check that it is {what}.",
            code="exception",
        )
    )


def _cause(error: Exception) -> str:
    """What the driver said, without the statement."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)


def unmigrate(url: str, revision: str = "base") -> None:
    """Downgrade to ``revision``; a journal that holds something refuses."""
    command.downgrade(_config(url), revision)


def differences(url: str) -> None:
    """Raise when the migrated schema and the tables differ (``alembic check``)."""
    command.check(_config(url))


def newest() -> str | None:
    """The revision that the migrations lead to."""
    return _scripts().get_current_head()


def migrations() -> list[Script]:
    """Every migration, the newest first."""
    return list(_scripts().walk_revisions())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config("sqlite://"))
