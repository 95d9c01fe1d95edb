"""The CDS Hooks 2.0 checklist (interop/standards.md §1), over HTTP; each test names its id."""

import copy
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class

from app.domain.orders.setting import MOST_ORDERS
from app.fhir.validation import Validator
from tests.acceptance.cards import CARDS, SERVICES
from tests.acceptance.hooks import (
    DIAZEPAM,
    JSON,
    RXNORM,
    SELECT,
    SIGN,
    TRAMADOL,
    VIEW,
    actions,
    answered,
    call,
    card_of,
    concept,
    imaging,
    medicine,
    opioid_with_sedative,
    prefetch,
    refused,
    request,
    rules,
    screened_findings,
    searchset,
    taken,
)
from tests.acceptance.wire import Json, finding

VALIDATOR = Validator.load()
IDS = ("clbp-patient-view", "clbp-order-select", "clbp-order-sign")
OPIOID_AND_SEDATIVE = "CDS-OPI-03"
OPIOID_START, OPIOID_DOSE = "CDS-OPI-01", "CDS-OPI-02"
TOKENS = {"context.patientId", "context.userId", "context.encounterId"}


def severe() -> Json:
    """An opioid for a person who takes a benzodiazepine."""
    return request(SIGN, medicine(TRAMADOL), prefetch=opioid_with_sedative())


def unscanned() -> Json:
    """An X-ray for chronic pain, every red flag answered no."""
    found = prefetch(observations=screened_findings())
    return request(SIGN, imaging(), prefetch=found)


EVERY = (
    severe,
    unscanned,
    lambda: request(VIEW),
    lambda: request(SELECT, imaging()),
    lambda: request(SIGN, medicine("25480")),
    lambda: request(SIGN, medicine("5640")),
)


@pytest.fixture(params=EVERY, ids=["opioid", "x-ray", "view", "select", "gabapentin", "ibuprofen"])
def answer(request: pytest.FixtureRequest, service: httpx.Client) -> Json:
    """Answers of every kind of order."""
    return answered(service, request.param())


def walked(node: object, place: str = "") -> Iterator[tuple[str, object]]:
    yield place, node
    if isinstance(node, dict):
        for name, value in node.items():
            yield from walked(value, f"{place}.{name}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from walked(value, f"{place}[{number}]")


# Transport and JSON


def test_ch_01_a_plain_http_server_that_is_not_allowed_is_not_called(
    service: httpx.Client,
) -> None:
    body = request(SIGN, imaging(), fhirServer="http://ehr.example/fhir")
    del body["prefetch"]["observations"]

    told = answered(service, body)["extension"]["health.painplan.gaps"]

    assert [g["prefetch"] for g in told] == ["observations"]
    assert told[0]["state"] == "not"


def test_ch_02_nothing_that_is_sent_is_null_or_empty(answer: Json, service: httpx.Client) -> None:
    for sent in (answer, service.get("/cds-services").json()):
        for place, node in walked(sent):
            assert node not in (None, "", {}), place
            assert node != [] or place in (".cards", ".services"), place


def test_ch_03_everything_is_json_and_nothing_is_cached(service: httpx.Client) -> None:
    for response in (service.get("/cds-services"), call(service, request(VIEW))):
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"


# Discovery and prefetch templates


def test_ch_05_to_ch_09_discovery_has_the_shape_of_the_specification(
    service: httpx.Client,
) -> None:
    SERVICES.validate(service.get("/cds-services").json())


def test_ch_10_ids_are_unique_and_there_is_one_for_each_hook(service: httpx.Client) -> None:
    listed = service.get("/cds-services").json()["services"]

    assert tuple(s["id"] for s in listed) == IDS
    assert len({s["hook"] for s in listed}) == len(listed)


def test_ch_11_every_advertised_id_takes_calls(service: httpx.Client) -> None:
    for listed in service.get("/cds-services").json()["services"]:
        assert call(service, request(listed["hook"]), listed["id"]).status_code == 200


def test_ch_12_to_ch_16_templates_keep_to_the_subset(service: httpx.Client) -> None:
    """CH-12 tokens, CH-13 root fields only, CH-14 the query subset, CH-15 _sort=-date."""
    for listed in service.get("/cds-services").json()["services"]:
        for template in listed["prefetch"].values():
            found = re.findall(r"\{\{(.*?)\}\}", template)
            assert found
            assert set(found) <= TOKENS, template
            url = urlsplit(re.sub(r"\{\{.*?\}\}", "x", template))
            assert re.fullmatch(r"[A-Z][A-Za-z]+(/x)?", url.path), template
            for name, value in parse_qsl(url.query, strict_parsing=bool(url.query)):
                assert re.fullmatch(r"[a-z-]+|_count|_sort", name), template
                assert not re.match(r"(ne|sa|eb|ap)\d", value), template


# Requests


@pytest.mark.parametrize("name", ["hook", "hookInstance", "context"])
def test_ch_17_what_is_required_is_missed_by_name(service: httpx.Client, name: str) -> None:
    body = request(SIGN, imaging())
    del body[name]

    answer = call(service, body, "clbp-order-sign")

    refused(answer, 422, name)
    assert [issue["code"] for issue in answer.json()["issue"]] == ["required"]


@pytest.mark.parametrize("name", ["userId", "patientId", "draftOrders", "selections"])
def test_ch_17_what_the_hook_requires_is_missed_by_name(service: httpx.Client, name: str) -> None:
    body = request(SELECT, imaging())
    del body["context"][name]

    refused(call(service, body), 422, f"context.{name}")


def test_ch_17_a_token_without_its_server_is_refused(service: httpx.Client) -> None:
    body = request(SIGN, imaging(), fhirAuthorization={"access_token": "t", "token_type": "Bearer"})

    refused(call(service, body), 422, "fhirServer")


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"hook": NaN}'])
def test_ch_18_what_cannot_be_parsed_is_400(service: httpx.Client, body: bytes) -> None:
    answer = service.post("/cds-services/clbp-order-sign", content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"null", b"{}"])
