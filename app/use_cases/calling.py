"""Who calls, and the audit row that an operation leaves."""

import uuid
from datetime import datetime
from typing import NamedTuple

from app.domain.history import AuditRecord, SeenToken
from app.domain.problem import Problem, Refused

# Names what is made of something else: the same something, the same id.
NAMESPACE = uuid.UUID("5f2d9a35-3a3c-5a69-9d0f-2f0c6f1d7b11")
# How often a call is decided anew when what it read has moved meanwhile.
TRIES = 3


class Caller(NamedTuple):
    """Who asks, for which id space, and under which request.

    ``token`` is the single-use token that the request came with, if it came with one;
    ``token_id`` is the id (jti) of its token of either kind, where it has one.
    """

    tenant: str
    client: str
    request_id: str
    origin: str
    guideline_profile: str
    token: SeenToken | None = None
    token_id: str | None = None


def executed(  # noqa: PLR0913  (who, what, about whom, when)
    caller: Caller,
    *,
    operation: str,
    what: str,
    patient: str | None,
    now: datetime,
    user: str | None = None,
) -> AuditRecord:
    """The audit row of an operation."""
    return AuditRecord(
        id=str(uuid.uuid5(NAMESPACE, f"{caller.request_id} {now.isoformat()}")),
        recorded=now,
        action="E",
        what=what,
        patient=patient,
        who=caller.client,
        origin=caller.origin,
        outcome="0",
        request_id=caller.request_id,
        interaction="operation",
        operation=operation,
        user=user,
        token=caller.token_id,
    )


def used_otherwise() -> Refused:
    """A key that stands for another request."""
    return Refused(
        Problem(
            "This Idempotency-Key was used before with another request.",
            mend="Send a new key with a new request.",
            code="business-rule",
        )
    )
