"""Record what clients create and update: one resource or many, all or nothing, under one lock.

Where a wish names a condition, it is looked up and looked up again under the journal's lock, so
that two clients with the same condition never both create.
"""

import hashlib
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.domain.history import (
    AuditRecord,
    CurrentVersion,
    ReadSet,
    ResourceVersion,
    SomethingMoved,
    Stored,
    WriteSet,
)
from app.domain.problem import (
    Conflict,
    NotAllowed,
    NotUnderstood,
    PreconditionFailed,
    Problem,
    Refused,
)
from app.domain.searching import NEWEST_FIRST, Cursor, Search
from app.domain.submission import Received
from app.use_cases.calling import NAMESPACE, TRIES, Caller
from app.use_cases.ports import Clock, History, Journal

READ_ONLY = ("GET", "HEAD")
PUBLISHED = ("Organization", "painplan")
MANY = 2


class Wish(NamedTuple):
    """What one client wants to write.

    ``id`` is the id in the address of an update, or of the body where a condition decides; None
    where there is none. ``new_id`` is the one that a new resource gets. ``if_match`` are the
    version ids allowed, ``*`` for whichever is there, None for any or none; ``if_none_match`` those
    ruled out. ``where`` is its place in what came in. ``of_patient`` is the one patient whose
    resources the client may change, None for any and for those of nobody.
    """

    type: str
    new_id: str
    id: str | None = None
    condition: Search | None = None
    is_update: bool = False
    if_match: frozenset[str] | None = None
    if_none_match: frozenset[str] | None = None
    where: str = ""
    of_patient: str | None = None


class Target(NamedTuple):
    """Which resource a wish is about, and its newest version (None: there is none yet)."""

    type: str
    id: str
    known: CurrentVersion | None
    is_left: bool = False

    @property
    def reference(self) -> str:
        """``Type/id``."""
        return f"{self.type}/{self.id}"


class Written(NamedTuple):
    """What became of a wish; ``is_left`` when its condition found what it wanted to create."""

    stored: Stored
    is_new: bool
    is_left: bool = False


Prepare = Callable[[Sequence[Target]], Awaitable[Sequence[Received]]]
"""The resources to write, once it is known which they are: one for each target, in their order."""


@dataclass(frozen=True, slots=True)
class RecordResource:
    """The use case with the parts it needs."""

    history: History
    journal: Journal
    clock: Clock

    async def one(self, wish: Wish, received: Received, caller: Caller) -> Written:
        """Write one resource."""

        async def as_it_is(_: Sequence[Target]) -> Sequence[Received]:
            return (received,)

        (written,) = await self((wish,), as_it_is, caller)
        return written

    async def __call__(
        self, wishes: Sequence[Wish], prepare: Prepare, caller: Caller
    ) -> tuple[Written, ...]:
        """All of them or none. PreconditionFailed, Conflict, NotAllowed, Refused tell why not."""
        now = self.clock()
        for _ in range(TRIES):
            try:
                return await self._once(wishes, prepare, caller, now)
            except SomethingMoved:
                continue
        raise Conflict(
            Problem(
                "Other writes of the same resource kept coming in between.",
                mend="Send the request again.",
                code="conflict",
            )
        )

    async def _once(
        self, wishes: Sequence[Wish], prepare: Prepare, caller: Caller, now: datetime
    ) -> tuple[Written, ...]:
        targets = await self.targets(wishes, caller.tenant)
        bodies = await prepare(targets)
        versions = [
            None if target.is_left else _version(received, target, wish)
            for target, received, wish in zip(targets, bodies, wishes, strict=True)
        ]
        new = [version for version in versions if version is not None]
        if not new:
            return tuple([await self._left(t, caller.tenant) for t in targets])
        reads = ReadSet(
            versions=tuple((v.type, v.id, v.version - 1) for v in new),
            unmatched=tuple(
                wish.condition
                for wish, target in zip(wishes, targets, strict=True)
                if wish.condition is not None and target.known is None
            ),
        )
        audits = (_audit(version, caller, now) for version in new)
        committed = await self.journal.record(WriteSet(caller.tenant, reads, (*new, *audits)))
        return tuple(
            [
                await self._left(target, caller.tenant)
                if version is None
                else Written(
                    Stored(version, committed.sequence, committed.committed_at),
                    is_new=target.known is None or target.known.is_erased,
                )
                for version, target in zip(versions, targets, strict=True)
            ]
        )

    async def targets(self, wishes: Sequence[Wish], tenant: str) -> tuple[Target, ...]:
        """Which resource each is about: conditions looked up, no resource named twice."""
        matched = [await self._matched(wish, tenant) for wish in wishes]
        ids = [
            match or (wish.id if wish.is_update else None) or wish.new_id
            for match, wish in zip(matched, wishes, strict=True)
        ]
        keys = [(wish.type, id_) for wish, id_ in zip(wishes, ids, strict=True)]
        _refuse_twice(keys, wishes)
        current = await self.history.current_versions(tenant, keys)
        for key, match, wish in zip(keys, matched, wishes, strict=True):
            there = key in current and not current[key].is_erased
            if wish.condition is not None and match is None and there:
                raise _exists(wish)
        return tuple(
            Target(*key, current.get(key), is_left=match is not None and not wish.is_update)
            for key, match, wish in zip(keys, matched, wishes, strict=True)
        )

    async def match(self, search: Search, tenant: str, where: str) -> str | None:
        """The id of the only match; None for none. PreconditionFailed for more than one."""
        cursor = Cursor(await self.history.head(), "", 0, -1)
        found = await self.history.search(
            tenant, search, cursor=cursor, order=NEWEST_FIRST, count=MANY
        )
        if len(found) == MANY:
            raise PreconditionFailed(
                Problem(
                    "The condition matches more than one resource.",
                    where=where,
                    mend="Name a criterion that only one resource has.",
                    code="multiple-matches",
                )
            )
        return found[0][0].version.id if found else None

    async def _matched(self, wish: Wish, tenant: str) -> str | None:
        if wish.condition is None:
            return None
        found = await self.match(wish.condition, tenant, wish.where)
        if found is not None and wish.is_update and wish.id not in (None, found):
            raise NotUnderstood(
                Problem(
                    "The resource has another id than the one that the condition matches.",
                    where=wish.where or f"{wish.type}.id",
                    mend="Send the id of the match, or none.",
                    code="value",
                )
            )
        return found

    async def _left(self, target: Target, tenant: str) -> Written:
        """What was there already."""
        stored = await self.history.read(tenant, target.type, target.id)
        assert stored is not None  # noqa: S101  (the condition has just found it)
        return Written(stored, is_new=False, is_left=True)


