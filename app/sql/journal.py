"""The journal: the only writer. Sets wait in one bounded queue, a batch is one block.

``record`` returns after the commit, so nothing that was acknowledged can be lost.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.domain.history import Committed, WriteSet
from app.domain.problem import Problem, Unavailable
from app.sql.batch import Outcome, write_batch
from app.sql.rows import instant
from app.sql.sqlite import (
    FAST_SYNC,
    Guard,
    WriterLock,
    checkpoint,
    path_of,
    sync_seconds,
    writer,
)

QUEUE = 1000
WAITS_AT_MOST = 2.0
BATCH = 64
PROMISES_LAST = timedelta(hours=24)
PURGE_EVERY = 3600.0
# About 4 MB of log at 15 rows a set: large enough to pay, small enough to stay in the cache.
CHECKPOINT_EVERY = 2000


@dataclass(slots=True)
class _Waiting:
    write_set: WriteSet
    since: float
    answer: "asyncio.Future[Committed]"


class Journal:
    """One writer a database. ``start`` before use, ``close`` drains."""

    def __init__(self, url: str, *, guard: Guard | None = None) -> None:
        self.path: Path = path_of(url)
        self.guard = guard or Guard(self.path)
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(QUEUE)
        self._held: dict[tuple[str, ...], asyncio.Lock] = {}
        self._known_content: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._obstacle = "not started"
        self._is_writing = False
        self._purged = 0.0
        self._rows_since_checkpoint = 0

    async def start(self) -> None:
        """Take the lock and begin to write. Unavailable when another process does."""
        self._lock = WriterLock.take(self.path)
        self._connection = writer(self.path)
        self._is_fast = sync_seconds(self.path.parent) < FAST_SYNC
        self._known_content = {
            digest for (digest,) in self._connection.execute("SELECT digest FROM content_version")
        }
        self._obstacle = ""
        self._task = asyncio.create_task(self._run(), name="journal")

    async def close(self) -> None:
        """Write what waits, then stop."""
        if self._task is None:
            return
        self._obstacle = "closing"
        await self._queue.join()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._lock.release()

    def obstacle(self) -> str:
        """Why nothing can be written now, for readiness; empty when it can."""
        if self._obstacle or self._is_writing:
            return self._obstacle
        try:
            return self.guard.obstacle(self._connection)
        except sqlite3.Error as error:
            return f"the database refused ({error})"

    async def record(self, write_set: WriteSet) -> Committed:
        """Write one set. SomethingMoved: decide again. Unavailable: nothing was written."""
        if self._obstacle:
            raise _unavailable(self._obstacle)
        answer: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Waiting(write_set, time.monotonic(), answer))
        except asyncio.QueueFull:
            raise _unavailable("too many writes are waiting") from None
        return await answer

    @contextlib.asynccontextmanager
    async def hold(self, key: tuple[str, ...]) -> AsyncIterator[None]:
        """A repeated key that is still running waits for the first."""
        lock = self._held.setdefault(key, asyncio.Lock())
        async with lock:
            yield
        if not lock.locked() and not lock._waiters:  # noqa: SLF001  (whether anybody still waits is told nowhere else)
            self._held.pop(key, None)

    async def _run(self) -> None:
        while True:
            waiting = [await self._queue.get()]
            while len(waiting) < BATCH and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            self._is_writing = True
            try:
                await self._write(waiting)
            finally:
                self._is_writing = False
                for _ in waiting:
                    self._queue.task_done()

    async def _write(self, waiting: list[_Waiting]) -> None:
        now = time.monotonic()
        late = [one for one in waiting if now - one.since > WAITS_AT_MOST]
        _refuse(late, "the write waited too long")
        fresh = [one for one in waiting if not one.answer.done()]
        if not fresh:
            return
        obstacle = self.guard.obstacle(self._connection)
        if obstacle:
            _refuse(fresh, obstacle)
            return
        sets = [one.write_set for one in fresh]
        try:
            outcomes = await self._commit(sets)
        except sqlite3.Error as error:
            _refuse(fresh, f"the database refused ({error})")
            return
        for one, outcome in zip(fresh, outcomes, strict=True):
            _answer(one, outcome)
        self._rows_since_checkpoint += sum(len(s.entries) for s in sets)
        self._tidy(now)

    async def _commit(self, sets: list[WriteSet]) -> list[Outcome]:
        """In the event loop where the disk is fast, else in a thread."""
        if self._is_fast:
            return write_batch(self._connection, sets, self._known_content)
        return await asyncio.to_thread(write_batch, self._connection, sets, self._known_content)

    def _tidy(self, now: float) -> None:
        """Between batches: checkpoint, and forget promises that are a day old."""
        if self._rows_since_checkpoint > CHECKPOINT_EVERY:
            self._rows_since_checkpoint = 0
            checkpoint(self._connection)
        if now - self._purged < PURGE_EVERY:
            return
        self._purged = now
        limit = instant(datetime.now(UTC) - PROMISES_LAST)
        self._connection.execute("DELETE FROM idempotency WHERE recorded < ?", (limit,))


def _answer(one: _Waiting, outcome: Outcome) -> None:
    """Tell the caller, unless it has gone away."""
    if one.answer.done():
        return
    if isinstance(outcome, Committed):
        one.answer.set_result(outcome)
    else:
        one.answer.set_exception(outcome)


def _refuse(waiting: Sequence[_Waiting], why: str) -> None:
    for one in waiting:
        _answer(one, _unavailable(why))


def _unavailable(why: str) -> Unavailable:
    return Unavailable(
        Problem(
            f"Nothing can be written now: {why}.",
            mend="Nothing was stored. Send the request again after a while.",
            code="transient",
        )
    )
