"""Whatever is sent, the answer is a record or a refusal with problems; nothing else is raised."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.decision import derive
from app.domain.problem import NotUnderstood, Refused
from app.fhir.reading.record import RecordReader
from app.fhir.reading.submission import read_bare, read_one, read_submission
from tests.fhir.reading.wire import (
    CANON,
    LOINC,
    ODI,
    PATIENT,
    PHQ_9,
    SNOMED,
    UCUM,
    Json,
    bundle,
    coded,
    finding,
    item,
    observation,
    parameters,
    points,
    quantity,
    response,
    validator,
)
from tests.patients import AS_OF, knowledge

CONDITION_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"
ABSENT: Json = {"extension": [{"url": "http://a", "valueCode": "unknown"}]}
FORM: Json = {
    "resourceType": "Questionnaire",
    "id": "form",
    "status": "active",
    "item": [
        {
            "linkId": "q9",
            "type": "choice",
            "code": coded(LOINC, PHQ_9[8])["coding"],
            "answerOption": [{"valueCoding": {"code": "a"}}],
        }
    ],
}
EVERYTHING = bundle(
    PATIENT,
    finding("pain-localised", valueBoolean=True, performer=[{"reference": "Patient/p1"}]),
    finding("pain-duration-weeks", **quantity(3, "mo"), effectiveDateTime=None),
    observation(LOINC, ODI, **quantity(40, "%"), meta={"lastUpdated": "2026-01-01T00:00:00Z"}),
    observation(
        LOINC, "44249-1", component=[{"code": coded(LOINC, c), "valueInteger": 1} for c in PHQ_9]
    ),
    response(item("q9", {"valueCoding": {"code": "a"}}), questionnaire="#form", contained=[FORM]),
    response(
        item("pain-localised", {"valueBoolean": True}),
        item("g", item=[points("/75893-8", 5)]),
        id="r2",
        questionnaire=f"{CANON}/Questionnaire/clbp-intake",
    ),
    {
        "resourceType": "Condition",
        "id": "c",
        "clinicalStatus": coded(CONDITION_STATUS, "active"),
        "code": coded(SNOMED, "278860009"),
        "subject": {"reference": "Patient/p1"},
        "onsetAge": {"value": 40, "code": "a", "system": UCUM},
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationReference": {"reference": "#x"},
        "contained": [{"resourceType": "Medication", "id": "x", "code": {"text": "ibuprofen"}}],
    },
)
ASKED = parameters(
    {"name": "subject", "valueReference": {"reference": "Patient/p1"}},
    {"name": "data", "resource": EVERYTHING},
    {"name": "complete", "valueCode": "Condition"},
    {"name": "useServerData", "valueBoolean": False},
    {
        "name": "parameters",
        "resource": parameters({"name": "asOf", "valueDateTime": "2026-06-01T09:00:00Z"}),
    },
)
# What a broken or hostile sender puts in the place of anything.
ODD: tuple[Any, ...] = (
    *(None, True, 5, -1, 1.5, 1e308, 10**30),
    *("", "x", " ", "#x", "2026", "NaN", "1_0", "9e999", "\x00", "Patient/p2", "urn:uuid:x"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2016-12-31T23:59:60Z"),
    *([], {}, [None], [5], [{}], [[]], {"a": 1}, {"resourceType": "Slot"}, ABSENT),
)
NAMES = st.sampled_from(
    """
    resourceType id status code coding system subject reference entry resource parameter name
    valueString item linkId answer contained meta extension url type
    """.split()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES | st.text(), inner),
    max_leaves=20,
)
TYPES = st.sampled_from(["Bundle", "Parameters", "Patient", "Observation", "Slot", "x"])


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place below a document."""
    steps = node.items() if isinstance(node, dict) else enumerate(node)
    found: list[tuple[Any, ...]] = []
    for step, child in steps:
        found.append((*path, step))
        if isinstance(child, dict | list):
            found.extend(_places(child, (*path, step)))
    return found


PLACES = [(document, place) for document in (EVERYTHING, ASKED) for place in _places(document)]


def _read_everything(body: bytes) -> None:
    """Every public way in; only the refusals of the contract may come out."""
    for operation in ("derive", "apply"):
        try:
            submission = read_submission(body, query={}, validator=validator(), operation=operation)
            RecordReader().record(
                submission.resources, knowledge(), as_of=AS_OF, complete=submission.complete
            )
        except (NotUnderstood, Refused) as refusal:
            _is_worth_sending(refusal)
    for read in (_read_bare, _read_one):
        try:
            read(body)
        except (NotUnderstood, Refused) as refusal:
            _is_worth_sending(refusal)


def _read_bare(body: bytes) -> None:
    read_bare(body, patient="p1", validator=validator())


def _read_one(body: bytes) -> None:
    read_one(body, expected_type="Observation", validator=validator())


def _is_worth_sending(refusal: NotUnderstood | Refused) -> None:
    assert refusal.problems
    assert all(p.what for p in refusal.problems)


def test_the_documents_that_are_broken_here_are_whole() -> None:
    for document in (EVERYTHING, ASKED):
        submission = read_submission(
            json.dumps(document).encode(), query={}, validator=validator(), operation="derive"
        )
        assert len(submission.resources) == 9


@given(st.binary())
def test_any_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_submission(body, query={}, validator=validator(), operation="derive")


@given(JSON)
def test_any_json_is_read_or_refused(document: Any) -> None:
    _read_everything(json.dumps(document).encode())


@given(TYPES, st.dictionaries(NAMES, JSON))
def test_any_json_that_calls_itself_a_resource_is_read_or_refused(type_: str, more: Json) -> None:
    _read_everything(json.dumps({**more, "resourceType": type_}).encode())


@given(TYPES, st.dictionaries(NAMES, JSON))
def test_any_json_inside_a_bundle_is_read_or_refused(type_: str, more: Json) -> None:
    _read_everything(json.dumps(bundle(PATIENT, {**more, "resourceType": type_})).encode())


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), st.sampled_from(ODD) | JSON)
def test_anything_in_any_place_of_a_valid_request_is_read_or_refused(
    where: tuple[Json, tuple[Any, ...]], odd: Any
) -> None:
    document, place = where
    _read_everything(json.dumps(_with(document, place, odd)).encode())


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES))
def test_any_element_may_be_missing_or_be_only_extended(
    where: tuple[Json, tuple[Any, ...]],
) -> None:
    document, place = where
    if not isinstance(place[-1], str):
        return
    for extended in (False, True):
        changed = deepcopy(document)
        holder = _holder(changed, place)
        del holder[place[-1]]
        if extended:
            holder[f"_{place[-1]}"] = ABSENT
        _read_everything(json.dumps(changed).encode())


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([p for p in PLACES if p[0] is EVERYTHING]), st.sampled_from(ODD))
def test_whatever_is_read_can_be_decided_on(where: tuple[Json, tuple[Any, ...]], odd: Any) -> None:
    body = json.dumps(_with(*where, odd)).encode()
    try:
        submission = read_bare(body, patient="p1", validator=validator())
        record = RecordReader().record(
            submission.resources, knowledge(), as_of=AS_OF, complete=frozenset()
        )
    except (NotUnderstood, Refused):
        return

    derive(record, knowledge(), as_of=AS_OF, guideline_profile="who", crisis_text="-")


def _with(document: Json, place: tuple[Any, ...], value: Any) -> Json:
    changed = deepcopy(document)
    _holder(changed, place)[place[-1]] = value
    return changed


def _holder(document: Any, place: tuple[Any, ...]) -> Any:
    for step in place[:-1]:
        document = document[step]
    return document
