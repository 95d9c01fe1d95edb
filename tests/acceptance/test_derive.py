"""The main job over HTTP: facts in, a plan and everything beside it out, kept and derived again."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.wire import (
    AS_OF,
    Json,
    activities,
    bundle,
    derived,
    finding,
    gate,
    intake,
    mechanism,
    of_type,
    patient,
    screened,
)
from tests.databases import Kept

ROOT = Path(__file__).parents[2]
EXAMPLE = json.loads((ROOT / "examples" / "chronic-low-back-pain.json").read_text("utf-8"))
WHEN = {"asOf": AS_OF}


def derive(service: httpx.Client, *resources: dict[str, Any], **params: str) -> httpx.Response:
    """One plain Bundle in."""
    return service.post("/fhir/$derive", params=WHEN | params, json=bundle(*resources))


def rows(database: Kept, table: str) -> int:
    return database.count(table)


def test_the_answer_is_a_collection_with_the_plan_first(service: httpx.Client) -> None:
    answer = service.post("/fhir/$derive", params=WHEN, json=EXAMPLE)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/fhir+json")
    types = [entry["resource"]["resourceType"] for entry in answer.json()["entry"]]
    assert types[0] == "CarePlan"
    assert types[1:] == sorted(
        types[1:], key=["Goal", "Observation", "GuidanceResponse", "Provenance"].index
    )
    plan = answer.json()["entry"][0]["resource"]
    assert answer.headers["content-location"] == f"/fhir/CarePlan/{plan['id']}/_history/1"
    assert plan["status"] == "draft"
    assert plan["intent"] == "proposal"


def test_every_activity_names_its_rule_and_its_evidence(service: httpx.Client) -> None:
    plan = service.post("/fhir/$derive", params=WHEN, json=EXAMPLE).json()["entry"][0]["resource"]

    for activity in plan["activity"]:
        named = {e["url"].rpartition("/")[2] for e in activity["detail"]["extension"]}
        assert {"activity-rank", "activity-stage", "activity-rule", "activity-evidence"} <= named
        assert activity["detail"]["description"]
    ranks = [a["detail"]["extension"][0]["valueInteger"] for a in plan["activity"]]
    assert ranks == list(range(1, len(ranks) + 1))


def test_everything_the_answer_refers_to_can_be_read(service: httpx.Client) -> None:
    answer = service.post("/fhir/$derive", params=WHEN, json=EXAMPLE).json()

    references = set(_references(answer))

    assert any(reference.startswith("Device/") for reference in references)
    for reference in references:
        assert service.get(f"/fhir/{reference}").status_code == 200, reference


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [r for one in node for r in _references(one)]
    if not isinstance(node, dict):
        return []
    own = [node["reference"]] if isinstance(node.get("reference"), str) else []
    plain = [r for r in own if not r.startswith("#")]
    return plain + [r for child in node.values() for r in _references(child)]


def test_what_is_published_is_served(service: httpx.Client) -> None:
    for file in sorted((ROOT / "fhir_profiles").glob("*-*.json")):
        resource = json.loads(file.read_text("utf-8"))
        answer = service.get(f"/fhir/{resource['resourceType']}/{resource['id']}")
        assert answer.status_code == 200, file.name
        assert answer.json() == resource


def test_the_same_request_gives_the_same_bytes_and_no_second_decision(
    service: httpx.Client, database: Kept
) -> None:
    facts = (patient("twin"), intake(screened(), of="twin"))
    first = derive(service, *facts)
    decisions, versions = rows(database, "decision"), rows(database, "resource_version")

    second = derive(service, *facts)

    assert second.content == first.content
    assert second.headers["x-decision-id"] == first.headers["x-decision-id"]
    assert rows(database, "decision") == decisions
    assert rows(database, "resource_version") == versions


def test_apply_returns_the_plan_of_derive(service: httpx.Client) -> None:
    facts = bundle(patient("apply"), intake(screened(), of="apply"))
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueString": "Patient/apply"},
            {"name": "data", "resource": facts},
            {
                "name": "parameters",
                "resource": {
                    "resourceType": "Parameters",
                    "parameter": [{"name": "asOf", "valueDateTime": AS_OF}],
                },
            },
        ],
    }

    applied = service.post("/fhir/PlanDefinition/clbp-care/$apply", json=parameters)
    everything = service.post("/fhir/$derive", json=parameters)

    assert applied.status_code == 200
    assert applied.json() == everything.json()["entry"][0]["resource"]


@pytest.mark.parametrize("name", ["planDefinition", "url"])
def test_apply_on_the_type_names_the_plan_definition(service: httpx.Client, name: str) -> None:
    canonical = "https://painplan.health/fhir/PlanDefinition/clbp-care"
    value = (
        {"valueUri": canonical} if name == "url" else {"valueString": "PlanDefinition/clbp-care"}
    )
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name, **value},
            {"name": "subject", "valueString": "Patient/typed"},
            {"name": "data", "resource": bundle(patient("typed"))},
        ],
    }

    assert service.post("/fhir/PlanDefinition/$apply", json=body).status_code == 200


def test_apply_on_the_type_takes_the_plan_definition_itself(service: httpx.Client) -> None:
    ours = service.get("/fhir/PlanDefinition/clbp-care").json()
    person = {"name": "data", "resource": bundle(patient("typed"))}

    def applied(resource: Json) -> int:
        given = {"name": "planDefinition", "resource": resource}
        body = {"resourceType": "Parameters", "parameter": [given, person]}
        return service.post("/fhir/PlanDefinition/$apply", json=body).status_code

    assert applied(ours) == 200
    assert applied({**ours, "url": "https://example.org/PlanDefinition/other"}) == 422
    assert applied(patient("typed")) == 400


def test_the_definition_of_apply_names_what_it_takes_as_plan_definition(
    service: httpx.Client,
) -> None:
    definition = service.get("/fhir/OperationDefinition/painplan-apply").json()
    (named,) = [p for p in definition["parameter"] if p["name"] == "planDefinition"]
    canonical = "https://painplan.health/fhir/PlanDefinition/clbp-care"
    values: dict[str, Json] = {
        "PlanDefinition": {"resource": service.get("/fhir/PlanDefinition/clbp-care").json()},
        "canonical": {"valueCanonical": canonical},
        "uri": {"valueUri": canonical},
        "string": {"valueString": "PlanDefinition/clbp-care"},
        "Reference": {"valueReference": {"reference": "PlanDefinition/clbp-care"}},
    }

    assert {one["valueUri"] for one in named["extension"]} == set(values)
    person: Json = {"name": "data", "resource": bundle(patient("typed"))}
    for value in values.values():
        given: Json = {"name": named["name"], **value}
        body = {"resourceType": "Parameters", "parameter": [given, person]}
        assert service.post("/fhir/PlanDefinition/$apply", json=body).status_code == 200


def test_apply_on_the_type_without_a_plan_definition_is_refused(service: httpx.Client) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "subject", "valueString": "Patient/typed"}],
    }

    assert service.post("/fhir/PlanDefinition/$apply", json=body).status_code == 400
    assert service.post("/fhir/PlanDefinition/clbp-care/$apply", json=body).status_code == 200


def test_an_unknown_parameter_of_the_query_gives_a_warning(service: httpx.Client) -> None:
    answer = derive(service, patient("odd"), **{"colour\r\nX-Evil": "1"})

    assert answer.status_code == 200
    assert "colour" in answer.headers["warning"]
    assert "x-evil" not in answer.headers


def test_with_nothing_known_nothing_is_concluded(service: httpx.Client) -> None:
    answer = derive(service, patient("empty")).json()

    assert mechanism(answer) == "insufficient-data"
    assert gate(answer) == "not-screened"
    assert activities(of_type(answer, "CarePlan")[0])[0] == "ASK-01"
    flags = derived(answer, "red-flag-gate")["component"]
    assert all("dataAbsentReason" in flag for flag in flags)


def test_an_emergency_replaces_the_plan(service: httpx.Client) -> None:
    told = screened(saddle_sensory_change=True)

    answer = derive(service, patient("urgent"), intake(told, of="urgent")).json()

    assert gate(answer) == "emergency"
    assert mechanism(answer) == "withheld"
    ids = activities(of_type(answer, "CarePlan")[0])
    assert ids[0] == "ESC-01"
    assert set(ids) <= {"ESC-01", "ESC-02", "ESC-03", "SN-01"}


def test_without_persist_only_the_call_is_kept(service: httpx.Client, database: Kept) -> None:
    tables = ("resource_version", "decision", "audit_event")
    before = {table: rows(database, table) for table in tables}

    answer = derive(service, patient("passing"), intake(screened(), of="passing"), persist="false")

    assert answer.status_code == 200
    assert "content-location" not in answer.headers
    assert "x-decision-id" not in answer.headers
    assert "not kept" in answer.json()["entry"][0]["resource"]["text"]["div"]
    assert rows(database, "resource_version") == before["resource_version"]
    assert rows(database, "decision") == before["decision"]
    assert rows(database, "audit_event") == before["audit_event"] + 1
    assert service.get("/fhir/Patient/passing").status_code == 404


def test_a_retry_with_its_key_gets_the_first_answer(service: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = bundle(patient("retry"), intake(screened(), of="retry"))

    first = service.post("/fhir/$derive", json=body, headers=key)
    again = service.post("/fhir/$derive", json=body, headers=key)
    other = service.post("/fhir/$derive", json=bundle(patient("retry")), headers=key)

    assert again.content == first.content
    assert again.headers["x-decision-id"] == first.headers["x-decision-id"]
    assert other.status_code == 422


def test_a_key_counts_with_a_decision_that_was_made_before_without_it(
    service: httpx.Client,
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = bundle(patient("keyed"), intake(screened(), of="keyed"))

    made = service.post("/fhir/$derive", params=WHEN, json=body)
    first = service.post("/fhir/$derive", params=WHEN, json=body, headers=key)
    other = service.post("/fhir/$derive", params=WHEN, json=bundle(patient("keyed")), headers=key)
    again = service.post("/fhir/$derive", params=WHEN, json=body, headers=key)

    assert first.content == again.content == made.content
    assert other.status_code == 422


def test_stored_facts_count_unless_they_are_not_asked_for(service: httpx.Client) -> None:
    derive(service, patient("known"), intake(screened(), of="known"))
    only = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueString": "Patient/known"},
            {"name": "asOf", "valueDateTime": AS_OF},
        ],
    }
    without = {
        **only,
        "parameter": [*only["parameter"], {"name": "useServerData", "valueBoolean": False}],
    }

    stored = service.post("/fhir/$derive", params=WHEN, json=only)
    alone = service.post("/fhir/$derive", params=WHEN, json=without)

    assert gate(stored.json()) == "clear"
    assert gate(alone.json()) == "not-screened"


def test_a_newer_plan_names_the_one_it_replaces(service: httpx.Client) -> None:
    first = derive(service, patient("again"), intake(screened(), of="again"))
    second = derive(
        service,
        patient("again"),
        finding("pain-localised", True, of="again"),
        asOf="2026-06-02T09:00:00Z",
    )

    before = of_type(first.json(), "CarePlan")[0]["id"]
    assert of_type(second.json(), "CarePlan")[0]["replaces"] == [
        {"reference": f"CarePlan/{before}"}
    ]


def test_what_we_concluded_is_never_an_input(service: httpx.Client) -> None:
    first = derive(service, patient("echo"), intake(screened(), of="echo")).json()
    back = derived(first, "red-flag-gate") | {"id": "copied-by-the-ehr"}

    answer = derive(service, patient("echo"), back, asOf="2026-06-03T09:00:00Z")

    decision = service.get(f"/decisions/{answer.headers['x-decision-id']}").json()
    assert any(
        entry["reference"] == "Observation/copied-by-the-ehr" for entry in decision["notUsed"]
    )


def test_the_decision_tells_every_rule_and_every_intervention_once(service: httpx.Client) -> None:
    answer = service.post("/fhir/$derive", params=WHEN, json=EXAMPLE)

    decision = service.get(f"/decisions/{answer.headers['x-decision-id']}").json()

    rules = [rule["id"] for rule in decision["rules"]]
    assert len(rules) == len(set(rules)) > 100
    assert {rule["value"] for rule in decision["rules"]} == {"true", "false", "unknown"}
    assert all(rule["evidence"] for rule in decision["rules"])
    shown = [item["id"] for item in decision["interventions"]]
    assert len(shown) == len(set(shown))
    assert {"ED-01", "EX-01", "SU-01"} <= set(shown)
    assert all(item["reasons"] for item in decision["interventions"])
    assert all(entry["digest"].startswith("sha256:") for entry in decision["inputs"])


def test_every_decision_can_be_derived_again(service: httpx.Client) -> None:
    derive(service, patient("replay"), intake(screened(pain_localised=True), of="replay"))
    derive(service, patient("replay"), asOf="2026-06-05T09:00:00Z")

    listed = service.get("/decisions", params={"patient": "replay"}).json()
    found = listed["decisions"] if isinstance(listed, dict) else listed

    assert len(found) == 2
    for entry in found:
        replay = service.get(f"/decisions/{entry['id']}/replay").json()
        assert replay["identical"] is True, replay
        assert replay["differences"] == []


def test_a_resource_is_read_as_it_was_sent(service: httpx.Client) -> None:
    sent = (
        b'{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/raw"},'
        b'"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},'
        b'"valueQuantity":{"value":71.10,"unit":"kg","system":"http://unitsofmeasure.org",'
        b'"code":"kg"}}'
    )

    created = service.post("/fhir/Observation", content=sent)
    read = service.get(created.headers["location"])

    assert created.status_code == 201
    assert b'"value":71.10' in read.content
    assert read.json()["meta"]["versionId"] == "1"
    assert read.headers["etag"] == 'W/"1"'


def test_an_etag_saves_the_body(service: httpx.Client) -> None:
    created = service.post("/fhir/Patient", json={"resourceType": "Patient"})
    path = created.headers["location"]

    assert service.get(path, headers={"If-None-Match": 'W/"1"'}).status_code == 304
    assert service.get(path, headers={"If-None-Match": 'W/"2"'}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/fhir/metadata", "/healthz", "/readyz", "/openapi.json", "/docs"]
)
def test_head_answers_like_get_without_a_body(service: httpx.Client, path: str) -> None:
    answer = service.head(path)

    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(service.get(path).content))


def test_an_id_of_another_patient_is_a_conflict(service: httpx.Client) -> None:
    derive(service, patient("owner"), finding("pain-localised", True, of="owner"))
    taken = finding("pain-localised", True, of="thief", id="owner-pain-localised")

    answer = derive(service, patient("thief"), taken)

    assert answer.status_code == 409


def test_what_we_derived_is_not_written_by_a_client(service: httpx.Client) -> None:
    first = derive(service, patient("reader")).json()
    gate_ = derived(first, "red-flag-gate")
    forged = finding("cancer-history", True, of="reader", id=gate_["id"])

    answer = derive(service, patient("reader"), forged)

    assert answer.status_code == 409
    assert service.get(f"/fhir/Observation/{gate_['id']}").json() == gate_


def test_a_patient_whose_birth_date_moved_is_a_conflict(service: httpx.Client) -> None:
    derive(service, patient("moved"))

    answer = derive(service, patient("moved", birthDate="1981-01-01"))

    assert answer.status_code == 409


@pytest.mark.parametrize(
    "coding",
    [
        {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.50"},
        {"system": "http://snomed.info/sct", "code": "278860009"},
    ],
)
def test_the_plan_addresses_the_back_pain_on_the_problem_list(
    service: httpx.Client, coding: dict[str, str]
) -> None:
    told = {
        "resourceType": "Condition",
        "id": "back",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "active",
                }
            ]
        },
        "code": {"coding": [coding]},
        "subject": {"reference": "Patient/addressed"},
    }

    plan = derive(service, patient("addressed"), told).json()["entry"][0]["resource"]

    assert [a["reference"] for a in plan["addresses"]] == ["Condition/back"]


@pytest.mark.parametrize(("first", "then"), [(None, "1980-01-01"), ("1980-01-01", None)])
def test_a_birth_date_that_is_learnt_or_left_out_is_no_conflict(
    service: httpx.Client, first: str | None, then: str | None
) -> None:
    id_ = f"learnt-{first}".lower()
    for born in (first, then):
        person = patient(id_, birthDate=born)
        sent = {name: value for name, value in person.items() if value is not None}
        assert derive(service, sent).status_code == 200


def test_what_we_derived_is_not_created_under_another_id(service: httpx.Client) -> None:
    derivation = derive(service, patient("echo")).json()
    gate = derived(derivation, "red-flag-gate")

    answer = service.post("/fhir/Observation", json=gate)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
