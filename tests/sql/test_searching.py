"""Search values: written with the version, made again the same, and always found by an index."""

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.problem import Refused
from app.domain.searching import Comparison, Criterion, Cursor, Search, SearchValue, matches
from app.fhir.searching.parameters import STORED, parameters_of
from app.fhir.searching.query import understand
from app.fhir.searching.values import VERSION, values_in
from app.main import create_app
from app.settings import Settings
from app.sql import queries
from app.sql.migrate import migrate
from app.sql.open_searches import OpenSearches
from app.sql.reindex import INSERT, Extraction, differences, is_current, reindex, search_row
from app.sql.searching import Statement, number_of, page_of, probe_of, some_of
from app.sql.sorting import page_with_value
from tests.acceptance.wire import finding
from tests.sql.history import write

EXTRACTION = Extraction(VERSION, values_in)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = Cursor(10**6, "", 0, -1)
EXAMPLE = {
    "token": "http://loinc.org|1234-5,other",
    "date": "ge2026-01-01",
    "reference": "p1",
    "uri": "urn:x",
    "string": "x",
}
DECLARED = [
    (type_, parameter.name, "X1" if parameter.name == "_id" else EXAMPLE[parameter.kind])
    for type_ in STORED
    for parameter in parameters_of(type_)
]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("history") / "painplan.db"
    write(database)
    return database


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    database = tmp_path_factory.mktemp("empty") / "painplan.db"
    migrate(f"sqlite:///{database}")
    connection = sqlite3.connect(database, isolation_level=None)
    yield connection
    connection.close()


def _search(type_: str, *pairs: tuple[str, str]) -> Search:
    return understand(pairs, type_=type_, now=NOW, base="", is_strict=True).search


def _plan(database: Path, sql: str, values: list[object]) -> list[str]:
    with sqlite3.connect(database) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


@pytest.mark.parametrize(("type_", "name", "value"), DECLARED, ids=str)
def test_every_declared_parameter_uses_an_index(
    history: Path, type_: str, name: str, value: str
) -> None:
    search = _search(type_, (name, value))

    for statement in (page_of("t", search, START, "-_lastUpdated", 10), number_of("t", search, 9)):
        steps = _plan(history, statement.text, statement.values)
        read = [s for s in steps if s.startswith(("SCAN", "SEARCH"))]
        tables = [s for s in read if not s.startswith(("SCAN q", "SCAN d"))]
        assert tables
        assert all(s.startswith("SEARCH") and "USING" in s for s in tables), steps


def test_with_a_patient_everything_is_asked_by_key(history: Path) -> None:
    for type_, name, value in DECLARED:
        if not any(p.name == "patient" for p in STORED[type_]):
            continue
        statement = page_of("t", _search(type_, ("patient", "p"), (name, value)), START, "_id", 5)
        steps = _plan(history, statement.text, statement.values)
        values = [s for s in steps if " s " in s and "SEARCH s" in s]
        assert all("patient=?" in s and "name=?" in s for s in values), steps


def test_no_statement_reads_a_body_to_find() -> None:
    search = _search("Observation", ("patient", "p0"), ("category", "survey"))

    for statement in (number_of("t", search, 9), some_of("t", search, 9, 2)):
        assert "body" not in statement.text
    inner = page_of("t", search, START, "-_lastUpdated", 2).text.partition("LIMIT ?)")[0]
    assert "body" not in inner
    assert "FROM (SELECT r.rowid" in inner


def test_values_made_again_are_those_written(history: Path) -> None:
    url = f"sqlite:///{history}"
    with sqlite3.connect(history) as connection:
        before = connection.execute("SELECT * FROM search_value").fetchall()

    assert before
    assert list(differences(url, EXTRACTION)) == []
    done = reindex(url, EXTRACTION)

    with sqlite3.connect(history) as connection:
        assert connection.execute("SELECT * FROM search_value").fetchall() == before
        (versions,) = connection.execute("SELECT count(*) FROM resource_version").fetchone()
    assert done == versions
    assert is_current(url, EXTRACTION)
    assert not is_current(url, Extraction(VERSION + 1, values_in))


