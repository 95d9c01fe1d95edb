"""All faults on both databases, side by side, at most twenty minutes: `make faults`."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

AT_MOST = 20 * 60.0  # seconds
HALVES = {"SQLite": "not postgresql", "PostgreSQL": "postgresql"}
TABLE = "faults: what was tried"


def main() -> int:
    """0: every fault was tried, and nothing was lost."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        running = {name: _started(name, chosen, folder) for name, chosen in HALVES.items()}
        codes = [
            _ended(name, *half, AT_MOST - (time.monotonic() - began))
            for name, half in running.items()
        ]
    print(f"{time.monotonic() - began:.0f} seconds")
    return max(codes)


def _started(name: str, chosen: str, folder: str) -> tuple["subprocess.Popen[bytes]", IO[str]]:
    said = Path(folder, name).open("w+", encoding="utf-8")  # noqa: SIM115  (read at its end)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "tests/faults", "-k", chosen, "--color=no"],
        env={**os.environ, "PAINPLAN_FAULTS": "all"},
        stdout=said,
        stderr=subprocess.STDOUT,
    )
    print(f"{name}: every fault is tried", flush=True)
    return process, said


def _ended(name: str, process: "subprocess.Popen[bytes]", said: IO[str], seconds: float) -> int:
    """The table of one half; all that it said when something failed."""
    try:
        code = process.wait(max(seconds, 0))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # it stops what it has started, and says where it was
        process.wait()
        print(f"{name}: not done within {AT_MOST / 60:.0f} minutes")
        code = 1
    with said:
        said.seek(0)
        told = said.read()
    print(told if code or TABLE not in told else told[told.index(TABLE) :].strip("= \n"))
    return code


if __name__ == "__main__":
    sys.exit(main())
