"""The CapabilityStatement says what is true: everything in it works, and nothing else does."""

import json
import tarfile
import uuid
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.capability import capability_statement
from app.api.types import DERIVED
from app.fhir.validation import Validator
from app.fhir.validation.profiles import profiles_in
from app.main import published
from tests.acceptance.wire import AS_OF, CANON, bundle, finding, intake, patient, screened

Json = dict[str, Any]
PUBLISHED = {key: json.loads(body) for key, (body, _) in published().items()}
STATEMENT = capability_statement(
    public_url="http://127.0.0.1:8000",
    released_on="2026-11-26",
    version="1",
    profiles=profiles_in(PUBLISHED).by_type(),
)
(REST,) = STATEMENT["rest"]
TYPES: dict[str, Json] = {entry["type"]: entry for entry in REST["resource"]}
EXAMPLES = {
    "token": ["a", "http://x.example|a", "|a", "http://x.example|"],
    "date": ["2026", "ge2026-05", "lt2026-05-28T09:00:00Z", "ap2026-05-28"],
    "reference": ["Patient/p1", "p1", "http://x.example/fhir/Patient/p1"],
    "uri": ["http://x.example/a"],
    "string": ["a"],
    "number": ["5"],
}
RESULTS = {
    "_count": ["0", "5"],
    "_sort": ["_id", "-_id"],
    "_total": ["none", "estimate", "accurate"],
    "_summary": ["true", "text", "data", "count", "false"],
    "_elements": ["id", "text"],
}
ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
CREATED: dict[str, Json] = {
    "Patient": patient(),
    "QuestionnaireResponse": intake({"pain-localised": True}),
    "Observation": finding("pain-localised", True),
    "Condition": {"subject": {"reference": "Patient/p1"}},
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "x"},
    },
    "MedicationStatement": {
        "status": "active",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "x"},
    },
    "AllergyIntolerance": {
        "clinicalStatus": {"coding": [{"system": ALLERGY_CLINICAL, "code": "active"}]},
        "patient": {"reference": "Patient/p1"},
    },
    "Procedure": {"status": "completed", "subject": {"reference": "Patient/p1"}},
    "ServiceRequest": {
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
    },
    "DiagnosticReport": {"status": "final", "code": {"text": "x"}},
    "Encounter": {"status": "planned", "class": {"code": "AMB"}},
    "Practitioner": {"active": True},
    "PractitionerRole": {"active": True},
    "Organization": {"name": "x"},
}


def resource(type_: str) -> Json:
    return {**CREATED[type_], "resourceType": type_}


def declared(interaction: str) -> list[str]:
    return [
        type_ for type_, entry in TYPES.items() if {"code": interaction} in entry["interaction"]
    ]


def parameters() -> Iterator[tuple[str, str, str]]:
    for type_, entry in TYPES.items():
        for parameter in entry["searchParam"]:
            for example in EXAMPLES[parameter["type"]]:
                value = "a" if parameter["name"] == "_id" else example
                yield type_, parameter["name"], value


@pytest.fixture(scope="module")
def ids(service: httpx.Client) -> dict[str, str]:
    """One resource of each type that is there."""
    found: dict[str, str] = {}
    for type_ in declared("create"):
        answer = service.post(f"/fhir/{type_}", json=resource(type_))
        assert answer.status_code == 201, answer.text
        found[type_] = answer.json()["id"]
    severe = intake(screened(saddle_sensory_change=True), of="cap")
    for inputs in (intake(screened(), of="cap"), severe):
        made = service.post(
            f"/fhir/$derive?asOf={AS_OF}", json=bundle(patient("cap"), inputs)
        ).json()
        for entry in made["entry"]:
            found.setdefault(entry["resource"]["resourceType"], entry["resource"]["id"])
    for type_ in TYPES.keys() - found.keys():
        entries = service.get(f"/fhir/{type_}").json().get("entry", [])
        if entries:
            found[type_] = entries[0]["resource"]["id"]
    return found


def test_it_is_valid_and_served(service: httpx.Client) -> None:
    served = service.get("/fhir/metadata")

    assert Validator.load().problems(STATEMENT) == ()
    assert served.json()["rest"] == STATEMENT["rest"]
    assert served.json()["implementation"]["url"] == f"{str(service.base_url).rstrip('/')}/fhir"
    known = {"If-None-Match": served.headers["etag"]}
    assert service.get("/fhir/metadata", headers=known).status_code == 304


