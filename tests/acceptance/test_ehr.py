"""The EHR behind a hook, end to end: what is asked of it, for how long; a token counts once."""

import asyncio
import json
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.fhir.hooks import PREFETCH, path_for
from tests.acceptance.conftest import serving
from tests.databases import Kept
from tests.ehr.hospital import Hospital, Write, condition, hospital, http, searchset
from tests.ehr.signing import ISSUER, claims, jwk, token
from tests.ehr.test_clients import toml

Json = dict[str, Any]
VIEW = "/cds-services/clbp-patient-view"
REPORT = "/cds-services-report"
EHR_TOKEN = "the-ehr-gave-us-this.Zm9v"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hooked")


@pytest.fixture(scope="module")
def base(folder: Path, port: int, database: Kept) -> Iterator[str]:
    """The address of the service, where the client North may have its own EHR asked."""
    file = folder / "clients.toml"
    north = {"name": "North EHR", "tenant": "north", "issuer": ISSUER, "guideline_profile": "uk"}
    south = {"name": "South EHR", "tenant": "south", "issuer": "https://ehr.south.example"}
    servers = [f"http://127.0.0.1:{port}/fhir/"]
    file.write_text(
        toml(
            {**north, "jwks": {"keys": [jwk()]}, "fhir_servers": servers},
            {**south, "jwks": {"keys": [jwk(kid="south-1")]}},
        ),
        "utf-8",
    )
    with serving(database, auth="on", clients=str(file)) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
async def ehr(port: int) -> AsyncIterator[Hospital]:
    async with hospital(port=port) as found:
        yield found


@pytest.fixture
async def caller() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


def view(patient: str, server: str = "", **more: Any) -> Json:
    access = {"access_token": EHR_TOKEN, "token_type": "Bearer", "expires_in": 300}
    fhir = {
        "fhirServer": server,
        "fhirAuthorization": {**access, "scope": "patient/*.read", "subject": "x"},
    }
    return {
        "hook": "patient-view",
        "hookInstance": str(uuid.uuid4()),
        "context": {"userId": "Practitioner/dr", "patientId": patient},
        **(fhir if server else {}),
        **more,
    }


async def call(
    caller: httpx.AsyncClient, base: str, body: Json, *, sent: str = "", path: str = VIEW
) -> httpx.Response:
    bearer = sent or token(claims(f"{base}{path}"))
    return await caller.post(
        f"{base}{path}", json=body, headers={"Authorization": f"Bearer {bearer}"}
    )


def furnish(ehr: Hospital, patient: str) -> None:
    """Everything about somebody with low back pain on the problem list, and nothing else."""
    ehr.says(
        f"/fhir/Patient/{patient}",
        {
            "resourceType": "Patient",
            "id": patient,
            "birthDate": "1980-01-01",
            "gender": "female",
        },
    )
    pain = {
        **condition("c1", of=patient),
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "active",
                }
            ]
        },
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.50"}]},
        "recordedDate": "2020-01-01",
    }

    for target in list_of_targets(patient):
        type_ = target.partition("?")[0].rpartition("/")[2]
        ehr.says(target, searchset(*([pain] if type_ == "Condition" else [])))


def list_of_targets(patient: str) -> list[str]:
    return [f"/fhir/{path_for(key, patient)}" for key in PREFETCH if key != "patient"]


async def test_everything_is_fetched_where_nothing_was_prefetched(
    ehr: Hospital, base: str, caller: httpx.AsyncClient
) -> None:
    """CH-22: FHIR access alone is enough; CH-24: with the token, each time."""
    furnish(ehr, "fetched")

    answer = await call(caller, base, view("fetched", ehr.base))

    assert answer.status_code == 200, answer.text
    assert answer.json()["cards"]
    assert sorted(ehr.targets()) == sorted([*list_of_targets("fetched"), "/fhir/Patient/fetched"])
    assert {one.headers["authorization"] for one in ehr.asked} == {f"Bearer {EHR_TOKEN}"}


