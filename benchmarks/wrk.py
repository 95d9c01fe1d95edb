"""A closed loop by ``wrk``, where it is installed: a tenth of the cost of a Python client."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.client import CLIENTS, FailedError

SCRIPT = Path(__file__).with_name("lines.lua")
LOOK_EVERY = 0.005
TIMEOUT = "60s"
LONGEST = 3600


def is_installed() -> bool:
    """Whether there is a wrk to send with."""
    return shutil.which("wrk") is not None


def send(
    url: str,
    bodies: Sequence[bytes],
    headers: Mapping[str, str],
    tokens: Sequence[str],
    look: Callable[[], None],
) -> float:
    """POST each body once, eight at a time; seconds from the first request to the last answer.

    ``tokens`` are an Authorization for each body, or none; ``look`` is called now and then.
    FailedError where not all were answered with success.
    """
    with tempfile.TemporaryDirectory(prefix="painplan-wrk-") as folder:
        mark = Path(folder) / "mark"
        lines = _file(Path(folder) / "bodies", bodies)
        signed = _file(Path(folder) / "tokens", [t.encode() for t in tokens]) if tokens else "-"
        named = [part for n, v in headers.items() for part in ("-H", f"{n}: {v}")]
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{LONGEST}", "--timeout", TIMEOUT, *named]
        command += ["-s", str(SCRIPT), url, "--", lines, signed, str(mark), str(CLIENTS)]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while not mark.exists() and running.poll() is None:
            look()
            time.sleep(LOOK_EVERY)
        running.send_signal(signal.SIGINT)
        told, _ = running.communicate(timeout=30)
        _must_be_whole(told, len(bodies))
        began = mark.with_name("mark.began")
        return (mark.stat().st_mtime_ns - began.stat().st_mtime_ns) / 1e9


def _file(path: Path, lines: Sequence[bytes]) -> str:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return str(path)


def _must_be_whole(told: str, count: int) -> None:
    words = told.strip().splitlines()[-1].split() if told.strip() else []
    if words != [str(count), "0", "0"]:
        raise FailedError(f"wrk answered for {count} requests (sent, refused, lost): {told[-300:]}")
