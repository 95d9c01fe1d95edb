"""Each role of the documents can do what it is there for, and cannot do more."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from app.domain.problem import Refused
from app.main import SEARCH
from app.sql.reindex import reindex
from app.sql.tables import BLOCK, JOURNAL
from app.sql.verify import verify
from tests.databases import Kept, Server
from tests.sql.history import erase_one, write

DOCS = Path(__file__).parents[2] / "docs"
SERVICE, ERASER = "painplan_service", "painplan_eraser"


@contextlib.contextmanager
def a_role(postgresql: Server, owned: Kept, name: str, document: str) -> Iterator[Kept]:
    """The database as a role meets it, with the rights that a document gives."""
    text = (DOCS / document).read_text("utf-8")
    (grants,) = re.findall(r"```sql\n(.*?)```", text, flags=re.DOTALL)
    with contextlib.suppress(asyncpg.UndefinedObjectError):
        postgresql.admin(f"DROP ROLE {name}")
    owned.change(grants)
    url = make_url(owned.url).set(username=name, password="a secret")
    owned.change(f"ALTER ROLE {name} PASSWORD 'a secret'")
    yield Kept(url.render_as_string(hide_password=False))
    owned.change(f"DROP OWNED BY {name}")
    postgresql.admin(f"DROP ROLE {name}")


@pytest.fixture(scope="module")
def owned(postgresql: Server) -> Iterator[Kept]:
    owned = postgresql.fresh()
    yield owned
    postgresql.drop(owned)


@pytest.fixture(scope="module")
def kept(postgresql: Server, owned: Kept) -> Iterator[Kept]:
    """A history as the service's own role meets it."""
    with a_role(postgresql, owned, SERVICE, "postgresql.md") as found:
        yield found


@pytest.fixture(scope="module")
def eraser(postgresql: Server, owned: Kept) -> Iterator[Kept]:
    """The same, as the role that erases meets it."""
    with a_role(postgresql, owned, ERASER, "erasure.md") as found:
        yield found


def test_it_can_do_all_that_the_service_does(kept: Kept) -> None:
    write(kept, 2)

    with pytest.raises(Refused, match="may not erase"):
        erase_one(kept)
    assert verify(kept.url).is_intact
    assert reindex(kept.url, SEARCH) == kept.count("resource_version")


@pytest.mark.usefixtures("kept")
def test_the_role_that_erases_can_do_that_and_nothing_else(eraser: Kept) -> None:
    erase_one(eraser)

    assert verify(eraser.url).is_intact
    assert eraser.count("erasure") == 1
    for statement in ("DELETE FROM decision", "INSERT INTO decision SELECT * FROM decision",
                      "UPDATE block SET entries = 0", "UPDATE erasure SET entries = 0",
                      "DROP TRIGGER decision_no_update ON decision"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            eraser.change(statement)
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        eraser.change("UPDATE decision SET engine = '0'")


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
