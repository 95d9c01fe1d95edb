import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.problem import NotAllowed, NotUnderstood, Refusal, Refused
from app.fhir.reading.submission import read_bare, read_one
from tests.fhir.reading.wire import (
    CANON,
    PATIENT,
    Json,
    asked,
    bundle,
    finding,
    parameters,
    response,
    validator,
    why_not_used,
)

LOCALISED = finding("pain-localised", valueBoolean=True)
URL = "urn:uuid:6c1a0b9e-2f1d-4d43-8a57-6f0e0b8f4a11"
DEEP = b"[" * 5000 + b"]" * 5000
SUBJECT: Json = {"name": "subject", "valueString": "p1"}


def data(*resources: Json) -> Json:
    return {"name": "data", "resource": bundle(*resources)}


def refused(document: object, kind: type[Refusal] = Refused, **how: Any) -> list[str]:
    """Where the problems are for which a request is refused."""
    with pytest.raises(kind) as refusal:
        asked(document, **how)
    return [p.where for p in refusal.value.problems]


def said(document: object, kind: type[Refusal] = NotUnderstood) -> str:
    """The words with which a request is refused."""
    with pytest.raises(kind) as refusal:
        asked(document)
    return str(refusal.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"resourceType": "Bundle", "type"',
        b'{"resourceType": "Bundle",}',
        b"{'resourceType': 'Bundle'}",
        b'{"resourceType": "Bundle", "total": NaN}',
        b'{"resourceType": "Bundle", "total": 1e999}',
        b'{"resourceType": "Bundle"} x',
        b'{"resourceType": "Bundle", "id": "\xff"}',
        b'{"resourceType": "Bundle", "id": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"<Bundle/>",
        b"\x00",
    ],
)
def test_what_is_no_json_is_refused_with_the_place_where_the_parser_stopped(body: bytes) -> None:
    words = said(body)

    assert "not JSON" in words
    assert "line" in words


@pytest.mark.parametrize(
    "body", [b"null", b"1", b'"Bundle"', b"[]", b"{}", b'{"resourceType": 1}', b'[{"a": 1}]']
)
def test_json_that_is_no_resource_is_refused(body: bytes) -> None:
    assert "no resourceType" in said(body)


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"resourceType":"Bundle","type":"collection","entry":' + DEEP + b"}",
        b'{"resourceType":"Bundle","a":' * 70 + b"1" + b"}" * 70,
    ],
)
def test_thousands_of_brackets_are_refused_as_too_deep(body: bytes) -> None:
    assert "nested more than" in said(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Bundle","type":"collection","type":"batch"}',
        b'{"resourceType":"Bundle","type":"collection","t\\u0079pe":"batch"}',
        b'{"resourceType" : "Bundle", "type" : "collection", "type" : "batch"}',
        b'{"resourceType":"Bundle","entry":[{"resource":{"id":"p1","birthDate":"1","birthDate":"2"}}]}',
    ],
)
def test_a_property_that_stands_twice_is_refused(body: bytes) -> None:
    assert "stands twice" in said(body)


@pytest.mark.parametrize(
    "text", ["a", ":", '":', '": "', "\\", '\\":', " :", '" : "', 'birthDate": "1980', '"id":"p1"']
)
@pytest.mark.parametrize("separator", [":", ": ", " :", " : ", "\n:\t"])
def test_a_text_that_looks_like_json_is_no_property(text: str, separator: str) -> None:
    patient = {**PATIENT, "name": [{"text": text}]}
    body = json.dumps(bundle(patient), separators=(",", separator)).encode()

    assert asked(body).subject == "p1"


@pytest.mark.parametrize("operation", ["derive", "apply"])
def test_another_resource_than_expected_is_refused(operation: str) -> None:
    where = refused(PATIENT, NotUnderstood, operation=operation)

    assert where == ["resourceType"]


def test_apply_takes_parameters_only() -> None:
    assert refused(bundle(PATIENT), NotUnderstood, operation="apply") == ["resourceType"]


