"""Search values: written with the version, made again the same, and always found by an index."""

import asyncio
import contextlib
from datetime import UTC, datetime
from itertools import product
from typing import Any

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
from app.sql.database import Reader, Session, Statement, finished
from app.sql.migrate import migrate, unmigrate
from app.sql.postgresql_reader import PostgreSQLReader
from app.sql.reindex import Extraction, differences, is_current, reindex
from app.sql.search_rows import COLUMNS, key_of, search_row
from app.sql.searching import number_of, page_of
from app.sql.sorting import page_with_value
from app.sql.sqlite_reader import SQLiteReader
from app.sql.transaction import transaction
from app.sql.verify import verify
from tests.acceptance.wire import finding
from tests.databases import Kept
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
def history(database: Kept) -> Kept:
    write(database)
    return database


def _search(type_: str, *pairs: tuple[str, str]) -> Search:
    return understand(pairs, type_=type_, now=NOW, base="", is_strict=True).search


def values_of(kept: Kept) -> list[tuple[object, ...]]:
    return sorted(kept.rows("SELECT * FROM search_value"))


def test_values_made_again_are_those_written(history: Kept) -> None:
    url, before = history.url, values_of(history)

    assert before
    assert differences(url, EXTRACTION) == []
    done = reindex(url, EXTRACTION)

    assert values_of(history) == before
    assert done == history.count("resource_version")
    assert is_current(url, EXTRACTION)
    assert not is_current(url, Extraction(VERSION + 1, values_in))


@pytest.mark.parametrize(
    "tampered",
    [
        "UPDATE search_value SET value = 'x' WHERE value = 'final'",
        "DELETE FROM search_value WHERE value = 'survey'",
        "INSERT INTO search_value VALUES (1000000, 1, 'x', '', '')",
    ],
)
def test_values_that_are_not_those_of_their_bodies_are_told(fresh: Kept, tampered: str) -> None:
    write(fresh, 1)
    fresh.change(tampered)

    assert differences(fresh.url, EXTRACTION)


async def test_a_search_that_goes_through_too_much_is_refused(history: Kept) -> None:
    searches: Reader = PostgreSQLReader(history.url, seconds=0.05)
    if history.is_sqlite:
        searches = SQLiteReader(history.file, seconds=0.05)
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT (i + 1) % 1000000 FROM n)"
        " SELECT max(i) FROM n"
    )

    with pytest.raises(Refused, match="too much"):
        await searches.fetch_slowly(endless)
    rows = await searches.fetch_slowly("SELECT 1")

    assert [tuple(row) for row in rows] == [(1,)]
    await searches.close()


def test_an_empty_database_is_searched_too(fresh: Kept) -> None:
    for (type_, name, value), order in product(DECLARED[:5], ("_id", "-_lastUpdated")):
        statement = page_of("t", _search(type_, (name, value)), START, order, 5)
        assert finished(_found(fresh, statement)) == []


async def _found(kept: Kept, statement: Statement) -> list[Any]:
    async with transaction(kept.url) as session:
        return await session.fetch_all(statement.text, statement.values)


INSTANTS = st.sampled_from([f"2026-01-0{day}T00:00:00.00000{day - 1}Z" for day in (1, 2, 3)])
CODES = st.one_of(st.sampled_from(["a", "b", "1o7f"]), INSTANTS)
SAID = st.sampled_from(["", "http://loinc.org", "http://snomed.info/sct", "~0", "~~0", "urn:x"])
VALUES = st.lists(
    st.one_of(
        st.builds(SearchValue, st.just("code"), CODES, st.just(""), SAID),
        st.builds(SearchValue, st.just("date"), INSTANTS, INSTANTS, st.just("")),
    ),
    max_size=4,
    unique=True,
)
VERSION_COLUMNS = (
    *("tenant", "type", "id", "version", "patient"),
    *("origin", "sha256", "sequence", "position", "salt", "hash"),
)
SAME, ORDERED = st.just("="), st.sampled_from(["<", "<=", ">", ">="])
TOKENS = st.one_of(
    st.builds(Comparison, st.just("value"), SAME, CODES),
    st.builds(Comparison, st.just("system"), SAME, SAID),
)
SPANS = st.builds(Comparison, st.sampled_from(["value", "until"]), ORDERED, INSTANTS)