@pytest.mark.parametrize(
    "tampered",
    [
        "UPDATE search_value SET value = 'x' WHERE name = 'status'",
        "DELETE FROM search_value WHERE name = 'category'",
        "INSERT INTO search_value VALUES ('t', 'p', 'Goal', 'status', 'x', '', '', 'none', 1)",
    ],
)
def test_values_that_are_not_those_of_their_bodies_are_told(tmp_path: Path, tampered: str) -> None:
    database = tmp_path / "painplan.db"
    write(database, 1)
    with sqlite3.connect(database) as connection:
        connection.execute(tampered)

    assert list(differences(f"sqlite:///{database}", EXTRACTION))


async def test_a_search_that_goes_through_too_much_is_refused(history: Path) -> None:
    searches = OpenSearches(history, seconds=0.05)
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )

    with pytest.raises(Refused, match="too much"):
        await searches.rows(Statement([endless], []))
    rows = await searches.rows(Statement(["SELECT 1"], []))

    assert [tuple(row) for row in rows] == [(1,)]
    searches.close()


def test_what_many_have_is_found_in_the_order_of_the_blocks(history: Path) -> None:
    search = _search("Observation", ("status", "final"))
    probe = probe_of("t", search, 5, "-_lastUpdated")
    assert probe is not None
    assert all("SCAN s" not in step for step in _plan(history, probe.text, probe.values))
    assert probe_of("t", _search("Observation", ("patient", "p")), 5, "-_lastUpdated") is None
    assert probe_of("t", search, 5, "_id") is None

    common = page_of("t", search, START, "-_lastUpdated", 5, is_common=True)
    steps = _plan(history, common.text, common.values)

    assert "TEMP B-TREE" not in " ".join(steps[: steps.index("SCAN q")])


def test_an_empty_database_is_searched_too(tmp_path: Path) -> None:
    database = tmp_path / "painplan.db"
    migrate(f"sqlite:///{database}")

    for (type_, name, value), order in product(DECLARED[:5], ("_id", "-_lastUpdated")):
        statement = page_of("t", _search(type_, (name, value)), START, order, 5)
        with sqlite3.connect(database) as connection:
            assert connection.execute(statement.text, statement.values).fetchall() == []


def test_the_newest_of_a_type_are_found_without_sorting_all_of_it(history: Path) -> None:
    for order in ("-_lastUpdated", "_lastUpdated"):
        statement = page_of("t", Search(("CarePlan",)), START, order, 5)
        steps = _plan(history, statement.text, statement.values)
        inner = steps[: steps.index("SCAN q")]
        assert not [s for s in inner if "TEMP B-TREE" in s], steps


NAMES = ("code", "date")
TEXTS = st.sampled_from(["a", "b", "c"])
VALUES = st.lists(
    st.builds(SearchValue, st.sampled_from(NAMES), TEXTS, until=TEXTS, system=TEXTS),
    max_size=4,
    unique=True,
)
COMPARISONS = st.builds(
    Comparison,
    st.sampled_from(["value", "until", "system"]),
    st.sampled_from(["=", "<", "<=", ">", ">="]),
    TEXTS,
)
CRITERIA = st.lists(
    st.builds(
        Criterion,
        st.sampled_from(NAMES),
        st.lists(st.lists(COMPARISONS, max_size=2).map(tuple), min_size=1, max_size=2).map(tuple),
        is_negated=st.booleans(),
    ),
    max_size=3,
)


@given(
    kept=st.lists(st.tuples(VALUES, st.sampled_from(["p", "q", None])), max_size=4),
    criteria=CRITERIA,
    patients=st.sampled_from([(), (frozenset({"p"}),), (frozenset({"p", "q"}),)]),
)
@settings(max_examples=150)
def test_the_database_answers_what_the_values_say(
    empty: sqlite3.Connection,
    kept: list[tuple[list[SearchValue], str | None]],
    criteria: list[Criterion],
    patients: tuple[frozenset[str], ...],
) -> None:
    search = Search(("Observation",), tuple(criteria), patients)
    empty.execute("BEGIN")
    try:
        empty.execute("INSERT INTO block VALUES (1, '2026', 1, x'', x'', x'')")
        for number, (values, patient) in enumerate(kept):
            empty.execute(
                "INSERT INTO resource_version (tenant, type, id, version, patient, origin, sha256,"
                " sequence, position, hash) VALUES"
                " ('t', 'Observation', ?, 1, ?, 'received', x'', 1, ?, x'')",
                (f"o{number}", patient, number),
            )
            rows = [
                search_row("t", patient or "", "Observation", f"o{number}", 1, v) for v in values
            ]
            empty.executemany(INSERT, rows)
        statement = page_of("t", search, START, "_id", 10)
        found = [row[3] for row in empty.execute(statement.text, statement.values)]
        newest = [
            [row[3] for row in empty.execute(one.text, one.values)]
            for one in (
                page_of("t", search, START, "-_lastUpdated", 10, is_common=common)
                for common in (False, True)
            )
        ]
        counted = number_of("t", search, 9)
        (number,) = empty.execute(counted.text, counted.values).fetchone()
    finally:
        empty.execute("ROLLBACK")

    expected = [
        f"o{number}"
        for number, (values, patient) in enumerate(kept)
        if matches(search, "Observation", f"o{number}", patient, values)
    ]
    assert found == expected
    assert newest == [expected[::-1]] * 2
    assert number == len(expected)