def test_the_one_patient_of_a_bundle_is_the_subject() -> None:
    submission = asked(bundle(PATIENT, LOCALISED))

    assert submission.subject == "p1"
    assert [r.reference for r in submission.resources] == [
        "Patient/p1",
        "Observation/o-pain-localised",
    ]


def test_two_patients_are_refused_and_both_are_shown() -> None:
    where = refused(bundle(PATIENT, {**PATIENT, "id": "p2"}))

    assert where == ["Bundle.entry[0].resource", "Bundle.entry[1].resource"]


def test_another_patient_than_the_subject_is_refused() -> None:
    other = {**PATIENT, "id": "p2"}

    assert refused(parameters(SUBJECT, data(other))) == [
        "Parameters.parameter[1].resource.entry[0].resource"
    ]


@pytest.mark.parametrize(
    "document", [bundle(LOCALISED), bundle(), parameters(data(LOCALISED)), parameters()]
)
def test_no_patient_is_refused(document: Json) -> None:
    if not document.get("entry", True):
        del document["entry"]
    if not document.get("parameter", True):
        del document["parameter"]

    assert len(refused(document)) == 1


@pytest.mark.parametrize(
    ("resource", "element"),
    [
        (finding("pain-localised", subject={"reference": "Patient/p2"}), "subject"),
        (finding("pain-localised", subject={"reference": "Group/p1"}), "subject"),
        (finding("pain-localised", subject={"display": "Ada"}), "subject"),
        (
            response(subject={"reference": "https://ehr.example/fhir/Patient/p2"}, item=None),
            "subject",
        ),
    ],
)
def test_a_resource_of_another_subject_is_refused(resource: Json, element: str) -> None:
    assert refused(bundle(PATIENT, resource)) == [f"Bundle.entry[1].resource.{element}"]


def test_an_allergy_of_another_patient_is_refused() -> None:
    clinical = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": clinical, "code": "active"}]},
        "patient": {"reference": "Patient/p2"},
    }

    assert refused(bundle(PATIENT, allergy)) == ["Bundle.entry[1].resource.patient"]


def test_a_resource_that_names_nobody_is_listed_and_not_used() -> None:
    submission = asked(bundle(PATIENT, finding("pain-localised", subject=None)))

    assert [r.type for r in submission.resources] == ["Patient"]
    assert "names no patient" in why_not_used(submission.not_used, "Observation/o-pain-localised")


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "Patient/p1/_history/2", "https://ehr.example/fhir/Patient/p1", URL],
)
def test_the_patient_may_be_named_in_every_way_of_fhir(reference: str) -> None:
    everything = bundle(PATIENT, finding("pain-localised", subject={"reference": reference}))
    everything["entry"][0]["fullUrl"] = URL

    assert {r.patient for r in asked(everything).resources} == {"p1"}


def test_a_resource_without_id_gets_the_uuid_of_its_full_url() -> None:
    everything = bundle({"resourceType": "Patient"}, finding("a", subject={"reference": URL}))
    everything["entry"][0]["fullUrl"] = URL

    submission = asked(everything)

    assert submission.subject == URL.removeprefix("urn:uuid:")
    assert submission.resources[0].source == URL


@pytest.mark.parametrize("url", ["urn:uuid:../../x", "urn:uuid:1", "urn:oid:1.2", "https://a/b"])
def test_a_full_url_that_is_no_uuid_gives_no_id(url: str) -> None:
    everything = bundle({"resourceType": "Patient"})
    everything["entry"][0]["fullUrl"] = url

    first, again = asked(everything), asked(everything)

    assert first.subject == again.subject
    assert len(first.subject) == 36
    assert "/" not in first.subject


def test_a_type_that_is_not_read_is_listed_and_not_looked_into() -> None:
    other = {"resourceType": "Slot", "id": "s", "start": "never"}

    submission = asked(bundle(PATIENT, other))

    assert "does not read" in why_not_used(submission.not_used, "Slot/s")
    assert len(submission.resources) == 1


