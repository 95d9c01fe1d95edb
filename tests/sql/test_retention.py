"""What hooks and searches were told goes after some months; that they were, and by whom, stays."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.sql.erasure import retain
from app.sql.verify import verify
from tests.acceptance.conftest import serving
from tests.acceptance.hooks import SIGN, TRAMADOL, medicine, opioid_with_sedative, request
from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened
from tests.databases import Kept

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
ASKED = "Patient?identifier=urn:mrn|kept-for-a-while"


def later(months: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=31 * months)


def hooked(service: httpx.Client) -> str:
    body = request(SIGN, medicine(TRAMADOL, of="p1"), of="p1")
    body["prefetch"] = opioid_with_sedative("p1")
    answer = service.post("/cds-services/clbp-order-sign", json=body).raise_for_status()
    return str(answer.headers["X-Decision-Id"])


@pytest.fixture(scope="module")
def decisions(database: Kept) -> dict[str, str]:
    with serving(database) as service:
        sent = bundle(patient("p1"), intake(screened(), of="p1"))
        made = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=sent)
        service.get(f"/fhir/{ASKED}").raise_for_status()
        return {"plan": made.headers["X-Decision-Id"], "hook": hooked(service)}


def test_nothing_goes_before_its_time(database: Kept, decisions: dict[str, str]) -> None:
    assert decisions
    assert retain(database.url, 6, lambda: later(5)) == 0
    assert database.rows("SELECT * FROM erasure") == []


def test_what_is_older_goes_and_the_rest_stays(database: Kept, decisions: dict[str, str]) -> None:
    before = b"\n".join(database.everything())
    assert b"kept-for-a-while" in before

    emptied = retain(database.url, 6, lambda: later(7))

    assert emptied == 3  # the call, its decision, the search
    after = b"\n".join(database.everything())
    assert b"kept-for-a-while" not in after
    assert b"acceptedSuggestions" not in after
    with serving(database) as service:
        assert service.get(f"/decisions/{decisions['hook']}").status_code == 410
        assert service.get(f"/decisions/{decisions['hook']}/replay").status_code == 410
        replay = service.get(f"/decisions/{decisions['plan']}/replay").raise_for_status()
        assert replay.json()["identical"] is True
        events = service.get("/fhir/AuditEvent?patient=p1&_count=100").json()["entry"]
        told = [s.get("display") for e in events for s in e["resource"].get("subtype", ())]
        assert "order-sign" in told
        report = service.get("/cds-services-report").raise_for_status().json()
        assert report["rules"]
        assert hooked(service)
    report = verify(database.url)
    assert report.is_intact, report.faults
    rows = database.rows("SELECT kind, patient, entries FROM erasure")
    assert rows == [("retention", None, 3)]


def test_the_command_tells_how_much_went(database: Kept, decisions: dict[str, str]) -> None:
    assert decisions
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": database.url}

    def run(*options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PAINPLAN, "retain", *options],
            env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    done, wrong = run("--months", "1"), run("--months", "0")

    assert (done.returncode, done.stdout) == (0, "0 rows emptied.\n")
    assert wrong.returncode == 2


def test_more_rows_than_one_transaction_takes(
    database: Kept, decisions: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decisions
    with serving(database) as service:
        for _ in range(5):
            service.get(f"/fhir/{ASKED}").raise_for_status()
    monkeypatch.setattr("app.sql.erasure.AT_ONCE", 2)

    emptied = retain(database.url, 6, lambda: later(7))

    assert emptied >= 7
    assert verify(database.url).is_intact
    assert database.count("erasure") >= 4
