"""Bring a database to the newest schema, from the migrations beside the package."""

import os
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from app.domain.problem import Problem, Unavailable
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
    path = path_of(url)
    folder = path.parent
    if not folder.is_dir():
        raise Unavailable(
            Problem(
                f"There is no folder {folder} for the database.",
                mend="Create it, or set PAINPLAN_DATABASE_URL.",
                code="exception",
            )
        )
    try:
        # Patients' data: for nobody but the service.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        command.upgrade(_config(url), revision)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise Unavailable(
            Problem(
                f"The database {path.name} cannot be opened and migrated ({_cause(error)}).",
                mend="Check that it is a SQLite file which the service may write.",
                code="exception",
            )
        ) from None
    except CommandError as error:
        raise Unavailable(
            Problem(
                f"The database cannot be brought to this release's schema ({error}).",
                mend="It may have been used by a newer release: run that one.",
                code="exception",
            )
        ) from error


def _cause(error: Exception) -> str:
    """What the driver said, without the statement."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)


def unmigrate(url: str, revision: str = "base") -> None:
    """Downgrade to ``revision``; a journal that holds something refuses."""
    command.downgrade(_config(url), revision)


def differences(url: str) -> None:
    """Raise when the migrated schema and the tables differ (``alembic check``)."""
    command.check(_config(url))


def head(url: str) -> str | None:
    """The newest schema that this release knows."""
    return ScriptDirectory.from_config(_config(url)).get_current_head()
