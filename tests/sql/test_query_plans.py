"""What is looked for is found by an index, on both databases: the plans of the statements."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import asyncpg
import orjson
import pytest

from app.domain.searching import Cursor, Search
from app.fhir.searching.parameters import STORED
from app.sql.audit_log import page_of as events_of
from app.sql.database import Statement, finished
from app.sql.postgresql import spoken
from app.sql.queries import (
    BEFORE,
    NEWEST_DECISIONS,
    OF_PATIENT,
    OPEN_PLANS,
    PATIENT_HEAD,
    RESPONSES,
)
from app.sql.search_rows import key_of
from app.sql.searching import number_of, page_of, probe_of, some_of
from app.sql.sorting import page_with_value
from tests.databases import Kept, Server
from tests.sql.history import write
from tests.sql.test_searching import DECLARED, START, _search


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite file with a history."""
    database = tmp_path_factory.mktemp("plans") / "painplan.db"
    write(database)
    return str(database)


# Enough of it that reading all would cost: 20,000 versions of 2,000 people.
A_BLOCK = r"INSERT INTO block VALUES (1000000, '2027', 20000, '\x00', '\x00', '\x01')"
VERSIONS = (
    "INSERT INTO resource_version (tenant, type, id, version, patient, origin, sha256, sequence,"
    r" position, hash) SELECT 'default', 'Observation', 'o' || n, 1, 'x' || n % 2000, 'received',"
    r" '\x00', 1000000, n, '\x00' FROM generate_series(1, 20000) n"
)
KEYS = [key_of("default", "Observation", name) for name in ("code", "date", "status", "category")]
OF_KEYS = ", ".join(f"({key})" for key in KEYS)
VALUES = (  # numbers of our own
    f"INSERT INTO search_value SELECT r.rowid, v.key, 'v' || r.id, '', '' FROM (VALUES {OF_KEYS})"  # noqa: S608
    " AS v (key), resource_version r WHERE r.sequence = 1000000"
)
DECISIONS = (
    "INSERT INTO decision (tenant, id, patient, as_of, kind, knowledge, engine, sequence, position,"
    " salt, hash) SELECT 'default', 'd' || n, 'x' || n % 2000, '2027-' || n, kinds.kind, 'k', 'e',"
    r" 1000000, n, '\x00', '\x00' FROM generate_series(1, 20000) n JOIN (VALUES (0, 'derive'),"
    " (1, 'respond'), (2, 'order-review')) AS kinds (rest, kind) ON kinds.rest = n % 3"
)
EVENTS = (
    "INSERT INTO audit_event (tenant, id, recorded, action, what, patient, who, origin, outcome,"
    " request_id, sequence, position, salt, hash) SELECT 'default', 'a' || n, '20' || 10 + n % 90,"
    " 'R', 'CarePlan/' || n, 'x' || n % 2000, 'c', '', '0', '', 1000000, n,"
    r" '\x00', '\x00' FROM generate_series(1, 20000) n"
)
FILLING = (A_BLOCK, VERSIONS, VALUES, DECISIONS, EVENTS, "ANALYZE")
BY_KIND = "ix_decision_tenant_patient_kind_as_of"


@pytest.fixture(scope="module")
def filled(postgresql: Server) -> Iterator[Kept]:
    """A PostgreSQL with a history, its statistics taken."""
    kept = postgresql.fresh()
    write(kept, 4)
    kept.change(*FILLING)
    yield kept
    postgresql.drop(kept)


def _nodes(kept: Kept, statement: Statement) -> list[dict[str, Any]]:
    """Every step of PostgreSQL's plan; so few rows would be scanned, which is discouraged."""

    async def explained() -> str:
        connection = await asyncpg.connect(kept.url)
        try:
            await connection.execute("SET enable_seqscan = off")
            sql = f"EXPLAIN (FORMAT JSON) {spoken(statement.text)}"
            return str(await connection.fetchval(sql, *statement.values))
        finally:
            await connection.close()

    return list(_walk(orjson.loads(finished(explained()))[0]["Plan"]))


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _walk(below)