@pytest.mark.parametrize(
    "derived",
    [
        {"identifier": [{"system": f"{CANON}/decision", "value": "1"}]},
        {"meta": {"profile": [f"{CANON}/StructureDefinition/painplan-red-flag-gate"]}},
    ],
)
def test_what_we_concluded_earlier_is_listed_and_never_an_input(derived: Json) -> None:
    submission = asked(bundle(PATIENT, finding("pain-localised", valueBoolean=True, **derived)))

    assert len(submission.resources) == 1
    assert "derived" in why_not_used(submission.not_used, "Observation/o-pain-localised")


@pytest.mark.parametrize(
    "derived",
    [
        {"identifier": [{"system": f"{CANON}/decision", "value": "1"}]},
        {"meta": {"profile": [f"{CANON}/StructureDefinition/painplan-red-flag-gate"]}},
    ],
)
def test_what_we_concluded_earlier_is_not_created_under_another_id(derived: Json) -> None:
    body = json.dumps({**LOCALISED, **derived}).encode()

    with pytest.raises(NotAllowed) as refusal:
        read_one(body, expected_type="Observation", validator=validator())

    assert refusal.value.allow == ("GET", "HEAD")


def test_a_part_of_a_resource_is_refused() -> None:
    part = {**LOCALISED, "meta": {"tag": [{"code": "SUBSETTED"}]}}

    assert refused(bundle(PATIENT, part)) == ["Bundle.entry[1].resource.meta.tag"]


def test_the_same_resource_twice_is_one() -> None:
    assert len(asked(bundle(PATIENT, LOCALISED, LOCALISED)).resources) == 2


def test_one_resource_in_two_versions_is_refused() -> None:
    other = {**LOCALISED, "valueBoolean": False}

    assert refused(bundle(PATIENT, LOCALISED, other)) == ["Bundle.entry[2].resource"]


def test_the_bytes_of_each_resource_are_kept_as_they_came() -> None:
    raw = b'{ "resourceType":"Patient",\n "id":"p1", "name":[{"text":"\\u00e9"}]}'
    body = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":' + raw + b"}]}"

    (patient,) = asked(body).resources

    assert patient.body == raw


@pytest.mark.parametrize(
    "entry",
    [
        5,
        "x",
        None,
        True,
        {},
        [],
        [5],
        [[]],
        [None],
        [{}],
        [{"resource": 5}],
        [{"resource": None}],
        [{"resource": []}],
        [{"resource": {}}],
        [{"resource": "Patient/p1"}],
    ],
)
def test_entries_that_are_no_entries_are_refused(entry: object) -> None:
    where = refused({"resourceType": "Bundle", "type": "collection", "entry": entry}, NotUnderstood)

    assert all(place.startswith("Bundle.entry") for place in where)


@pytest.mark.parametrize(
    "parameter",
    [
        5,
        "x",
        None,
        {},
        [],
        [5],
        [{}],
        [{"name": 5}],
        [{"name": "data"}],
        [{"name": "data", "resource": 5}],
        [{"name": "data", "valueString": "x"}],
        [{"name": "parameters", "resource": PATIENT}],
        [{"name": "parameters", "resource": {"resourceType": "Parameters", "parameter": 5}}],
        [{"name": "subject", "valueInteger": 1}],
        [{"name": "subject", "part": [SUBJECT]}],
        [{"name": "useServerData", "valueString": "true"}],
    ],
)
def test_parameters_that_are_no_parameters_are_refused(parameter: object) -> None:
    where = refused({"resourceType": "Parameters", "parameter": parameter}, NotUnderstood)

    assert all(place.startswith("Parameters.parameter") for place in where)


@pytest.mark.parametrize(
    "subject",
    [
        {"valueString": "p1"},
        {"valueString": "Patient/p1"},
        {"valueReference": {"reference": "Patient/p1"}},
        {"valueUri": "https://ehr.example/fhir/Patient/p1"},
    ],
)
def test_the_subject_is_told_in_any_of_its_forms(subject: Json) -> None:
    assert asked(parameters({"name": "subject", **subject}, data(LOCALISED))).subject == "p1"


