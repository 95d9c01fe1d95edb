"""A command anchors beside the service at work on the same database; neither hurts the other."""

import json
import threading

import httpx
import pytest

from app.logs import configure
from app.sql.anchoring import anchor_history
from app.sql.heads import tell_head
from app.sql.queries import History
from app.sql.verify import verify
from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened
from tests.databases import Kept


def test_both_write_and_the_chain_holds(
    service: httpx.Client, database: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sql.sqlite_store.CHECKPOINT_EVERY", 5)  # so that they meet
    statuses: list[int] = []

    def derive(number: int) -> None:
        body = bundle(patient(f"b{number}"), intake(screened(), of=f"b{number}"))
        answer = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=body)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=derive, args=(n,)) for n in range(30)]
    derive(99)
    for thread in threads:
        thread.start()
    anchors = [anchor_history(database.url) for _ in range(15)]
    for thread in threads:
        thread.join()

    assert statuses == [200] * 31
    assert database.count("anchor") == 15
    assert database.count("decision") == 31
    report = verify(database.url, None, sorted(anchors, key=lambda a: a.sequence))
    assert report.is_intact, report.faults


@pytest.mark.usefixtures("service")
async def test_the_newest_block_is_logged(
    database: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    history = History(database.url)
    sequence, hash_ = await history.chain_head()

    configure("WARNING")
    await tell_head(history)  # says nothing, and does not decide what it says later
    configure("INFO")
    await tell_head(history)
    await history.close()

    said = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert any((one.get("block"), one.get("hash")) == (sequence, hash_.hex()) for one in said)
