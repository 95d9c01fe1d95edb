"""The same decisions on Apache Spark, for what one machine cannot hold.

``spark-submit --master ... app/population/on_spark.py IN OUT --as-of 2026-06-01T09:00:00Z`` with
Painplan installed on every worker (``pip install 'painplan[spark]'``). ``IN`` is whatever Spark
reads as text, one Bundle a line; ``OUT`` becomes a folder with ``decisions`` and ``rejects``.
"""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

import orjson
from pyspark import StorageLevel
from pyspark.sql import SparkSession

from app.population.deciding import Decided, Decider, How, Rejected

DECISIONS, REJECTS = "decisions", "rejects"
Row = tuple[str, str]


def decide(session: SparkSession, source: str, target: str, how: How) -> None:
    """Decide about every line of ``source``; each partition loads the knowledge once.

    A reject is told by its partition and its place there, for a file in parts has no line numbers.
    """

    def of_partition(partition: int, lines: Iterable[str]) -> Iterator[Row]:
        decider = Decider(how)
        for place, line in enumerate(lines, 1):
            if line.strip():
                yield _row(decider.decide(line.encode()), partition, place)

    read = session.sparkContext.textFile(source)
    rows = read.mapPartitionsWithIndex(of_partition).persist(StorageLevel.DISK_ONLY)
    for kind in (DECISIONS, REJECTS):
        rows.filter(partial(_is, kind)).map(_text).saveAsTextFile(f"{target}/{kind}")
    rows.unpersist()


def _row(result: Decided | Rejected, partition: int, place: int) -> Row:
    match result:
        case Decided(line, _):
            return DECISIONS, line.decode()
        case Rejected(problems):
            why = [{"where": p.where or "", "what": p.what} for p in problems]
            row = {"partition": partition, "place": place, "problems": why}
            return REJECTS, orjson.dumps(row).decode()


def _is(kind: str, row: Row) -> bool:
    return row[0] == kind


def _text(row: Row) -> str:
    return row[1]


def main() -> None:
    """The command line of ``spark-submit``."""
    options = ArgumentParser(description=__doc__)
    options.add_argument("source")
    options.add_argument("target")
    options.add_argument("--as-of", type=datetime.fromisoformat, required=True)
    options.add_argument("--profile", choices=("who", "uk", "us"), default="who")
    given = options.parse_args()
    session = SparkSession.builder.appName("painplan population").getOrCreate()
    try:
        decide(session, given.source, given.target, How(given.as_of, given.profile))
    finally:
        session.stop()


if __name__ == "__main__":
    main()
