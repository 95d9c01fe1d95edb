"""Reading what is kept. Asynchronous by contract; on SQLite each query is a few microseconds."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from app.domain.history import ContentVersion, CurrentVersion, DecisionRecord, Slice, Stored
from app.domain.hook_history import (
    AcceptedOverride,
    HookCallRecord,
    HookCardRecord,
    OutcomeCount,
    ShownCount,
)
from app.domain.problem import Gone, Problem, Unavailable
from app.domain.searching import Cursor, Search, Versions
from app.sql.bodies import unpacked
from app.sql.database import Reader, Row, Statement
from app.sql.databases import reader_of
from app.sql.hook_queries import CALL, CARD, KNOWN_FEEDBACK, OUTCOMES, OVERRIDES, SHOWN
from app.sql.page_bodies import with_bodies
from app.sql.read_rows import decision_of, hook_call_of, hook_card_of, stored_of
from app.sql.rows import instant, moment
from app.sql.schema import schema_obstacle
from app.sql.searching import COMMON, last_in, number_of, page_of, probe_of
from app.sql.sorting import is_among_the_last, is_walked, page_with_value, without_value
from app.sql.versions import number_of_versions, page_of_versions

WITH_BLOCK = (
    "SELECT r.*, b.committed_at FROM resource_version r JOIN block b ON b.sequence = r.sequence"
)
READ = f"{WITH_BLOCK} WHERE r.tenant = ? AND r.type = ? AND r.id = ?"
READ_VERSION = f"{READ} AND r.version = CAST(? AS BIGINT)"
READ_NEWEST = f"{READ} ORDER BY r.version DESC LIMIT 1"
OF_PATIENT = (
    f"{WITH_BLOCK} WHERE r.tenant = ? AND r.patient = ? AND r.origin = 'received'"  # noqa: S608  (constants)
    " AND r.salt IS NOT NULL AND r.version = (SELECT max(n.version) FROM resource_version n"
    " WHERE n.tenant = r.tenant AND n.type = r.type AND n.id = r.id)"
    # The plus: by patient, and then sorted; not all of the tenant in the order of types and ids.
    " ORDER BY +r.type, +r.id"
)
PATIENT_HEAD = "SELECT max(sequence) FROM resource_version WHERE tenant = ? AND patient = ?"
CURRENT = (
    "SELECT k.type, k.id, r.version, r.sha256, r.patient, r.origin, r.salt IS NULL AS erased"
    " FROM wanted k JOIN resource_version r ON r.tenant = ? AND r.type = k.type AND r.id = k.id"
    " AND r.version = (SELECT max(n.version) FROM resource_version n"
    " WHERE n.tenant = r.tenant AND n.type = k.type AND n.id = k.id)"
)
ONE_DECISION = "SELECT * FROM decision WHERE tenant = ? AND id = ?"
# The newest are chosen by what is short; only those that are wanted are read whole.
NEWEST_DECISIONS = (
    "SELECT id FROM decision WHERE tenant = ? AND patient = ? AND (? = '' OR kind = ?)"
    " AND salt IS NOT NULL"
    " ORDER BY sequence DESC, position DESC LIMIT 100"
)
DECISIONS = (
    f"SELECT * FROM decision WHERE tenant = ? AND id IN ({NEWEST_DECISIONS})"  # noqa: S608  (constants)
    " ORDER BY sequence DESC, position DESC"
)
BEFORE = (
    "SELECT * FROM decision WHERE tenant = ? AND patient = ? AND as_of < ? AND kind = 'derive'"
    " AND salt IS NOT NULL"
    " ORDER BY as_of DESC, sequence DESC LIMIT 1"
)
RESPONSES = (
    "SELECT * FROM decision WHERE tenant = ? AND patient = ? AND as_of <= ? AND kind = 'respond'"
    " AND salt IS NOT NULL"
    " ORDER BY as_of, sequence, position"
)
OPEN_PLANS = (
    f"{WITH_BLOCK} WHERE r.tenant = ? AND r.patient = ? AND +r.type = 'CarePlan'"  # noqa: S608  (constants)
    " AND r.origin = 'derived' AND r.status IN ('draft', 'active')"
    " AND r.version = (SELECT max(n.version) FROM resource_version n"
    " WHERE n.tenant = r.tenant AND n.type = r.type AND n.id = r.id)"
    " ORDER BY r.sequence, r.position"
)
OUTPUTS = (
    "SELECT id, outputs FROM decision WHERE tenant = ? AND patient = ? AND salt IS NOT NULL"
    " ORDER BY sequence DESC, position DESC"
)
ERASED = "SELECT id FROM erasure WHERE tenant = ? AND patient = ? ORDER BY sequence DESC LIMIT 1"
CONTENT = "SELECT * FROM content_version WHERE digest = ?"
HEAD = "SELECT sequence FROM head WHERE id = 1"
CHAIN_HEAD = "SELECT sequence, hash FROM head WHERE id = 1"
PROMISE = (
    "SELECT request_digest, decision_id FROM idempotency"
    " WHERE tenant = ? AND client = ? AND operation = ? AND key = ?"
)


class History:
    """Reads one database through a connection that cannot write."""

    def __init__(self, url: str) -> None:
        self._reader = reader_of(url)

    @property
    def reader(self) -> Reader:
        """For what is asked elsewhere of the same database."""
        return self._reader

    async def obstacle(self) -> str:
        """Why nothing can be read now, for readiness; empty when the schema will do."""
        try:
            return await schema_obstacle(self._reader)
        except (sqlite3.Error, Unavailable):
            return "the database cannot be read"

    async def close(self) -> None:
        """Give the connections back."""
        await self._reader.close()

    async def read(
        self,
        tenant: str,
        type_: str,
        id_: str,
        version: int | None = None,
    ) -> Stored | None:
        """One version, the newest by default."""
        if version is None:
            row = await self._reader.fetch_one(READ_NEWEST, (tenant, type_, id_))
        else:
            row = await self._reader.fetch_one(READ_VERSION, (tenant, type_, id_, version))
        if row is None:
            return None
        _require_there(row, f"{type_}/{id_}")
        return stored_of(row)

    async def current_of_patient(self, tenant: str, patient: str) -> Sequence[Stored]:
        """The newest version of everything received about a patient."""
        rows = await self._reader.fetch_all(OF_PATIENT, (tenant, patient))
        return [stored_of(row) for row in rows]

    async def patient_head(self, tenant: str, patient: str) -> int:
        """The block that last touched the patient; 0 for none."""
        (head,) = await self._reader.fetch_one(PATIENT_HEAD, (tenant, patient))
        return head or 0

    async def current_versions(
        self, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], CurrentVersion]:
        """The newest version number of each resource that exists."""
        if not keys:
            return {}
        wanted = ", ".join(["(?, ?)"] * len(keys))
        sql = f"WITH wanted (type, id) AS (VALUES {wanted}) {CURRENT}"
        values = [part for key in keys for part in key]
        rows = await self._reader.fetch_all(sql, (*values, tenant))
        return {
            (row["type"], row["id"]): CurrentVersion(
                row["version"],
                row["sha256"],
                row["patient"],
                row["origin"],
                bool(row["erased"]),
            )
            for row in rows
        }

    async def decision(self, tenant: str, id: str) -> DecisionRecord | None:  # noqa: A002
        """One decision."""
        row = await self._reader.fetch_one(ONE_DECISION, (tenant, id))
        if row is None:
            return None
        _require_there(row, f"The decision {id}")
        return decision_of(row)

    async def erased(self, tenant: str, patient: str) -> str | None:
        """The last erasure of a patient."""
        row = await self._reader.fetch_one(ERASED, (tenant, patient))
        return None if row is None else str(row["id"])

    async def decisions_of(
        self, tenant: str, patient: str, kind: str = ""
    ) -> Sequence[DecisionRecord]:
        """The newest hundred decisions about a patient, of one kind where one is named."""
        rows = await self._reader.fetch_all(DECISIONS, (tenant, tenant, patient, kind, kind))
        return [decision_of(row) for row in rows]

    async def previous_decision(
        self, tenant: str, patient: str, before: datetime
    ) -> DecisionRecord | None:
        """The latest derivation whose asOf lies before."""
        row = await self._reader.fetch_one(BEFORE, (tenant, patient, instant(before)))
        return None if row is None else decision_of(row)

    async def responses(
        self, tenant: str, patient: str, until: datetime
    ) -> Sequence[DecisionRecord]:
        """What clinicians answered to the plans of a patient, up to an instant, oldest first."""
        rows = await self._reader.fetch_all(RESPONSES, (tenant, patient, instant(until)))
        return [decision_of(row) for row in rows]

    async def open_plans(self, tenant: str, patient: str) -> Sequence[Stored]:
        """The plans of a patient that are proposed or in force, each in its newest version."""
        rows = await self._reader.fetch_all(OPEN_PLANS, (tenant, patient))
        return [stored_of(row) for row in rows]

    async def head(self) -> int:
        """The newest block."""
        (sequence,) = await self._reader.fetch_one(HEAD, ())
        return int(sequence)

    async def chain_head(self) -> tuple[int, bytes]:
        """The newest block and its hash."""
        row = await self._reader.fetch_one(CHAIN_HEAD)
        return row["sequence"], row["hash"]

    async def search(
        self, tenant: str, search: Search, *, cursor: Cursor, order: str, count: int
    ) -> Slice:
        """At most ``count`` matches after the cursor."""
        probe = probe_of(tenant, search, COMMON, order)
        is_common = probe is not None and len(await self._found(search, probe)) == COMMON
        if is_walked(search, order, has_driver=probe is not None, is_common=is_common):
            return await self._walked(tenant, search, cursor, order, count)
        statement = page_of(tenant, search, cursor, order, count + 1, is_common=is_common)
        rows = await self._found(search, statement)
        return await self._slice(rows, [row["place"] for row in rows], cursor, count)

    async def _walked(
        self, tenant: str, search: Search, cursor: Cursor, order: str, count: int
    ) -> Slice:
        """In the order of a value: first those that have it, then those that lack it."""
        rows: list[Row] = []
        wanted = count + 1
        if not is_among_the_last(cursor, order):
            rows = await self._found(search, page_with_value(tenant, search, cursor, order, wanted))
        keys = [row["place"] for row in rows]
        if len(rows) < wanted:
            lacking, start, by_time = without_value(search, cursor, order)
            missing = wanted - len(rows)
            statement = page_of(tenant, lacking, start, by_time, missing, is_common=True)
            rows += await self._found(search, statement)
            keys += [last_in(order)] * (len(rows) - len(keys))
        return await self._slice(rows, keys, cursor, count)

    async def versions(self, tenant: str, wanted: Versions, *, cursor: Cursor, count: int) -> Slice:
        """At most ``count`` versions of a history after the cursor, newest first."""
        rows = await self._reader.fetch_all(*page_of_versions(tenant, wanted, cursor, count + 1))
        return await self._slice(rows, [""] * len(rows), cursor, count)

    async def _slice(
        self, rows: Sequence[Row], keys: Sequence[str], cursor: Cursor, count: int
    ) -> Slice:
        """The first of the rows, one of which more was looked for than there is room for."""
        key_of = dict(zip((row["rowid"] for row in rows), keys, strict=True))
        read, is_cut = await with_bodies(rows[:count], self._reader.fetch_one)
        hits = tuple(
            (
                stored,
                Cursor(cursor.snapshot, key_of[row["rowid"]], row["sequence"], row["position"]),
            )
            for row, stored in read
        )
        return Slice(hits, is_cut or len(rows) > count)

    async def number_of_versions(self, tenant: str, wanted: Versions, snapshot: int) -> int:
        """How many versions there are in all."""
        sql, values = number_of_versions(tenant, wanted, snapshot)
        (found,) = await self._reader.fetch_one(sql, values)
        return int(found)

    async def number(self, tenant: str, search: Search, snapshot: int) -> int:
        """How many match in all, as of a block."""
        ((found,),) = await self._found(search, number_of(tenant, search, snapshot))
        return int(found)

    async def _found(self, search: Search, statement: Statement) -> list[Row]:
        """By patient or id at once; over everybody in turn and with a limit."""
        if search.patients or search.ids:
            return await self._reader.fetch_all(statement.text, statement.values)
        return await self._reader.fetch_slowly(statement.text, statement.values)

    async def outputs(self, tenant: str, patient: str) -> Sequence[tuple[str, bytes]]:
        """What each decision about a patient made, newest first."""
        rows = await self._reader.fetch_all(OUTPUTS, (tenant, patient))
        return [(row["id"], unpacked(row["outputs"])) for row in rows]

    async def content(self, digest: str) -> ContentVersion | None:
        """The knowledge that once decided."""
        row = await self._reader.fetch_one(CONTENT, (digest,))
        if row is None:
            return None
        return ContentVersion(row["digest"], row["version"], unpacked(row["files"]))

    async def idempotent(
        self, tenant: str, client: str, operation: str, key: str
    ) -> tuple[bytes, str] | None:
        """What was promised for a key."""
        row = await self._reader.fetch_one(PROMISE, (tenant, client, operation, key))
        return None if row is None else (row["request_digest"], row["decision_id"])

    async def hook_call(self, tenant: str, decision: str) -> HookCallRecord | None:
        """The call behind a decision about orders."""
        row = await self._reader.fetch_one(CALL, (tenant, decision))
        if row is None:
            return None
        _require_there(row, f"The decision {decision}")
        return hook_call_of(row)

    async def hook_card(self, tenant: str, service: str, card: str) -> HookCardRecord | None:
        """The latest showing of a card by a service."""
        row = await self._reader.fetch_one(CARD, (tenant, card, service))
        return None if row is None else hook_card_of(row)

    async def known_feedback(self, tenant: str, ids: Sequence[str]) -> frozenset[str]:
        """Which of these are kept already."""
        found = [await self._reader.fetch_one(KNOWN_FEEDBACK, (tenant, id_)) for id_ in ids]
        return frozenset(row["id"] for row in found if row is not None)

    async def overrides(
        self, tenant: str, patient: str, since: datetime
    ) -> Sequence[AcceptedOverride]:
        """The latest accepted override of each rule and class of order, since an instant."""
        rows = await self._reader.fetch_all(OVERRIDES, (tenant, patient, instant(since)))
        return [
            AcceptedOverride(row["rule"], row["order_class"], moment(row["at"])) for row in rows
        ]

    async def shown_counts(self, tenant: str) -> Sequence[ShownCount]:
        """Cards by rule and month."""
        rows = await self._reader.fetch_all(SHOWN, (tenant,))
        return [ShownCount(row["rule"], row["month"], row["count"]) for row in rows]

    async def outcome_counts(self, tenant: str) -> Sequence[OutcomeCount]:
        """What became of them, by rule, month, outcome and reason; "" for a card not known."""
        rows = await self._reader.fetch_all(OUTCOMES, (tenant,))
        return [
            OutcomeCount(r["rule"], r["month"], r["outcome"], r["reason"], r["count"]) for r in rows
        ]


def _require_there(row: Row, what: str) -> None:
    """Gone where only its place in the chain is left."""
    if row["salt"] is None:
        mend = "Its place in the history is all that is kept."
        raise Gone(Problem(f"{what} has been erased.", mend=mend, code="deleted"))
