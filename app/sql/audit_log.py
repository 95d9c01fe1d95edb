"""Reading the audit: one event, a page of what matches, and all in the order of the chain."""

from collections.abc import AsyncIterator, Sequence

from app.domain.auditing import KeptAudit
from app.domain.problem import NotFound, Problem
from app.domain.searching import Alternative, Comparison, Criterion, Cursor, Search
from app.sql.database import Reader, Row, Statement
from app.sql.read_rows import audit_of

BY_ID = "_id"
CHUNK = 500
BEFORE_ALL = (0, -1)
ACTION = "http://hl7.org/fhir/audit-event-action"
OUTCOME = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
WITH_BLOCK = (
    "SELECT a.*, b.committed_at FROM audit_event a CROSS JOIN block b ON b.sequence = a.sequence"
)
ONE = f"{WITH_BLOCK} WHERE a.tenant = ? AND a.id = ?"
PLACE = "SELECT sequence, position FROM audit_event WHERE tenant = ? AND id = ?"
HEAD = "SELECT sequence FROM head WHERE id = 1"
NEXT = (
    f"{WITH_BLOCK} WHERE a.tenant = ? AND (a.sequence, a.position) > (?, ?)"
    " ORDER BY a.sequence, a.position LIMIT ?"
)
# A row is an instant: what begins in it ends a microsecond later, before whatever comes after.
RECORDED = {
    ("value", ">="): "a.recorded >=",
    ("value", "<"): "a.recorded <",
    ("value", ">"): "a.recorded >",
    ("value", "<="): "a.recorded <=",
    ("until", "<="): "a.recorded <",
    ("until", ">"): "a.recorded >=",
}
SYSTEMS = {"action": ACTION, "outcome": OUTCOME}


