"""The journal: the only writer. Sets wait in one bounded queue, a batch is one block.

``record`` returns after the commit, so nothing that was acknowledged can be lost.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from app import metrics
from app.domain.history import Committed, WriteSet
from app.domain.problem import Problem, Unavailable
from app.sql.database import DatabaseFailed, Outcome, Store, Uncertain
from app.sql.databases import store_of

log = logging.getLogger(__name__)
QUEUE = 1000
WAITS_AT_MOST = 2.0
BATCH = 64
FAILURE_COUNTS = 30.0
NOT_STORED = "Nothing was stored. Send the request again after a while."
MAYBE_STORED = "It may have been stored. Send it again with the same Idempotency-Key."


@dataclass(slots=True)
class _Waiting:
    write_set: WriteSet
    since: float
    answer: "asyncio.Future[Committed]"


class Journal:
    """The one writer of this process. ``start`` before use, ``close`` drains."""

    def __init__(self, url: str, *, store: Store | None = None) -> None:
        self.store: Store = store or store_of(url)
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(QUEUE)
        self._held: dict[tuple[str, ...], asyncio.Lock] = {}
        self._task: asyncio.Task[None] | None = None
        self._obstacle = "not started"
        self._failed, self._failed_at = "", 0.0

    async def start(self) -> None:
        """Begin to write. Unavailable when that is not possible here."""
        await self.store.open()
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
        await self.store.close()

    def obstacle(self) -> str:
        """Why nothing can be written now, for readiness; empty when it can."""
        if self._obstacle:
            return self._obstacle
        if self._task is None or self._task.done():
            return "the journal has stopped"
        return self.store.obstacle() or self._failure()

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
        metrics.waiting(self._queue.qsize())
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
            metrics.waiting(self._queue.qsize())
            try:
                await self._write(waiting)
            except Exception as error:  # noqa: BLE001  (the journal outlives any fault)
                self._fail(waiting, f"a fault of ours ({type(error).__name__})")
            finally:
                for _ in waiting:
                    self._queue.task_done()
            await self._tidy(time.monotonic())

    async def _write(self, waiting: list[_Waiting]) -> None:
        now = time.monotonic()
        late = [one for one in waiting if now - one.since > WAITS_AT_MOST]
        _refuse(late, "the write waited too long")
        fresh = [one for one in waiting if not one.answer.done()]
        if not fresh:
            return
        obstacle = self.store.obstacle()
        if obstacle:
            _refuse(fresh, obstacle)
            return
        sets = [one.write_set for one in fresh]
        began = time.perf_counter()
        try:
            outcomes = await self.store.commit(sets)
        except Uncertain as error:
            self._fail(fresh, str(error), MAYBE_STORED)
            return
        except DatabaseFailed as error:
            self._fail(fresh, f"the database refused ({error})")
            return
        self._failed = ""
        metrics.committed(len(sets), time.perf_counter() - began)
        for one, outcome in zip(fresh, outcomes, strict=True):
            _answer(one, outcome)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """The journal has ended, as it was told to or not: nobody waits for it in vain."""
        self._obstacle = self._obstacle or "the journal has stopped"
        while not self._queue.empty():
            _refuse((self._queue.get_nowait(),), self._obstacle)
            self._queue.task_done()
        if not task.cancelled() and task.exception() is not None:
            log.critical("journal", extra={"why": self._obstacle})

    def _fail(self, waiting: Sequence[_Waiting], why: str, mend: str = NOT_STORED) -> None:
        self._failed, self._failed_at = why, time.monotonic()
        _refuse(waiting, why, mend)
        log.error("journal", extra={"why": why})

    async def _tidy(self, now: float) -> None:
        """Between batches; that something is left lying about stops nothing that was promised."""
        try:
            await self.store.tidy(now)
        except DatabaseFailed as error:
            self._failed, self._failed_at = f"tidying up failed ({error})", now
            log.error("journal", extra={"why": self._failed})  # noqa: TRY400  (a word, no stack trace)


def _answer(one: _Waiting, outcome: Outcome) -> None:
    """Tell the caller, unless it has gone away."""
    if one.answer.done():
        return
    if isinstance(outcome, Committed):
        one.answer.set_result(outcome)
    else:
        one.answer.set_exception(outcome)


def _refuse(waiting: Sequence[_Waiting], why: str, mend: str = NOT_STORED) -> None:
    for one in waiting:
        _answer(one, _unavailable(why, mend))


def _unavailable(why: str, mend: str = NOT_STORED) -> Unavailable:
    return Unavailable(Problem(f"Nothing can be written now: {why}.", mend=mend, code="transient"))