@pytest.mark.parametrize(("type_", "name", "value"), DECLARED, ids=str)
def test_every_declared_parameter_uses_an_index_of_postgresql(
    filled: Kept, type_: str, name: str, value: str
) -> None:
    search = _search(type_, (name, value))

    for statement in (page_of("t", search, START, "-_lastUpdated", 10), number_of("t", search, 9)):
        nodes = _nodes(filled, statement)
        assert [n for n in nodes if "Index" in n["Node Type"]]
        assert not [n for n in nodes if n["Node Type"] == "Seq Scan"], nodes
        values = [n for n in nodes if n.get("Relation Name") == "search_value"]
        # A bitmap's heap scan says what it rechecks; the scan of the index below it has no table.
        assert all("Index Cond" in n or "Recheck Cond" in n for n in values), nodes


def test_with_a_patient_postgresql_asks_by_key(filled: Kept) -> None:
    for type_, name, value in DECLARED:
        if not any(p.name == "patient" for p in STORED[type_]):
            continue
        search = _search(type_, ("patient", "p0"), (name, value))
        nodes = _nodes(filled, page_of("default", search, START, "_id", 5))
        versions = [n for n in nodes if n.get("Alias") == "r"]
        # Two patients at once are nobody, which is seen without looking.
        assert versions or name in ("patient", "subject"), nodes
        assert all("Index Cond" in n for n in versions), nodes


def _plan(file: str, sql: str, values: list[object]) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


@pytest.mark.parametrize(("type_", "name", "value"), DECLARED, ids=str)
def test_every_declared_parameter_uses_an_index(
    file: str, type_: str, name: str, value: str
) -> None:
    search = _search(type_, (name, value))

    for statement in (page_of("t", search, START, "-_lastUpdated", 10), number_of("t", search, 9)):
        steps = _plan(file, statement.text, statement.values)
        read = [s for s in steps if s.startswith(("SCAN", "SEARCH"))]
        tables = [s for s in read if not s.startswith(("SCAN q", "SCAN d"))]
        assert tables
        assert all(s.startswith("SEARCH") and "USING" in s for s in tables), steps


def test_with_a_patient_everything_is_asked_by_key(file: str) -> None:
    for type_, name, value in DECLARED:
        if not any(p.name == "patient" for p in STORED[type_]):
            continue
        statement = page_of("t", _search(type_, ("patient", "p"), (name, value)), START, "_id", 5)
        steps = _plan(file, statement.text, statement.values)
        values = [s for s in steps if " s " in s and "SEARCH s" in s]
        assert all("(row=? AND key=?" in s or " AND row=?)" in s for s in values), steps


OF_A_PATIENT = (OF_PATIENT, OPEN_PLANS, PATIENT_HEAD)
BY_PATIENT = "ix_resource_version_tenant_patient_sequence_type"


@pytest.mark.parametrize("sql", OF_A_PATIENT, ids=["received", "plans", "head"])
def test_the_versions_of_a_patient_are_found_by_patient(file: str, sql: str) -> None:
    steps = _plan(file, sql, ["default", "p0"])

    assert f" INDEX {BY_PATIENT} (tenant=? AND patient=?)" in steps[0], steps


@pytest.mark.parametrize("sql", OF_A_PATIENT, ids=["received", "plans", "head"])
def test_postgresql_finds_the_versions_of_a_patient_by_patient(filled: Kept, sql: str) -> None:
    nodes = _nodes(filled, Statement([sql], ["default", "x1"]))
    read = [n for n in nodes if n.get("Index Name") == BY_PATIENT]

    assert read, nodes
    assert all("patient" in n["Index Cond"] for n in read), nodes