def _criteria(
    name: str, comparisons: st.SearchStrategy[Comparison]
) -> st.SearchStrategy[Criterion]:
    return st.builds(
        Criterion,
        st.just(name),
        st.lists(st.lists(comparisons, max_size=2).map(tuple), min_size=1, max_size=2).map(tuple),
        is_negated=st.booleans(),
    )


CRITERIA = st.lists(st.one_of(_criteria("code", TOKENS), _criteria("date", SPANS)), max_size=3)


@given(
    kept=st.lists(st.tuples(VALUES, st.sampled_from(["p", "q", None])), max_size=4),
    criteria=CRITERIA,
    patients=st.sampled_from([(), (frozenset({"p"}),), (frozenset({"p", "q"}),)]),
)
@settings(max_examples=150)
def test_the_database_answers_what_the_values_say(
    database: Kept,
    kept: list[tuple[list[SearchValue], str | None]],
    criteria: list[Criterion],
    patients: tuple[frozenset[str], ...],
) -> None:
    search = Search(("Observation",), tuple(criteria), patients)

    found, newest, number = finished(_answers(database, search, kept))

    expected = [
        f"o{number}"
        for number, (values, patient) in enumerate(kept)
        if matches(search, "Observation", f"o{number}", patient, values)
    ]
    assert found == expected
    assert newest == [expected[::-1]] * 2
    assert number == len(expected)


class _PutBack(Exception):  # noqa: N818  (nothing went wrong)
    pass


Kind = list[tuple[list[SearchValue], str | None]]


async def _answers(
    database: Kept, search: Search, kept: Kind, *, of: str = "t"
) -> tuple[list[str], list[list[str]], int]:
    """What tenant ``t`` finds of what is kept of a tenant, in a transaction that is rolled back."""
    answers: tuple[list[str], list[list[str]], int] | None = None
    with contextlib.suppress(_PutBack):
        async with transaction(database.url) as session:
            await _keep(session, of, kept)
            answers = await _asked(session, search)
            raise _PutBack
    assert answers is not None
    return answers


async def _keep(session: Session, tenant: str, kept: Kind) -> None:
    block = (10**6, "2026", 1, b"", b"", b"")
    names = ("sequence", "committed_at", "entries", "previous", "merkle_root", "hash")
    await session.write_rows("block", names, [block])
    for number, (values, patient) in enumerate(kept):
        named = (tenant, "Observation", f"o{number}", 1, patient, "received")
        version = (*named, b"", 10**6, number, b"", b"")
        await session.write_rows("resource_version", VERSION_COLUMNS, [version])
        (row,) = await session.fetch_one("SELECT max(rowid) FROM resource_version")
        rows = {search_row(row, tenant, "Observation", value) for value in values}
        if rows:
            await session.write_rows("search_value", COLUMNS, list(rows))


async def _asked(session: Session, search: Search) -> tuple[list[str], list[list[str]], int]:
    statement = page_of("t", search, START, "_id", 10)
    found = [row["id"] for row in await session.fetch_all(statement.text, statement.values)]
    pages = [page_of("t", search, START, "-_lastUpdated", 10, is_common=c) for c in (False, True)]
    newest = [
        [row["id"] for row in await session.fetch_all(page.text, page.values)] for page in pages
    ]
    counted = number_of("t", search, 10**6)
    (number,) = await session.fetch_one(counted.text, counted.values)
    return found, newest, number