def _exists(wish: Wish) -> Conflict:
    return Conflict(
        Problem(
            f"The condition matches nothing, and {wish.type}/{wish.new_id} exists.",
            where=wish.where or f"{wish.type}.id",
            mend="Update it by its id, or send the resource without one.",
            code="duplicate",
        )
    )


def _refuse_twice(keys: Sequence[tuple[str, str]], wishes: Sequence[Wish]) -> None:
    seen: set[tuple[str, str]] = set()
    conditions: list[Search] = []
    for key, wish in zip(keys, wishes, strict=True):
        if key in seen or (wish.condition is not None and wish.condition in conditions):
            raise Refused(
                Problem(
                    "Two entries write the same resource.",
                    where=wish.where,
                    mend="Send each resource once.",
                    code="duplicate",
                )
            )
        seen.add(key)
        conditions.extend([wish.condition] if wish.condition is not None else [])


def _version(received: Received, target: Target, wish: Wish) -> ResourceVersion:
    """The next version, if it may be written."""
    patient = target.id if received.type == "Patient" else received.patient
    known = target.known
    _require_match(wish, known)
    if (target.type, target.id) == PUBLISHED or (known is not None and known.origin == "derived"):
        raise NotAllowed(
            Problem(
                f"{target.reference} was made by this service and is only read.",
                where=wish.where or f"{target.type}.id",
                mend="Send yours under an id of its own.",
                code="not-supported",
            ),
            allow=READ_ONLY,
        )
    may_be_whose = (None, patient) if wish.of_patient is None else (wish.of_patient,)
    if known is not None and known.patient not in may_be_whose:
        whose = "without a patient" if known.patient is None else "for another patient"
        raise Conflict(
            Problem(
                f"{target.reference} is stored {whose}.",
                where=wish.where or f"{target.type}.id",
                mend="An id belongs to one resource; send this one under its own id.",
                code="conflict",
            )
        )
    return ResourceVersion(
        type=received.type,
        id=target.id,
        version=1 if known is None else known.version + 1,
        patient=patient,
        status=received.status,
        sha256=hashlib.sha256(received.body).digest(),
        body=received.body,
        search=received.search,
    )


def _require_match(wish: Wish, known: CurrentVersion | None) -> None:
    barred, allowed = wish.if_none_match, wish.if_match
    if barred is not None and known is not None and barred & {"*", str(known.version)}:
        raise PreconditionFailed(
            Problem(
                f"If-None-Match rules out the current version, which is {known.version}.",
                where=wish.where or "If-None-Match",
                mend="Leave it as it is, or change it without that header.",
                code="duplicate",
            )
        )
    if allowed is None or (known is not None and allowed & {"*", str(known.version)}):
        return
    there = "which is not there yet" if known is None else f"which is {known.version}"
    raise PreconditionFailed(
        Problem(
            f"If-Match does not name the current version, {there}.",
            where=wish.where or "If-Match",
            mend="Read the resource again, then change the version that was read.",
            code="conflict",
        )
    )


def _audit(version: ResourceVersion, caller: Caller, now: datetime) -> AuditRecord:
    what = f"{version.type}/{version.id}"
    is_first = version.version == 1
    return AuditRecord(
        id=str(uuid.uuid5(NAMESPACE, f"{caller.request_id} {now.isoformat()} {what}")),
        recorded=now,
        action="C" if is_first else "U",
        what=what,
        patient=version.patient,
        who=caller.client,
        origin=caller.origin,
        outcome="0",
        request_id=caller.request_id,
        interaction="create" if is_first else "update",
        status=201 if is_first else 200,
        token=caller.token_id,
    )
