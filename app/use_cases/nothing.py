"""A history in which nothing is kept: for the command line, which stores nothing."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from app.domain.history import (
    Committed,
    ContentVersion,
    CurrentVersion,
    DecisionRecord,
    Entry,
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
from app.domain.searching import Cursor, Search, Versions

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Nothing:
    """Both the history (always empty) and the journal (which forgets)."""

    async def read(
        self,
        tenant: str,
        type_: str,
        id_: str,
        version: int | None = None,
    ) -> Stored | None:
        """Nothing is there."""
        del tenant, type_, id_, version
        return None

    async def current_of_patient(self, tenant: str, patient: str) -> Sequence[Stored]:
        """Nothing is there."""
        del tenant, patient
        return ()

    async def patient_head(self, tenant: str, patient: str) -> int:
        """No block ever touched the patient."""
        del tenant, patient
        return 0

    async def current_versions(
        self, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], CurrentVersion]:
        """Nothing is there."""
        del tenant, keys
        return {}

    async def decision(self, tenant: str, id: str) -> DecisionRecord | None:  # noqa: A002
        """Nothing is there."""
        del tenant, id
        return None

    async def erased(self, tenant: str, patient: str) -> str | None:
        """Nothing was there to be erased."""
        del tenant, patient
        return None

    async def decisions_of(
        self, tenant: str, patient: str, kind: str = ""
    ) -> Sequence[DecisionRecord]:
        """Nothing is there."""
        del tenant, patient, kind
        return ()

    async def previous_decision(
        self, tenant: str, patient: str, before: datetime
    ) -> DecisionRecord | None:
        """Nothing is there."""
        del tenant, patient, before
        return None

    async def responses(
        self, tenant: str, patient: str, until: datetime
    ) -> Sequence[DecisionRecord]:
        """Nothing was answered."""
        del tenant, patient, until
        return ()

    async def open_plans(self, tenant: str, patient: str) -> Sequence[Stored]:
        """Nothing is there."""
        del tenant, patient
        return ()

    async def head(self) -> int:
        """No block was ever written."""
        return 0

    async def search(
        self, tenant: str, search: Search, *, cursor: Cursor, order: str, count: int
    ) -> Slice:
        """Nothing is there."""
        del tenant, search, cursor, order, count
        return Slice((), is_more=False)

    async def versions(self, tenant: str, wanted: Versions, *, cursor: Cursor, count: int) -> Slice:
        """Nothing is there."""
        del tenant, wanted, cursor, count
        return Slice((), is_more=False)

    async def number_of_versions(self, tenant: str, wanted: Versions, snapshot: int) -> int:
        """Nothing is there."""
        del tenant, wanted, snapshot
        return 0

    async def number(self, tenant: str, search: Search, snapshot: int) -> int:
        """Nothing is there."""
        del tenant, search, snapshot
        return 0

    async def outputs(self, tenant: str, patient: str) -> Sequence[tuple[str, bytes]]:
        """Nothing was decided."""
        del tenant, patient
        return ()

    async def content(self, digest: str) -> ContentVersion | None:
        """Nothing is there."""
        del digest
        return None

    async def hook_call(self, tenant: str, decision: str) -> HookCallRecord | None:
        """No hook was ever called."""
        del tenant, decision
        return None

    async def hook_card(self, tenant: str, service: str, card: str) -> HookCardRecord | None:
        """No card was ever shown."""
        del tenant, service, card
        return None

    async def known_feedback(self, tenant: str, ids: Sequence[str]) -> frozenset[str]:
        """Nobody said anything."""
        del tenant, ids
        return frozenset()

    async def overrides(
        self, tenant: str, patient: str, since: datetime
    ) -> Sequence[AcceptedOverride]:
        """Nothing was overridden."""
        del tenant, patient, since
        return ()

    async def shown_counts(self, tenant: str) -> Sequence[ShownCount]:
        """No card was ever shown."""
        del tenant
        return ()

    async def outcome_counts(self, tenant: str) -> Sequence[OutcomeCount]:
        """Nobody said anything."""
        del tenant
        return ()

    async def idempotent(
        self, tenant: str, client: str, operation: str, key: str
    ) -> tuple[bytes, str] | None:
        """Nothing was promised."""
        del tenant, client, operation, key
        return None

    async def record(self, write_set: WriteSet) -> Committed:
        """Forget it."""
        del write_set
        return Committed(0, NEVER)

    @asynccontextmanager
    async def hold(self, key: tuple[str, ...]) -> AsyncIterator[None]:
        """Nobody else is here."""
        del key
        yield


class LastWrite(Nothing):
    """The same, but it hands out what a service with an empty history would have stored."""

    def __init__(self) -> None:
        self.entries: tuple[Entry, ...] = ()

    async def record(self, write_set: WriteSet) -> Committed:
        """Keep it until the next."""
        self.entries = write_set.entries
        return Committed(0, NEVER)