@pytest.mark.parametrize("type_", declared("read"))
def test_reading(service: httpx.Client, ids: dict[str, str], type_: str) -> None:
    if type_ not in ids:  # a type of which this release publishes nothing, and no patient has one
        assert service.get(f"/fhir/{type_}/nobody").status_code == 404
        return

    answer = service.get(f"/fhir/{type_}/{ids[type_]}")

    assert answer.status_code == 200
    assert answer.json()["resourceType"] == type_
    known = {"If-None-Match": answer.headers["etag"]}
    assert service.get(f"/fhir/{type_}/{ids[type_]}", headers=known).status_code == 304


@pytest.mark.parametrize("type_", TYPES)
def test_versions_and_histories_where_they_are_declared_and_nowhere_else(
    service: httpx.Client, ids: dict[str, str], type_: str
) -> None:
    id_ = ids.get(type_, "nobody")
    there = 200 if type_ in ids else 404
    urls = {
        "vread": (f"/fhir/{type_}/{id_}/_history/1", there),
        "history-instance": (f"/fhir/{type_}/{id_}/_history", there),
        "history-type": (f"/fhir/{type_}/_history", 200),
    }

    for interaction, (url, expected) in urls.items():
        status = service.get(url).status_code
        assert status == (expected if type_ in declared(interaction) else 405), interaction


@pytest.mark.parametrize("type_", TYPES)
def test_writing_where_it_is_declared_and_nowhere_else(service: httpx.Client, type_: str) -> None:
    entry, id_ = TYPES[type_], f"c-{uuid.uuid4()}"
    is_written = type_ in declared("create")
    body = {**resource(type_), "id": id_} if is_written else {"resourceType": type_, "id": id_}
    condition = {"If-None-Exist": f"_id={id_}"}

    updated = service.put(f"/fhir/{type_}/{id_}", json=body)
    created = service.post(f"/fhir/{type_}", json=body, headers=condition)
    changed = service.put(f"/fhir/{type_}?_id={id_}", json=body)
    deleted = service.delete(f"/fhir/{type_}/{id_}")
    patched = service.patch(f"/fhir/{type_}/{id_}", json=[])

    assert (updated.status_code == 201) == entry["updateCreate"] == is_written
    assert (created.status_code == 200) == entry["conditionalCreate"] == is_written
    assert (changed.status_code == 200) == entry["conditionalUpdate"] == is_written
    assert {deleted.status_code, patched.status_code} == {405}
    assert "DELETE" not in deleted.headers["allow"]
    if not is_written:
        assert {updated.status_code, created.status_code, changed.status_code} == {405}
        assert updated.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(("type_", "name", "value"), list(parameters()))
def test_every_search_parameter_is_understood_by_get_and_by_post(
    service: httpx.Client, type_: str, name: str, value: str
) -> None:
    strict = {"Prefer": "handling=strict"}
    form = {**strict, "Content-Type": "application/x-www-form-urlencoded"}
    query = {name: value, **({"target": "CarePlan/x"} if type_ == "Provenance" else {})}

    found = service.get(f"/fhir/{type_}", params=query, headers=strict)
    posted = service.request("POST", f"/fhir/{type_}/_search", data=query, headers=form)

    for answer in (found, posted):
        assert answer.status_code == 200, answer.text
        assert answer.json()["type"] == "searchset"


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [(t, n, v) for t, n in product(TYPES, RESULTS) for v in RESULTS[n]],
)
def test_every_way_to_cut_an_answer(
    service: httpx.Client, ids: dict[str, str], type_: str, name: str, value: str
) -> None:
    assert {p["name"] for p in REST["searchParam"]} == set(RESULTS)
    query = {name: value, "_id": ids.get(type_, "nobody")}

    answer = service.get(f"/fhir/{type_}", params=query, headers={"Prefer": "handling=strict"})

    assert answer.status_code == 200, answer.text
    problems = Validator.load().problems(answer.json()) if type_ == "CarePlan" else ()
    assert problems == ()


@pytest.mark.parametrize("type_", TYPES)
def test_includes(service: httpx.Client, ids: dict[str, str], type_: str) -> None:
    for kind, name in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        for value in TYPES[type_].get(name, ()):
            answer = service.get(
                f"/fhir/{type_}",
                params={kind: value, "_id": ids.get(type_, "nobody")},
                headers={"Prefer": "handling=strict"},
            )
            assert answer.status_code == 200, answer.text


