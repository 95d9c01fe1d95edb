"""Derivations of one patient at once: one after the other, each knowing the one before."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.acceptance.test_kill import running
from tests.acceptance.wire import bundle, intake, patient, screened
from tests.databases import Kept
from tests.faults.kept import Tried, assert_intact, name_of

AT_ONCE = 8
FHIR = {"Content-Type": "application/fhir+json"}


def test_derivations_of_one_patient_at_once(fresh: Kept, tried: list[Tried]) -> None:
    """Each plan that was answered is there, and replaces one that no other replaces."""
    with running(fresh) as (url, _):

        def derive(number: int) -> httpx.Response:
            answers = intake(screened(pain_now=number % 11), of="one")
            return httpx.post(
                f"{url}/fhir/$derive",
                params={"asOf": f"2026-06-{1 + number:02}T09:00:00Z"},
                json=bundle(patient("one"), answers),
                headers=FHIR,
                timeout=60,
            )

        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = list(pool.map(derive, range(2 * AT_ONCE)))
        assert {answer.status_code for answer in told} <= {200, 409}, told[0].text
        plans = [a.json()["entry"][0]["resource"] for a in told if a.status_code == 200]
        assert len(plans) > 1
        lost = [
            p["id"] for p in plans if not httpx.get(f"{url}/fhir/CarePlan/{p['id']}").is_success
        ]
    replaced = [r["reference"] for plan in plans for r in plan.get("replaces", ())]
    done = Tried("derivations of one patient at once", name_of(fresh), len(plans), len(lost))
    tried.append(done)
    assert lost == [], done.line()
    assert len(replaced) == len(set(replaced)) == len(plans) - 1
    assert fresh.count("decision") == len(plans)
    assert_intact(fresh)
