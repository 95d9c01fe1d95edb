"""``make bench-quick``: CPU of a durable derivation beside a bare echo of the same bytes.

CPU is user + system time of the server process, read from the outside, in turns; a ratio within
one run is stable on a noisy machine, a figure alone is not. Then starts, on a fresh database and on
one that is there (``benchmarks/start.py``), and the engine alone beside the parse of its input
(``benchmarks/engine.py``).
"""

import sys
import tempfile
from pathlib import Path

from app.sql.sqlite import sync_seconds
from benchmarks.box import machine
from benchmarks.cases import DERIVATION, ECHO, derivation, echo
from benchmarks.engine import measured
from benchmarks.fixtures import submission
from benchmarks.load import migrated
from benchmarks.rounds import in_turns
from benchmarks.start import started
from benchmarks.start import told as starts_told

SECONDS = 60.0
RATIO_AT_MOST = 15.0
ENGINE_AT_MOST = 12.0
MEGABYTES_AT_MOST = 150.0


def main() -> None:
    """Print the figures and whether they are within their bounds."""
    with tempfile.TemporaryDirectory() as folder:
        sync = sync_seconds(Path(folder)) * 1e6
        ours = derivation(DERIVATION, migrated(f"sqlite:///{folder}/bench.db"))
        rounds = in_turns([echo(ECHO), ours], seconds=SECONDS, share=1)
    ratio, memory = rounds.ratio(DERIVATION, ECHO), rounds.megabytes(DERIVATION)
    say = sys.stdout.write
    say(f"box: {machine()}\n")
    say(f"fsync of 8 KB: {sync:.0f} us; request {len(submission(0))} bytes\n")
    say(f"bare FastAPI echo: {rounds.cpu(ECHO):.0f} us CPU a request\n")
    say(
        f"durable derivation: {rounds.cpu(DERIVATION):.0f} us CPU a request = {ratio:.1f} x echo "
        f"(at most {RATIO_AT_MOST:.0f}): {_mark(ratio <= RATIO_AT_MOST)}\n"
    )
    say(
        f"resident memory under load: {memory:.0f} MB "
        f"(at most {MEGABYTES_AT_MOST:.0f}): {_mark(memory <= MEGABYTES_AT_MOST)}\n"
    )
    say(f"{starts_told(started())}\n")
    engine = measured()
    say(
        f"engine alone, dict to CarePlan and trace: {engine.derivation:.0f} us CPU"
        f" = {engine.ratio:.1f} x orjson.loads of the input, {engine.parse:.0f} us"
        f" (at most {ENGINE_AT_MOST:.0f}): {_mark(engine.ratio <= ENGINE_AT_MOST)}\n"
    )


def _mark(is_within: bool) -> str:  # noqa: FBT001  (a word for a comparison)
    return "pass" if is_within else "MISSED"


if __name__ == "__main__":
    main()
