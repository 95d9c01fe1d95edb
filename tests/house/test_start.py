"""What a start loads: nothing that only a migration, PostgreSQL or a command needs."""

import subprocess
import sys
from importlib import import_module

import pytest
import typer.main

from app.cli import MODULES
from app.sql.migrate import newest
from app.sql.schema import NEWEST

ONLY_ELSEWHERE = {
    *("sqlalchemy", "alembic", "mako", "asyncpg", "yaml", "fhir", "joserfc", "httpx", "httpcore"),
    *("app.book", "app.impact", "app.population", "app.examples", "app.printing"),
    *("app.sql.migrate", "app.sql.erasure", "app.sql.verify", "app.ehr.http"),
}
UVICORN = "import sys, app.main; print(*sys.modules)"
SERVE = "import sys, app.cli; app.cli.joined(['serve']); print(*sys.modules)"


@pytest.mark.parametrize("start", [UVICORN, SERVE], ids=["uvicorn", "serve"])
def test_the_service_loads_no_more_than_it_needs(start: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", start], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "app.main" in told
    assert not ONLY_ELSEWHERE & set(told)


@pytest.mark.parametrize("module", MODULES)
def test_each_module_of_the_command_line_has_the_commands_that_are_asked_of_it(module: str) -> None:
    """What ``joined`` loads for a word has it, and no command stands in a module unlisted."""
    commands = typer.main.get_group(import_module(f"app.cli.{module}").commands).commands

    assert tuple(commands) == MODULES[module]


def test_the_schema_of_this_release_is_the_newest_migration() -> None:
    assert newest() == NEWEST