def test_every_operation_is_called_and_no_other_answers(
    service: httpx.Client, ids: dict[str, str]
) -> None:
    offered = {
        (type_, operation["name"])
        for type_, entry in TYPES.items()
        for operation in entry.get("operation", ())
    }
    accepted = {
        "resourceType": "Parameters",
        "parameter": [{"name": "outcome", "valueCode": "declined"}],
    }
    applied = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueString": "Patient/cap"},
            {"name": "url", "valueUri": f"{CANON}/PlanDefinition/clbp-care"},
        ],
    }
    response = ids["QuestionnaireResponse"]
    calls: dict[str, list[httpx.Response]] = {
        "respond": [service.post(f"/fhir/CarePlan/{ids['CarePlan']}/$respond", json=accepted)],
        "apply": [service.post("/fhir/PlanDefinition/$apply", json=applied)],
        "everything": [
            service.get("/fhir/Patient/cap/$everything"),
            service.post("/fhir/Patient/cap/$everything"),
        ],
        "extract": [
            service.get(f"/fhir/QuestionnaireResponse/{response}/$extract"),
            service.post("/fhir/QuestionnaireResponse/$extract", json=intake(screened())),
        ],
        "validate": [
            service.post(f"/fhir/{type_}/$validate", json=resource(type_))
            for type_ in declared("create")
        ]
        + [
            service.post(f"/fhir/{type_}/$validate", json={"resourceType": type_})
            for type_, name in offered
            if name == "validate" and type_ not in declared("create")
        ],
    }

    assert {name for _, name in offered} == calls.keys()
    for name, answers in calls.items():
        assert {a.status_code for a in answers} == {200}, name
    assert [o["name"] for o in REST["operation"]] == ["derive"]
    for type_, (name, method) in product(TYPES, product(calls, ("GET", "POST"))):
        if (type_, name) in offered:
            continue
        for url in (f"/fhir/{type_}/${name}", f"/fhir/{type_}/{ids.get(type_, 'x')}/${name}"):
            answer = service.request(method, url, json={"resourceType": "Parameters"})
            assert answer.status_code in (404, 405), (method, url)


def test_what_is_declared_for_the_whole_server(service: httpx.Client) -> None:
    assert [i["code"] for i in REST["interaction"]] == ["batch", "transaction"]
    for kind in ("batch", "transaction"):
        answer = service.post("/fhir", json={"resourceType": "Bundle", "type": kind})
        assert answer.status_code == 200


def test_profiles_and_hooks_are_told_where_they_are(service: httpx.Client) -> None:
    """CDS Hooks has no element of its own: the documentation names it (standards, section 7)."""
    rest = service.get("/fhir/metadata").json()["rest"][0]
    claimed = {
        r["type"]: r["supportedProfile"] for r in rest["resource"] if "supportedProfile" in r
    }

    assert "at /cds-services: CDS Hooks 2.0" in rest["documentation"]
    assert service.get("/cds-services").json()["services"]
    assert len(claimed["Observation"]) == 4
    assert set(claimed) == {*DERIVED, "Observation"}
    for type_, urls in claimed.items():
        for url in urls:
            profile = service.get(f"/fhir/StructureDefinition/{url.rsplit('/', 1)[1]}").json()
            assert (profile["url"], profile["type"]) == (url, type_)


@pytest.mark.parametrize("type_", ["Group", "Medication", "Bundle", "Nothing", "patient"])
def test_a_type_that_is_not_declared_is_not_there(service: httpx.Client, type_: str) -> None:
    for method, path in product(
        ("GET", "POST", "PUT", "DELETE"), ("", "/x", "/_search", "/_history", "/x/_history/1")
    ):
        answer = service.request(
            method, f"/fhir/{type_}{path}", json={"resourceType": type_, "id": "x"}
        )
        assert answer.status_code in (404, 405), (method, path)
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_definitions_are_those_of_r4(shared: Path) -> None:
    """Every parameter names HL7's own definition, of this type and with this kind."""
    core = shared / "data" / "fhir" / "hl7.fhir.r4.core-4.0.1.tar.xz"
    wanted = {
        (parameter["definition"], parameter["name"], parameter["type"], type_)
        for type_, entry in TYPES.items()
        for parameter in entry["searchParam"]
        if not parameter["name"].startswith("_")
    }
    known = set()
    with tarfile.open(core) as archive:
        for member in archive:
            if not member.name.startswith("package/SearchParameter-"):
                continue
            file = archive.extractfile(member)
            assert file is not None
            found = json.load(file)
            known |= {
                (found["url"], found["code"], found["type"], base) for base in found.get("base", ())
            }

    assert wanted - known == set()
