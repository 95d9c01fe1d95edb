"""The journal's transactions on a SQLite file: one writing process, checkpoints between batches."""

import asyncio
import math
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from app.domain.history import WriteSet
from app.sql.batch import HEAD, Batch, write_batch
from app.sql.database import DatabaseFailed, Outcome, at_once
from app.sql.purging import purge
from app.sql.sqlite import (
    FAST_SYNC,
    Guard,
    WriterLock,
    checkpoint,
    guest_lock,
    sync_seconds,
    truncate,
    writer,
)
from app.sql.sqlite_session import SQLiteSession

PURGE_EVERY = 3600.0
TRUNCATE_EVERY = 1.0
# Some 20 MB of log while sets come one by one, less in batches: large enough to pay.
CHECKPOINT_EVERY = 2000
# One commit that held everybody up for so long is the last that does.
SLOW_COMMIT = 0.02
# Rows that are hashed and written while everybody waits: about 10 ms.
IN_THE_LOOP = 300


class SQLiteStore:
    """The one writer of a file, by a lock beside it."""

    def __init__(self, path: Path, *, guard: Guard | None = None) -> None:
        self.path = path
        self.guard = guard or Guard(path)
        self._known_content: set[str] = set()
        self._inode = 0
        self._is_writing = False
        # Long ago: a monotonic clock may count from a start of the machine a minute ago.
        self._purged = self._truncated = -math.inf
        self._rows_since_checkpoint = 0

    async def open(self) -> None:
        """Take the lock. Unavailable when another process writes."""
        self._lock = WriterLock.take(self.path)
        self._connection = writer(self.path)
        self._connection.row_factory = sqlite3.Row
        self._session = SQLiteSession(self._connection)
        self._inode = self.path.stat().st_ino
        self._is_fast = sync_seconds(self.path.parent) < FAST_SYNC
        self._known_content = {
            digest for (digest,) in self._connection.execute("SELECT digest FROM content_version")
        }

    async def close(self) -> None:
        """Move the log into the file, and let others write."""
        with guest_lock(self.path, waits=True):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
        self._lock.release()

    def obstacle(self) -> str:
        """What speaks against writing before anything is tried."""
        try:
            if self.path.stat().st_ino != self._inode:
                return "the database file was replaced"
            if self.guard.is_log_long() and not self._is_writing:
                self._shorten(time.monotonic())
            return self.guard.obstacle()
        except OSError as error:
            return f"the database file cannot be seen ({error.strerror})"
        except sqlite3.Error as error:
            return f"tidying up failed ({error})"

    async def commit(self, sets: Sequence[WriteSet]) -> list[Outcome]:
        """In the event loop where the disk is fast and the batch is short, else in a thread."""
        self._is_writing = True
        rows = sum(len(one.entries) for one in sets)
        try:
            if self._is_fast and rows <= IN_THE_LOOP:
                batch = self._transaction(sets)
            else:
                batch = await asyncio.to_thread(self._transaction, sets)
        except sqlite3.Error as error:
            raise DatabaseFailed(str(error)) from error
        finally:
            self._is_writing = False
        self._known_content |= batch.content
        self._rows_since_checkpoint += batch.rows
        return batch.outcomes

    def _transaction(self, sets: Sequence[WriteSet]) -> Batch:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            head = connection.execute(HEAD).fetchone()
            batch = at_once(write_batch(self._session, head, sets, self._known_content))
            began = time.perf_counter()
            connection.execute("COMMIT")
            self._judge_disk(time.perf_counter() - began)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return batch

    def _judge_disk(self, seconds: float) -> None:
        """A disk may get slow, and fast again: what was measured at the start is not for ever."""
        if seconds > SLOW_COMMIT:
            self._is_fast = False
        elif seconds < FAST_SYNC:
            self._is_fast = True

    async def tidy(self, now: float) -> None:
        """Checkpoint; forget promises a day old and tokens that have expired."""
        try:
            if self._rows_since_checkpoint > CHECKPOINT_EVERY:
                with guest_lock(self.path, waits=False) as is_alone:
                    if is_alone:
                        self._rows_since_checkpoint = 0
                        checkpoint(self._connection)
            if self.guard.is_log_long():
                self._shorten(now)
            if now - self._purged > PURGE_EVERY:
                self._purged = now
                await purge(self._session)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseFailed(str(error)) from error

    def _shorten(self, now: float) -> None:
        if now - self._truncated > TRUNCATE_EVERY:
            with guest_lock(self.path, waits=False) as is_alone:
                if is_alone:
                    self._truncated = now
                    truncate(self._connection)
