"""The service runs under the role that docs/postgresql.md gives it, and cannot do more."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from app.main import SEARCH
from app.sql.reindex import reindex
from app.sql.tables import BLOCK, JOURNAL
from app.sql.verify import verify
from tests.databases import Kept, Server
from tests.sql.history import write

DOCUMENT = Path(__file__).parents[2] / "docs" / "postgresql.md"
ROLE = "painplan_service"


@pytest.fixture(scope="module")
def kept(postgresql: Server) -> Iterator[Kept]:
    """A history as the service's own role meets it."""
    (grants,) = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)
    owned = postgresql.fresh()
    with contextlib.suppress(asyncpg.UndefinedObjectError):
        postgresql.admin(f"DROP ROLE {ROLE}")
    owned.change(grants)
    url = make_url(owned.url).set(username=ROLE, password="another secret")
    yield Kept(url.render_as_string(hide_password=False))
    owned.change(f"DROP OWNED BY {ROLE}")
    postgresql.drop(owned)
    postgresql.admin(f"DROP ROLE {ROLE}")


def test_it_can_do_all_that_the_service_does(kept: Kept) -> None:
    write(kept, 2)

    assert verify(kept.url).is_intact
    assert reindex(kept.url, SEARCH) == kept.count("resource_version")


@pytest.mark.parametrize("table", [t.name for t in (*JOURNAL, BLOCK)])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET sequence = 1", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_it_cannot_change_what_is_journalled(kept: Kept, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        kept.change(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE decision DISABLE TRIGGER ALL",
        "DROP TABLE feedback",
        "SET session_replication_role = replica",
        "DROP FUNCTION painplan_append_only() CASCADE",
        "DELETE FROM head",
        "UPDATE schema_revision SET additive = 1",
    ],
)
def test_it_cannot_put_the_triggers_aside(kept: Kept, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        kept.change(statement)
