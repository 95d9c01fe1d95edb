"""$validate, $everything and $extract over HTTP."""

import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.wire import AS_OF, CANON, bundle, finding, gate, intake, patient, screened

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"


def parameters(**given: Any) -> Json:
    made = []
    for name, value in given.items():
        named = {"name": name.replace("_", "-")}
        is_resource = isinstance(value, dict)
        made.append({**named, "resource": value} if is_resource else {**named, "valueCode": value})
    return {"resourceType": "Parameters", "parameter": made}


def issues(answer: httpx.Response) -> list[tuple[str, str | None]]:
    """Severity and place of each issue of a validation that was carried out."""
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    return [(i["severity"], (i.get("expression") or [None])[0]) for i in answer.json()["issue"]]


FINE = [("information", None)]
US_CORE = ("warning", "CarePlan.meta.profile[1]")
LATE = finding("pain-localised", True, status="finished")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (patient(), FINE),
        (parameters(resource=patient()), FINE),
        (parameters(resource=patient(), mode="create"), FINE),
        (parameters(resource=patient(), mode="update"), FINE),
        (parameters(resource=patient(), mode="profile", profile=f"{BASE}Patient"), FINE),
        ({**patient(), "gender": "blue"}, [("error", "Patient.gender")]),
        (
            parameters(mode="create", resource={**patient(), "gender": "blue"}),
            [("error", "Parameters.parameter[1].resource.gender")],
        ),
        (LATE, [("error", "Observation.resourceType")]),
        (parameters(mode="delete"), [("error", None)]),
        (parameters(mode="create"), [("error", "Parameters.parameter")]),
        (
            parameters(resource={"resourceType": "Patient"}, mode="update"),
            [("error", "Parameters.parameter[0].resource.id")],
        ),
    ],
)
def test_a_validation_is_a_success_whatever_it_finds(
    service: httpx.Client, body: Json, expected: list[tuple[str, str | None]]
) -> None:
    found = issues(service.post("/fhir/Patient/$validate", json=body))

    if body is LATE:
        assert found[0][0] == "error"
    else:
        assert found == expected


def test_what_the_service_would_refuse_is_told_as_well(service: httpx.Client) -> None:
    peg = {
        **intake({}),
        "questionnaire": f"{CANON}/Questionnaire/peg",
        "item": [{"linkId": "75893-8", "answer": [{"valueInteger": 12}]}],
    }

    created = service.post("/fhir/QuestionnaireResponse", json=peg)
    validated = service.post("/fhir/QuestionnaireResponse/$validate", json=peg)

    assert created.status_code == 422
    where = "QuestionnaireResponse.item[0].answer[0].value"
    assert issues(validated) == [("error", where)]


TWO = {
    "resourceType": "Parameters",
    "parameter": [{"name": "resource", "resource": patient(id_)} for id_ in ("v1", "v2")],
}


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (parameters(resource=patient(), profile="http://x.example/nobody"), 422, "profile"),
        (parameters(resource=patient(), mode="profile"), 400, "profile"),
        (parameters(resource=patient(), mode="guess"), 400, "mode"),
        ({"resourceType": "Parameters", "parameter": [{}]}, 400, "Parameters.parameter[0]"),
        (TWO, 400, "Parameters.parameter[1].resource"),
    ],
)
def test_a_validation_that_cannot_be_carried_out_is_refused(
    service: httpx.Client, body: Json, status: int, where: str
) -> None:
    answer = service.post("/fhir/Patient/$validate", json=body)

    assert answer.status_code == status
    assert answer.json()["issue"][0]["expression"] == [where]


def test_validating_what_is_stored_and_what_would_replace_it(service: httpx.Client) -> None:
    id_ = f"v-{uuid.uuid4()}"
    service.put(f"/fhir/Patient/{id_}", json=patient(id_))
    url = f"/fhir/Patient/{id_}/$validate"

    assert issues(service.get(url)) == FINE
    assert issues(service.post(url)) == FINE
    assert issues(service.get(f"{url}?mode=delete")) == [("error", None)]
    assert issues(service.post(url, json=patient(id_))) == FINE
    assert issues(service.post(url, json=patient("other"))) == [("error", "Patient.id")]
    assert service.get("/fhir/Patient/nobody/$validate").status_code == 404
    assert service.post("/fhir/Patient/$validate", content=b"{").status_code == 400
    assert service.get("/fhir/Patient/$validate").status_code == 405
    assert service.post("/fhir/ValueSet/$validate", json={}).status_code == 405


@pytest.fixture
def made(service: httpx.Client) -> list[Json]:
    """What one derivation makes."""
    id_ = f"p-{uuid.uuid4()}"
    sent = bundle(patient(id_), intake(screened(pain_nrs=7), of=id_))
    answer = service.post(f"/fhir/$derive?asOf={AS_OF}", json=sent)
    return [entry["resource"] for entry in answer.raise_for_status().json()["entry"]]