def test_ch_18_what_is_json_and_no_request_is_422(service: httpx.Client, body: bytes) -> None:
    answer = service.post("/cds-services/clbp-order-sign", content=body, headers=JSON)

    assert answer.status_code == 422
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_ch_18_a_hook_for_another_service_is_422(service: httpx.Client) -> None:
    refused(call(service, request(SIGN, imaging()), "clbp-order-select"), 422, "hook")


def test_an_unknown_service_is_404(service: httpx.Client) -> None:
    for path in ("/cds-services/other", "/cds-services/other/feedback"):
        answer = service.post(path, json=request(VIEW), headers=JSON)
        assert answer.status_code == 404
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_ch_19_what_is_not_known_is_ignored(service: httpx.Client) -> None:
    body = severe()
    junk = copy.deepcopy(body)
    junk["extension"] = {"com.example": {"a": [1, None]}}
    junk["context"]["com.example"] = [None]
    junk["prefetch"]["com.example"] = 12

    assert cards_of(answered(service, junk)) == cards_of(answered(service, body))


def cards_of(answer: Json) -> list[Json]:
    """Without what names the decision, and the times of drafts to create."""
    text = repr([{k: v for k, v in c.items() if k != "links"} for c in answer["cards"]])
    return [re.sub(r"'authoredOn': '[^']*'", "", text)]  # type: ignore[list-item]  # compared only


def test_ch_20_an_omitted_key_was_not_looked_up(service: httpx.Client) -> None:
    body = severe()
    del body["prefetch"]["medications"]

    found = answered(service, body)

    assert OPIOID_AND_SEDATIVE not in [
        c["extension"]["health.painplan.rule"]
        for c in found["cards"]
        if c["indicator"] == "critical"
    ]
    gap = found["extension"]["health.painplan.gaps"][0]
    assert (gap["prefetch"], gap["state"]) == ("medications", "not")


@pytest.mark.parametrize("nothing", [None, {"resourceType": "Bundle", "type": "searchset"}])
def test_ch_20_null_and_an_empty_bundle_were_looked_up_and_are_no_gap(
    service: httpx.Client, nothing: Json | None
) -> None:
    body = severe()
    body["prefetch"]["medications"] = nothing

    found = answered(service, body)

    assert OPIOID_AND_SEDATIVE not in rules(found)
    assert "health.painplan.gaps" not in found["extension"]


def test_ch_20_an_operation_outcome_is_a_look_that_failed(service: httpx.Client) -> None:
    body = severe()
    issue = {"severity": "error", "code": "timeout"}
    body["prefetch"]["medications"] = {"resourceType": "OperationOutcome", "issue": [issue]}

    gap = answered(service, body)["extension"]["health.painplan.gaps"][0]

    assert (gap["prefetch"], gap["state"]) == ("medications", "failed")


def test_ch_20_another_type_is_422(service: httpx.Client) -> None:
    values: tuple[Any, ...] = ({"resourceType": "Patient", "id": "p1"}, [], "x", 7)
    for wrong in values:
        body = severe()
        body["prefetch"]["medications"] = wrong
        answer = call(service, body)
        assert answer.status_code == 422, wrong


