"""The whole audit for a command, which leaves a row of its own: reading the audit is audited."""

import sqlite3
import uuid
from collections.abc import AsyncGenerator, Callable
from datetime import datetime

import asyncpg

from app.domain.auditing import KeptAudit
from app.domain.history import AuditRecord, Committed, ReadSet, WriteSet
from app.domain.problem import Problem, Unavailable
from app.sql.appending import appended
from app.sql.audit_log import AuditLog
from app.sql.erasure import COMMAND_LINE
from app.sql.queries import History

UNWRITABLE = (sqlite3.Error, asyncpg.PostgresError, OSError)


async def exported(
    url: str, tenant: str, after: str, clock: Callable[[], datetime]
) -> AsyncGenerator[KeptAudit]:
    """All events after one in the order of the chain, the row of this very run at their end.

    NotFound: there is no such event. Unavailable: no row can be kept, so nothing is shown.
    """
    history = History(url)
    try:
        log = AuditLog(history.reader)
        place = await log.place(tenant, after)
        await _note(url, tenant, after, clock())
        async for kept in log.after(tenant, place):
            yield kept
    finally:
        await history.close()


async def _note(url: str, tenant: str, after: str, now: datetime) -> None:
    """Returns after the commit of the row."""
    row = AuditRecord(
        id=str(uuid.uuid4()),
        recorded=now,
        action="E",
        what="",
        patient=None,
        who=COMMAND_LINE,
        origin="",
        outcome="0",
        request_id="",
        interaction="operation",
        operation="audit-export",
        query=f"--after {after}".encode() if after else None,
    )
    try:
        outcome = await appended(url, WriteSet(tenant, ReadSet(), (row,)))
    except UNWRITABLE as error:
        what = f"No row can be left in the audit ({error}), so nothing of it is shown."
        mend = "Run it with the rights of the service, on a database of this release's schema."
        raise Unavailable(Problem(what, mend=mend, code="exception")) from None
    if not isinstance(outcome, Committed):
        raise outcome
