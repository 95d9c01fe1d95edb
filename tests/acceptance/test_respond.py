"""The clinician's answer over HTTP: every branch, every refusal, and what the next plan knows."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import httpx
import pytest

from app.fhir.validation import Validator
from app.sql.verify import verify
from tests.acceptance.wire import AS_OF, activities, bundle, finding, intake, patient, screened
from tests.databases import Kept

Json = dict[str, Any]
VALIDATOR = Validator.load()
PRACTITIONER = {"name": "practitioner", "valueReference": {"reference": "Practitioner/dr"}}


def somebody() -> str:
    """A patient of whom nothing is stored yet."""
    return f"p-{uuid.uuid4()}"


def derived(service: httpx.Client, of: str, *more: Json, as_of: str | None = AS_OF) -> Json:
    """The plan of a derivation."""
    params = {} if as_of is None else {"asOf": as_of}
    body = bundle(patient(of), intake(screened(), of=of), *more)
    answer = service.post("/fhir/$derive", params=params, json=body)
    assert answer.status_code == 200, answer.text
    plan: Json = answer.json()["entry"][0]["resource"]
    return plan


def answer_with(outcome: str, *more: Json) -> Json:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "outcome", "valueCode": outcome}, *more],
    }


def activity(id_: str, outcome: str, reason: str = "") -> Json:
    parts = [{"name": "id", "valueCode": id_}, {"name": "outcome", "valueCode": outcome}]
    if reason:
        parts.append({"name": "reason", "valueString": reason})
    return {"name": "activity", "part": parts}


def respond(service: httpx.Client, plan: Json | str, body: Any, **headers: str) -> httpx.Response:
    id_ = plan if isinstance(plan, str) else plan["id"]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.post(f"/fhir/CarePlan/{id_}/$respond", json=body, headers=named)


def read(service: httpx.Client, plan: Json, version: int | None = None) -> Json:
    path = f"/fhir/CarePlan/{plan['id']}" + (f"/_history/{version}" if version else "")
    answer = service.get(path)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def count(database: Kept, table: str) -> int:
    return database.count(table)


def kept(database: Kept) -> tuple[int, ...]:
    """Everything that a refused answer must leave as it was."""
    return tuple(count(database, t) for t in ("resource_version", "decision", "idempotency"))


def decision(service: httpx.Client, answer: httpx.Response) -> Json:
    found: Json = service.get(f"/decisions/{answer.headers['x-decision-id']}").json()
    return found


def replayed(service: httpx.Client, id_: str) -> Json:
    found: Json = service.get(f"/decisions/{id_}/replay").json()
    return found


def assert_valid(resource: Json) -> None:
    assert [f"{p.where}: {p.what}" for p in VALIDATOR.problems(resource)] == []
    type_ = resource["resourceType"]
    model: Any = getattr(import_module(f"fhir.resources.R4B.{type_.lower()}"), type_)
    model.model_validate(resource)


def test_an_accepted_plan_is_in_force(service: httpx.Client) -> None:
    plan = derived(service, somebody())

    answer = respond(service, plan, answer_with("accepted", PRACTITIONER))

    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["content-location"] == f"/fhir/CarePlan/{plan['id']}/_history/2"
    assert answer.headers["last-modified"]
    now = answer.json()
    assert (now["status"], now["intent"]) == ("active", "plan")
    assert now["meta"]["versionId"] == "2"
    assert {a["detail"]["status"] for a in now["activity"]} == {"not-started"}
    assert activities(now) == activities(plan)
    assert_valid(now)


def test_both_versions_can_be_read_and_the_newest_is_served(service: httpx.Client) -> None:
    plan = derived(service, somebody())
    answer = respond(service, plan, answer_with("accepted"))

    assert read(service, plan) == read(service, plan, 2) == answer.json()
    assert read(service, plan, 1) == plan


def test_a_changed_plan_is_in_force_without_what_was_declined(service: httpx.Client) -> None:
    plan = derived(service, somebody())
    answers = (
        activity("EX-01", "declined", "No way to get there."),
        activity("ED-01", "changed", "By telephone."),
        activity("FL-01", "accepted"),
    )

    answer = respond(service, plan, answer_with("changed", *answers))

    now = answer.json()
    assert (now["status"], now["intent"]) == ("active", "plan")
    details = dict(zip(activities(now), (a["detail"] for a in now["activity"]), strict=True))
    assert details["EX-01"]["status"] == "cancelled"
    assert details["EX-01"]["statusReason"]["text"] == "No way to get there."
    assert details["ED-01"]["status"] == "not-started"
    assert details["ED-01"]["statusReason"]["text"] == "By telephone."
    assert details["FL-01"]["status"] == "not-started"
    assert_valid(now)


def test_an_accepted_plan_may_hold_a_declined_activity_too(service: httpx.Client) -> None:
    plan = derived(service, somebody())

    now = respond(service, plan, answer_with("accepted", activity("EX-01", "declined"))).json()

    cancelled = [a["detail"] for a in now["activity"] if a["detail"]["status"] == "cancelled"]
    assert [d["code"]["coding"][0]["code"] for d in cancelled] == ["EX-01"]
    assert cancelled[0]["statusReason"]["text"]
    assert_valid(now)


def test_everything_may_be_refused(service: httpx.Client) -> None:
    plan = derived(service, somebody())
    answers = (activity(id_, "declined") for id_ in activities(plan))

    now = respond(service, plan, answer_with("changed", *answers)).json()

    assert now["status"] == "active"
    assert {a["detail"]["status"] for a in now["activity"]} == {"cancelled"}
    assert_valid(now)


def test_a_declined_plan_is_revoked(service: httpx.Client) -> None:
    plan = derived(service, somebody())
    note = {"name": "note", "valueString": "The patient prefers to wait."}

    answer = respond(service, plan, answer_with("declined", note, PRACTITIONER))

    assert answer.status_code == 200
    now = answer.json()
    assert (now["status"], now["intent"]) == ("revoked", "proposal")
    assert now["note"][0]["text"] == "The patient prefers to wait."
    assert now["note"][0]["authorReference"] == {"reference": "Practitioner/dr"}
    assert_valid(now)


def test_accepting_revokes_what_is_earlier_and_leaves_what_is_later(
    service: httpx.Client,
) -> None:
    of = somebody()
    plans = [derived(service, of, as_of=f"2026-06-0{day}T09:00:00Z") for day in (1, 2, 3, 4)]
    first, second, third, _ = plans
    respond(service, first, answer_with("accepted"))

    answer = respond(service, third, answer_with("accepted"))

    assert [read(service, p)["status"] for p in plans] == ["revoked", "revoked", "active", "draft"]
    assert [read(service, p)["meta"]["versionId"] for p in plans] == ["3", "2", "2", "1"]
    replaced = {r["reference"] for r in answer.json()["replaces"]}
    assert replaced == {f"CarePlan/{first['id']}", f"CarePlan/{second['id']}"}
    assert f"CarePlan/{third['id']} was accepted" in read(service, second)["text"]["div"]
    for plan in plans:
        assert_valid(read(service, plan))
    found = decision(service, answer)
    assert found["changes"] == [
        {"plan": f"CarePlan/{third['id']}", "from": "draft", "to": "active"},
        {"plan": f"CarePlan/{first['id']}", "from": "active", "to": "revoked"},
        {"plan": f"CarePlan/{second['id']}", "from": "draft", "to": "revoked"},
    ]
    assert found["outputs"] == [
        f"CarePlan/{third['id']}/_history/2",
        f"CarePlan/{first['id']}/_history/3",
        f"CarePlan/{second['id']}/_history/2",
    ]
    assert replayed(service, found["id"])["identical"] is True


def test_a_plan_made_for_an_earlier_day_still_ends_the_one_in_force(
    service: httpx.Client,
) -> None:
    of = somebody()
    in_force = derived(service, of, as_of="2026-06-05T09:00:00Z")
    respond(service, in_force, answer_with("accepted"))
    backdated = derived(service, of, as_of="2026-06-01T09:00:00Z")

    respond(service, backdated, answer_with("accepted"))

    assert read(service, in_force)["status"] == "revoked"
    assert read(service, backdated)["status"] == "active"


def test_another_patients_plan_is_never_touched(service: httpx.Client) -> None:
    theirs = derived(service, somebody())
    ours = derived(service, somebody(), as_of="2026-06-02T09:00:00Z")

    respond(service, ours, answer_with("accepted"))

    assert read(service, theirs)["status"] == "draft"


def test_declining_touches_no_other_plan(service: httpx.Client) -> None:
    of = somebody()
    first = derived(service, of, as_of="2026-06-01T09:00:00Z")
    second = derived(service, of, as_of="2026-06-02T09:00:00Z")

    respond(service, second, answer_with("declined"))

    assert read(service, first)["status"] == "draft"


def test_the_same_answer_again_changes_nothing_but_the_audit(
    service: httpx.Client, database: Kept
) -> None:
    plan = derived(service, somebody())
    answers = (activity("EX-01", "declined", "No"), activity("ED-01", "accepted"))
    first = respond(service, plan, answer_with("changed", *answers))
    before, audited = kept(database), count(database, "audit_event")

    again = respond(service, plan, answer_with("changed", *reversed(answers)))

    assert again.status_code == 200
    assert again.content == first.content
    for header in ("etag", "content-location", "x-decision-id", "last-modified"):
        assert again.headers[header] == first.headers[header]
    assert kept(database) == before
    assert count(database, "audit_event") == audited + 1


def test_the_same_answer_to_a_plan_that_was_replaced_shows_what_stands_now(
    service: httpx.Client,
) -> None:
    of = somebody()
    first = derived(service, of, as_of="2026-06-01T09:00:00Z")
    accepted = respond(service, first, answer_with("accepted"))
    second = derived(service, of, as_of="2026-06-02T09:00:00Z")
    respond(service, second, answer_with("accepted"))

    again = respond(service, first, answer_with("accepted"))

    assert again.status_code == 200
    assert again.headers["x-decision-id"] == accepted.headers["x-decision-id"]
    assert again.headers["etag"] == 'W/"3"'
    assert again.json()["status"] == "revoked"


@pytest.mark.parametrize(
    "other",
    [
        answer_with("declined"),
        answer_with("changed", activity("EX-01", "declined")),
        answer_with("accepted", {"name": "note", "valueString": "But not all of it."}),
        answer_with("accepted", PRACTITIONER),
    ],
)
def test_another_answer_to_a_plan_that_is_no_draft_is_a_conflict(
    service: httpx.Client, database: Kept, other: Json
) -> None:
    plan = derived(service, somebody())
    respond(service, plan, answer_with("accepted"))
    before = kept(database)

    answer = respond(service, plan, other)

    assert answer.status_code == 409
    assert answer.json()["issue"][0]["code"] == "conflict"
    assert answer.json()["issue"][0]["expression"] == ["CarePlan.status"]
    assert_valid(answer.json())
    assert kept(database) == before
    assert read(service, plan)["status"] == "active"


def test_a_plan_that_was_replaced_cannot_be_answered(service: httpx.Client) -> None:
    of = somebody()
    first = derived(service, of, as_of="2026-06-01T09:00:00Z")
    second = derived(service, of, as_of="2026-06-02T09:00:00Z")
    respond(service, second, answer_with("accepted"))

    assert respond(service, first, answer_with("accepted")).status_code == 409


REFUSED = [
    ("no JSON", b"{", 400, None),
    ("another resource", patient(), 400, "resourceType"),
    ("a Bundle", bundle(patient()), 400, "resourceType"),
    ("no outcome", answer_with("accepted") | {"parameter": [PRACTITIONER]}, 400, "Parameters"),
    ("an outcome that there is not", answer_with("perhaps"), 422, "Parameters.parameter[0]"),
    (
        "an outcome of the wrong type",
        answer_with("accepted")
        | {"parameter": [{"name": "outcome", "valueQuantity": {"value": 1}}]},
        400,
        "Parameters.parameter[0]",
    ),
    (
        "Parameters that are not valid R4",
        answer_with("accepted", {"name": "note", "valueString": 7}),
        400,
        "Parameters.parameter[1].valueString",
    ),
    (
        "an activity that is not in the plan",
        answer_with("changed", activity("ED-01", "accepted"), activity("XX-99", "declined")),
        422,
        "Parameters.parameter[2].part[0]",
    ),
    (
        "an activity answered twice",
        answer_with("changed", activity("EX-01", "accepted"), activity("EX-01", "declined")),
        422,
        "Parameters.parameter[2].part[0]",
    ),
    (
        "an activity without an outcome",
        answer_with(
            "changed", {"name": "activity", "part": [{"name": "id", "valueCode": "EX-01"}]}
        ),
        400,
        "Parameters.parameter[1].part",
    ),
    (
        "an activity with an outcome that there is not",
        answer_with("changed", activity("EX-01", "later")),
        422,
        "Parameters.parameter[1].part[1]",
    ),
    ("changed without an activity", answer_with("changed"), 422, "Parameters.parameter"),
    (
        "an activity accepted in a declined plan",
        answer_with("declined", activity("EX-01", "accepted")),
        422,
        "Parameters.parameter[1].part[0]",
    ),
    (
        "an activity changed without saying how",
        answer_with("changed", activity("EX-01", "changed")),
        422,
        "Parameters.parameter[1].part[0]",
    ),
    (
        "a practitioner who is none",
        answer_with("accepted", {"name": "practitioner", "valueString": "Patient/p1"}),
        400,
        "Parameters.parameter[1]",
    ),
]


@pytest.mark.parametrize(
    ("body", "status", "where"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_refused_answer_stores_nothing(
    service: httpx.Client, database: Kept, body: Any, status: int, where: str | None
) -> None:
    plan = derived(service, somebody())
    before = kept(database)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = service.post(
        f"/fhir/CarePlan/{plan['id']}/$respond",
        content=content,
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )

    assert answer.status_code == status, answer.text
    assert_valid(answer.json())
    assert answer.json()["issue"][0]["details"]["text"]
    if where is not None:
        expressions = [e for i in answer.json()["issue"] for e in i.get("expression", ())]
        assert any(e.startswith(where) for e in expressions), expressions
    assert kept(database) == before
    assert read(service, plan) == plan


@pytest.mark.parametrize("id_", ["none", str(uuid.UUID(int=1)), "x" * 300])
def test_an_unknown_plan_is_not_found(service: httpx.Client, id_: str) -> None:
    answer = respond(service, id_, answer_with("accepted"))

    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_an_answer_is_posted(service: httpx.Client, method: str) -> None:
    answer = service.request(method, "/fhir/CarePlan/none/$respond")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_xml_is_neither_read_nor_written(service: httpx.Client) -> None:
    plan = derived(service, somebody())

    read_ = respond(service, plan, answer_with("accepted"), Content_Type="application/fhir+xml")
    written = respond(service, plan, answer_with("accepted"), Accept="application/fhir+xml")

    assert (read_.status_code, written.status_code) == (415, 406)
    assert read(service, plan)["status"] == "draft"


@pytest.mark.parametrize("sent", ['W/"1"', '"1"', "*", 'W/"7", W/"1"'])
def test_if_match_names_the_version_that_was_read(service: httpx.Client, sent: str) -> None:
    plan = derived(service, somebody())

    assert respond(service, plan, answer_with("accepted"), If_Match=sent).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"), [('W/"2"', 412), ('W/"0"', 412), ("1", 400), ("", 400)]
)
def test_any_other_if_match_changes_nothing(
    service: httpx.Client, database: Kept, sent: str, status: int
) -> None:
    plan = derived(service, somebody())
    before = kept(database)

    answer = respond(service, plan, answer_with("accepted"), If_Match=sent)

    assert answer.status_code == status
    assert answer.json()["issue"][0]["expression"] == ["If-Match"]
    assert_valid(answer.json())
    assert kept(database) == before


def test_a_retry_may_name_the_version_that_it_answered(service: httpx.Client) -> None:
    plan = derived(service, somebody())
    respond(service, plan, answer_with("accepted"), If_Match='W/"1"')

    assert respond(service, plan, answer_with("accepted"), If_Match='W/"1"').status_code == 200
    assert respond(service, plan, answer_with("accepted"), If_Match='W/"2"').status_code == 200
    assert respond(service, plan, answer_with("accepted"), If_Match='W/"3"').status_code == 412
    assert respond(service, plan, answer_with("declined"), If_Match='W/"1"').status_code == 412
    assert respond(service, plan, answer_with("declined"), If_Match='W/"2"').status_code == 409


def test_a_key_gets_its_first_answer_again(service: httpx.Client, database: Kept) -> None:
    of, key = somebody(), str(uuid.uuid4())
    plan = derived(service, of, as_of="2026-06-01T09:00:00Z")
    first = respond(service, plan, answer_with("accepted"), Idempotency_Key=key)
    later = derived(service, of, as_of="2026-06-02T09:00:00Z")
    respond(service, later, answer_with("accepted"))
    before = kept(database)

    again = respond(service, plan, answer_with("accepted"), Idempotency_Key=key)

    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"] == 'W/"2"'
    assert again.headers["x-decision-id"] == first.headers["x-decision-id"]
    assert kept(database) == before


def test_a_key_stands_for_one_answer_to_one_plan(service: httpx.Client) -> None:
    of, key = somebody(), str(uuid.uuid4())
    plan = derived(service, of, as_of="2026-06-01T09:00:00Z")
    other = derived(service, of, as_of="2026-06-02T09:00:00Z")
    respond(service, plan, answer_with("accepted"), Idempotency_Key=key)

    body = respond(service, plan, answer_with("declined"), Idempotency_Key=key)
    path = respond(service, other, answer_with("accepted"), Idempotency_Key=key)

    assert (body.status_code, path.status_code) == (422, 422)
    assert read(service, other)["status"] == "draft"


def test_a_key_counts_with_an_answer_that_was_given_before_without_it(
    service: httpx.Client,
) -> None:
    plan, key = derived(service, somebody()), str(uuid.uuid4())
    respond(service, plan, answer_with("accepted"))

    first = respond(service, plan, answer_with("accepted"), Idempotency_Key=key)
    other = respond(service, plan, answer_with("declined"), Idempotency_Key=key)
    again = respond(service, plan, answer_with("accepted"), Idempotency_Key=key)

    assert (first.status_code, other.status_code) == (200, 422)
    assert again.content == first.content


def test_what_is_not_known_is_a_warning(service: httpx.Client) -> None:
    plan = derived(service, somebody())
    colour = {"name": "colour", "valueString": "red"}

    answer = respond(service, plan, answer_with("accepted", colour))

    assert answer.status_code == 200
    assert "colour" in answer.headers["warning"]


def test_of_two_different_answers_at_once_one_is_given(service: httpx.Client) -> None:
    for _ in range(5):
        plan = derived(service, somebody())
        bodies = [answer_with("accepted"), answer_with("declined")] * 3

        with ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(lambda b: respond(service, plan, b), bodies))  # noqa: B023  (the pool is drained here)

        status = read(service, plan)["status"]
        given = {"active": "accepted", "revoked": "declined"}[status]
        for body, answer in zip(bodies, answers, strict=True):
            same = body["parameter"][0]["valueCode"] == given
            assert answer.status_code == (200 if same else 409), answer.text
        assert read(service, plan)["meta"]["versionId"] == "2"


def test_of_two_plans_accepted_at_once_one_is_in_force(service: httpx.Client) -> None:
    for _ in range(3):
        of = somebody()
        plans = [derived(service, of, as_of=f"2026-06-0{day}T09:00:00Z") for day in (1, 2, 3)]

        with ThreadPoolExecutor(len(plans)) as pool:
            list(pool.map(lambda p: respond(service, p, answer_with("accepted")), plans))

        found = [read(service, p)["status"] for p in plans]
        assert found.count("active") == 1, found


def test_the_answer_is_a_decision_of_its_own(service: httpx.Client) -> None:
    of = somebody()
    plan = derived(service, of)
    more = (
        activity("EX-01", "declined", "No way to get there."),
        PRACTITIONER,
        {"name": "note", "valueString": "In spring again."},
    )

    answer = respond(service, plan, answer_with("changed", *more))

    found = decision(service, answer)
    assert found["id"] == answer.headers["x-decision-id"]
    assert found["kind"] == "respond"
    assert found["patient"] == f"Patient/{of}"
    assert found["plan"] == f"CarePlan/{plan['id']}/_history/2"
    assert found["outcome"] == "changed"
    assert found["activities"] == [
        {"id": "EX-01", "outcome": "declined", "reason": "No way to get there."}
    ]
    assert found["practitioner"] == "Practitioner/dr"
    assert found["note"] == "In spring again."
    assert [i["reference"] for i in found["inputs"]] == [f"CarePlan/{plan['id']}/_history/1"]
    assert found["outputs"] == [f"CarePlan/{plan['id']}/_history/2"]
    assert replayed(service, found["id"]) == {
        "decision": found["id"],
        "identical": True,
        "engine": {"then": found["engine"], "now": found["engine"]},
        "differences": [],
    }


def test_its_provenance_names_who_answered(service: httpx.Client) -> None:
    plan = derived(service, somebody())
    answer = respond(service, plan, answer_with("accepted", PRACTITIONER))

    provenance = service.get(f"/fhir/Provenance/{answer.headers['x-decision-id']}").json()

    assert_valid(provenance)
    assert provenance["target"] == [{"reference": f"CarePlan/{plan['id']}/_history/2"}]
    assert provenance["agent"][0]["who"] == {"reference": "Practitioner/dr"}
    assert provenance["activity"]["coding"][0]["code"] == "UPDATE"


def test_the_decisions_of_a_patient_are_of_both_kinds(service: httpx.Client) -> None:
    of = somebody()
    plan = derived(service, of)
    respond(service, plan, answer_with("declined"))

    listed = service.get("/decisions", params={"patient": of}).json()["decisions"]

    assert [d["kind"] for d in listed] == ["respond", "derive"]
    assert listed[0]["outcome"] == "declined"


def test_the_next_derivation_knows_what_was_refused(service: httpx.Client) -> None:
    of = somebody()
    plan = derived(service, of)
    body = answer_with("changed", activity("EX-01", "declined", "No"))
    answered = respond(service, plan, body)

    answer = service.post("/fhir/$derive", json=bundle(patient(of), intake(screened(), of=of)))

    assert "EX-01" in {a["detail"]["code"]["coding"][0]["code"] for a in plan["activity"]}
    found = decision(service, answer)
    (exercise,) = (i for i in found["interventions"] if i["id"] == "EX-01")
    assert exercise["status"] == "withheld"
    assert any("declined" in reason for reason in exercise["reasons"])
    left = answer.json()["entry"][0]["resource"]["activity"]
    assert "EX-01" not in {a["detail"]["code"]["coding"][0]["code"] for a in left}
    version = f"CarePlan/{plan['id']}/_history/2"
    assert [(a["plan"], a["declined"]) for a in found["answered"]] == [(version, ["EX-01"])]
    assert found["answered"][0]["decision"] == answered.headers["x-decision-id"]
    assert version in [i["reference"] for i in found["inputs"]]
    assert replayed(service, found["id"])["identical"] is True
    provenance = answer.json()["entry"][-1]["resource"]
    assert {"reference": version} in [e["what"] for e in provenance["entity"]]


def test_the_next_derivation_goes_on_with_the_exercise_that_was_accepted_by_name(
    service: httpx.Client,
) -> None:
    """Yoga waited in the plan; the clinician took it up; the next plan holds it and says why."""
    of = somebody()
    source = finding("nociceptive-source-identified", True, of=of, id=f"{of}-source")
    sent = bundle(patient(of), intake(screened(), of=of), source)
    first = service.post(f"/fhir/$derive?asOf={AS_OF}", json=sent)
    (waiting,) = (i for i in decision(service, first)["interventions"] if i["id"] == "EX-05")

    plan = first.json()["entry"][0]["resource"]
    respond(service, plan, answer_with("changed", activity("EX-05", "accepted")))
    found = decision(service, service.post("/fhir/$derive", json=bundle(patient(of))))

    (yoga,) = (i for i in found["interventions"] if i["id"] == "EX-05")
    assert (waiting["status"], yoga["status"]) == ("next-step", "proposed")
    assert f"as agreed (CarePlan/{plan['id']})" in yoga["reasons"]
    assert found["answered"][0]["accepted"] == ["EX-05"]
    assert replayed(service, found["id"])["identical"] is True


def test_an_answer_is_not_known_to_a_derivation_for_an_earlier_instant(
    service: httpx.Client,
) -> None:
    of = somebody()
    plan = derived(service, of)
    respond(service, plan, answer_with("changed", activity("EX-01", "declined")))

    earlier = service.post(
        "/fhir/$derive", params={"asOf": "2026-06-02T09:00:00Z"}, json=bundle(patient(of))
    )

    assert decision(service, earlier)["answered"] == []


def test_a_derivation_replays_identically_after_later_answers(service: httpx.Client) -> None:
    of = somebody()
    first = derived(service, of)
    respond(service, first, answer_with("changed", activity("EX-01", "declined")))
    known = service.post("/fhir/$derive", json=bundle(patient(of)))
    second = known.json()["entry"][0]["resource"]
    before = decision(service, known)

    respond(service, second, answer_with("changed", activity("ED-01", "declined")))

    assert decision(service, known) == before
    for one in service.get("/decisions", params={"patient": of}).json()["decisions"]:
        assert replayed(service, one["id"])["identical"] is True, one


def test_the_same_facts_after_an_answer_are_another_decision(service: httpx.Client) -> None:
    of = somebody()
    plan = derived(service, of)
    now = datetime.now(UTC).isoformat()
    before = service.post("/fhir/$derive", params={"asOf": now}, json=bundle(patient(of)))
    respond(service, plan, answer_with("changed", activity("EX-01", "declined")))

    same = service.post("/fhir/$derive", params={"asOf": now}, json=bundle(patient(of)))
    later = datetime.now(UTC).isoformat()
    after = service.post("/fhir/$derive", params={"asOf": later}, json=bundle(patient(of)))

    assert same.content == before.content
    assert after.headers["x-decision-id"] != before.headers["x-decision-id"]
    assert len(decision(service, after)["answered"]) == 1


def test_refusals_count_without_the_stored_data_too(service: httpx.Client) -> None:
    of = somebody()
    respond(service, derived(service, of), answer_with("changed", activity("EX-01", "declined")))
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueString": f"Patient/{of}"},
            {"name": "useServerData", "valueBoolean": False},
        ],
    }

    found = decision(service, service.post("/fhir/$derive", json=body))

    assert [a["declined"] for a in found["answered"]] == [["EX-01"]]


def test_the_next_plan_replaces_the_answered_one_and_answers_are_no_plan_before(
    service: httpx.Client,
) -> None:
    of = somebody()
    plan = derived(service, of)
    respond(service, plan, answer_with("accepted"))

    following = derived(service, of, finding("pain-localised", True, of=of), as_of=None)

    assert following["replaces"] == [{"reference": f"CarePlan/{plan['id']}"}]


def test_a_plan_that_is_not_kept_cannot_be_answered(service: httpx.Client) -> None:
    of = somebody()
    body = bundle(patient(of), intake(screened(), of=of))
    answer = service.post("/fhir/$derive", params={"persist": "false"}, json=body)
    plan = answer.json()["entry"][0]["resource"]

    assert respond(service, plan, answer_with("accepted")).status_code == 404


def test_the_audit_names_the_plan_that_was_answered(service: httpx.Client, database: Kept) -> None:
    of = somebody()
    plan = derived(service, of)

    respond(service, plan, answer_with("accepted"), X_Request_Id="the-answer")

    (row,) = database.rows(
        "SELECT action, operation, what, patient, outcome FROM audit_event"
        " WHERE request_id = 'the-answer'"
    )
    assert row == ("E", "respond", f"CarePlan/{plan['id']}", of, "0")


def test_the_history_of_all_these_answers_is_intact(database: Kept, service: httpx.Client) -> None:
    respond(service, derived(service, somebody()), answer_with("accepted"))

    report = verify(database.url)

    assert report.faults == []
    assert report.is_intact