@pytest.mark.parametrize("key", ["patient", "conditions", "medications"])
def test_ch_20_another_patients_data_is_422(service: httpx.Client, key: str) -> None:
    body = severe()
    body["prefetch"][key] = prefetch("p2", taken(DIAZEPAM, "p2"))[key]

    answer = call(service, body)

    assert answer.status_code == 422
    assert f"prefetch.{key}" in answer.text


def test_ch_20_a_draft_or_a_token_for_another_patient_is_422(service: httpx.Client) -> None:
    where = "context.draftOrders.entry[0].resource.subject"
    refused(call(service, request(SIGN, imaging("p2"))), 422, where)

    token = {"access_token": "t", "token_type": "Bearer", "patient": "p2"}
    body = request(SIGN, fhirServer="https://ehr.example/fhir", fhirAuthorization=token)
    refused(call(service, body), 422, "fhirAuthorization.patient")


def test_ch_21_nothing_known_from_anywhere_is_412(service: httpx.Client) -> None:
    nothing: tuple[Json | None, ...] = ({}, None)
    for sent in nothing:
        body = request(SIGN, imaging("nobody"), of="nobody", prefetch=sent)
        refused(call(service, body), 412, "prefetch")
    body = request(SIGN, imaging("nobody"), of="nobody", fhirServer="https://not.allowed/fhir")
    del body["prefetch"]
    refused(call(service, body), 412, "prefetch")


def test_ch_22_what_is_stored_here_of_the_patient_counts(service: httpx.Client) -> None:
    of = str(uuid.uuid4())
    found = opioid_with_sedative(of)
    resources = [found["patient"], found["conditions"]["entry"][0]["resource"]]
    resources.append(found["medications"]["entry"][0]["resource"])
    entries = [{"resource": r, "fullUrl": f"{r['resourceType']}/{r['id']}"} for r in resources]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    service.post("/fhir/$derive", json=bundle).raise_for_status()

    body = request(SIGN, medicine(TRAMADOL, of), of=of)
    del body["prefetch"]

    assert OPIOID_AND_SEDATIVE in rules(answered(service, body))


def test_ch_23_a_page_with_a_next_one_is_not_all_there_is(service: httpx.Client) -> None:
    body = severe()
    body["prefetch"]["medications"] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": "https://ehr.example/fhir?page=2"}],
    }

    gap = answered(service, body)["extension"]["health.painplan.gaps"][0]

    assert (gap["prefetch"], gap["state"]) == ("medications", "some")


@pytest.mark.parametrize(
    "sent",
    [
        {**searchset(taken(DIAZEPAM)), "total": 2},
        taken(DIAZEPAM),
    ],
    ids=["fewer than its total", "bare"],
)
def test_ch_23_what_is_less_than_a_search_found_is_not_all_there_is(
    service: httpx.Client, sent: Json
) -> None:
    body = request(SIGN, medicine(TRAMADOL))
    body["prefetch"]["medications"] = sent
    found = answered(service, body)

    assert OPIOID_AND_SEDATIVE in rules(found)
    gaps = {g["prefetch"]: g["state"] for g in found["extension"]["health.painplan.gaps"]}
    assert gaps["medications"] == "some"


MEDICATION_URL = "urn:uuid:6b0f9d62-65a5-4d0f-8b4f-000000000001"


def pointing(link: str, code: str = DIAZEPAM, **more: Any) -> Json:
    """A medicine that is taken, coded on the Medication it refers to."""
    plain = {n: v for n, v in taken(code).items() if n != "medicationCodeableConcept"}
    return {**plain, "medicationReference": {"reference": link}, **more}


def medication(code: str = DIAZEPAM) -> Json:
    return {"resourceType": "Medication", "id": "md", "code": concept(RXNORM, code)}