@pytest.mark.parametrize(
    "subject",
    [
        {"valueString": "Group/p1"},
        {"valueString": "p 1"},
        {"valueString": " "},
        {"valueString": "p" * 65},
        {"valueString": "Patient/"},
        {"valueString": "Patient/../x"},
        {"valueUri": "urn:uuid:1"},
        {"valueReference": {"display": "Ada"}},
    ],
)
def test_a_subject_that_is_no_patient_is_refused(subject: Json) -> None:
    document = parameters({"name": "subject", **subject}, data(PATIENT))

    assert refused(document, NotUnderstood) == ["Parameters.parameter"]


def test_every_parameter_of_the_contract_is_read() -> None:
    inner = parameters(
        {"name": "asOf", "valueDateTime": "2026-06-01T11:00:00+02:00"},
        {"name": "guidelineProfile", "valueCode": "uk"},
        {"name": "complete", "valueCode": "MedicationRequest"},
    )

    submission = asked(
        parameters(
            {"name": "subject", "valueReference": {"reference": "Patient/p1"}},
            data(LOCALISED),
            {"name": "data", "resource": PATIENT},
            {"name": "planDefinition", "valueUri": f"{CANON}/PlanDefinition/clbp-care|1"},
            {"name": "encounter", "valueReference": {"reference": "Encounter/e"}},
            {"name": "practitioner", "valueString": "Practitioner/d"},
            {"name": "organization", "valueString": "Organization/o"},
            {"name": "useServerData", "valueBoolean": False},
            {"name": "complete", "valueCode": "Condition"},
            {"name": "parameters", "resource": inner},
        ),
        operation="apply",
    )

    assert submission.as_of == datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert submission.guideline_profile == "uk"
    assert submission.complete == {"Condition", "MedicationRequest"}
    assert not submission.use_server_data
    assert submission.encounter == "Encounter/e"
    assert submission.practitioner == "Practitioner/d"
    assert submission.organization == "Organization/o"
    assert len(submission.resources) == 2
    assert submission.warnings == ()


@pytest.mark.parametrize(
    ("told", "reference"),
    [
        ({"valueString": "e1"}, "Encounter/e1"),
        ({"valueString": "Encounter/e1"}, "Encounter/e1"),
        ({"valueReference": {"reference": "Encounter/e1/_history/2"}}, "Encounter/e1/_history/2"),
        ({"valueUri": "https://ehr.example/Encounter/e1"}, "https://ehr.example/Encounter/e1"),
        ({"valueUri": URL}, URL),
    ],
)
def test_the_encounter_is_told_in_any_of_its_forms(told: Json, reference: str) -> None:
    assert asked(parameters(SUBJECT, {"name": "encounter", **told})).encounter == reference


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("encounter", "Practitioner/d"),
        ("encounter", "Encounter/e 1"),
        ("encounter", "the one of Tuesday"),
        ("encounter", "https://ehr.example/"),
        ("practitioner", "Patient/p1"),
        ("organization", "Organization/"),
    ],
)
def test_what_our_plan_could_not_refer_to_is_refused(name: str, text: str) -> None:
    document = parameters(SUBJECT, {"name": name, "valueString": text})

    assert refused(document, NotUnderstood) == ["Parameters.parameter[1]"]


def test_a_plain_bundle_takes_them_from_the_query() -> None:
    query = {
        "asOf": ["2026-06-01T09:00:00Z"],
        "guidelineProfile": ["us"],
        "complete": ["Condition,AllergyIntolerance", "MedicationRequest"],
    }

    submission = asked(bundle(PATIENT), query=query)

    assert submission.as_of == datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert submission.guideline_profile == "us"
    assert len(submission.complete) == 3