def test_a_tenant_whose_numbers_are_those_of_another_sees_nothing_of_it(history: Kept) -> None:
    code, date = (key_of("t", "Observation", name) for name in ("code", "date"))
    twin = next(t for t in map(str, range(10**6)) if key_of(t, "Observation", "code") == code)
    assert key_of(twin, "Observation", "date") == date
    span = SearchValue("date", "2026-01-01T00:00:00.000000Z", until="2026-01-02T00:00:00.000000Z")
    kept: Kind = [([SearchValue("code", "a"), span], "p")]
    asked = _search("Observation", ("code", "a"), ("date", "2026-01-01"))
    walked = page_with_value("t", _search("Observation"), START, "date", 10)

    assert finished(_answers(history, asked, kept)) == (["o0"], [["o0"], ["o0"]], 1)
    assert finished(_answers(history, asked, kept, of=twin)) == ([], [[], []], 0)
    assert finished(_walked(history, walked, kept, "t")) == 1
    assert finished(_walked(history, walked, kept, twin)) == 0


async def _walked(database: Kept, statement: Statement, kept: Kind, of: str) -> int:
    found = 0
    with contextlib.suppress(_PutBack):
        async with transaction(database.url) as session:
            await _keep(session, of, kept)
            found = len(await session.fetch_all(statement.text, statement.values))
            raise _PutBack
    return found


@pytest.mark.parametrize(
    "older",
    [
        "DELETE FROM search_state",
        "UPDATE search_state SET version = 0",
        "UPDATE search_state SET sequence = sequence - 1",
    ],
)
def test_a_service_that_finds_other_values_makes_them_again_at_its_start(
    fresh: Kept, older: str
) -> None:
    write(fresh, 1)
    fresh.change("DELETE FROM search_value", older)
    assert not is_current(fresh.url, EXTRACTION)

    asyncio.run(_start(fresh))

    assert is_current(fresh.url, EXTRACTION)
    assert differences(fresh.url, EXTRACTION) == []


async def _start(kept: Kept) -> None:
    app = create_app(Settings(database_url=kept.url, log_level="ERROR"))
    async with app.router.lifespan_context(app):
        pass


def test_another_layout_of_the_values_is_filled_at_the_next_start(fresh: Kept) -> None:
    """Down to the layout before and up again, with a history: no value is moved, none is lost."""
    write(fresh, 1)
    before = values_of(fresh)

    unmigrate(fresh.url, "20261129_erasure")
    columns = fresh.rows("SELECT tenant, patient, type, name, id, version FROM search_value")
    migrate(fresh.url)
    assert columns == values_of(fresh) == []
    assert not is_current(fresh.url, EXTRACTION)
    asyncio.run(_start(fresh))

    assert values_of(fresh) == before
    assert is_current(fresh.url, EXTRACTION)
    assert verify(fresh.url).is_intact


@pytest.mark.parametrize("order", ["date", "-date"])
@pytest.mark.parametrize("pairs", [(), (("status", "final"),)])
async def test_the_order_of_a_date_over_everybody_is_walked_and_misses_nothing(
    fresh: Kept, monkeypatch: pytest.MonkeyPatch, order: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    """Pages of two, in the order of a sort of everything; what has no date comes last."""
    await asyncio.to_thread(write, fresh)
    await _write_dates(fresh)
    tenant = Settings().tenant
    search = _search("Observation", *pairs)
    everything = page_of(tenant, search, START, order, 1000)
    sorted_ = await _found(fresh, everything)
    monkeypatch.setattr(queries, "COMMON", 2)

    history = queries.History(fresh.url)
    cursor, found = START, list[tuple[str, str]]()
    while page := await history.search(tenant, search, cursor=cursor, order=order, count=2):
        found += [(stored.version.type, stored.version.id) for stored, _ in page]
        cursor = page[-1][1]
    await history.close()

    assert found == [(row["type"], row["id"]) for row in sorted_]
    assert len(found) > 10
    assert sorted_[0]["place"] not in ("", "~")
    assert sorted_[-1]["place"] == ("" if order == "-date" else "~")


async def _write_dates(kept: Kept) -> None:
    """Observations with the same date, with several, with a span, without any, and changed."""
    app = create_app(Settings(database_url=kept.url, log_level="ERROR"))
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
