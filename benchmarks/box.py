"""Where a run was made: figures mean little without the machine, the Python and the disk."""

import os
import platform
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.sql.sqlite import sync_seconds
from benchmarks import wrk
from benchmarks.cases import HEALTHCHAIN, ROOT, Databases

SYNCS = 20
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Box:
    """The machine, what runs on it, and how busy it was before; ``fsync`` is of 8 KB, in us."""

    cores: int
    processor: str
    megabytes: float
    system: str
    python: str
    sqlite: str
    postgresql: str
    fsync: float
    load: float
    client: str
    healthchain: bool
    commit: str

    @classmethod
    def here(cls, folder: Path, at: Databases) -> "Box":
        """This machine, with the disk of ``folder``."""
        ((version,),) = at.postgres.ask(at.postgres.url, "SHOW server_version")
        return cls(
            cores=os.cpu_count() or 0,
            processor=_processor(),
            megabytes=psutil.virtual_memory().total / 1e6,
            system=platform.platform(),
            python=f"{platform.python_implementation()} {sys.version}",
            sqlite=sqlite3.sqlite_version,
            postgresql=str(version),
            fsync=sorted(sync_seconds(folder) for _ in range(SYNCS))[SYNCS // 2] * 1e6,
            load=os.getloadavg()[0],
            client="wrk" if wrk.is_installed() else "the bundled client (no wrk)",
            healthchain=HEALTHCHAIN.exists(),
            commit=_commit(),
        )

    def in_words(self) -> str:
        """For the head of the table."""
        return (
            f"{self.cores} cores ({self.processor}), {self.megabytes / 1000:.0f} GB, {self.system}."
            f" {self.python}. SQLite {self.sqlite}, PostgreSQL {self.postgresql}."
            f" fsync of 8 KB: {self.fsync:.0f} us. Load before the run: {self.load:.1f}."
            f" Closed loops by {self.client}. Commit {self.commit}."
        )


def machine() -> str:
    """Cores, system and Python in one line."""
    cores, python = os.cpu_count(), platform.python_version()
    return f"{cores} cores ({_processor()}), {platform.platform()}, CPython {python}"


def _processor() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Of the checkout; with a mark where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  (whichever git there is)
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
