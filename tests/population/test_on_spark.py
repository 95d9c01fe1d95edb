"""Spark, run on this machine over both halves of a data set, decides as one process does."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.population.running import Job, run
from benchmarks.patients import patients
from tests.population.told import PEOPLE, WHO, rows, written

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def session() -> "Iterator[SparkSession]":
    """Spark with two local workers, on loopback only."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("needs pyspark (pip install 'painplan[spark]')")
    if shutil.which("java") is None:
        pytest.skip("needs Java, which Spark runs on")
    from pyspark.sql import SparkSession  # noqa: PLC0415  (an extra)

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        made = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        yield made
        made.stop()


def test_both_halves_on_spark_are_the_whole_on_one_process(
    session: "SparkSession", tmp_path: Path
) -> None:
    from app.population.on_spark import decide  # noqa: PLC0415  (needs the extra)

    """Whatever ends a line, and whatever is in it that is no UTF-8."""
    people = list(patients(PEOPLE))
    people[0] = b"\xef\xbb\xbf" + people[0] + b"\r"
    people[1] = people[1].replace(b'"entry":[', b'"entry":[\r', 1)
    people[-1] = people[-1].replace(b'"Patient",', b'"Patient","name":[{"family":"M\xfc"}],', 1)
    lines = [*people, b'{"resourceType": "Bundle", "na']
    whole = tmp_path / "whole.ndjson"
    run(Job(written(tmp_path / "in.ndjson", lines), whole, WHO))
    halves = tmp_path / "halves"
    halves.mkdir()
    written(halves / "a.ndjson", lines[: PEOPLE // 2])
    written(halves / "b.ndjson", lines[PEOPLE // 2 :])

    decide(session, str(halves), str(tmp_path / "out"), WHO)

    def together(kind: str) -> list[dict[str, object]]:
        return [
            row for part in sorted((tmp_path / "out" / kind).glob("part-*")) for row in rows(part)
        ]

    assert sorted(str(r["patient"]) for r in together("decisions")) == sorted(
        str(r["patient"]) for r in rows(whole)
    )
    found = {str(r["patient"]): r for r in together("decisions")}
    assert found == {str(r["patient"]): r for r in rows(whole)}
    assert len(found) == PEOPLE - 1
    rejects = together("rejects")
    assert [(str(r["file"]).rpartition("/")[2], r["place"]) for r in rejects] == [
        ("b.ndjson", PEOPLE // 2),
        ("b.ndjson", PEOPLE // 2 + 1),
    ]
    assert [r["problems"] for r in rejects] == [
        r["problems"] for r in rows(tmp_path / "whole.ndjson.rejects")
    ]
