"""What the use cases need from the outside, as protocols; ``app/main.py`` joins the real parts."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Protocol

from app.domain.auditing import KeptAudit
from app.domain.content import Content
from app.domain.decision import Decision
from app.domain.expertise import Expertise
from app.domain.facts import Record
from app.domain.frame import Frame, Output
from app.domain.history import (
    Committed,
    ContentVersion,
    CurrentVersion,
    DecisionRecord,
    ResourceVersion,
    Slice,
    Stored,
    WriteSet,
)
from app.domain.hook_history import (
    AcceptedOverride,
    HookCallRecord,
    HookCardRecord,
    OutcomeCount,
    ShownCount,
)
from app.domain.orders.call import CardFrame, Draft, Part, Unread, WrittenAnswer
from app.domain.orders.ehr import EhrAccess, Outcome, Query
from app.domain.orders.types import Order, Review
from app.domain.response import Change, PlanVersion
from app.domain.searching import Cursor, Search, Versions
from app.domain.submission import Received


class Clock(Protocol):
    """The one clock; nothing inside the engine has another."""

    def __call__(self) -> datetime:
        """Now, in UTC."""
        ...


class Stopwatch(Protocol):
    """Seconds from some moment on, never set back: for budgets and latencies."""

    def __call__(self) -> float:
        """Seconds."""
        ...


class Reader(Protocol):
    """Resources in, facts out (``app/fhir/reading``)."""

    def record(
        self,
        resources: Iterable[Received],
        content: Content,
        *,
        as_of: datetime,
        complete: frozenset[str],
    ) -> Record:
        """What the resources say about the patient."""
        ...

    def stored(self, stored: Stored) -> Received:
        """A version from the history, parsed again."""
        ...

    def plan(self, stored: Stored) -> PlanVersion:
        """The state of a plan of ours, and which activities it holds."""
        ...


class Writer(Protocol):
    """Decisions in, resources out (``app/fhir/writing``)."""

    def write(self, decision: Decision, content: Content, frame: Frame) -> tuple[Output, ...]:
        """CarePlan first; bytes without our ``meta.versionId`` and ``meta.lastUpdated``."""
        ...

    def answered(self, version: ResourceVersion, change: Change, at: datetime) -> Output:
        """The next version of a plan after the answer; the same gives the same bytes."""
        ...


class HookReader(Protocol):
    """What comes with a hook, and what the EHR answers (``app/fhir/reading``)."""

    def query(self, key: str, patient: str) -> Query: ...

    def part(self, key: str, outcome: Outcome, patient: str) -> Part: ...

    def referred(self, parts: Mapping[str, Part], server: str) -> Sequence[Query]: ...

    def joined(
        self, parts: Mapping[str, Part], outcomes: Mapping[str, Outcome]
    ) -> Mapping[str, Part]: ...

    def completes(self, key: str) -> str: ...

    def orders(
        self, drafts: Sequence[Draft], known: Iterable[Received], *, as_of: datetime
    ) -> tuple[tuple[Order, ...], tuple[Unread, ...]]: ...

    def drafts(self, context: bytes, hook: str, patient: str) -> tuple[Draft, ...]: ...

    def reviews(self, stored: Stored) -> Sequence[date]: ...

    def activities(self, stored: Stored) -> Sequence[str]: ...


class HookWriter(Protocol):
    """A review as the answer to a hook (``app/fhir/writing``)."""

    def answer(
        self,
        review: Review,
        content: Content,
        frame: CardFrame,
        orders: Sequence[Order],
        drafts: Sequence[Draft],
    ) -> WrittenAnswer:
        """The same review and frame give the same bytes."""
        ...


class Library(Protocol):
    """Knowledge by digest: what is in force, and what once decided (``app/knowledge``)."""

    @property
    def current(self) -> Expertise:
        """What decides now."""
        ...

    def from_archive(self, digest: str, archive: bytes) -> Expertise:
        """What decided then; Conflict names the release that can read it when we cannot."""
        ...


class History(Protocol):
    """Reading what is kept (``app/sql``)."""

    async def read(
        self,
        tenant: str,
        type_: str,
        id_: str,
        version: int | None = None,
    ) -> Stored | None: ...

    async def current_of_patient(self, tenant: str, patient: str) -> Sequence[Stored]: ...

    async def patient_head(self, tenant: str, patient: str) -> int: ...

    async def current_versions(
        self, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], CurrentVersion]: ...

    async def decision(self, tenant: str, id: str) -> DecisionRecord | None: ...  # noqa: A002

    async def erased(self, tenant: str, patient: str) -> str | None: ...

    async def decisions_of(
        self, tenant: str, patient: str, kind: str = ""
    ) -> Sequence[DecisionRecord]: ...

    async def previous_decision(
        self, tenant: str, patient: str, before: datetime
    ) -> DecisionRecord | None: ...

    async def responses(
        self, tenant: str, patient: str, until: datetime
    ) -> Sequence[DecisionRecord]: ...

    async def open_plans(self, tenant: str, patient: str) -> Sequence[Stored]: ...

    async def head(self) -> int: ...

    async def search(
        self, tenant: str, search: Search, *, cursor: Cursor, order: str, count: int
    ) -> Slice: ...

    async def versions(
        self, tenant: str, wanted: Versions, *, cursor: Cursor, count: int
    ) -> Slice: ...

    async def number_of_versions(self, tenant: str, wanted: Versions, snapshot: int) -> int: ...

    async def number(self, tenant: str, search: Search, snapshot: int) -> int: ...

    async def outputs(self, tenant: str, patient: str) -> Sequence[tuple[str, bytes]]: ...

    async def content(self, digest: str) -> ContentVersion | None: ...

    async def hook_call(self, tenant: str, decision: str) -> HookCallRecord | None: ...

    async def hook_card(self, tenant: str, service: str, card: str) -> HookCardRecord | None: ...

    async def known_feedback(self, tenant: str, ids: Sequence[str]) -> frozenset[str]: ...

    async def overrides(
        self, tenant: str, patient: str, since: datetime
    ) -> Sequence[AcceptedOverride]: ...

    async def shown_counts(self, tenant: str) -> Sequence[ShownCount]: ...

    async def outcome_counts(self, tenant: str) -> Sequence[OutcomeCount]: ...

    async def idempotent(
        self, tenant: str, client: str, operation: str, key: str
    ) -> tuple[bytes, str] | None: ...


class Audit(Protocol):
    """Reading the audit (``app/sql``)."""

    async def head(self) -> int: ...

    async def event(self, tenant: str, id: str) -> KeptAudit | None: ...  # noqa: A002

    async def events(
        self, tenant: str, search: Search, *, cursor: Cursor, order: str, count: int
    ) -> Sequence[tuple[KeptAudit, Cursor]]: ...

    async def number(self, tenant: str, search: Search, snapshot: int) -> int: ...


class Journal(Protocol):
    """The only writer (``app/sql/journal.py``)."""

    async def record(self, write_set: WriteSet) -> Committed:
        """Returns after the commit; SomethingMoved asks to decide again."""
        ...

    def hold(self, key: tuple[str, ...]) -> AbstractAsyncContextManager[None]:
        """A repeated key that is still running waits for the first."""
        ...


class Ehr(Protocol):
    """Asking the hospital's FHIR server (``app/ehr``)."""

    async def search(
        self, wanted: Sequence[Query], access: EhrAccess, *, within: float
    ) -> Mapping[str, Outcome]:
        """One outcome for each key of ``wanted``, after at most ``within`` seconds.

        Never raises for what the EHR or the network does: that is an Outcome. A server that is
        not allowed for ``access.client`` is not called: every key is then ``Looked.NOT``.
        """
        ...