def test_what_we_derive_keeps_the_profiles_of_ours_that_it_claims(
    service: httpx.Client, made: list[Json]
) -> None:
    checked = set()
    for resource in made:
        url = f"/fhir/{resource['resourceType']}"
        for profile in resource.get("meta", {}).get("profile", ()):
            if not profile.startswith(CANON):
                continue
            checked.add(profile)
            stored = f"{url}/{resource['id']}/$validate"
            found = issues(service.get(stored, params={"profile": profile}))
            assert [severity for severity, _ in found if severity == "error"] == []
            body = parameters(resource=resource, profile=profile)
            assert issues(service.post(f"{url}/$validate", json=body))[0] == FINE[0]
    assert len(checked) >= 6


def test_a_profile_of_ours_is_checked_where_it_is_named_and_where_it_is_claimed(
    service: httpx.Client, made: list[Json]
) -> None:
    plan = {name: value for name, value in made[0].items() if name != "title"}
    unclaimed = {**plan, "meta": {**plan["meta"], "profile": [f"{BASE}CarePlan"]}}
    ours = f"{CANON}/StructureDefinition/painplan-careplan"
    url = "/fhir/CarePlan/$validate"

    assert issues(service.post(url, json=plan)) == [("error", "CarePlan"), US_CORE]
    assert issues(service.post(url, json=unclaimed)) == FINE
    assert issues(service.post(f"{url}?profile={ours}", json=unclaimed)) == [("error", "CarePlan")]
    for other in (f"{ours}|0.0.1", f"{CANON}/StructureDefinition/painplan-goal"):
        assert service.post(f"{url}?profile={other}", json=plan).status_code == 422
    refused = issues(service.post(f"{url}?mode=create", json=made[0]))
    assert refused == [("error", "CarePlan"), US_CORE]


def test_a_profile_that_is_not_ours_is_never_passed_in_silence(service: httpx.Client) -> None:
    us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
    claiming = patient(meta={"profile": [f"{BASE}Patient", us_core]})
    url = "/fhir/Patient/$validate"

    claimed = service.post(url, json=claiming)
    named = service.post(url, json=parameters(resource=patient(), profile=us_core))

    assert issues(claimed) == [*FINE, ("warning", "Patient.meta.profile[1]")]
    assert claimed.json()["issue"][1]["code"] == "not-supported"
    assert named.status_code == 422
    assert named.json()["issue"][0]["code"] == "not-supported"


def test_everything_by_post_takes_the_parameters_of_r4(service: httpx.Client) -> None:
    """``_count`` is an integer, ``_since`` an instant, ``_type`` repeats."""
    id_ = f"e-{uuid.uuid4()}"
    service.post(
        f"/fhir/$derive?asOf={AS_OF}", json=bundle(patient(id_), intake(screened(), of=id_))
    ).raise_for_status()
    url = f"/fhir/Patient/{id_}/$everything"
    sent = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_count", "valueInteger": 1},
            {"name": "_since", "valueInstant": "2020-01-01T00:00:00Z"},
            {"name": "_type", "valueCode": "Patient"},
            {"name": "_type", "valueCode": "CarePlan"},
        ],
    }

    posted = service.post(url, json=sent).raise_for_status().json()
    repeated = service.get(f"{url}?_type=Patient&_type=CarePlan&_count=1").json()

    assert posted["total"] == repeated["total"] == 2
    assert len(posted["entry"]) == len(repeated["entry"]) == 1
    following = next(link["url"] for link in posted["link"] if link["relation"] == "next")
    (second,) = service.get(following).json()["entry"]
    found = {posted["entry"][0]["resource"]["resourceType"], second["resource"]["resourceType"]}
    assert found == {"Patient", "CarePlan"}


def test_everything_about_a_patient(service: httpx.Client) -> None:
    id_ = f"e-{uuid.uuid4()}"
    body = bundle(patient(id_), intake(screened(), of=id_))
    made = service.post(f"/fhir/$derive?asOf={AS_OF}", json=body).json()
    url = f"/fhir/Patient/{id_}/$everything"

    answer = service.get(url).json()

    found = {(e["resource"]["resourceType"], e["resource"]["id"]) for e in answer["entry"]}
    derived = {
        (e["resource"]["resourceType"], e["resource"]["id"])
        for e in made["entry"]
        if e["resource"]["resourceType"] not in ("Provenance", "OperationOutcome")
    }
    assert found == derived | {("Patient", id_), ("QuestionnaireResponse", f"{id_}-intake")}
    assert answer["type"] == "searchset"
    assert answer["total"] == len(found)
    assert service.post(url).json()["total"] == answer["total"]
    asked = {"name": "_type", "valueString": "CarePlan"}
    posted = service.post(url, json={"resourceType": "Parameters", "parameter": [asked]})
    assert {e["resource"]["resourceType"] for e in posted.json()["entry"]} == {"CarePlan"}
    assert service.post(url, json=patient()).status_code == 400
    only = service.get(f"{url}?_type=Patient,CarePlan").json()
    assert {e["resource"]["resourceType"] for e in only["entry"]} == {"Patient", "CarePlan"}
    assert service.get(f"{url}?_since=2999-01-01T00:00:00Z").json()["total"] == 0
    paged: list[str] = []
    following: str | None = f"{url}?_count=2"
    while following is not None:
        page = service.get(following).json()
        paged += [e["resource"]["id"] for e in page["entry"]]
        links = {link["relation"]: link["url"] for link in page["link"]}
        assert links["self"].endswith(following)
        following = links.get("next")
    assert sorted(paged) == sorted(i for _, i in found)
    assert service.get("/fhir/Patient/nobody/$everything").status_code == 404
    assert service.get(f"{url}?_type=Nothing").status_code == 400
    strict = {"Prefer": "handling=strict"}
    assert service.get(f"{url}?start=2020", headers=strict).status_code == 400
    assert service.get(f"{url}?start=2020").json()["entry"][-1]["search"]["mode"] == "outcome"


