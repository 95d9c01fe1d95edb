"""SQLite as the journal needs it: durable, one writing process, checkpoints by the writer only."""

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.domain.problem import Problem, Unavailable
from app.sql.database import no_database, parsed

WAL_AT_MOST = 64 * 1024 * 1024
DISK_AT_LEAST = 256 * 1024 * 1024
FAST_SYNC = 0.001
PROBE = 8192


def path_of(url: str) -> Path:
    """The file of ``sqlite:///painplan.db``. Unavailable for anything else."""
    found = parsed(url)
    is_plain = found.scheme == "sqlite" and not (found.query or found.server)
    if not is_plain or not Path(found.database).name or found.database == ":memory:":
        raise no_database()
    return Path(found.database).resolve()


def writer(path: Path) -> sqlite3.Connection:
    """The writing connection: WAL, synchronous FULL, no checkpoint but our own."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


def reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


@dataclass(slots=True)
class WriterLock:
    """One writing process a database, by a lock on a file beside it."""

    file: IO[bytes]

    @staticmethod
    def take(path: Path) -> "WriterLock":
        """Take the lock. Unavailable when another process writes to this database."""
        try:
            file = path.with_name(path.name + ".lock").open("ab")
        except OSError as error:
            raise Unavailable(
                Problem(
                    f"Nothing can be written beside {path.name} ({error.strerror}).",
                    mend="Create the folder and give the service the right to write there.",
                    code="exception",
                )
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise Unavailable(
                Problem(
                    f"Another process writes to {path.name}.",
                    mend="Stop that service first: one process writes to a SQLite file.",
                    code="transient",
                )
            ) from None
        return WriterLock(file)

    def release(self) -> None:
        """Give the lock back."""
        self.file.close()


@contextmanager
def guest_lock(path: Path, *, waits: bool) -> Iterator[bool]:
    """Whether no other process checkpoints, or commits as a guest, meanwhile.

    A command may write beside the service that holds the file: one takes its turn in SQLite's own
    lock, as any writer does. But a checkpoint must not race with a commit on another connection
    (SQLite before 3.51.3 can lose pages then), so whoever does either holds this.
    """
    with path.with_name(path.name + ".guest").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


@dataclass(frozen=True, slots=True)
class Guard:
    """When writing stops: a WAL that cannot be checkpointed away, or a disk that fills up."""

    path: Path
    wal_at_most: int = WAL_AT_MOST
    disk_at_least: int = DISK_AT_LEAST

    def obstacle(self) -> str:
        """Why nothing can be written now; empty when it can. Looks at sizes only."""
        if shutil.disk_usage(self.path.parent).free < self.disk_at_least:
            return "the disk is nearly full"
        return "the write-ahead log cannot be checkpointed" if self.is_log_long() else ""

    def is_log_long(self) -> bool:
        """Longer than may be: it waits for a reader to let go of it."""
        return self.wal_size() > self.wal_at_most

    def wal_size(self) -> int:
        """Bytes in the write-ahead log."""
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0


def checkpoint(connection: sqlite3.Connection) -> None:
    """Move the log into the database as far as readers allow, without waiting for them.

    The log's file keeps its size and is written from its start again afterwards.
    """
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def truncate(connection: sqlite3.Connection) -> None:
    """Empty the log if no reader holds it; waits for nobody."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.execute("PRAGMA busy_timeout = 5000")


def sync_seconds(folder: Path) -> float:
    """How long the disk takes to make 8 KB durable."""
    probe = folder / f".painplan-sync-{os.getpid()}"
    with probe.open("wb") as file:
        times = []
        for _ in range(5):
            file.write(bytes(PROBE))
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    probe.unlink()
    return sorted(times)[len(times) // 2]
