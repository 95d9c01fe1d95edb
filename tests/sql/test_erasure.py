"""A patient is erased: the content is gone to the last byte, the chain still proves the rest."""

import os
import re
import sqlite3
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.problem import NotFound, Unavailable
from app.fhir.searching.values import VERSION, values_in
from app.sql.emptying import EMPTIED
from app.sql.erasure import erase, months_before
from app.sql.reindex import Extraction, differences
from app.sql.tables import JOURNAL
from app.sql.verify import verify
from tests.acceptance.conftest import serving
from tests.acceptance.hooks import SIGN, TRAMADOL, medicine, opioid_with_sedative, request
from tests.acceptance.wire import AS_OF, Json, bundle, intake, patient, screened
from tests.databases import Kept, a_file

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
EXTRACTION = Extraction(VERSION, values_in)
TENANT = "default"
MRN = "MRN-774411"
SAID = "https://ehr.example/unmistakable"
WORDS = (
    "Zebrowska", "Quirina", "1961-03-04", MRN, "gnarled lamppost", "unmistakable",
    "She walks the ferret", "rare-code-x77", "Comment of nobody else",
)  # fmt: skip


def clock() -> datetime:
    return datetime.now(UTC)


def person(id_: str, **more: Any) -> Json:
    return patient(
        id_,
        birthDate="1961-03-04",
        name=[{"family": "Zebrowska", "given": ["Quirina"]}],
        identifier=[{"system": SAID, "value": MRN}],
        **more,
    )


def told(id_: str) -> list[Json]:
    condition: Json = {
        "resourceType": "Condition",
        "id": f"{id_}-condition",
        "subject": {"reference": f"Patient/{id_}"},
        "code": {"text": "gnarled lamppost", "coding": [{"system": SAID, "code": "rare-code-x77"}]},
    }
    return [person(id_), intake(screened(pain_nrs=7), of=id_), condition]


