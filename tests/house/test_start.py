"""What a start loads: nothing that only a migration, PostgreSQL or a command needs."""

import subprocess
import sys

from app.sql.migrate import newest
from app.sql.schema import NEWEST

ONLY_ELSEWHERE = {"sqlalchemy", "alembic", "mako", "asyncpg", "yaml", "fhir", "joserfc"}
LOADED = "import sys, app.main; print(*{name.partition('.')[0] for name in sys.modules})"


def test_the_service_loads_no_more_than_it_needs() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    ).stdout

    assert "msgspec" in told.split()
    assert not ONLY_ELSEWHERE & set(told.split())


def test_the_schema_of_this_release_is_the_newest_migration() -> None:
    assert newest() == NEWEST
