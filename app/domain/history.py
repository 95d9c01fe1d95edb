"""What is kept: the entries of a write set and what a write set read before it was decided.

The unit of the history is a request's write set, all or nothing. ``app/sql`` writes it, the use
cases build it; neither knows the other.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.domain.hook_history import FeedbackRecord, HookCallRecord, HookCardRecord
from app.domain.searching import Search, SearchValue


class ResourceVersion(NamedTuple):
    """One version of one resource, as the exact bytes that came in or went out.

    ``body`` is not compressed here; ``sha256`` is the digest of ``body`` (32 bytes).
    ``patient`` is the logical id of the Patient it belongs to (``p1``), None for none.
    ``status`` tells the plans in force. ``origin`` is ``received`` or ``derived``; ``source`` is
    where an inline input came from (its fullUrl), kept for ``meta.source``. ``search`` holds the
    values it is found by; they follow from ``body`` and are no part of the hash.
    """

    type: str
    id: str
    version: int
    patient: str | None
    status: str | None
    sha256: bytes
    body: bytes
    origin: str = "received"
    source: str | None = None
    search: tuple[SearchValue, ...] = ()


class DecisionRecord(NamedTuple):
    """A decision with everything that re-derives it.

    ``trace`` is JSON bytes (the decision as ``GET /decisions/{id}`` answers it). ``inputs`` and
    ``outputs`` are JSON bytes: lists of ``[type, id, version, sha256-hex]``; of what a derivation
    made, the digest stands beside its version only (older ones have it here too). ``parameters`` is
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
    """Who did what to whose data, from where, and how it ended: one row of a request.

    A request that concerns several patients or writes several resources has one row for each, so
    that erasing one patient leaves what is said of the others as it is. ``interaction`` is FHIR's
    code for what was asked ("" where no route took the request), ``operation`` the name of an
    operation or a hook. ``what`` is the reference of what was read or written, ``decision/<id>``
    for a decision, "" for nothing in particular. ``outcome`` is FHIR's code (0, 4 or 8), ``status``
    the HTTP status. ``query`` is a search as it was sent, ``user`` the reference of the person
    behind the client, ``token`` the id of its token. ``count`` tells how many requests the row
    stands for: more than one only where nobody was let in.
    """

    id: str
    recorded: datetime
    action: str
    what: str
    patient: str | None
    who: str
    origin: str
    outcome: str
    request_id: str
    interaction: str = ""
    operation: str = ""
    status: int = 200
    query: bytes | None = None
    user: str | None = None
    token: str | None = None
    count: int = 1


class ContentVersion(NamedTuple):
    """The content files of a version that decided, as one archive (JSON bytes: name -> text)."""

    digest: str
    version: str
    files: bytes


class ErasureRecord(NamedTuple):
    """What was emptied: a patient's rows, or those older than an instant (``kind``).

    ``places`` is JSON: ``[table, sequence, position]`` of each of the ``entries`` rows. ``kept`` is
    the digest (32 bytes) over what stays of them.
    """

    id: str
    recorded: datetime
    kind: str
    patient: str | None
    before: datetime | None
    who: str
    entries: int
    places: bytes
    kept: bytes


class AnchorRecord(NamedTuple):
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


class IdempotencyRecord(NamedTuple):
    """The answer promised to a repeated key, outside the chain, for 24 hours."""

    client: str
    operation: str
    key: str
    request_digest: bytes
    decision_id: str


class SeenToken(NamedTuple):
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
    | ErasureRecord
)


class ReadSet(NamedTuple):
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


class WriteSet(NamedTuple):
    """All that one request writes, all or nothing; a ``token`` seen before refuses it (401)."""

    tenant: str
    reads: ReadSet
    entries: tuple[Entry, ...]
    idempotency: IdempotencyRecord | None = None
    token: SeenToken | None = None


class Committed(NamedTuple):
    """Where the set landed: its block and the time written into the block."""

    sequence: int
    committed_at: datetime


class Stored(NamedTuple):
    """A version as read back: its bytes, and what only the block knows."""

    version: ResourceVersion
    sequence: int
    committed_at: datetime


class CurrentVersion(NamedTuple):
    """The newest version of one resource, without its bytes."""

    version: int
    sha256: bytes
    patient: str | None
    origin: str = "received"
    is_erased: bool = False


class SomethingMoved(Exception):  # noqa: N818  (told to the use case, which decides again)
    """The read set no longer holds; the use case runs again, three times at most."""