def live(service: httpx.Client, id_: str) -> dict[str, str]:
    """All that can be kept of somebody: a plan, an answer, a hook with feedback, searches."""
    headers = {"Idempotency-Key": f"key-{id_}"}
    sent = bundle(*told(id_))
    made = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=sent, headers=headers)
    plan = made.raise_for_status().json()["entry"][0]["resource"]["id"]
    given = [
        {"name": "outcome", "valueCode": "accepted"},
        {"name": "note", "valueString": "She walks the ferret"},
    ]
    answered = service.post(
        f"/fhir/CarePlan/{plan}/$respond", json={"resourceType": "Parameters", "parameter": given}
    ).raise_for_status()
    body = request(SIGN, medicine(TRAMADOL, of=id_), of=id_)
    body["prefetch"] = opioid_with_sedative(id_)
    hooked = service.post("/cds-services/clbp-order-sign", json=body).raise_for_status()
    card = hooked.json()["cards"][0]
    reason = {key: card["overrideReasons"][0][key] for key in ("code", "system")}
    entry = {
        "card": card["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": "2026-06-06T09:00:00Z",
        "overrideReason": {"reason": reason, "userComment": "Comment of nobody else"},
    }
    feedback = {"feedback": [entry]}
    service.post("/cds-services/clbp-order-sign/feedback", json=feedback).raise_for_status()
    service.get(f"/fhir/Patient?identifier={SAID}|{MRN}").raise_for_status()
    service.get(f"/fhir/Condition?patient={id_}&code=rare-code-x77").raise_for_status()
    service.get(f"/fhir/Patient/{id_}/$everything").raise_for_status()
    return {
        "plan": plan,
        "decision": made.headers["X-Decision-Id"],
        "answer": answered.headers["X-Decision-Id"],
        "hook": hooked.headers["X-Decision-Id"],
    }


@pytest.fixture(scope="module")
def names(database: Kept) -> dict[str, str]:
    """Somebody who is erased, and another who stays; a search for a number before it was known."""
    with serving(database) as service:
        service.get(f"/fhir/Patient?identifier={MRN}").raise_for_status()
        service.put("/fhir/Patient/stays", json=patient("stays")).raise_for_status()
        sent = bundle(patient("stays"), intake(screened(), of="stays"))
        service.post("/fhir/$derive", params={"asOf": AS_OF}, json=sent).raise_for_status()
        return live(service, "goes")


@pytest.fixture(scope="module")
def erased(database: Kept, names: dict[str, str]) -> dict[str, str]:
    before = b"\n".join(database.everything())
    assert [word for word in WORDS if word.encode() not in before] == []
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": database.url}
    done = subprocess.run(
        [PAINPLAN, "erase", "goes"], env=environment, capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert re.fullmatch(r"\d+ rows emptied, erasure [0-9a-f-]{36}\.\n", done.stdout)
    return names


@pytest.mark.usefixtures("erased")
def test_no_value_that_went_in_is_left_anywhere(database: Kept) -> None:
    """In no column, and of a SQLite file in no byte of it or of its log."""
    found = b"\n".join(database.everything())

    assert [word for word in WORDS if word.encode() in found] == []
    assert b"stays" in found


@pytest.mark.usefixtures("erased")
def test_the_chain_still_verifies_and_says_what_was_erased(database: Kept) -> None:
    report = verify(database.url)

    assert report.is_intact, report.faults
    assert differences(database.url, EXTRACTION) == []
    rows = database.rows("SELECT kind, patient, entries FROM erasure")
    ((kind, patient_, entries),) = rows
    assert (kind, patient_) == ("patient", "goes")
    assert entries > 20
    (emptied,) = database.rows("SELECT count(*) FROM resource_version WHERE salt IS NULL")[0]
    assert emptied > 10
    told_ = database.rows("SELECT action, patient FROM audit_event WHERE operation = 'erase'")
    assert told_ == [("D", "goes")]


def test_what_was_erased_is_gone_and_the_others_are_not(
    database: Kept, erased: dict[str, str]
) -> None:
    gone = [
        "/fhir/Patient/goes", "/fhir/Patient/goes/_history/1", "/fhir/Patient/goes/_history",
        "/fhir/Patient/goes/$everything", f"/fhir/CarePlan/{erased['plan']}",
        f"/fhir/Provenance/{erased['decision']}",
        *(f"/decisions/{erased[name]}" for name in ("decision", "answer", "hook")),
        *(f"/decisions/{erased[name]}/replay" for name in ("decision", "answer", "hook")),
        f"/decisions/{erased['decision']}.html",
    ]  # fmt: skip
    with serving(database) as service:
        statuses = {path: service.get(path).status_code for path in gone}
        assert set(statuses.values()) == {410}, statuses
        proof = f"/decisions/{erased['decision']}/proof"
        assert service.get(proof).status_code == 200  # that it was there can still be proved
        assert service.get(f"{proof}?columns=true").status_code == 410
        for path in ("/fhir/Patient?_id=goes", "/fhir/Observation?patient=goes",
                     f"/fhir/Patient?identifier={MRN}", "/fhir/Patient/_history"):  # fmt: skip
            page = service.get(path).raise_for_status().json()
            ids = [entry["resource"]["id"] for entry in page.get("entry", [])]
            assert [id_ for id_ in ids if "goes" in id_] == [], path
        assert service.get("/decisions?patient=goes").json()["decisions"] == []
        assert service.get("/fhir/Patient/stays").status_code == 200
        assert len(service.get("/decisions?patient=stays").json()["decisions"]) == 1
        audit = service.get("/fhir/AuditEvent?patient=goes&_count=100").json()["entry"]
        assert len(audit) > 10
        queries = [e for a in audit for e in a["resource"].get("entity", ()) if "query" in e]
        assert all(b"rare" not in str(query).encode() for query in queries)


def test_afterwards_everything_starts_anew(database: Kept, erased: dict[str, str]) -> None:
    """The same input under the same key is another decision, which knows nothing of the first."""
    with serving(database) as service:
        headers = {"Idempotency-Key": "key-goes"}
        sent = bundle(*told("goes"))
        made = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=sent, headers=headers)
        plan = made.raise_for_status().json()["entry"][0]["resource"]
        again = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=sent)
        decision = made.headers["X-Decision-Id"]
        assert decision not in erased.values()
        assert again.headers["X-Decision-Id"] == decision
        assert "replaces" not in plan
        assert service.get("/fhir/Patient/goes").json()["meta"]["versionId"] == "2"
        assert service.get("/fhir/Patient/goes/_history/1").status_code == 410
        assert service.get("/fhir/Patient/goes/_history").json()["total"] == 1
        assert service.get(f"/decisions/{decision}/replay").json()["identical"] is True
        condition = told("goes")[2]
        written = service.put(f"/fhir/Condition/{condition['id']}", json=condition)
        assert written.status_code == 200
        other = {**condition, "subject": {"reference": "Patient/stays"}}
        assert service.put(f"/fhir/Condition/{condition['id']}", json=other).status_code == 409
    erase(database.url, TENANT, "goes", clock)
    assert verify(database.url).is_intact
    with pytest.raises(NotFound, match="Nothing is kept"):
        erase(database.url, TENANT, "goes", clock)


def test_a_service_that_runs_stops_it_on_sqlite_and_not_on_postgresql(
    database: Kept, erased: dict[str, str]
) -> None:
    assert erased
    with serving(database) as service:
        service.put("/fhir/Patient/late", json=person("late")).raise_for_status()
        if database.is_sqlite:
            with pytest.raises(Unavailable, match="Another process writes"):
                erase(database.url, TENANT, "late", clock)
            assert service.get("/fhir/Patient/late").status_code == 200
        else:
            erase(database.url, TENANT, "late", clock)
            assert service.get("/fhir/Patient/late").status_code == 410
            again = service.put("/fhir/Patient/late", json=person("late"))
            assert (again.status_code, again.json()["meta"]["versionId"]) == (201, "2")
    erase(database.url, TENANT, "late", clock)