def long_opioid(of: str, link: str) -> Json:
    """A medicine that is known by its Medication alone, taken for half a year."""
    return {
        "resourceType": "MedicationRequest",
        "id": "long",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{of}"},
        "authoredOn": "2026-05-01",
        "medicationReference": {"reference": link},
    }


TRAMADOL = {
    "resourceType": "Medication",
    "id": "tram",
    "code": {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "10689"}]
    },
}
LONG_OPIOID = "CDS-PV-04"


def rules(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [card["extension"]["health.painplan.rule"] for card in answer.json()["cards"]]


@pytest.mark.parametrize("is_prefetched", [True, False])
@pytest.mark.parametrize("link", ["Medication/tram", "{base}/Medication/tram/_history/1"])
async def test_a_medicine_is_asked_for_by_the_medication_it_refers_to(
    ehr: Hospital, base: str, caller: httpx.AsyncClient, link: str, is_prefetched: bool
) -> None:
    id_ = f"points-{uuid.uuid4()}"
    furnish(ehr, id_)
    medicines = searchset(long_opioid(id_, link.format(base=ehr.base)))
    ehr.says(f"/fhir/{path_for('medications', id_)}", medicines)
    ehr.says("/fhir/Medication/tram", TRAMADOL)
    prefetch = {"prefetch": {"medications": medicines}} if is_prefetched else {}

    answer = await call(caller, base, view(id_, ehr.base, **prefetch))

    assert LONG_OPIOID in rules(answer)
    assert ehr.targets().count("/fhir/Medication/tram") == 1


async def test_a_medication_that_does_not_come_leaves_the_medicine_unknown_in_time(
    ehr: Hospital, base: str, caller: httpx.AsyncClient
) -> None:
    async def never(_: Write) -> None:
        await asyncio.sleep(5)

    elsewhere = long_opioid("waits", "https://elsewhere.example/fhir/Medication/tram")
    huge = http(json.dumps(TRAMADOL).encode()[:-1] + b', "amount": {"value": 1e999}}')
    for link, answers in (
        ("Medication/tram", never),
        ("Medication/tram", http(b"{}")),
        ("Medication/tram", huge),
    ):
        furnish(ehr, "waits")
        medicines = searchset(long_opioid("waits", link), {**elsewhere, "id": "elsewhere"})
        ehr.says(f"/fhir/{path_for('medications', 'waits')}", medicines)
        ehr.answers["/fhir/Medication/tram"] = answers
        started = time.monotonic()

        answer = await call(caller, base, view("waits", ehr.base))

        assert time.monotonic() - started < 2.5
        assert LONG_OPIOID not in rules(answer)


async def test_what_was_prefetched_is_not_asked_again(
    ehr: Hospital, base: str, caller: httpx.AsyncClient
) -> None:
    furnish(ehr, "half")

    answer = await call(
        caller, base, view("half", ehr.base, prefetch={"conditions": None, "medications": None})
    )

    assert answer.status_code == 200, answer.text
    assert not [one for one in ehr.targets() if one.startswith(("/fhir/Cond", "/fhir/Medi"))]


async def test_a_slow_ehr_does_not_hold_the_answer(
    ehr: Hospital, base: str, caller: httpx.AsyncClient
) -> None:
    """CH-26: 5 s slow, answered within 2.5 s, saying what could not be looked up."""
    furnish(ehr, "slow")

    async def slow(write: Write) -> None:
        await asyncio.sleep(5)
        await write(http(b"{}"))

    for target in list_of_targets("slow"):
        if "Condition" not in target:
            ehr.answers[target] = slow
    started = time.monotonic()

    answer = await call(caller, base, view("slow", ehr.base))

    assert answer.status_code == 200, answer.text
    assert time.monotonic() - started < 2.5
    assert "did not answer in time" in json.dumps(answer.json()["extension"])


@pytest.mark.parametrize(
    "rubbish", [b"rubbish\r\n\r\n", http(b"<html>", media="text/html"), http(b"", status=500)]
)
async def test_a_broken_ehr_gives_no_fault_of_ours(
    ehr: Hospital, base: str, caller: httpx.AsyncClient, rubbish: bytes
) -> None:
    furnish(ehr, "broken")
    for target in list_of_targets("broken"):
        if "Condition" not in target:
            ehr.answers[target] = rubbish
    started = time.monotonic()

    answer = await call(caller, base, view("broken", ehr.base))

    assert answer.status_code == 200, answer.text
    assert time.monotonic() - started < 2.5
    gaps = answer.json()["extension"]["health.painplan.gaps"]
    assert {gap["state"] for gap in gaps} == {"failed"}
    assert all(gap["why"] for gap in gaps)
    assert "conditions" not in {gap["prefetch"] for gap in gaps}


async def test_a_stopped_ehr_is_told_at_once(
    base: str, port: int, caller: httpx.AsyncClient
) -> None:
    """CH-21: nobody knows anything, so 412; with a prefetch, the answer it allows."""
    gone = f"http://127.0.0.1:{port}/fhir"
    started = time.monotonic()

    nothing = await call(caller, base, view("stopped", gone))
    something = await call(caller, base, view("stopped", gone, prefetch={"conditions": None}))

    assert nothing.status_code == 412
    assert something.status_code == 200
    assert "health.painplan.gaps" in something.json()["extension"]
    assert time.monotonic() - started < 2.5


async def test_a_server_that_is_not_allowed_is_not_called_and_is_no_error(
    ehr: Hospital, base: str, caller: httpx.AsyncClient
) -> None:
    """Contract §5; the server of North is not South's."""
    prefetch = {"conditions": None}
    for server in (f"{ehr.base}/other", "http://169.254.169.254/latest", "http://[::1]:1/fhir"):
        answer = await call(caller, base, view("private", server, prefetch=prefetch))
        assert answer.status_code == 200, answer.text
    southern = claims(f"{base}{VIEW}", iss="https://ehr.south.example")
    answer = await call(
        caller,
        base,
        view("private", ehr.base, prefetch=prefetch),
        sent=token(southern, kid="south-1"),
    )

    assert answer.status_code == 200, answer.text
    assert ehr.asked == []


async def test_another_patient_in_the_ehr_is_not_believed(
    ehr: Hospital, base: str, caller: httpx.AsyncClient
) -> None:
    furnish(ehr, "mine")
    (target,) = [one for one in list_of_targets("mine") if "Condition" in one]
    ehr.says(target, searchset(condition("c1", of="somebody-else")))

    answer = await call(caller, base, view("mine", ehr.base))

    assert answer.status_code in (200, 422), answer.text
    assert "somebody-else" not in answer.text


async def test_a_token_counts_once(
    base: str, database: Kept, caller: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    """CH-63: the second call with the same jti is refused, and nothing of it is kept."""
    once = token(claims(f"{base}{VIEW}", jti="only-once"))
    body = view("replayed", prefetch={"conditions": None})

    first = await call(caller, base, body, sent=once)
    kept = database.count("hook_call")
    second = await call(caller, base, view("replayed", prefetch={"conditions": None}), sent=once)
    third = await call(caller, base, body, sent=token(claims(f"{base}{VIEW}", jti="only-once")))
    stranger = await call(caller, base, body, sent="a.b.c")

    assert first.status_code == 200, first.text
    assert [one.status_code for one in (second, third)] == [401, 401]
    assert database.count("hook_call") == kept
    assert capfd.readouterr().err.count("This token was used before.") == 2
    assert second.content == third.content == stranger.content
    assert second.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services-report"])
async def test_a_token_of_a_call_that_keeps_nothing_counts_once_too(
    base: str, caller: httpx.AsyncClient, path: str
) -> None:
    """CH-63, for discovery and the report."""
    once = {"Authorization": f"Bearer {token(claims(f'{base}{path}'))}"}
    another = {"Authorization": f"Bearer {token(claims(f'{base}{path}'))}"}

    answers = [await caller.get(f"{base}{path}", headers=sent) for sent in (once, once, another)]

    assert [one.status_code for one in answers] == [200, 401, 200]


async def test_of_many_calls_with_one_token_one_is_answered(
    base: str, caller: httpx.AsyncClient
) -> None:
    """CH-63, at the same moment."""
    once = token(claims(f"{base}{VIEW}"))
    bodies = [view("raced", prefetch={"conditions": None}) for _ in range(8)]

    answers = await asyncio.gather(*(call(caller, base, body, sent=once) for body in bodies))

    assert sorted(one.status_code for one in answers) == [200, *[401] * 7]


async def test_the_jti_of_one_issuer_is_not_the_other_ones(
    base: str, caller: httpx.AsyncClient
) -> None:
    body = view("shared", prefetch={"conditions": None})
    north = token(claims(f"{base}{VIEW}", jti="same"))
    south = token(
        claims(f"{base}{VIEW}", jti="same", iss="https://ehr.south.example"), kid="south-1"
    )

    answers = [await call(caller, base, body, sent=one) for one in (north, south)]

    assert [one.status_code for one in answers] == [200, 200]


async def test_feedback_takes_either_audience_and_counts_once(
    base: str, caller: httpx.AsyncClient
) -> None:
    """CH-60, CH-63."""
    said = {
        "card": str(uuid.uuid4()),
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-23T21:17:14Z",
        "overrideReason": {"userComment": "No."},
    }
    path = f"{VIEW}/feedback"
    for audience in (f"{base}{path}", f"{base}{VIEW}"):
        sent = token(claims(audience))
        statuses = []
        for _ in range(2):
            answer = await call(caller, base, {"feedback": [said]}, sent=sent, path=path)
            statuses.append(answer.status_code)
        assert statuses == [200, 401]


async def test_feedback_about_a_card_of_another_tenant_is_about_no_card(
    ehr: Hospital, base: str, caller: httpx.AsyncClient
) -> None:
    """Nor does it silence the rule there, nor count in the report there."""
    furnish(ehr, "shared")
    card = (await call(caller, base, view("shared", ehr.base))).json()["cards"][0]
    code = card.get("overrideReasons", [{"code": "other", "system": "urn:x"}])[0]
    reason = {"code": code["code"], "system": code["system"]}
    said = {
        "card": card["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": "2026-11-23T21:17:14Z",
        "overrideReason": {"reason": reason},
    }
    path = f"{VIEW}/feedback"

    def as_south(of: str) -> str:
        return token(claims(f"{base}{of}", iss="https://ehr.south.example"), kid="south-1")

    answer = await call(caller, base, {"feedback": [said]}, sent=as_south(path), path=path)
    reported = {}
    for name, sent in (
        ("north", token(claims(f"{base}{REPORT}"))),
        ("south", as_south(REPORT)),
    ):
        found = await caller.get(f"{base}{REPORT}", headers={"Authorization": f"Bearer {sent}"})
        reported[name] = found.json()

    assert answer.status_code == 200
    assert answer.json()["extension"]["health.painplan.unknown"] == [card["uuid"]]
    assert reported["south"]["unknownCards"] == 1
    assert not reported["south"]["rules"] or all(
        row["overridden"] == 0 for row in reported["south"]["rules"]
    )
    assert all(row["overridden"] == 0 for row in reported["north"]["rules"])
    again = await call(caller, base, view("shared", ehr.base))
    rule = card["extension"]["health.painplan.rule"]
    assert rule in [c["extension"]["health.painplan.rule"] for c in again.json()["cards"]]


async def test_no_token_is_logged_or_kept(
    ehr: Hospital,
    base: str,
    database: Kept,
    caller: httpx.AsyncClient,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """CH-24, CH-63: neither the EHR's token nor the client's."""
    furnish(ehr, "quiet")
    sent = token(claims(f"{base}{VIEW}", jti="quiet-one"))
    for server in (ehr.base, f"{ehr.base}/other"):
        await call(caller, base, view("quiet", server), sent=sent)
    broken = {**view("quiet", ehr.base), "context": 5}
    await call(caller, base, broken)

    said = "".join(capfd.readouterr())
    files = database.everything()
    assert any(b"quiet-one" in file for file in files)  # what was seen is remembered by its jti
    for secret in (EHR_TOKEN, *sent.split(".")):
        assert secret not in said
        assert not any(secret.encode() in file for file in files)
