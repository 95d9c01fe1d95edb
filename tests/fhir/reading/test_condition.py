from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.facts import CodedCondition, CodedMedicine, Record
from tests.fhir.reading.wire import (
    PATIENT,
    SNOMED,
    UCUM,
    Json,
    coded,
    finding,
    record,
    the,
    why_not_used,
)
from tests.patients import AS_OF

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
ALLERGY_STATUS = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
TICK = timedelta(microseconds=1)
IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
MODIFIER = {"url": "https://ehr.example/not", "valueBoolean": True}
ENDED = {"clinicalStatus": coded(CLINICAL, "resolved")}


def condition(**more: Any) -> Json:
    """An active problem of p1; an element given as None is left out."""
    plain = {
        "resourceType": "Condition",
        "id": "c",
        "clinicalStatus": coded(CLINICAL, "active"),
        "code": coded(ICD, "M54.50"),
        "subject": {"reference": "Patient/p1"},
        **more,
    }
    return {name: value for name, value in plain.items() if value is not None}


def medicine(type_: str = "MedicationRequest", **more: Any) -> Json:
    """A medicine of p1; an element given as None is left out."""
    plain = {
        "resourceType": type_,
        "id": "m",
        "status": "active",
        "subject": {"reference": "Patient/p1"},
        **({"intent": "order"} if type_ == "MedicationRequest" else {}),
        **({} if "medicationReference" in more else {"medicationCodeableConcept": IBUPROFEN}),
        **more,
    }
    return {name: value for name, value in plain.items() if value is not None}


IBUPROFEN = {**coded(RXNORM, "5640"), "text": "ibuprofen"}


def only(read: Record) -> CodedCondition:
    (found,) = read.conditions
    return found


def taken(read: Record) -> CodedMedicine:
    (found,) = read.medicines
    return found


def test_every_coding_of_a_condition_is_kept() -> None:
    both = {"coding": coded(ICD, "M54.50")["coding"] + coded(SNOMED, "278860009")["coding"]}

    read = record(condition(code=both))

    assert only(read).system_codes == ((ICD, "M54.50"), (SNOMED, "278860009"))
    assert only(read).source == "Condition/c"


@pytest.mark.parametrize("code", [None, {"text": "back pain"}])
def test_a_condition_without_codes_is_kept_without_codes(code: Json | None) -> None:
    assert only(record(condition(code=code))).system_codes == ()


@pytest.mark.parametrize(
    ("status", "is_current"),
    [
        ("active", True),
        ("recurrence", True),
        ("relapse", True),
        ("inactive", False),
        ("remission", False),
        ("resolved", False),
    ],
)
def test_the_clinical_status_says_whether_it_is_current(status: str, is_current: bool) -> None:
    assert only(record(condition(clinicalStatus=coded(CLINICAL, status)))).current is is_current


def test_a_condition_without_clinical_status_counts_as_current() -> None:
    assert only(record(condition(clinicalStatus=None))).current


@pytest.mark.parametrize("status", ["unconfirmed", "provisional", "differential", "confirmed"])
def test_a_condition_that_is_not_refuted_counts(status: str) -> None:
    assert only(record(condition(verificationStatus=coded(VERIFICATION, status)))).current


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_condition_that_was_never_there_is_listed_and_not_used(status: str) -> None:
    clinical = None if status == "entered-in-error" else coded(CLINICAL, "active")

    read = record(
        condition(clinicalStatus=clinical, verificationStatus=coded(VERIFICATION, status))
    )

    assert read.conditions == ()
    assert status in why_not_used(read.not_used, "Condition/c")


@pytest.mark.parametrize(
    ("told", "onset"),
    [
        ({"onsetDateTime": "2025-11"}, datetime(2025, 11, 1, tzinfo=UTC)),
        ({"onsetDateTime": "2025"}, datetime(2025, 1, 1, tzinfo=UTC)),
        (
            {"onsetPeriod": {"start": "2025-01-01", "end": "2025-02-03"}},
            datetime(2025, 2, 3, tzinfo=UTC),
        ),
        ({"recordedDate": "2026-01-15"}, datetime(2026, 1, 15, tzinfo=UTC)),
        (
            {"onsetDateTime": "2025-11-02", "recordedDate": "2026-01-15"},
            datetime(2025, 11, 2, tzinfo=UTC),
        ),
        ({"onsetString": "last winter"}, None),
        ({}, None),
    ],
)
def test_the_onset_is_as_told_or_the_day_it_was_recorded(
    told: Json, onset: datetime | None
) -> None:
    assert only(record(condition(**told))).onset == onset


