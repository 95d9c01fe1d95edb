"""The same decisions on Apache Spark, for what one machine cannot hold.

``spark-submit --master ... app/population/on_spark.py IN OUT --as-of 2026-06-01T09:00:00Z`` with
Painplan installed on every worker (``pip install 'painplan[spark]'``). ``IN`` is whatever Spark
reads as text, one Bundle a line; ``OUT`` becomes a folder with ``decisions`` and ``rejects``.
"""

from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from pyspark import StorageLevel
from pyspark.sql import Row, SparkSession
from pyspark.sql.functions import col, input_file_name

from app.fhir.reading.times import instant
from app.population.deciding import Decided, Decider, How, Rejected

DECISIONS, REJECTS = "decisions", "rejects"
Told = tuple[str, str]


def decide(session: SparkSession, source: str, target: str, how: How) -> None:
    """Decide about every line of ``source``; each partition loads the knowledge once.

    A reject is told by its file, its partition and its place there, for a file in parts has no
    line numbers. Lines end as on one machine and are taken as bytes: as text Spark would end one
    at a carriage return, and mend what is no UTF-8.
    """

    def of_partition(partition: int, rows: Iterable[Row]) -> Iterator[Told]:
        decider = Decider(how)
        places: Counter[str] = Counter()
        for row in rows:
            places[row.file] += 1
            line = bytes(row.line).rstrip(b"\r")
            if line.strip():
                place = {"file": row.file, "partition": partition, "place": places[row.file]}
                yield _told(decider.decide(line), place)

    read = session.read.text(source, lineSep="\n").select(
        col("value").cast("binary").alias("line"), input_file_name().alias("file")
    )
    told = read.rdd.mapPartitionsWithIndex(of_partition).persist(StorageLevel.DISK_ONLY)
    for kind in (DECISIONS, REJECTS):
        told.filter(partial(_is, kind)).map(_text).saveAsTextFile(f"{target}/{kind}")
    told.unpersist()


def _told(result: Decided | Rejected, place: dict[str, object]) -> Told:
    match result:
        case Decided(line, _):
            return DECISIONS, line.decode()
        case Rejected():
            return REJECTS, result.told(**place).decode().rstrip()


def _is(kind: str, told: Told) -> bool:
    return told[0] == kind


def _text(told: Told) -> str:
    return told[1]


def _instant(text: str) -> datetime:
    moment = instant(text)
    if moment is None:
        raise ArgumentTypeError(f"{text!r} is no date or dateTime")
    return moment


def main() -> None:
    """The command line of ``spark-submit``."""
    options = ArgumentParser(description=__doc__)
    options.add_argument("source")
    options.add_argument("target")
    options.add_argument("--as-of", type=_instant, required=True)
    options.add_argument("--profile", choices=("who", "uk", "us"), default="who")
    options.add_argument("--resources", action="store_true")
    given = options.parse_args()
    session = SparkSession.builder.appName("painplan population").getOrCreate()
    try:
        decide(
            session, given.source, given.target, How(given.as_of, given.profile, given.resources)
        )
    finally:
        session.stop()


if __name__ == "__main__":
    main()
