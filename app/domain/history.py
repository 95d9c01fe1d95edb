"""What is kept: the entries of a write set and what a write set read before it was decided.

The unit of the history is a request's write set, all or nothing. ``app/sql`` writes it, the use
cases build it; neither knows the other.
"""

from dataclasses import dataclass
from datetime import datetime

from app.domain.hook_history import FeedbackRecord, HookCallRecord, HookCardRecord
from app.domain.searching import Search, SearchValue


@dataclass(frozen=True, slots=True)
class ResourceVersion:
    """One version of one resource, as the exact bytes that came in or went out.

    ``body`` is not compressed here; ``sha256`` is the digest of ``body`` (32 bytes).
    ``patient`` is the logical id of the Patient it belongs to (``p1``), None for none.
    ``status``, ``code`` (first coding as ``system|code``) and ``date`` (RFC 3339 or FHIR date)
    are what a search by patient needs. ``origin`` is ``received`` or ``derived``; ``source`` is
    where an inline input came from (its fullUrl), kept for ``meta.source``. ``search`` holds the
    further values it is found by; they follow from ``body`` and are no part of the hash.
    """

    type: str
    id: str
    version: int
    patient: str | None
    status: str | None
    code: str | None
    date: str | None
    sha256: bytes
    body: bytes
    origin: str = "received"
    source: str | None = None
    search: tuple[SearchValue, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision with everything that re-derives it.

    ``trace`` is JSON bytes (the decision as ``GET /decisions/{id}`` answers it). ``inputs`` and
    ``outputs`` are JSON bytes: lists of ``[type, id, version, sha256-hex]``. ``parameters`` is
    JSON bytes with the defaults filled in. ``knowledge`` is the digest (``sha256:...``).
    """

    id: str
    patient: str
    as_of: datetime
    kind: str
    knowledge: str
    engine: str
    parameters: bytes
    trace: bytes
    inputs: bytes
    outputs: bytes


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One row a request: who did what to whose data, from where, and how it ended."""

    id: str
    recorded: datetime
    action: str
    what: str
    patient: str | None
    who: str
    origin: str
    outcome: str
    request_id: str


@dataclass(frozen=True, slots=True)
class ContentVersion:
    """The content files of a version that decided, as one archive (JSON bytes: name -> text)."""

    digest: str
    version: str
    files: bytes


@dataclass(frozen=True, slots=True)
class AnchorRecord:
    """The history up to a block in three values, to be kept elsewhere as well.

    ``sequence`` is the block, ``head`` its hash, ``root`` the RFC 6962 tree head over the hashes
    of all blocks up to it (32 bytes each). ``key`` and ``signature`` are Ed25519's, in 32 and 64
    bytes, or empty for one that nobody signed.
    """

    id: str
    sequence: int
    head: bytes
    root: bytes
    at: datetime
    key: bytes = b""
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The answer promised to a repeated key, outside the chain, for 24 hours."""

    client: str
    operation: str
    key: str
    request_digest: bytes
    decision_id: str


@dataclass(frozen=True, slots=True)
class SeenToken:
    """A token that may be used once (CH-63), outside the chain until it has expired."""

    issuer: str
    jti: str
    expires: datetime


Entry = (
    ResourceVersion
    | DecisionRecord
    | AuditRecord
    | ContentVersion
    | AnchorRecord
    | HookCallRecord
    | HookCardRecord
    | FeedbackRecord
)


@dataclass(frozen=True, slots=True)
class ReadSet:
    """What the use case saw, checked again under the lock before its write set is accepted.

    ``patient_head`` is the sequence of the last block that touched the patient when it was read
    (0 for none); None means that the use case did not look. ``versions`` are the current version
    numbers it saw: 0 says that the resource did not exist. ``unmatched`` are searches that found
    nothing: conditions on which something new is written.
    """

    patient: str | None = None
    patient_head: int | None = None
    versions: tuple[tuple[str, str, int], ...] = ()
    unmatched: tuple[Search, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteSet:
    """All that one request writes, all or nothing; a ``token`` seen before refuses it (401)."""

    tenant: str
    reads: ReadSet
    entries: tuple[Entry, ...]
    idempotency: IdempotencyRecord | None = None
    token: SeenToken | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """Where the set landed: its block and the time written into the block."""

    sequence: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A version as read back: its bytes, and what only the block knows."""

    version: ResourceVersion
    sequence: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """The newest version of one resource, without its bytes."""

    version: int
    sha256: bytes
    patient: str | None
    origin: str = "received"


class SomethingMoved(Exception):  # noqa: N818  (told to the use case, which decides again)
    """The read set no longer holds; the use case runs again, three times at most."""