def test_an_age_at_onset_is_counted_from_the_birth_date() -> None:
    age = {"value": 40, "unit": "a", "code": "a", "system": UCUM}

    onset = only(record(PATIENT, condition(onsetAge=age))).onset

    assert onset is not None
    assert abs((onset - datetime(2020, 4, 12, tzinfo=UTC)).days) <= 1


@pytest.mark.parametrize(
    "age",
    [
        {"value": 480, "code": "mo", "system": UCUM},
        {"value": 1e300, "code": "a", "system": UCUM},
        {"unit": "a"},
        {"extension": [{"url": "http://a", "valueCode": "unknown"}]},
    ],
)
def test_an_age_that_cannot_be_counted_leaves_the_onset_unknown(age: Json) -> None:
    assert only(record(PATIENT, condition(onsetAge=age))).onset is None


def test_an_age_at_onset_of_a_patient_of_unknown_age_leaves_the_onset_unknown() -> None:
    age = {"value": 40, "code": "a", "system": UCUM}
    patient = {"resourceType": "Patient", "id": "p1"}

    assert only(record(patient, condition(onsetAge=age))).onset is None


@pytest.mark.parametrize(
    ("told", "abated"),
    [
        ({"abatementDateTime": "2026-01"}, datetime(2026, 2, 1, tzinfo=UTC) - TICK),
        (
            {"abatementPeriod": {"start": "2026-01-01", "end": "2026-02-01"}},
            datetime(2026, 2, 2, tzinfo=UTC) - TICK,
        ),
        ({"abatementString": "in spring"}, None),
        ({}, None),
    ],
)
def test_the_end_of_a_condition_is_the_last_it_may_be(told: Json, abated: datetime | None) -> None:
    assert only(record(condition(**ENDED, **told))).abated == abated


def test_the_time_of_a_condition_without_dates_is_last_updated_then_as_of() -> None:
    updated = condition(meta={"lastUpdated": "2026-05-25T08:00:00Z"})

    assert only(record(updated)).at == datetime(2026, 5, 25, 8, tzinfo=UTC)
    assert only(record(condition())).at == AS_OF


@pytest.mark.parametrize(
    ("status", "is_current"),
    [
        ("active", True),
        ("on-hold", True),
        ("completed", False),
        ("stopped", False),
        ("unknown", False),
    ],
)
@pytest.mark.parametrize("type_", ["MedicationRequest", "MedicationStatement"])
def test_the_status_says_whether_a_medicine_is_taken_now(
    type_: str, status: str, is_current: bool
) -> None:
    assert taken(record(medicine(type_, status=status))).current is is_current


@pytest.mark.parametrize(
    ("type_", "status"),
    [
        ("MedicationRequest", "entered-in-error"),
        ("MedicationRequest", "cancelled"),
        ("MedicationRequest", "draft"),
        ("MedicationStatement", "entered-in-error"),
        ("MedicationStatement", "not-taken"),
    ],
)
def test_a_medicine_that_was_never_taken_is_listed_and_not_used(type_: str, status: str) -> None:
    read = record(medicine(type_, status=status))

    assert read.medicines == ()
    assert status in why_not_used(read.not_used, f"{type_}/m")


def test_what_is_said_not_to_be_taken_is_not_taken_and_listed() -> None:
    read = record(medicine(doNotPerform=True))

    assert read.medicines == ()
    assert "doNotPerform" in why_not_used(read.not_used, "MedicationRequest/m")


@pytest.mark.parametrize("intent", ["proposal", "plan", "option"])
def test_what_was_not_ordered_is_perhaps_taken(intent: str) -> None:
    assert intent in taken(record(medicine(intent=intent))).doubt


def test_a_medicine_that_the_patient_reports_is_taken_though_its_intent_is_plan() -> None:
    assert taken(record(medicine(intent="plan", reportedBoolean=True))).current


@pytest.mark.parametrize(
    "changes",
    [
        {"implicitRules": "https://ehr.example/rules"},
        {"modifierExtension": [MODIFIER]},
        {"dosageInstruction": [{"modifierExtension": [MODIFIER]}]},
    ],
)
def test_a_medicine_of_unknown_meaning_is_listed_and_its_list_not_known_in_full(
    changes: Json,
) -> None:
    nothing_else = coded(IPS, "no-known-medications")
    read = record(
        medicine(**changes), medicine("MedicationStatement", medicationCodeableConcept=nothing_else)
    )

    assert "not known here" in why_not_used(read.not_used, "MedicationRequest/m")
    assert all(m.source != "MedicationRequest/m" for m in read.medicines)
    assert "MedicationRequest" not in read.complete


