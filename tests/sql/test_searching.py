"""Search values: written with the version, made again the same, and always found by an index."""

import sqlite3
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from app.domain.searching import Cursor, Search
from app.fhir.searching.parameters import STORED, parameters_of
from app.fhir.searching.query import understand
from app.fhir.searching.values import VERSION, values_in
from app.sql.migrate import migrate
from app.sql.reindex import Extraction, differences, is_current, reindex
from app.sql.searching import number_of, page_of, some_of
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


def test_an_empty_database_is_searched_too(tmp_path: Path) -> None:
    database = tmp_path / "painplan.db"
    migrate(f"sqlite:///{database}")

    for (type_, name, value), order in product(DECLARED[:5], ("_id", "-_lastUpdated")):
        statement = page_of("t", _search(type_, (name, value)), START, order, 5)
        with sqlite3.connect(database) as connection:
            assert connection.execute(statement.text, statement.values).fetchall() == []
