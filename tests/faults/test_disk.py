"""No answer before its bytes are on the disk, and a power cut takes nothing that was answered."""

import signal
from pathlib import Path

import httpx
import pytest

from app.sql.migrate import migrate
from tests.acceptance.load import derive, loaded
from tests.acceptance.test_kill import running
from tests.databases import a_file
from tests.faults.conftest import Place
from tests.faults.disk import PRETENDS, Disk, cut_power
from tests.faults.kept import Tried, is_there, name_of, settled

ANSWERED = 40
ASKED = 10


def test_every_answer_waits_for_a_sync(place: Place, tried: list[Tried]) -> None:
    """Reads too, because their row in the audit is written before they leave."""
    with (
        running(place.kept, environment=place.environment) as (url, _),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        for number in range(ASKED):
            before = place.disk.syncs()
            assert derive(client, f"sync-{number}").status_code == 200
            between = place.disk.syncs()
            assert client.get(f"/fhir/Patient/sync-{number}").status_code == 200
            assert before < between < place.disk.syncs()
    tried.append(Tried("a sync before every answer", name_of(place.kept), 2 * ASKED, 0))


@pytest.mark.parametrize("pretends", [False, pytest.param(True, marks=pytest.mark.faults_in_full)])
def test_a_power_cut(tmp_path: Path, tried: list[Tried], *, pretends: bool) -> None:
    """What was not synced is gone, and nothing that was answered.

    On a disk that only pretends to sync answers are lost, so a loss would be seen. A PostgreSQL's
    files are PostgreSQL's to keep.
    """
    folder, durable = tmp_path / "history", tmp_path / "durable"
    folder.mkdir()
    durable.mkdir()
    kept = a_file(folder / "painplan.db")
    disk = Disk.make(tmp_path, folder)
    environment = disk.environment(durable)
    with running(kept, environment=environment) as (url, process), loaded(url, "cut-") as load:
        load.until_answered(ANSWERED)
        disk.tell(PRETENDS, int(pretends))
        load.until_answered(ANSWERED)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        load.is_over = True
    cut_power(folder, durable)

    migrate(kept.url)
    with running(kept) as (url, _):
        if not pretends:
            tried.append(settled(url, kept, load, "a power cut: what was not synced is gone"))
            return
        with httpx.Client(base_url=url, timeout=60) as client:
            lost = [id_ for id_, told in load.answered.items() if not is_there(client, id_, *told)]
        assert len(lost) >= ANSWERED / 2