def test_a_medicine_keeps_its_codes_and_its_text() -> None:
    found = taken(record(medicine()))

    assert found.system_codes == ((RXNORM, "5640"),)
    assert found.text == "ibuprofen"


def test_a_contained_medicine_is_read_from_where_it_is() -> None:
    inner = {"resourceType": "Medication", "id": "x", "code": IBUPROFEN}

    found = taken(record(medicine(medicationReference={"reference": "#x"}, contained=[inner])))

    assert found.system_codes == ((RXNORM, "5640"),)


def test_the_form_of_a_medication_tells_where_it_acts() -> None:
    gel = {"resourceType": "Medication", "id": "x", "code": IBUPROFEN, "form": {"text": "gel"}}
    named = {"reference": "#x", "display": "Ibuprofen 5 %"}

    found = taken(record(medicine(medicationReference=named, contained=[gel])))

    assert (found.manner, found.text) == ("gel", "ibuprofen Ibuprofen 5 %")


@pytest.mark.parametrize(
    "more",
    [
        {"medicationReference": {"reference": "Medication/1", "display": "ibuprofen"}},
        {
            "medicationReference": {"reference": "#x"},
            "contained": [{"resourceType": "Slot", "id": "x", "code": {"coding": 5}}],
        },
    ],
)
def test_a_medicine_that_is_elsewhere_is_kept_as_unknown_and_never_dropped(more: Json) -> None:
    assert taken(record(medicine(**more))).system_codes == ()


@pytest.mark.parametrize(
    ("type_", "told", "at"),
    [
        ("MedicationRequest", {"authoredOn": "2026-03-01"}, datetime(2026, 3, 1, tzinfo=UTC)),
        (
            "MedicationStatement",
            {"effectiveDateTime": "2026-03-02", "dateAsserted": "2026-04-01"},
            datetime(2026, 3, 2, tzinfo=UTC),
        ),
        (
            "MedicationStatement",
            {"effectivePeriod": {"start": "2026-03-03"}},
            datetime(2026, 3, 3, tzinfo=UTC),
        ),
        ("MedicationStatement", {"dateAsserted": "2026-04-01"}, datetime(2026, 4, 1, tzinfo=UTC)),
        ("MedicationStatement", {}, AS_OF),
    ],
)
def test_the_time_of_a_medicine_is_as_told(type_: str, told: Json, at: datetime) -> None:
    assert taken(record(medicine(type_, **told))).at == at


# Whether it is taken: what is not known is not "no"


@pytest.mark.parametrize("type_", ["MedicationRequest", "MedicationStatement"])
def test_a_status_that_is_not_known_leaves_it_open(type_: str) -> None:
    assert "not known" in taken(record(medicine(type_, status="unknown"))).doubt
    assert taken(record(medicine(type_))).doubt == ""


def test_what_is_intended_or_dated_ahead_may_be_taken() -> None:
    ahead = medicine(authoredOn=(AS_OF + timedelta(days=2)).isoformat())

    assert taken(record(medicine("MedicationStatement", status="intended"))).doubt
    assert "after asOf" in taken(record(ahead)).doubt


def test_a_request_not_to_give_is_no_medicine() -> None:
    read = record(medicine(doNotPerform=True))

    assert read.medicines == ()
    assert "doNotPerform" in why_not_used(read.not_used, "MedicationRequest/m")


def test_as_needed_is_taken() -> None:
    assert taken(record(medicine(dosageInstruction=[{"asNeededBoolean": True}]))).current


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        (
            {"effectivePeriod": {"start": "2026-01-01", "end": "2026-05-20"}},
            datetime(2026, 5, 21, tzinfo=UTC) - TICK,
        ),
        ({"effectivePeriod": {"end": "2026-04"}}, datetime(2026, 5, 1, tzinfo=UTC) - TICK),
        ({"effectivePeriod": {"end": "2025"}}, datetime(2026, 1, 1, tzinfo=UTC) - TICK),
        (
            {"effectivePeriod": {"end": "2026-05-20T10:00:00Z"}},
            datetime(2026, 5, 20, 10, tzinfo=UTC),
        ),
        (
            {"dosage": [{"timing": {"repeat": {"boundsPeriod": {"end": "2026-05-20"}}}}]},
            datetime(2026, 5, 21, tzinfo=UTC) - TICK,
        ),
        ({"effectivePeriod": {"start": "2026-01-01", "end": "2026-12-31"}}, None),
        ({"effectiveDateTime": "2026-05-20"}, None),
        ({}, None),
    ],
)
def test_when_a_medicine_ended(told: Json, ended: datetime | None) -> None:
    found = taken(record(medicine("MedicationStatement", status="completed", **told)))

    assert found.ended == ended