def test_a_plus_that_the_query_turned_into_a_blank_is_read_as_a_plus() -> None:
    submission = asked(bundle(PATIENT), query={"asOf": ["2026-06-01T11:00:00 02:00"]})

    assert submission.as_of == datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_what_is_not_said_is_left_open() -> None:
    submission = asked(bundle(PATIENT))

    assert submission.as_of is None
    assert submission.guideline_profile is None
    assert submission.complete == frozenset()
    assert submission.use_server_data


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"asOf": ["yesterday"]}, NotUnderstood),
        ({"asOf": [""]}, NotUnderstood),
        ({"asOf": ["2026-02-30"]}, NotUnderstood),
        ({"guidelineProfile": ["de"]}, Refused),
        ({"complete": ["Observation"]}, Refused),
        ({"complete": [""]}, Refused),
        ({"asOf": ["2026-06-01T09:00:00"]}, NotUnderstood),
        ({"asOf": ["20260601"]}, NotUnderstood),
        ({"asOf": ["2026-W23-1"]}, NotUnderstood),
        ({"asOf": ["2026-06-01", "2026-06-02"]}, Refused),
        ({"guidelineProfile": ["uk", "us"]}, Refused),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(
    query: dict[str, list[str]], kind: type[Refusal]
) -> None:
    (name,) = query

    assert refused(bundle(PATIENT), kind, query=query) == [name]


def test_an_unknown_parameter_gives_a_warning_and_no_more() -> None:
    submission = asked(parameters(SUBJECT, {"name": "colour", "valueCode": "blue"}))

    (warning,) = submission.warnings
    assert warning.where == "Parameters.parameter[1]"
    assert "colour" in warning.what


def test_an_unknown_parameter_of_the_query_gives_a_warning_and_no_more() -> None:
    submission = asked(bundle(PATIENT), query={"asof": ["2026-06-01"], "_format": ["json"]})

    (warning,) = submission.warnings
    assert "asof" in warning.what


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("subject", {"valueString": "p1"}, {"valueString": "p2"}),
        ("asOf", {"valueDate": "2026-06-01"}, {"valueDate": "2026-05-01"}),
        ("guidelineProfile", {"valueCode": "uk"}, {"valueCode": "us"}),
        ("useServerData", {"valueBoolean": True}, {"valueBoolean": False}),
        ("encounter", {"valueString": "e1"}, {"valueString": "e2"}),
        ("practitioner", {"valueString": "d1"}, {"valueString": "d2"}),
        ("organization", {"valueString": "o1"}, {"valueString": "o2"}),
    ],
)
def test_a_parameter_with_two_values_is_refused_and_with_one_value_twice_is_not(
    name: str, first: Json, second: Json
) -> None:
    one, other = {"name": name, **first}, {"name": name, **second}
    others = [] if name == "subject" else [SUBJECT]

    assert refused(parameters(one, other, *others)) == ["Parameters.parameter[1]"]
    assert asked(parameters(one, one, *others)).subject == "p1"


def test_the_query_and_the_body_say_the_same() -> None:
    inner = parameters({"name": "asOf", "valueDate": "2026-06-01"})
    document = parameters(SUBJECT, {"name": "parameters", "resource": inner})
    place = "Parameters.parameter[1].resource.parameter[0]"

    assert asked(document, query={"asOf": ["2026-06-01"]}).as_of is not None
    assert refused(document, query={"asOf": ["2026-05-01"]}) == [place]


@pytest.mark.parametrize(
    "setting",
    [
        {"name": "asOf", "valueDateTime": "2026-06-01T09:00:00"},
        {"name": "asOf", "valueString": "2026-06-01T09:00:00"},
        {"name": "asOf", "valueString": "20260601"},
        {"name": "guidelineProfile", "valueCode": "uk", "value": 1},
        {"name": "guidelineProfile", "valueCode": "uk", "valueString": "uk"},
    ],
)
def test_the_parameters_within_are_valid_r4_too(setting: Json) -> None:
    document = parameters(SUBJECT, {"name": "parameters", "resource": parameters(setting)})

    (where,) = {
        place[: len("Parameters.parameter[1]")] for place in refused(document, NotUnderstood)
    }

    assert where == "Parameters.parameter[1]"


def test_a_type_that_r4_lacks_is_refused() -> None:
    (where,) = refused(bundle(PATIENT, {"resourceType": "Patience", "id": "x"}), NotUnderstood)

    assert where == "Bundle.entry[1].resource.resourceType"


