"""Refusals before anybody is known: one row for each address and minute, with a count.

A row for each would let a stranger fill the disk. They are kept in memory until their minute is
over, so a crash loses at most a minute of them; nothing of any patient was shown.
"""

import asyncio
import contextlib
import logging
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from app.domain.history import AuditRecord, ReadSet, WriteSet
from app.domain.problem import Refusal
from app.use_cases.ports import Journal

ADDRESSES_AT_MOST = 1000
ELSEWHERE = "many"
TICK = 5.0
SECURITY_ALERT = "login"
log = logging.getLogger(__name__)


class Strangers:
    """Counts by minute and address; ``start`` and ``close`` go with the journal."""

    def __init__(self, journal: Journal, clock: Callable[[], datetime], tenant: str) -> None:
        self._journal, self._clock, self._tenant = journal, clock, tenant
        self._counts: Counter[tuple[datetime, str, int]] = Counter()
        self._task: asyncio.Task[None] | None = None

    def refused(self, address: str, status: int) -> None:
        """One more. Beyond a thousand addresses a minute the rest are counted together."""
        key = (self._minute(), address, status)
        if key not in self._counts and len(self._counts) >= ADDRESSES_AT_MOST:
            key = (key[0], ELSEWHERE, status)
        self._counts[key] += 1

    def start(self) -> None:
        """Write each minute when it is over."""
        self._task = asyncio.create_task(self._run(), name="strangers")

    async def close(self) -> None:
        """Write what is left."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write(self._minute() + timedelta(minutes=1))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            await self._write(self._minute())

    async def _write(self, before: datetime) -> None:
        """The minutes that are over; what cannot be written stays until it can."""
        over = {key: count for key, count in self._counts.items() if key[0] < before}
        if not over:
            return
        rows = tuple(_row(*key, count) for key, count in sorted(over.items()))
        try:
            await self._journal.record(WriteSet(self._tenant, ReadSet(), rows))
        except Refusal:
            log.warning("not audited", extra={"refusals": sum(over.values())})
            return
        self._counts.subtract(over)
        self._counts = +self._counts

    def _minute(self) -> datetime:
        return self._clock().replace(second=0, microsecond=0)


def _row(minute: datetime, address: str, status: int, count: int) -> AuditRecord:
    return AuditRecord(
        id=str(uuid.uuid4()),
        recorded=minute,
        action="E",
        what="",
        patient=None,
        who="unknown",
        origin=address,
        outcome="4",
        request_id="",
        interaction=SECURITY_ALERT,
        status=status,
        count=count,
    )
