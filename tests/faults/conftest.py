"""What the fault tests share, and the table of what was tried and what was lost."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from app.sql.migrate import migrate
from tests.databases import KINDS, Kept, a_file
from tests.faults.disk import Disk
from tests.faults.kept import IS_THOROUGH, Tried
from tests.faults.server import OwnServer, own_server
from tests.told import told

ONLY_IN_FULL = "faults_in_full"
TRIED = "tried"


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Iterator[list[Tried]]:
    """Where a test says what it did; printed at the end."""
    done: list[Tried] = []
    yield done
    for one in done:
        record_property(TRIED, asdict(one))


@dataclass(frozen=True, slots=True)
class Place:
    """A history, the disk below it, and how both are made to fail."""

    kept: Kept
    disk: Disk
    environment: dict[str, str]
    server: OwnServer | None

    def take_away(self) -> None:
        """The database is gone."""
        if self.server is not None:
            self.server.stop()
        else:
            self.kept.file.rename(self._elsewhere)

    def give_back(self) -> None:
        """It is there again."""
        if self.server is not None:
            self.server.start()
        else:
            self._elsewhere.rename(self.kept.file)

    @property
    def _elsewhere(self) -> Path:
        return self.kept.file.with_name("elsewhere.db")


@pytest.fixture(scope="session")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """SQLite above such a disk, or a PostgreSQL above one; the clock is always the service's."""
    if request.param == "sqlite":
        folder = tmp_path / "history"
        folder.mkdir()
        kept = a_file(folder / "painplan.db")
        migrate(kept.url)
        disk = Disk.make(tmp_path, folder)
        yield Place(kept, disk, disk.environment(), None)
        return
    server: OwnServer = request.getfixturevalue("server")
    yield Place(server.kept, server.disk, {}, server)
    server.disk.work()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make test` takes the short version; what it leaves out is counted as deselected."""
    if IS_THOROUGH:
        return
    left_out = [item for item in items if item.get_closest_marker(ONLY_IN_FULL)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a fault."""
    found = [Tried(**cast("dict[str, Any]", one)) for one in told(terminalreporter, TRIED)]
    if not found:
        return
    terminalreporter.section("faults: what was tried, and what was lost")
    for one in found:
        terminalreporter.line(one.line())
    lost = sum(one.lost for one in found)
    answered = sum(one.answered for one in found)
    terminalreporter.line(f"{len(found)} faults, {answered} answered, lost: {lost or 'nothing'}")