def test_no_statement_reads_a_body_to_find() -> None:
    search = _search("Observation", ("patient", "p0"), ("category", "survey"))

    for statement in (number_of("t", search, 9), some_of("t", search, 9, 2)):
        assert "body" not in statement.text
    _, _, found = page_of("t", search, START, "-_lastUpdated", 2).text.partition("FROM (SELECT")
    inner = found.partition("LIMIT ?)")[0]
    assert "body" not in inner
    assert inner.startswith(" r.rowid")


def test_what_many_have_is_found_in_the_order_of_the_blocks(file: str) -> None:
    search = _search("Observation", ("status", "final"))
    probe = probe_of("t", search, 5, "-_lastUpdated")
    assert probe is not None
    assert all("SCAN s" not in step for step in _plan(file, probe.text, probe.values))
    assert probe_of("t", _search("Observation", ("patient", "p")), 5, "-_lastUpdated") is None
    assert probe_of("t", search, 5, "_id") is None

    common = page_of("t", search, START, "-_lastUpdated", 5, is_common=True)
    steps = _plan(file, common.text, common.values)

    assert "TEMP B-TREE" not in " ".join(steps[: steps.index("SCAN q")])


def test_the_newest_of_a_type_are_found_without_sorting_all_of_it(file: str) -> None:
    for order in ("-_lastUpdated", "_lastUpdated"):
        statement = page_of("t", Search(("CarePlan",)), START, order, 5)
        steps = _plan(file, statement.text, statement.values)
        inner = steps[: steps.index("SCAN q")]
        assert not [s for s in inner if "TEMP B-TREE" in s], steps


def test_the_first_page_of_a_date_reads_no_more_than_it_holds(file: str) -> None:
    for order in ("date", "-date"):
        for search in (_search("Observation"), _search("Observation", ("status", "final"))):
            statement = page_with_value("t", search, START, order, 5)
            steps = _plan(file, statement.text, statement.values)
            inner = steps[: steps.index("SCAN q")]

            assert "SEARCH s USING" in inner[1], steps
            assert "USE TEMP B-TREE FOR ORDER BY" not in inner, steps


@pytest.mark.parametrize("sql", [BEFORE, RESPONSES], ids=["before", "responses"])
def test_decisions_of_a_kind_are_found_by_their_time_and_not_sorted(file: str, sql: str) -> None:
    """Of a patient with many reviews of orders, only derivations or answers are looked at."""
    steps = _plan(file, sql, ["default", "p0", "2027"])

    assert steps[0].startswith(f"SEARCH decision USING INDEX {BY_KIND} "), steps
    assert "(tenant=? AND patient=? AND kind=? AND as_of<?)" in steps[0], steps
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps, steps


@pytest.mark.parametrize("sql", [BEFORE, RESPONSES], ids=["before", "responses"])
def test_postgresql_finds_decisions_of_a_kind_by_their_time(filled: Kept, sql: str) -> None:
    nodes = _nodes(filled, Statement([sql], ["default", "x1", "2027-3"]))
    (read,) = [n for n in nodes if "Index Cond" in n]

    assert read["Index Name"] == BY_KIND, nodes
    for column in ("tenant", "patient", "kind", "as_of"):
        assert column in read["Index Cond"], nodes


@pytest.mark.parametrize("kind", ["", "derive"])
def test_the_newest_decisions_of_a_patient_are_found_by_patient(file: str, kind: str) -> None:
    steps = _plan(file, NEWEST_DECISIONS, ["default", "p0", kind, kind])

    assert steps[0].startswith(f"SEARCH decision USING INDEX {BY_KIND} (tenant=? AND patient=?")


@pytest.mark.parametrize("kind", ["", "derive"])
def test_postgresql_finds_the_newest_decisions_by_patient(filled: Kept, kind: str) -> None:
    nodes = _nodes(filled, Statement([NEWEST_DECISIONS], ["default", "x1", kind, kind]))
    (read,) = [n for n in nodes if "Index Cond" in n]

    assert read["Index Name"] == BY_KIND, nodes
    assert "patient" in read["Index Cond"], nodes