def test_the_organization_that_we_publish_is_not_taken_in() -> None:
    ours = {"resourceType": "Organization", "id": "painplan", "name": "Painplan"}

    assert refused(bundle(PATIENT, ours)) == ["Bundle.entry[1].resource.id"]


def test_another_plan_definition_is_refused() -> None:
    other = {"name": "planDefinition", "valueUri": "https://other.example/PlanDefinition/x"}

    assert refused(parameters(SUBJECT, other)) == ["Parameters.parameter[1]"]


@pytest.mark.parametrize("type_", ["collection", "searchset"])
def test_a_bundle_of_entries_is_read_in_several_shapes(type_: str) -> None:
    assert asked(bundle(PATIENT, type=type_)).subject == "p1"


@pytest.mark.parametrize("type_", ["batch", "transaction"])
def test_a_bundle_of_requests_is_read_too(type_: str) -> None:
    everything = bundle(PATIENT, type=type_)
    everything["entry"][0]["request"] = {"method": "POST", "url": "Patient"}

    assert asked(everything).subject == "p1"


@pytest.mark.parametrize("id_", ["brenda_jackson", "x" * 100])
def test_the_id_of_the_bundle_is_not_looked_at_as_it_is_not_kept(id_: str) -> None:
    assert asked(bundle(PATIENT, id=id_)).subject == "p1"


def test_a_bare_resource_is_read_for_the_patient_it_names() -> None:
    submission = read_bare(json.dumps(LOCALISED).encode(), patient=None, validator=validator())

    assert submission.subject == "p1"
    assert len(submission.resources) == 1


@pytest.mark.parametrize("patient", ["p1", "Patient/p1"])
def test_a_bare_resource_is_read_for_the_patient_that_is_asked_for(patient: str) -> None:
    body = json.dumps(bundle(LOCALISED)).encode()

    assert read_bare(body, patient=patient, validator=validator()).subject == "p1"


def test_a_bare_resource_of_nobody_is_refused() -> None:
    body = json.dumps(finding("pain-localised", subject=None)).encode()

    with pytest.raises(Refused):
        read_bare(body, patient=None, validator=validator())


def test_one_resource_is_read_with_what_the_history_indexes() -> None:
    body = json.dumps({**LOCALISED, "meta": {"lastUpdated": "2026-05-29T08:00:00Z"}}).encode()

    one = read_one(body, expected_type="Observation", validator=validator())

    assert one.reference == "Observation/o-pain-localised"
    assert one.patient == "p1"
    assert one.status == "final"
    assert one.last_updated == datetime(2026, 5, 29, 8, tzinfo=UTC)
    assert one.body == body


@pytest.mark.parametrize(
    ("document", "kind", "where"),
    [
        (PATIENT, NotUnderstood, "resourceType"),
        ({**LOCALISED, "status": "done"}, NotUnderstood, "Observation.status"),
        ({**LOCALISED, "meta": {"tag": [{"code": "SUBSETTED"}]}}, Refused, "Observation.meta.tag"),
        ({**LOCALISED, "id": "a/b"}, NotUnderstood, "Observation.id"),
    ],
)
def test_one_resource_that_is_wrong_is_refused(
    document: Json, kind: type[Refusal], where: str
) -> None:
    with pytest.raises(kind) as refusal:
        read_one(json.dumps(document).encode(), expected_type="Observation", validator=validator())

    assert [p.where for p in refusal.value.problems] == [where]


def test_no_refusal_quotes_what_the_body_holds() -> None:
    secret = "Geheimnisvoll"

    for body in (
        f'{{"resourceType":"Bundle","a":"{secret}"'.encode(),
        json.dumps(bundle({**PATIENT, "birthDate": secret})).encode(),
        json.dumps(bundle(PATIENT, {**LOCALISED, "subject": {"reference": secret}})).encode(),
    ):
        with pytest.raises(Refusal) as refusal:
            asked(body)
        assert secret not in str(refusal.value)