def found_with(*entries: Json) -> Json:
    """The answer to a search that found one medicine and brought along what it refers to."""
    return {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": list(entries)}


@pytest.mark.parametrize(
    "sent",
    [
        found_with({"resource": pointing("Medication/md")}, {"resource": medication()}),
        found_with(
            {"resource": pointing("Medication/md/_history/2"), "search": {"mode": "match"}},
            {"resource": medication(), "search": {"mode": "include"}},
        ),
        found_with(
            {"resource": pointing("https://ehr.example/fhir/Medication/md")},
            {"resource": medication()},
        ),
        found_with(
            {"resource": pointing(MEDICATION_URL)},
            {"fullUrl": MEDICATION_URL, "resource": medication()},
        ),
        found_with({"resource": pointing("#md", contained=[medication()])}),
    ],
    ids=["beside", "included", "absolute", "fullUrl", "contained"],
)
def test_a_medicine_is_known_by_the_medication_it_refers_to(
    service: httpx.Client, sent: Json
) -> None:
    body = request(SIGN, medicine(TRAMADOL))
    body["prefetch"]["medications"] = sent

    found = answered(service, body)

    assert card_of(found, OPIOID_AND_SEDATIVE)["indicator"] == "critical"
    assert "health.painplan.gaps" not in found["extension"]


@pytest.mark.parametrize(
    "change", [{"status": "entered-in-error"}, {"id": "another"}, {"code": {"text": "?"}}]
)
def test_a_medication_that_tells_nothing_leaves_the_medicine_unknown(
    service: httpx.Client, change: Json
) -> None:
    body = request(SIGN, medicine(TRAMADOL))
    body["prefetch"]["medications"] = found_with(
        {"resource": pointing("Medication/md")}, {"resource": {**medication(), **change}}
    )

    assert card_of(answered(service, body), OPIOID_AND_SEDATIVE)["indicator"] == "info"


PARACETAMOL = {"itemCodeableConcept": concept(RXNORM, "161")}


@pytest.mark.parametrize(
    ("others", "is_opioid"),
    [
        ([], False),
        ([{"itemCodeableConcept": concept(RXNORM, TRAMADOL)}], True),
        ([{"itemCodeableConcept": {"text": "Tramadol"}}], True),
        ([{"itemCodeableConcept": concept("urn:local", "Q1")}], None),
        ([{"itemReference": {"reference": "Substance/1"}}], None),
    ],
    ids=["alone", "coded", "in words", "unknown", "elsewhere"],
)
def test_a_medicine_of_several_ingredients_is_known_when_each_is(
    service: httpx.Client, others: list[Json], is_opioid: bool | None
) -> None:
    whole = {"resourceType": "Medication", "id": "x", "ingredient": [PARACETAMOL, *others]}
    draft = medicine(TRAMADOL, contained=[whole], medicationReference={"reference": "#x"})
    del draft["medicationCodeableConcept"]

    found = answered(service, request(SIGN, draft))

    undecided = {u["rule"] for u in found["extension"]["health.painplan.undecided"]}
    assert (OPIOID_START in rules(found)) == (is_opioid is True)
    assert (OPIOID_START in undecided) == (is_opioid is None)


def test_a_medicine_that_is_taken_is_known_when_each_ingredient_is(service: httpx.Client) -> None:
    def critical(*ingredients: Json) -> bool:
        whole = {"resourceType": "Medication", "id": "x", "ingredient": list(ingredients)}
        body = request(SIGN, medicine(TRAMADOL))
        body["prefetch"]["medications"] = searchset(pointing("#x", contained=[whole]))
        card = card_of(answered(service, body), OPIOID_AND_SEDATIVE)
        return bool(card["indicator"] == "critical")

    assert critical(PARACETAMOL, {"itemCodeableConcept": {"text": "Diazepam"}})
    assert not critical(PARACETAMOL, {"itemReference": {"reference": "Substance/1"}})


@pytest.mark.parametrize("value", [-5, 1e300])
def test_a_dose_that_nobody_can_take_is_unknown_and_no_fault(
    service: httpx.Client, value: float
) -> None:
    dose = {"value": value, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    daily = {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}
    instruction = {"timing": daily, "doseAndRate": [{"doseQuantity": dose}]}

    found = answered(service, request(SIGN, medicine(TRAMADOL, dosageInstruction=[instruction])))

    assert "health.painplan.faults" not in found["extension"]
    assert card_of(found, OPIOID_DOSE)["indicator"] == "info"


def test_a_draft_is_known_by_a_medication_of_the_prefetch(service: httpx.Client) -> None:
    draft = medicine(TRAMADOL)
    del draft["medicationCodeableConcept"]
    body = request(SIGN, {**draft, "medicationReference": {"reference": "Medication/md"}})
    body["prefetch"]["medications"] = found_with(
        {"resource": taken(DIAZEPAM)}, {"resource": medication(TRAMADOL)}
    )

    assert card_of(answered(service, body), OPIOID_AND_SEDATIVE)["indicator"] == "critical"


def test_ch_25_a_malformed_token_is_not_used(service: httpx.Client) -> None:
    for token in ({"access_token": 7}, {"access_token": "t", "token_type": "mac"}, {}):
        body = severe()
        body |= {"fhirServer": "https://ehr.example/fhir", "fhirAuthorization": token}
        assert OPIOID_AND_SEDATIVE in rules(answered(service, body))


@pytest.mark.parametrize(
    "draft",
    [
        {"resourceType": "ProcedureRequest", "code": {"text": "MRI lumbar"}},
        {"resourceType": "MedicationOrder", "medicationCodeableConcept": {"text": "tramadol"}},
        {"resourceType": "DiagnosticOrder", "item": [{"code": {"text": "MRI lumbar spine"}}]},
        {"resourceType": "DeviceUseRequest", "device": {"display": "lumbar brace"}},
        {"resourceType": "VisionPrescription"},
        {"resourceType": "ServiceRequest", "code": {"coding": [{}]}, "reasonCode": []},
        {"resourceType": "ServiceRequest", "code": 7, "reasonCode": "x", "status": ["draft"]},
        {"resourceType": "MedicationRequest", "dosageInstruction": [[], None, {"timing": 4}]},
        {"resourceType": "NutritionOrder", "oralDiet": {"instruction": "bed rest"}},
    ],
)
def test_ch_27_older_shapes_and_invalid_drafts_do_not_crash(
    service: httpx.Client, draft: Json
) -> None:
    answer = call(service, request(SIGN, draft))

    assert answer.status_code == 200, answer.text


def test_a_draft_that_no_rule_reads_is_named(service: httpx.Client) -> None:
    found = answered(service, request(SIGN, {"resourceType": "VisionPrescription", "id": "v1"}))

    unread = found["extension"]["health.painplan.unread"]
    assert unread[0]["order"] == "VisionPrescription/v1"


def test_ch_28_only_what_is_selected_is_advised_on(service: httpx.Client) -> None:
    body = request(SELECT, medicine(TRAMADOL), imaging(), prefetch=unscanned()["prefetch"])
    body["context"]["selections"] = ["MedicationRequest/m1"]

    found = answered(service, body)

    assert not [rule for rule in rules(found) if rule.startswith("CDS-IMG")]
    assert [rule for rule in rules(found) if not rule.startswith("CDS-IMG")]


def test_ch_28_the_other_drafts_are_considered(service: httpx.Client) -> None:
    sedative = medicine(DIAZEPAM, id="m2")
    body = request(SELECT, medicine(TRAMADOL), sedative)
    body["context"]["selections"] = ["MedicationRequest/m1"]

    assert OPIOID_AND_SEDATIVE in rules(answered(service, body))


@pytest.mark.parametrize("selection", ["m1", "https://ehr.example/fhir/MedicationRequest/m1"])
def test_a_selection_may_be_the_id_alone_or_absolute(service: httpx.Client, selection: str) -> None:
    body = request(SELECT, medicine(TRAMADOL), imaging(), prefetch=unscanned()["prefetch"])
    body["context"]["selections"] = ["MedicationRequest/m1"]
    by_reference = rules(answered(service, body))
    body["context"]["selections"] = [selection]

    assert rules(answered(service, body)) == by_reference


@pytest.mark.parametrize("selection", ["MedicationRequest/none", "none", "", 7, None])
def test_a_selection_that_points_nowhere_is_422(service: httpx.Client, selection: Any) -> None:
    body = request(SELECT, imaging())
    body["context"]["selections"].append(selection)

    refused(call(service, body), 422, "context.selections[1]")


def test_ch_29_an_incomplete_draft_is_taken(service: httpx.Client) -> None:
    draft = {"resourceType": "MedicationRequest", "id": "m1", "status": "draft"}

    assert answered(service, request(SELECT, draft))["cards"] == []


def test_ch_30_an_order_that_is_signed_again_is_evaluated(service: httpx.Client) -> None:
    body = request(SIGN, medicine(TRAMADOL, status="active"), prefetch=opioid_with_sedative())

    assert OPIOID_AND_SEDATIVE in rules(answered(service, body))


@pytest.mark.parametrize("path", ["fhirServer", "context.encounterId"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_ch_29_what_need_not_be_sent_may_be_sent_empty(
    service: httpx.Client, path: str, nothing: str | None
) -> None:
    body = request(SIGN, medicine(TRAMADOL), prefetch=opioid_with_sedative())
    holder = body["context"] if path.startswith("context.") else body
    holder[path.rpartition(".")[2]] = nothing

    assert OPIOID_AND_SEDATIVE in rules(answered(service, body))


def test_ch_29_no_list_of_drafts_is_an_empty_one(service: httpx.Client) -> None:
    body = request(SIGN)
    body["context"]["draftOrders"]["entry"] = None

    assert answered(service, body)["cards"] == []


@pytest.mark.parametrize("entry", [{}, {"resource": None}, {"resource": {"id": "x"}}, 7, None])
def test_a_draft_that_is_no_resource_is_422(service: httpx.Client, entry: Any) -> None:
    body = request(SIGN)
    body["context"]["draftOrders"]["entry"] = [entry]

    refused(call(service, body), 422, "context.draftOrders.entry[0].resource")


def test_drafts_beyond_what_is_reviewed_are_named(service: httpx.Client) -> None:
    drafts = [imaging(id=f"i{n}") for n in range(100)]
    found = answered(service, request(SIGN, *drafts))

    left = {u["order"] for u in found["extension"]["health.painplan.unread"]}
    looked_at = {u["order"] for u in found["extension"]["health.painplan.undecided"]}
    assert left | looked_at == {f"ServiceRequest/i{n}" for n in range(100)}


def test_two_drafts_of_one_id_are_told_apart_by_their_places(service: httpx.Client) -> None:
    body = request(SELECT, medicine(TRAMADOL), medicine(TRAMADOL))
    body["prefetch"] = opioid_with_sedative()
    found = answered(service, body)

    assert rules(found).count(OPIOID_AND_SEDATIVE) >= 1
    assert not [a for a in actions(found) if a["type"] == "delete"]


def test_a_selection_may_name_the_full_url(service: httpx.Client) -> None:
    body = request(SELECT, medicine(TRAMADOL), prefetch=opioid_with_sedative())
    del body["context"]["draftOrders"]["entry"][0]["resource"]["id"]
    name = "urn:uuid:0c5c1f7a-820e-5a2a-8e64-b030e417908e"
    body["context"]["draftOrders"]["entry"][0]["fullUrl"] = name
    body["context"]["selections"] = [name]

    assert OPIOID_AND_SEDATIVE in rules(answered(service, body))


def test_a_thousand_drafts_are_answered_and_those_not_looked_at_are_named(
    service: httpx.Client,
) -> None:
    """Contract §5 has 413 for 5 MB and no limit of drafts: what a rule is about is looked at."""
    statin: Json = {"medicationCodeableConcept": {"text": "atorvastatin"}}
    others = [medicine("", id=f"s{n}", **statin) for n in range(998)]
    drafts = [*others, medicine(TRAMADOL, id="t"), imaging(id="i")]
    found = answered(service, request(SIGN, *drafts, prefetch=opioid_with_sedative()))

    assert OPIOID_AND_SEDATIVE in rules(found)
    left = {u["order"] for u in found["extension"]["health.painplan.unread"]}
    assert len(left) == 1000 - MOST_ORDERS
    assert not left & {"MedicationRequest/t", "ServiceRequest/i"}


def test_a_body_over_5_mb_is_413(service: httpx.Client) -> None:
    body = request(SIGN, imaging(), extension={"x": "y" * (5 * 1024 * 1024)})

    assert call(service, body).status_code == 413


# Cards


def test_ch_31_to_ch_52_every_answer_passes_the_schema_of_the_specification(answer: Json) -> None:
    """CH-31 cards, CH-33 indicator, CH-34 source, CH-36 topic, CH-39 to CH-42, CH-45, CH-47."""
    CARDS.validate(answer)


def test_an_opioid_that_is_renewed_counts_once_if_the_draft_says_so(service: httpx.Client) -> None:
    """S-35: named as the prior prescription it is replaced, else both count and that is said."""
    dose = {
        "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [
            {
                "doseQuantity": {
                    "value": 30,
                    "unit": "mg",
                    "system": "http://unitsofmeasure.org",
                    "code": "mg",
                }
            }
        ],
    }
    morphine: Json = {
        "medicationCodeableConcept": {"text": "morphine"},
        "dosageInstruction": [dose],
    }
    listed = {**taken(""), **morphine, "id": "before"}
    prior = {"priorPrescription": {"reference": "MedicationRequest/before"}}

    def told(**more: Any) -> Json:
        draft = {**medicine(""), **morphine, **more, "id": "now"}
        cards = answered(service, request(SIGN, draft, prefetch=prefetch("p1", listed)))["cards"]
        named = "CDS-OPI-02"
        return next(c for c in cards if c["extension"]["health.painplan.rule"] == named)

    renewed, beside = told(**prior), told()

    assert "60 MME/day (>=50)" in renewed["summary"]
    assert "prior prescription" not in renewed["detail"]
    assert "120 MME/day (>=90)" in beside["summary"]
    assert "prior prescription" in beside["detail"]


def test_ch_31_nothing_to_say_is_an_empty_list(service: httpx.Client) -> None:
    sinusitis = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J01.90"}]}
    draft = medicine("723", reasonCode=[sinusitis])

    assert answered(service, request(SIGN, draft))["cards"] == []


def test_ch_32_summaries_are_shorter_than_140_characters(answer: Json) -> None:
    assert all(len(card["summary"]) < 140 for card in answer["cards"])


def test_ch_33_critical_comes_first(answer: Json) -> None:
    order = ["critical", "warning", "info"]
    found = [order.index(card["indicator"]) for card in answer["cards"]]

    assert found == sorted(found)


def test_ch_35_the_drill_down_is_a_link_and_the_source_is_not(
    service: httpx.Client, answer: Json
) -> None:
    for card in answer["cards"]:
        assert "/decisions/" not in card["source"]["url"]
        path = urlsplit(card["links"][0]["url"]).path
        page = service.get(path)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")


def test_ch_37_uuids_are_unique_and_a_repeated_call_gives_the_same(service: httpx.Client) -> None:
    body = severe()
    first, second = answered(service, body), answered(service, body)

    assert uuids(first) == uuids(second)
    assert len(set(uuids(first))) == len(uuids(first))
    body["hookInstance"] = str(uuid.uuid4())
    assert not set(uuids(first)) & set(uuids(answered(service, body)))


def uuids(answer: Json) -> list[str]:
    cards = answer["cards"]
    return [c["uuid"] for c in cards] + [s["uuid"] for c in cards for s in c.get("suggestions", ())]


def test_ch_38_what_comes_from_outside_is_text_in_the_markdown(service: httpx.Client) -> None:
    evil = "<script>alert(1)</script> [a](http://evil.example) ![b](x) www.evil.example"
    draft = medicine(TRAMADOL)
    draft["medicationCodeableConcept"]["text"] = evil
    body = request(SIGN, draft, prefetch=opioid_with_sedative())

    detail = card_of(answered(service, body), OPIOID_AND_SEDATIVE)["detail"]

    assert "alert" in detail
    assert not re.search(r"(?<!\\)<|(?<!\\)\]\(|http://|www\.", detail)


def test_ch_40_at_most_one_suggestion_is_recommended(answer: Json) -> None:
    for card in answer["cards"]:
        assert sum(s.get("isRecommended", False) for s in card.get("suggestions", ())) <= 1


def test_ch_41_reasons_are_ours_and_hl7s(service: httpx.Client) -> None:
    card = card_of(answered(service, severe()), OPIOID_AND_SEDATIVE)

    systems = {reason["system"] for reason in card["overrideReasons"]}
    assert systems == {
        "https://painplan.health/fhir/CodeSystem/override-reason",
        "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes",
    }


def test_ch_43_the_detail_names_the_order(service: httpx.Client) -> None:
    first, second = medicine(TRAMADOL), medicine(TRAMADOL, id="m2")
    first["medicationCodeableConcept"]["text"] = "the first one"
    second["medicationCodeableConcept"]["text"] = "the second one"
    body = request(SIGN, first, second, prefetch=opioid_with_sedative())

    details = [c["detail"] for c in answered(service, body)["cards"]]

    assert any("the first one" in d and "the second one" not in d for d in details)
    assert any("the second one" in d and "the first one" not in d for d in details)


def test_ch_46_changes_are_to_drafts_that_came(answer: Json) -> None:
    for action in actions(answer):
        if action["type"] == "delete":
            assert action["resourceId"] in ("MedicationRequest/m1", "ServiceRequest/i1")
        if action["type"] == "update":
            assert action["resource"]["id"] in ("m1", "i1")


def test_ch_46_a_draft_without_an_id_is_neither_deleted_nor_changed(service: httpx.Client) -> None:
    draft = medicine(TRAMADOL)
    del draft["id"]
    found = answered(service, request(SIGN, draft, prefetch=opioid_with_sedative()))

    assert OPIOID_AND_SEDATIVE in rules(found)
    assert {action["type"] for action in actions(found)} <= {"create"}


def test_ch_48_what_is_created_is_valid_r4(answer: Json) -> None:
    for action in actions(answer):
        if action["type"] == "create":
            resource = action["resource"]
            assert VALIDATOR.problems(resource) == ()
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_ch_49_a_change_of_the_test_keeps_the_rest_of_the_order(service: httpx.Client) -> None:
    weak = finding("motor-weakness-progressive", True, effectiveDateTime="2026-11-20T09:00:00Z")
    others = (o for o in screened_findings() if o["id"] != weak["id"])
    unknown = [{"url": "https://ehr.example/x", "valueString": "kept"}]
    draft = imaging(extension=unknown, note=[{"text": "kept"}])
    body = request(SIGN, draft, prefetch=prefetch(observations=(*others, weak)))

    changed = [a["resource"] for a in actions(answered(service, body)) if a["type"] == "update"]

    assert changed
    for resource in changed:
        assert resource["code"]["coding"][0]["code"] == "30679-5"
        assert {k for k in resource if resource[k] != draft.get(k)} == {"code"}
        assert VALIDATOR.problems(resource) == ()


@pytest.mark.parametrize("id_", ["\u202e\U0001f9b4", "a/b", "x" * 65, "a b"])
def test_ch_46_a_draft_whose_id_is_none_is_neither_deleted_nor_changed(
    service: httpx.Client, id_: str
) -> None:
    found = answered(
        service, request(SIGN, medicine(TRAMADOL, id=id_), prefetch=opioid_with_sedative())
    )

    assert OPIOID_AND_SEDATIVE in rules(found)
    assert not [a for a in actions(found) if a["type"] != "create"]
    CARDS.validate(found)


@pytest.mark.parametrize("name", ["hookInstance", "userId", "encounterId"])
def test_a_name_that_cannot_be_printed_is_422(service: httpx.Client, name: str) -> None:
    """PostgreSQL keeps no NUL in a text, and no log wants one."""
    body = request(SIGN, imaging())
    node = body if name == "hookInstance" else body["context"]
    node[name] = "Practitioner/1\x00"

    refused(call(service, body), 422, name if node is body else f"context.{name}")


def test_ch_49_a_draft_that_is_no_valid_r4_is_not_sent_back_changed(service: httpx.Client) -> None:
    weak = finding("motor-weakness-progressive", True, effectiveDateTime="2026-11-20T09:00:00Z")
    others = (o for o in screened_findings() if o["id"] != weak["id"])
    draft = imaging(category={"text": "an object in place of a list"})
    found = answered(service, request(SIGN, draft, prefetch=prefetch(observations=(*others, weak))))

    assert "CDS-IMG-03" in rules(found)
    assert not [a for a in actions(found) if a["type"] == "update"]


def test_ch_49_a_change_holds_the_whole_draft_with_what_we_do_not_know(
    service: httpx.Client,
) -> None:
    body = request(
        SIGN,
        medicine(TRAMADOL, reasonCode=[ACUTE], **supply(14)),
        prefetch=acute_prefetch(),
    )
    draft = body["context"]["draftOrders"]["entry"][0]["resource"]
    draft["extension"] = [{"url": "https://ehr.example/x", "valueDecimal": 1.5}]

    changed = [a["resource"] for a in actions(answered(service, body)) if a["type"] == "update"]

    assert changed
    for resource in changed:
        assert resource["extension"] == draft["extension"]
        differing = {k for k in {*resource, *draft} if resource.get(k) != draft.get(k)}
        assert differing == {"dispenseRequest"}
        assert VALIDATOR.problems(resource) == ()
        get_fhir_model_class("MedicationRequest").model_validate(resource)


def test_ch_49_what_extends_a_primitive_stays_beside_it(service: httpx.Client) -> None:
    body = request(
        SIGN,
        medicine(TRAMADOL, reasonCode=[ACUTE], **supply(14)),
        prefetch=acute_prefetch(),
    )
    draft = body["context"]["draftOrders"]["entry"][0]["resource"]
    noted = {"extension": [{"url": "https://ehr.example/x", "valueString": "at noon"}]}
    timing = {"event": ["2026-06-01", "2026-06-02"], "_event": [None, noted]}
    draft["dosageInstruction"] = [{"timing": timing}]

    changed = [a["resource"] for a in actions(answered(service, body)) if a["type"] == "update"]

    assert [one["dosageInstruction"][0]["timing"] for one in changed] == [timing]


ACUTE = {
    "text": "Low back pain",
    "coding": [{"system": "http://snomed.info/sct", "code": "279039007"}],
}


def supply(days: int) -> Json:
    duration = {
        "value": days,
        "unit": "days",
        "system": "http://unitsofmeasure.org",
        "code": "d",
    }
    return {"dispenseRequest": {"expectedSupplyDuration": duration}}


def acute_prefetch() -> Json:
    """Pain of two weeks."""
    weeks = finding("pain-duration-weeks", 2, effectiveDateTime="2026-11-20T09:00:00Z")
    found = prefetch(observations=(*screened_findings(), weeks))
    found["conditions"] = None
    return found


def test_ch_53_there_are_no_system_actions(answer: Json) -> None:
    assert "systemActions" not in answer


def test_an_alert_is_capped_at_three_and_what_was_left_out_is_named(service: httpx.Client) -> None:
    codes = (TRAMADOL, "7052", "5640", "25480", "3322")
    drafts = [medicine(code, id=f"m{n}") for n, code in enumerate(codes)]
    found = answered(service, request(SIGN, *drafts))

    plain = [c for c in found["cards"] if c["indicator"] != "critical"]
    assert len(plain) <= 3
    assert found["extension"]["health.painplan.suppressed"]


def test_what_could_not_be_decided_is_named_with_what_it_lacks(service: httpx.Client) -> None:
    found = answered(service, request(SIGN, imaging()))

    undecided = found["extension"]["health.painplan.undecided"]
    assert all(one["rule"] and one["order"] == "ServiceRequest/i1" for one in undecided)
    assert any(one["lacks"] for one in undecided)
