"""The list of a patient's decisions: by an index, and without reading what is not listed."""

import sqlite3
from pathlib import Path

import pytest

from app.sql.migrate import migrate
from app.sql.queries import DECISIONS


@pytest.mark.parametrize("kind", ["", "derive", "order-review"])
def test_the_decisions_of_a_patient_are_found_by_an_index(tmp_path: Path, kind: str) -> None:
    database = tmp_path / "painplan.db"
    migrate(f"sqlite:///{database}")

    with sqlite3.connect(database) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {DECISIONS}", ("t", "t", "p", kind, kind))
        steps = [row[3] for row in rows]

    read = [s for s in steps if s.startswith(("SCAN", "SEARCH"))]
    assert len(read) == 2
    assert all(s.startswith("SEARCH decision USING INDEX") for s in read), steps
    assert any("patient=?" in s for s in read), steps
    assert any("id=?" in s for s in read), steps
