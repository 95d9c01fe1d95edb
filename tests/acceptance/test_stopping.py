"""A service that is told to stop answers what it has begun; behind a proxy it has one address."""

import signal

import httpx

from tests.acceptance.load import derive, loaded
from tests.acceptance.test_kill import running
from tests.databases import Kept

ANSWERED = 40
ENDS_WITHIN = 60.0
PUBLIC = "https://clinic.example/painplan"


def test_what_a_stopped_service_has_stored_it_has_answered(fresh: Kept) -> None:
    workers = () if fresh.is_sqlite else ("--workers", "2")
    with running(fresh, *workers) as (url, process), loaded(url) as load:
        load.until_answered(ANSWERED)
        process.send_signal(signal.SIGTERM)
        ended = process.wait(ENDS_WITHIN)
        load.is_over = True

    assert ended in (0, -signal.SIGTERM)
    assert not load.refused
    stored = fresh.rows("SELECT patient FROM decision")
    assert sorted(patient for (patient,) in stored) == sorted(load.answered)


def test_behind_a_proxy_every_link_has_the_public_address(fresh: Kept) -> None:
    """However it is written in the setting: with the slash at its end, too."""
    with (
        running(fresh, environment={"PAINPLAN_PUBLIC_URL": f"{PUBLIC}/"}) as (url, _),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        plan = derive(client, "behind")
        search = client.get("/fhir/CarePlan", params={"patient": "behind"})
        metadata = client.get("/fhir/metadata")
        created = client.post(
            "/fhir/Patient",
            json={"resourceType": "Patient"},
            headers={"Content-Type": "application/fhir+json"},
        )

    told = [
        plan.headers["content-location"],
        *(entry["fullUrl"] for entry in plan.json()["entry"]),
        *(link["url"] for link in search.json()["link"]),
        *(entry["fullUrl"] for entry in search.json()["entry"]),
        created.headers["location"],
        metadata.json()["implementation"]["url"],
    ]
    ours = [address for address in told if "://" in address]
    assert len(ours) > 10
    assert [address for address in ours if not address.startswith(f"{PUBLIC}/fhir")] == []
