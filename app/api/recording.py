"""The audit rows of a request, kept before its answer leaves: no row, no answer."""

import logging
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from starlette.requests import Request
from starlette.types import Scope

from app.api.acts import ACTS, OPEN, UNKNOWN, Act
from app.api.interactions import OFFERED
from app.api.requests import caller_of
from app.api.trail import Trail
from app.domain.history import AuditRecord, ReadSet, WriteSet
from app.domain.problem import Problem, Unavailable
from app.fhir.reading.parameters import ID
from app.use_cases.calling import Caller

REFUSED, FAULT, UNAVAILABLE = 400, 500, 503
SUCCESS, MINOR, SERIOUS = "0", "4", "8"
METHODS = {
    "GET": ("read", "R"),
    "HEAD": ("read", "R"),
    "POST": ("create", "C"),
    "PUT": ("update", "U"),
    "PATCH": ("patch", "U"),
    "DELETE": ("delete", "D"),
}
log = logging.getLogger(__name__)


async def recorded(scope: Scope, status: int) -> Unavailable | None:
    """Returns after the commit. Unavailable: nothing may be shown, the answer is that instead.

    A 503 leaves no row: it says that rows cannot be written. A fault of ours is told as one even
    if its row cannot be kept.
    """
    rows = tuple(rows_of(scope, status))
    if not rows or status == UNAVAILABLE:
        return None
    state = scope["app"].state
    tenant = caller_of(Request(scope)).tenant
    try:
        await state.journal.record(WriteSet(tenant, ReadSet(), rows))
    except Unavailable as error:
        log.warning("not audited", extra={"request_id": scope["request_id"], "status": status})
        if status >= FAULT:
            return None
        return _after_a_write() if _has_written(scope["trail"]) else error
    return None


def _has_written(trail: Trail) -> bool:
    """Whether something of this request is stored, with rows of its own: entries of a Bundle."""
    return trail.is_kept or any(inner["trail"].is_kept for inner, _ in trail.inner)


def _after_a_write() -> Unavailable:
    """The journal says that nothing was stored; it means the rows."""
    return Unavailable(
        Problem(
            "What this request wrote is stored. What it read cannot be noted now, so that no"
            " answer is shown.",
            mend="Look for what it wrote before you send it again.",
            code="transient",
        )
    )


def rows_of(scope: Scope, status: int) -> Iterator[AuditRecord]:
    """What this request and those inside it leave, beside what its use case has written."""
    trail: Trail = scope["trail"]
    for inner, answered in trail.inner:
        yield from rows_of(inner, answered)
    is_refused = status >= REFUSED
    endpoint = scope.get("endpoint")
    if not is_refused and (trail.is_kept or trail.inner or endpoint in OPEN):
        return
    now: datetime = scope["app"].state.clock()
    act = _act(scope, is_refused=is_refused)
    row = _row(caller_of(Request(scope)), act, trail, _what(scope, trail), status, now)
    patients: list[str | None] = [*trail.patients] or [_patient(scope)]
    for patient in patients[:1] if is_refused else patients:
        yield replace(row, id=str(uuid.uuid4()), patient=patient)


def _row(  # noqa: PLR0913  (who, what and how it ended)
    caller: Caller, act: Act, trail: Trail, what: str, status: int, now: datetime
) -> AuditRecord:
    return AuditRecord(
        id="",
        recorded=now,
        action=act.action,
        what=what,
        patient=None,
        who=caller.client,
        origin=caller.origin,
        outcome=_outcome(status),
        request_id=caller.request_id,
        interaction=act.interaction,
        operation=act.operation,
        status=status,
        query=trail.query,
        token=caller.token_id,
    )


def _act(scope: Scope, *, is_refused: bool) -> Act:
    """What was done; of what no route takes, what the method would have done."""
    endpoint = scope.get("endpoint")
    known = None if endpoint is None else ACTS.get(endpoint)
    if known is not None:
        return known
    is_refusal = endpoint is not None and is_refused and "type" in scope.get("path_params", {})
    return Act(*METHODS[scope["method"]]) if is_refusal and scope["method"] in METHODS else UNKNOWN


def _outcome(status: int) -> str:
    if status < REFUSED:
        return SUCCESS
    return MINOR if status < FAULT else SERIOUS


def _what(scope: Scope, trail: Trail) -> str:
    """The reference of what was asked for, where the address names one."""
    if trail.what:
        return trail.what
    given = scope.get("path_params", {})
    id_ = given.get("id")
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        return ""
    path: str = scope["path"]
    if path.startswith("/decisions/"):
        return f"decision/{id_}"
    if not path.startswith("/fhir/"):
        return ""
    type_ = path.split("/")[2]
    if type_ not in OFFERED:
        return ""
    version = given.get("vid", "")
    is_version = version.isascii() and version.isdigit()
    return f"{type_}/{id_}/_history/{version}" if is_version else f"{type_}/{id_}"


def _patient(scope: Scope) -> str | None:
    """The patient in the address itself."""
    type_, _, rest = _what(scope, scope["trail"]).partition("/")
    return rest.partition("/")[0] if type_ == "Patient" else None
