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

import structlog

from app import metrics
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
    truncate,
    writer,
)

log = structlog.get_logger()
QUEUE = 1000
WAITS_AT_MOST = 2.0
BATCH = 64
PROMISES_LAST = timedelta(hours=24)
TOKENS_LAST = timedelta(hours=1)  # beyond their expiry, whatever clock skew is granted
PURGE_EVERY = 3600.0
TRUNCATE_EVERY = 1.0
FAILURE_COUNTS = 30.0
# Some 20 MB of log while sets come one by one, less in batches: large enough to pay.
CHECKPOINT_EVERY = 2000
# Rows that are hashed and written while everybody waits: about 10 ms.
IN_THE_LOOP = 300


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
        self._inode = 0
        self._is_writing = False
        self._failed, self._failed_at = "", 0.0
        self._purged = self._truncated = 0.0
        self._rows_since_checkpoint = 0

    async def start(self) -> None:
        """Take the lock and begin to write. Unavailable when another process does."""
        self._lock = WriterLock.take(self.path)
        self._connection = writer(self.path)
        self._inode = self.path.stat().st_ino
        self._is_fast = sync_seconds(self.path.parent) < FAST_SYNC
        self._known_content = {
            digest for (digest,) in self._connection.execute("SELECT digest FROM content_version")
        }
        self._obstacle = ""
        self._task = asyncio.create_task(self._run(), name="journal")
        self._task.add_done_callback(self._stopped)

    async def close(self) -> None:
        """Write what waits, then stop."""
        if self._task is None:
            return
        self._obstacle = "closing"
        if not self._task.done():
            await self._queue.join()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._task  # what ended it was said when it ended
        self._task = None
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._lock.release()

    def obstacle(self) -> str:
        """Why nothing can be written now, for readiness; empty when it can."""
        if self._obstacle:
            return self._obstacle
        if self._task is None or self._task.done():
            return "the journal has stopped"
        if self.guard.is_log_long() and not self._is_writing:
            self._tidy(time.monotonic())
        return self._outside() or self._failure()

    def _outside(self) -> str:
        """What speaks against writing before anything is tried."""
        try:
            if self.path.stat().st_ino != self._inode:
                return "the database file was replaced"
            return self.guard.obstacle()
        except OSError as error:
            return f"the database file cannot be seen ({error.strerror})"

    def _failure(self) -> str:
        """The last refusal by the database, until a batch succeeds or it is worth another try."""
        is_fresh = time.monotonic() - self._failed_at < FAILURE_COUNTS
        return self._failed if self._failed and is_fresh else ""

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
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and not lock._waiters:  # noqa: SLF001  (who waits is told nowhere else)
                self._held.pop(key, None)

    async def _run(self) -> None:
        """For ever: whatever goes wrong with one batch is told to that batch and no other."""
        while True:
            waiting = [await self._queue.get()]
            while len(waiting) < BATCH and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            self._is_writing = True
            try:
                await self._write(waiting)
            except Exception as error:  # noqa: BLE001  (the journal outlives any fault)
                self._fail(waiting, f"a fault of ours ({type(error).__name__})")
            finally:
                self._is_writing = False
                for _ in waiting:
                    self._queue.task_done()
            self._tidy(time.monotonic())

    async def _write(self, waiting: list[_Waiting]) -> None:
        now = time.monotonic()
        late = [one for one in waiting if now - one.since > WAITS_AT_MOST]
        _refuse(late, "the write waited too long")
        fresh = [one for one in waiting if not one.answer.done()]
        if not fresh:
            return
        obstacle = self._outside()
        if obstacle:
            _refuse(fresh, obstacle)
            return
        sets = [one.write_set for one in fresh]
        metrics.waiting(self._queue.qsize())
        began = time.perf_counter()
        try:
            outcomes = await self._commit(sets)
        except sqlite3.Error as error:
            self._fail(fresh, f"the database refused ({error})")
            return
        self._failed = ""
        metrics.committed(len(sets), time.perf_counter() - began)
        for one, outcome in zip(fresh, outcomes, strict=True):
            _answer(one, outcome)
        self._rows_since_checkpoint += sum(len(s.entries) for s in sets)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """The journal has ended, as it was told to or not: nobody waits for it in vain."""
        self._obstacle = self._obstacle or "the journal has stopped"
        while not self._queue.empty():
            _refuse((self._queue.get_nowait(),), self._obstacle)
            self._queue.task_done()
        if not task.cancelled() and task.exception() is not None:
            log.critical("journal", why=self._obstacle)

    def _fail(self, waiting: Sequence[_Waiting], why: str) -> None:
        self._failed, self._failed_at = why, time.monotonic()
        _refuse(waiting, why)
        log.error("journal", why=why)

    async def _commit(self, sets: list[WriteSet]) -> list[Outcome]:
        """In the event loop where the disk is fast and the batch is short, else in a thread."""
        rows = sum(len(one.entries) for one in sets)
        if self._is_fast and rows <= IN_THE_LOOP:
            return write_batch(self._connection, sets, self._known_content)
        return await asyncio.to_thread(write_batch, self._connection, sets, self._known_content)

    def _tidy(self, now: float) -> None:
        """Between batches: checkpoint; forget promises a day old and tokens that have expired."""
        try:
            if self._rows_since_checkpoint > CHECKPOINT_EVERY:
                self._rows_since_checkpoint = 0
                checkpoint(self._connection)
            if self.guard.is_log_long() and now - self._truncated > TRUNCATE_EVERY:
                self._truncated = now
                truncate(self._connection)
            if now - self._purged > PURGE_EVERY:
                self._purged = now
                limit = instant(datetime.now(UTC) - PROMISES_LAST)
                self._connection.execute("DELETE FROM idempotency WHERE recorded < ?", (limit,))
                expired = (instant(datetime.now(UTC) - TOKENS_LAST),)
                self._connection.execute("DELETE FROM seen_token WHERE expires < ?", expired)
        except (sqlite3.Error, OSError) as error:
            self._failed, self._failed_at = f"tidying up failed ({error})", now
            log.error("journal", why=self._failed)  # noqa: TRY400  (a word, no stack trace)


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