class AuditLog:
    """The audit of one database."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def head(self) -> int:
        """The newest block."""
        return int((await self._reader.fetch_one(HEAD))["sequence"])

    async def event(self, tenant: str, id: str) -> KeptAudit | None:  # noqa: A002
        """One event."""
        row = await self._reader.fetch_one(ONE, (tenant, id))
        return None if row is None else audit_of(row)

    async def events(
        self, tenant: str, search: Search, *, cursor: Cursor, order: str, count: int
    ) -> list[tuple[KeptAudit, Cursor]]:
        """At most ``count`` matches after the cursor, newest first or by their id."""
        key = "id" if order.endswith(BY_ID) else "recorded"
        rows = await self._found(search, page_of(tenant, search, cursor, order, count))
        return [
            (audit_of(row), Cursor(cursor.snapshot, row[key], row["sequence"], row["position"]))
            for row in rows
        ]

    async def number(self, tenant: str, search: Search, snapshot: int) -> int:
        """How many match in all, as of a block."""
        statement = Statement()
        statement.add("SELECT count(*) AS found FROM audit_event a")
        _where(statement, tenant, search, snapshot)
        (row,) = await self._found(search, statement)
        return int(row["found"])

    async def place(self, tenant: str, id_: str) -> tuple[int, int]:
        """Block and position of an event; of none (""), what is before the first.

        NotFound: there is no such event.
        """
        if not id_:
            return BEFORE_ALL
        row = await self._reader.fetch_one(PLACE, (tenant, id_))
        if row is None:
            raise NotFound(Problem(f"There is no AuditEvent {id_[:64]}.", code="not-found"))
        return row["sequence"], row["position"]

    async def after(
        self, tenant: str, place: tuple[int, int] = BEFORE_ALL
    ) -> AsyncIterator[KeptAudit]:
        """All events after a place in the order of the chain."""
        while rows := await self._reader.fetch_all(NEXT, (tenant, *place, CHUNK)):
            for row in rows:
                yield audit_of(row)
            place = (rows[-1]["sequence"], rows[-1]["position"])

    async def _found(self, search: Search, statement: Statement) -> list[Row]:
        """By patient or id at once; over everybody in turn and with a limit."""
        if search.patients or search.ids:
            return await self._reader.fetch_all(statement.text, statement.values)
        return await self._reader.fetch_slowly(statement.text, statement.values)


def page_of(tenant: str, search: Search, cursor: Cursor, order: str, count: int) -> Statement:
    """The rows of one page, after the cursor."""
    name = "a.id" if order.endswith(BY_ID) else "a.recorded"
    direction, beyond = ("DESC", "<") if order.startswith("-") else ("ASC", ">")
    by = (name, "a.sequence", "a.position")
    statement = Statement()
    statement.add(WITH_BLOCK)
    _where(statement, tenant, search, cursor.snapshot)
    if cursor.position >= 0:
        statement.add(
            f"AND ({', '.join(by)}) {beyond} (?, ?, ?)",
            cursor.key,
            cursor.sequence,
            cursor.position,
        )
    statement.add("ORDER BY " + ", ".join(f"{column} {direction}" for column in by))
    statement.add("LIMIT ?", count)
    return statement


def _where(statement: Statement, tenant: str, search: Search, snapshot: int) -> None:
    # A plus keeps a column from driving.
    statement.add("WHERE a.tenant = ? AND +a.sequence <= ?", tenant, snapshot)
    for ids in search.ids:
        _among(statement, "a.id", sorted(ids))
    for patients in search.patients:
        _among(statement, "a.patient", sorted(patients))
    for criterion in search.criteria:
        negation = "NOT " if criterion.is_negated else ""
        said = " OR ".join(_alternative(criterion, a, statement) for a in criterion.any_of)
        statement.sql.append(f"AND {negation}({said})")
        if criterion.name == "date" and not criterion.is_negated:
            _bound(statement, criterion)


def _bound(statement: Statement, criterion: Criterion) -> None:
    """What all alternatives of a date lie between, said once more: an index leads there.

    "From a day on" is two alternatives, and neither database finds what they have in common.
    """
    for sign, nearest, farthest in ((">", max, min), ("<", min, max)):
        ends = [
            [one.text for one in alternative if sign in RECORDED[one.column, one.operator]]
            for alternative in criterion.any_of
        ]
        if all(ends):
            statement.add(f"AND a.recorded {sign}= ?", farthest(nearest(texts) for texts in ends))


def _among(statement: Statement, column: str, values: Sequence[str]) -> None:
    marks = ", ".join("?" * len(values))
    statement.add(f"AND {column} IN ({marks})", *values)


def _alternative(criterion: Criterion, alternative: Alternative, statement: Statement) -> str:
    """All of its comparisons; one that asks nothing asks whether there is anything."""
    if not alternative:
        return "a.what <> '' OR a.patient IS NOT NULL" if criterion.name == "entity" else "1 = 1"
    said = [_comparison(criterion.name, one, statement) for one in alternative]
    return "(" + " AND ".join(said) + ")"


def _comparison(name: str, one: Comparison, statement: Statement) -> str:
    if one.column == "system":
        return "1 = 1" if one.text == SYSTEMS.get(name) else "1 = 0"
    match name:
        case "date":
            statement.values.append(one.text)
            return f"{RECORDED[one.column, one.operator]} ?"
        case "agent":
            statement.values += [one.text, one.text]
            return "(a.user_ref = ? OR a.who = ?)"
        case "entity":
            return _entity(one.text, statement)
        case "action":
            statement.values.append(one.text)
            return "a.action = ?"
        case _:
            statement.values.append(one.text)
            return "a.outcome = ?"


def _entity(reference: str, statement: Statement) -> str:
    """A resource in any version, or the patient."""
    type_, _, id_ = reference.partition("/")
    statement.values += [reference, f"{reference}/_history/", f"{reference}/_history0"]
    said = "a.what = ? OR (a.what >= ? AND a.what < ?)"
    if type_ == "Patient":
        statement.values.append(id_)
        said += " OR a.patient = ?"
    return f"({said})"