NEXT_EVENTS = Cursor(1_000_000, "2027", 5, 1)
OPEN = [
    ("agent", "Practitioner/1"),
    ("entity", "CarePlan/x"),
    ("entity", "Patient/p1"),
    ("action", "R"),
    ("outcome", "8"),
]
# From a day on, until a day, one of two days: each is bounded by an index.
DAYS = ["2026-01-01", "ge2026-01-01", "le2026-01-01", "gt2026", "lt2026", "2026-01-01,2026-01-03"]


@pytest.mark.parametrize("order", ["-date", "date", "_id", "-_id"])
@pytest.mark.parametrize("asked", OPEN, ids="=".join)
def test_the_audit_is_walked_in_the_order_of_its_pages(
    file: str, asked: tuple[str, str], order: str
) -> None:
    """Nobody's name leads into it, so it is read until the page is full, and never sorted whole."""
    for cursor in (START, NEXT_EVENTS):
        statement = events_of("default", _search("AuditEvent", asked), cursor, order, 5)
        steps = _plan(file, statement.text, statement.values)

        assert all(s.startswith("SEARCH") for s in steps if not s.startswith("USE")), steps
        assert "(tenant=?" in steps[0], steps
        assert "USE TEMP B-TREE FOR ORDER BY" not in steps, steps


@pytest.mark.parametrize("order", ["-date", "_id"])
@pytest.mark.parametrize("asked", OPEN, ids="=".join)
def test_postgresql_reads_the_audit_by_an_index(
    filled: Kept, asked: tuple[str, str], order: str
) -> None:
    """Which one is for its statistics to say: it expects that few rows are what is asked for."""
    for cursor in (START, NEXT_EVENTS):
        search = _search("AuditEvent", asked)
        nodes = _nodes(filled, events_of("default", search, cursor, order, 5))

        assert not [n for n in nodes if n["Node Type"] == "Seq Scan"], nodes
        assert _conditions_on_the_audit(nodes), nodes


def _conditions_on_the_audit(nodes: list[dict[str, Any]]) -> str:
    found = [n["Index Cond"] for n in nodes if "audit_event" in n.get("Index Name", "")]
    return " ".join(found)


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("more", [[], OPEN[:1], [("patient", "p0")]], ids=str)
def test_a_day_bounds_what_is_read_of_the_audit(
    file: str, day: str, more: list[tuple[str, str]]
) -> None:
    search = _search("AuditEvent", ("date", day), *more)
    statement = events_of("default", search, START, "-date", 5)
    steps = _plan(file, statement.text, statement.values)

    assert "recorded>" in steps[0] or "recorded<" in steps[0], steps
    assert ("patient=?" in steps[0]) == (more == [("patient", "p0")]), steps


@pytest.mark.parametrize("day", DAYS)
def test_a_day_bounds_what_postgresql_reads_of_the_audit(filled: Kept, day: str) -> None:
    search = _search("AuditEvent", ("date", day), OPEN[0])
    nodes = _nodes(filled, events_of("default", search, START, "-date", 5))

    assert "recorded" in _conditions_on_the_audit(nodes), nodes


@pytest.mark.parametrize(("name", "value"), [("patient", "x1"), ("_id", "a1")])
def test_an_event_is_found_by_key(file: str, filled: Kept, name: str, value: str) -> None:
    statement = events_of("default", _search("AuditEvent", (name, value)), START, "-date", 5)
    column = name.removeprefix("_")
    steps = _plan(file, statement.text, statement.values)
    (read,) = [n for n in _nodes(filled, statement) if n.get("Alias") == "a"]

    assert f"{column}=?" in steps[0], steps
    assert column in read["Index Cond"], read