def test_searches_are_looked_through_some_at_a_time(
    fresh: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a hospital's at once fill the memory, and PostgreSQL ends who is silent so long."""
    monkeypatch.setattr("app.sql.erasure.PORTION", 2)
    with serving(fresh) as service:
        for _ in range(5):
            service.get(f"/fhir/Patient?identifier={MRN}").raise_for_status()
        service.get("/fhir/Patient?identifier=another").raise_for_status()
        service.put("/fhir/Patient/goes", json=person("goes")).raise_for_status()

    erase(fresh.url, TENANT, "goes", clock)

    asked = fresh.rows("SELECT query FROM audit_event WHERE interaction = 'search-type'")
    assert sorted(query is None for (query,) in asked) == [False] + [True] * 5
    assert verify(fresh.url).is_intact


def test_somebody_who_reads_the_file_keeps_what_was_in_it_and_the_command_says_so(
    tmp_path: Path,
) -> None:
    """A backup, say: as long as it reads the file as it was, that cannot be written over."""
    kept = a_file(tmp_path / "painplan.db")
    seen = person(
        "goes", photo=[{"data": b64encode(os.urandom(99_999)).decode(), "contentType": "image/png"}]
    )
    with serving(kept) as service:
        service.put("/fhir/Patient/goes", json=seen).raise_for_status()
    reader = sqlite3.connect(kept.file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM block").fetchone()

    with pytest.raises(Unavailable, match=r"rows are emptied, but .* reads the file"):
        erase(kept.url, TENANT, "goes", clock)

    assert kept.rows("SELECT body FROM resource_version") == [(None,)]
    reader.close()
    assert kept.rows("PRAGMA freelist_count") > [(10,)]
    with pytest.raises(NotFound):  # nothing is left to empty, but the file is written anew
        erase(kept.url, TENANT, "goes", clock)
    assert kept.rows("PRAGMA freelist_count") == [(0,)]


KEPT = [("resource_version", "id", "'x'"), ("decision", "engine", "'0'"),
        ("hook_call", "user_ref", "'x'"), ("feedback", "outcome", "'x'")]  # fmt: skip


@pytest.mark.usefixtures("erased")
@pytest.mark.parametrize(("table", "column", "value"), KEPT)
def test_a_row_that_may_be_emptied_may_not_be_rewritten(
    database: Kept, table: str, column: str, value: str
) -> None:
    """Not even while something is erased; and outside of that it may not be emptied either."""
    with pytest.raises(Exception, match="append-only"):
        database.change(
            "INSERT INTO erasing (id) VALUES (1)",
            f"UPDATE {table} SET {column} = {value}",  # noqa: S608
        )
    nulls = ", ".join(f"{name} = NULL" for name in (*EMPTIED[table], "salt"))
    with pytest.raises(Exception, match="append-only"):
        database.change(f"UPDATE {table} SET {nulls}")  # noqa: S608
    assert database.rows("SELECT * FROM erasing") == []


def _without_trigger(database: Kept, table: str, *statements: str) -> None:
    """What an owner of the database can do."""
    where = "" if database.is_sqlite else f" ON {table}"
    database.change(f"DROP TRIGGER {table}_no_update{where}", *statements)


def test_emptied_by_hand_or_changed_afterwards_is_found(
    database: Kept, erased: dict[str, str]
) -> None:
    """Last in this module: it breaks the history."""
    del erased
    _without_trigger(
        database,
        "decision",
        "UPDATE decision SET engine = '0' WHERE salt IS NULL AND kind = 'derive'",
    )
    changed = verify(database.url)
    _without_trigger(
        database,
        "resource_version",
        "UPDATE resource_version SET salt = NULL, body = NULL, status = NULL, code = NULL,"
        " date = NULL, source = NULL, sha256 = substr(hash, 1, 0) WHERE id = 'stays'",
    )
    emptied = verify(database.url)

    assert any("changed afterwards" in fault for fault in changed.faults), changed.faults
    assert any("no erasure says so" in fault for fault in emptied.faults), emptied.faults
    assert not any("no erasure says so" in fault for fault in changed.faults)


def test_every_table_of_the_journal_is_emptied_or_holds_nothing_of_a_patient() -> None:
    """A table that is added has to be put on one of the two lists."""
    assert {table.name for table in JOURNAL} == EMPTIED.keys() | {
        "content_version",
        "erasure",
        "anchor",
    }


@pytest.mark.parametrize(
    ("moment", "months", "before"),
    [
        ("2026-03-31T10:00:00Z", 1, "2026-02-28T10:00:00Z"),
        ("2024-03-31T10:00:00Z", 1, "2024-02-29T10:00:00Z"),
        ("2026-01-15T10:00:00Z", 1, "2025-12-15T10:00:00Z"),
        ("2026-11-26T10:00:00Z", 24, "2024-11-26T10:00:00Z"),
    ],
)
def test_months_are_those_of_the_calendar(moment: str, months: int, before: str) -> None:
    wanted = datetime.fromisoformat(before)
    assert months_before(datetime.fromisoformat(moment), months) == wanted
