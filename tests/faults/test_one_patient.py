"""Derivations of one patient at once: one after the other, each knowing the one before."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.acceptance.test_kill import running
from tests.acceptance.wire import Json, bundle, intake, patient, screened
from tests.databases import Kept
from tests.faults.kept import Tried, assert_intact, name_of

AT_ONCE = 8
IN_ORDER = "SELECT id, as_of FROM decision ORDER BY sequence, position"
FHIR = {"Content-Type": "application/fhir+json"}


def test_derivations_of_one_patient_at_once(fresh: Kept, tried: list[Tried]) -> None:
    """Each answered plan is there and replaces the newest of before its date that was there."""
    with running(fresh) as (url, _):

        def derive(number: int) -> httpx.Response:
            answers = intake(screened(average_pain=number % 11), of="one")
            return httpx.post(
                f"{url}/fhir/$derive",
                params={"asOf": as_of(number)},
                json=bundle(patient("one"), answers),
                headers=FHIR,
                timeout=60,
            )

        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = list(pool.map(derive, range(2 * AT_ONCE)))
        assert {answer.status_code for answer in told} <= {200, 409}, told[0].text
        answered = {a.headers["x-decision-id"]: plan_of(a) for a in told if a.is_success}
        paths = [f"/fhir/CarePlan/{plan['id']}" for plan in answered.values()]
        lost = [path for path in paths if not httpx.get(url + path).is_success]
    done = Tried("derivations of one patient at once", name_of(fresh), len(paths), len(lost))
    tried.append(done)
    assert lost == [], done.line()
    assert len(paths) > 1
    before: dict[str, str] = {}
    for decision, at in fresh.rows(IN_ORDER):
        earlier = [before[other] for other in sorted(before) if other < at]
        plan = answered.pop(decision)
        assert [one["reference"] for one in plan.get("replaces", ())] == earlier[-1:]
        before[at] = f"CarePlan/{plan['id']}"
    assert answered == {}
    assert_intact(fresh)


def as_of(number: int) -> str:
    """Not in the order of the requests."""
    return f"2026-06-{1 + 7 * number % 17:02}T09:00:00Z"


def plan_of(answer: httpx.Response) -> Json:
    plan: Json = answer.json()["entry"][0]["resource"]
    return plan