@pytest.mark.parametrize(
    "older",
    [
        "DELETE FROM search_state",
        "UPDATE search_state SET version = 0",
        "UPDATE search_state SET sequence = sequence - 1",
    ],
)
def test_a_service_that_finds_other_values_makes_them_again_at_its_start(
    tmp_path: Path, older: str
) -> None:
    database = tmp_path / "painplan.db"
    write(database, 1)
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM search_value")
        connection.execute(older)
    assert not is_current(f"sqlite:///{database}", EXTRACTION)

    asyncio.run(_start(database))

    assert is_current(f"sqlite:///{database}", EXTRACTION)
    assert list(differences(f"sqlite:///{database}", EXTRACTION)) == []


async def _start(database: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{database}", log_level="ERROR"))
    async with app.router.lifespan_context(app):
        pass


@pytest.mark.parametrize("order", ["date", "-date"])
@pytest.mark.parametrize("pairs", [(), (("status", "final"),)])
async def test_the_order_of_a_date_over_everybody_is_walked_and_misses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    """Pages of two, in the order of a sort of everything; what has no date comes last."""
    database = tmp_path / "painplan.db"
    await asyncio.to_thread(write, database)
    await _write_dates(database)
    tenant = Settings().tenant
    search = _search("Observation", *pairs)
    everything = page_of(tenant, search, START, order, 1000)
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        sorted_ = connection.execute(everything.text, everything.values).fetchall()
    monkeypatch.setattr(queries, "COMMON", 2)

    history = queries.History(f"sqlite:///{database}")
    cursor, found = START, list[tuple[str, str]]()
    while page := await history.search(tenant, search, cursor=cursor, order=order, count=2):
        found += [(stored.version.type, stored.version.id) for stored, _ in page]
        cursor = page[-1][1]
    history.close()

    assert found == [(row["type"], row["id"]) for row in sorted_]
    assert len(found) > 10
    assert sorted_[0]["place"] not in ("", "~")
    assert sorted_[-1]["place"] == ("" if order == "-date" else "~")


def test_the_first_page_of_a_date_reads_no_more_than_it_holds(history: Path) -> None:
    for order in ("date", "-date"):
        for search in (_search("Observation"), _search("Observation", ("status", "final"))):
            statement = page_with_value("t", search, START, order, 5)
            steps = _plan(history, statement.text, statement.values)
            inner = steps[: steps.index("SCAN q")]

            assert "SEARCH s USING" in inner[1], steps
            assert "USE TEMP B-TREE FOR ORDER BY" not in inner, steps


async def _write_dates(database: Path) -> None:
    """Observations with the same date, with several, with a span, without any, and changed."""
    app = create_app(Settings(database_url=f"sqlite:///{database}", log_level="ERROR"))
    dates: list[dict[str, object]] = [
        {"effectiveDateTime": "2026-01-01"},
        {"effectiveDateTime": "2026-01-01"},
        {"effectiveDateTime": "2025"},
        {"effectivePeriod": {"start": "2024-05-01"}},
        {"effectiveTiming": {"event": ["2026-02-01", "2023-01-01", "2026-02-01"]}},
        {},
        {},
        {"effectiveDateTime": "2027-03-01T10:00:00Z"},
    ]
    base = "http://127.0.0.1:8000"
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=base) as client,
    ):
        for again in (0, 1):
            for number, date in enumerate(dates[again:]):
                id_ = f"dated-{number}"
                body = {**finding("pain-localised", True, of="p0"), "id": id_}
                del body["effectiveDateTime"]
                answer = await client.put(f"/fhir/Observation/{id_}", json={**body, **date})
                answer.raise_for_status()