def test_what_ended_today_ended_by_now() -> None:
    today = {"effectivePeriod": {"end": AS_OF.date().isoformat()}}

    assert taken(record(medicine("MedicationStatement", **today))).ended == AS_OF


def test_a_supply_that_ran_out_ends_a_request_in_force_and_says_nothing_of_a_stopped_one() -> None:
    supply: Json = {"dispenseRequest": {"validityPeriod": {"end": "2026-04-30"}}}

    assert taken(record(medicine(**supply))).ended == datetime(2026, 5, 1, tzinfo=UTC) - TICK
    assert taken(record(medicine(status="stopped", **supply))).ended is None


def test_when_it_is_known_to_have_been_over() -> None:
    asserted = medicine("MedicationStatement", status="completed", dateAsserted="2026-03-01")
    stored = medicine(status="stopped", meta={"lastUpdated": "2026-03-02T00:00:00Z"})

    assert taken(record(asserted)).ended_by == datetime(2026, 3, 2, tzinfo=UTC) - TICK
    assert taken(record(stored)).ended_by == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_renewal_and_a_statement_name_the_request_they_tell_of() -> None:
    renewal = medicine(priorPrescription={"reference": "MedicationRequest/0"})
    statement = medicine("MedicationStatement", basedOn=[{"reference": "MedicationRequest/0"}])

    assert taken(record(renewal)).replaces == ("MedicationRequest/0",)
    assert taken(record(statement)).replaces == ("MedicationRequest/0",)


def test_route_and_form_tell_where_it_acts() -> None:
    inner = {"resourceType": "Medication", "id": "x", "code": IBUPROFEN, "form": {"text": "Gel"}}
    found = taken(
        record(
            medicine(
                medicationReference={"reference": "#x"},
                contained=[inner],
                dosageInstruction=[{"route": {"coding": [{"display": "Topical route"}]}}],
            )
        )
    )

    assert found.manner == "Topical route Gel"
    assert found.text == "ibuprofen"


def test_the_name_beside_a_reference_is_read() -> None:
    elsewhere = {"reference": "Medication/1", "display": "Warfarin 5 mg"}

    assert taken(record(medicine(medicationReference=elsewhere))).text == "Warfarin 5 mg"


# Nothing known of a kind: it closes its list and is no entry of it


@pytest.mark.parametrize("code", ["no-known-medications", "no-known-problems"])
def test_that_there_is_none_is_no_entry(code: str) -> None:
    nothing = coded("http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips", code)
    if code == "no-known-problems":
        read = record(condition(code=nothing))
    else:
        read = record(medicine("MedicationStatement", medicationCodeableConcept=nothing))

    assert read.complete
    assert read.medicines == ()
    assert read.conditions == ()
    assert read.not_used == ()


@pytest.mark.parametrize("status", ["inactive", "resolved"])
def test_an_allergy_that_is_over_is_listed(status: str) -> None:
    over = {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "patient": {"reference": "Patient/p1"},
        "clinicalStatus": coded(ALLERGY_STATUS, status),
        "code": {"text": "Ibuprofen"},
    }
    read = record(over)

    assert read.allergies == ()
    assert status in why_not_used(read.not_used, "AllergyIntolerance/a")


def test_the_patient_gives_birth_date_and_gender() -> None:
    read = record({**PATIENT, "gender": "female"})

    assert the(read, "birth-date").value == datetime(1980, 4, 12, tzinfo=UTC)
    assert the(read, "gender").value == "female"


def test_a_patient_of_whom_nothing_is_known_gives_no_facts() -> None:
    assert record({"resourceType": "Patient", "id": "p1"}).facts == ()


@pytest.mark.parametrize(
    "resource",
    [
        {
            "resourceType": "Procedure",
            "id": "x",
            "status": "completed",
            "subject": {"reference": "Patient/p1"},
        },
        {"resourceType": "Practitioner", "id": "x"},
        {"resourceType": "Organization", "id": "x", "name": "Clinic"},
    ],
)
def test_what_no_rule_reads_is_kept_and_says_so(resource: Json) -> None:
    read = record(resource, finding("pain-localised", valueBoolean=True))

    assert "no rule" in why_not_used(read.not_used, f"{resource['resourceType']}/x")
    assert the(read, "pain-localised").value is True