def extracted(answer: httpx.Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    made: Json = answer.json()
    assert (made["resourceType"], made["type"]) == ("Bundle", "transaction")
    for entry in made["entry"]:
        assert entry["request"] == {"method": "POST", "url": "Observation"}
        assert entry["fullUrl"].startswith("urn:uuid:")
    assert len({e["fullUrl"] for e in made["entry"]}) == len(made["entry"])
    return [entry["resource"] for entry in made["entry"]]


def test_a_response_becomes_observations_that_say_the_same(service: httpx.Client) -> None:
    id_ = f"x-{uuid.uuid4()}"
    answers = intake(screened(saddle_sensory_change=True), of=id_)
    service.put(f"/fhir/Patient/{id_}", json=patient(id_))
    service.put(f"/fhir/QuestionnaireResponse/{id_}-intake", json=answers)
    url = f"/fhir/QuestionnaireResponse/{id_}-intake/$extract"

    found = extracted(service.get(url))

    assert len(found) == len(answers["item"])
    assert {o["derivedFrom"][0]["reference"] for o in found} == {
        f"QuestionnaireResponse/{id_}-intake"
    }
    codes = {o["code"]["coding"][0]["code"]: o for o in found}
    saddle = codes["saddle-sensory-change"]
    assert saddle["code"]["coding"][0]["system"] == f"{CANON}/CodeSystem/finding"
    assert saddle["valueBoolean"] is True
    assert saddle["effectiveDateTime"] == answers["authored"]
    assert saddle["performer"] == [{"reference": f"Patient/{id_}"}]
    assert service.post(url).json() == service.get(url).json()
    stored = service.post("/fhir", json=service.get(url).json())
    assert stored.status_code == 200, stored.text
    assert service.get(f"/fhir/Observation?patient={id_}").json()["total"] == len(found)
    from_answers = service.post(f"/fhir/$derive?asOf={AS_OF}", json=bundle(patient(), intake(
        screened(saddle_sensory_change=True)))).json()  # fmt: skip
    subject = {"subject": {"reference": "Patient/p2"}, "performer": [{"reference": "Patient/p2"}]}
    same = [{**o, **subject, "id": f"x{n}"} for n, o in enumerate(found)]
    from_observations = service.post(
        f"/fhir/$derive?asOf={AS_OF}", json=bundle(patient("p2"), *same)
    ).json()
    assert gate(from_observations) == gate(from_answers) == "emergency"


def test_a_score_keeps_its_items(service: httpx.Client) -> None:
    form = service.get("/fhir/Questionnaire/gad-7").json()
    chosen = {i["linkId"]: i["answerOption"][2] for i in form["item"] if "answerOption" in i}
    items = [
        {"linkId": link, "answer": [{"valueCoding": option["valueCoding"]}]}
        for link, option in chosen.items()
    ]
    response = intake({}, questionnaire=f"{CANON}/Questionnaire/gad-7", item=items)
    del response["id"]

    answer = service.post(
        "/fhir/QuestionnaireResponse/$extract", json=parameters(questionnaire_response=response)
    )

    found = extracted(answer)
    (total,) = [o for o in found if o["code"]["coding"][0]["code"] == "70274-6"]
    assert total["valueQuantity"]["value"] == 14
    assert [c["valueQuantity"]["value"] for c in total["component"]] == [2] * 7
    assert "derivedFrom" not in total


def test_nothing_to_extract_is_a_success_that_says_why(service: httpx.Client) -> None:
    draft = intake(screened(), status="in-progress")

    answer = service.post("/fhir/QuestionnaireResponse/$extract", json=draft)

    assert issues(answer)[0] == ("warning", "QuestionnaireResponse")
    assert "in-progress" in answer.text


def test_what_cannot_be_extracted_from(service: httpx.Client) -> None:
    url = "/fhir/QuestionnaireResponse"

    assert service.get(f"{url}/nobody/$extract").status_code == 404
    assert service.post(f"{url}/$extract", json=patient()).status_code == 400
    assert service.post(f"{url}/$extract", json=parameters(mode="x")).status_code == 400
    assert service.get(f"{url}/$extract").status_code == 405
