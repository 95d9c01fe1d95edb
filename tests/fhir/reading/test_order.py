"""Draft orders of every shape: what can be read is, and nothing that came crashes the reader."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.orders.call import Draft, Unread
from app.domain.orders.types import Order
from app.fhir.reading.order import TYPES, OrderReader, supply_days
from app.fhir.reading.received import received
from app.fhir.validation import Validator

AS_OF = datetime(2026, 11, 26, 9, tzinfo=UTC)
READER = OrderReader(Validator.load())
LOINC = "http://loinc.org"
XRAY = {"coding": [{"system": LOINC, "code": "24972-2", "display": "XR Spine Lumbar"}]}
Json = dict[str, Any]


def read(resource: Json, *known: Any) -> Order:
    orders, unread = READER.orders([Draft("X/1", resource)], known, as_of=AS_OF)
    assert unread == ()
    return orders[0]


def unread(resource: Json) -> Unread:
    orders, found = READER.orders([Draft("X/1", resource)], (), as_of=AS_OF)
    assert orders == ()
    return found[0]


@pytest.mark.parametrize(
    "draft",
    [
        {"resourceType": "ServiceRequest", "code": XRAY},
        {"resourceType": "ServiceRequest", "code": [XRAY]},
        {"resourceType": "ServiceRequest", "code": {"concept": XRAY}},
        {"resourceType": "ProcedureRequest", "code": XRAY},
        {"resourceType": "DiagnosticRequest", "code": XRAY},
        {"resourceType": "DiagnosticOrder", "item": [{"code": XRAY}]},
        {"resourceType": "ReferralRequest", "serviceRequested": [XRAY]},
    ],
)
def test_a_service_is_read_from_every_version(draft: Json) -> None:
    order = read(draft)

    assert order.type == "ServiceRequest"
    assert order.codings == ((LOINC, "24972-2"),)
    assert order.text == "XR Spine Lumbar"
    assert order.medicine is None


MEDICINE = {"text": "Tramadol 50 mg", "coding": [{"system": "urn:x", "code": "10689"}]}


@pytest.mark.parametrize(
    "draft",
    [
        {"resourceType": "MedicationRequest", "medicationCodeableConcept": MEDICINE},
        {"resourceType": "MedicationOrder", "medicationCodeableConcept": MEDICINE},
        {"resourceType": "MedicationRequest", "medication": {"concept": MEDICINE}},
        {
            "resourceType": "MedicationRequest",
            "contained": [{"resourceType": "Medication", "id": "m", "code": MEDICINE}],
            "medicationReference": {"reference": "#m"},
        },
    ],
)
def test_a_medicine_is_read_from_every_version(draft: Json) -> None:
    medicine = read(draft).medicine

    assert medicine is not None
    assert medicine.system_codes == (("urn:x", "10689"),)
    assert medicine.text == "Tramadol 50 mg"
    assert medicine.daily_dose is None


def test_the_daily_dose_is_computed_from_a_valid_instruction_only() -> None:
    timing = {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}
    dose = {"value": 300, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    good = {"timing": timing, "doseAndRate": [{"doseQuantity": dose}]}
    draft = {"resourceType": "MedicationRequest", "dosageInstruction": [good]}

    medicine = read(draft).medicine
    assert medicine is not None
    assert medicine.daily_dose == Decimal(900)

    broken = read({**draft, "dosageInstruction": [{**good, "timing": [timing]}]}).medicine
    assert broken is not None
    assert broken.daily_dose is None


@pytest.mark.parametrize(
    ("duration", "days"),
    [
        ({"value": 30, "code": "d"}, 30),
        ({"value": 30, "unit": "days"}, 30),
        ({"value": 2, "code": "wk"}, 14),
        ({"value": 1.5, "code": "wk"}, Decimal("10.5")),
        ({"value": "30", "code": "d"}, None),
        ({"value": True, "code": "d"}, None),
        ({"value": 4, "code": "h"}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_supply_in_days(duration: Any, days: Decimal | None) -> None:
    assert supply_days({"dispenseRequest": {"expectedSupplyDuration": duration}}) == days


@pytest.mark.parametrize(
    ("bounds", "days"),
    [
        ({"boundsDuration": {"value": 2, "unit": "wk", "code": "wk"}}, 14),
        ({"boundsRange": {"low": {"value": 3}, "high": {"value": 5, "code": "d"}}}, 5),
        ({"boundsPeriod": {"start": "2026-06-01", "end": "2026-06-30"}}, 30),
        ({"boundsPeriod": {"start": "2026-06-01T08:00:00Z", "end": "2026-06-08T08:00:00Z"}}, 7),
        ({"boundsPeriod": {"start": "2026-06-01"}}, None),
        ({"boundsPeriod": {"start": "2026-06-09", "end": "2026-06-01"}}, None),
    ],
)
def test_the_supply_is_told_by_any_bounds_of_the_instruction(bounds: Any, days: int | None) -> None:
    told = supply_days({"dosageInstruction": [{"timing": {"repeat": bounds}}]})

    assert told == (None if days is None else Decimal(days))


@pytest.mark.parametrize(("repeats", "days"), [(0, 10), (3, 40), (-1, 10), ("3", 10), (True, 10)])
def test_repeats_lengthen_the_supply(repeats: Any, days: int) -> None:
    duration = {"value": 10, "code": "d"}
    dispense = {"expectedSupplyDuration": duration, "numberOfRepeatsAllowed": repeats}

    assert supply_days({"dispenseRequest": dispense}) == days


def test_a_reason_is_coded_or_refers_to_a_condition_that_is_known() -> None:
    problem = {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "279039007"}]},
        "subject": {"reference": "Patient/p1"},
    }
    known = received(b"{}", problem, full_url=None, references={})
    draft = {
        "resourceType": "ServiceRequest",
        "reasonCode": {"text": "pain", "coding": [{"system": "s", "code": "1"}]},
        "reasonReference": [{"reference": "https://ehr.example/fhir/Condition/c1"}],
    }

    order = read(draft, known)

    assert order.reasons == ((("s", "1"),), (("http://snomed.info/sct", "279039007"),))
    assert "pain" in order.reason_text


def test_a_reason_that_was_not_sent_is_a_reason_and_nobody_knows_which() -> None:
    order = read(
        {
            "resourceType": "MedicationRequest",
            "medicationCodeableConcept": MEDICINE,
            "reasonReference": [{"reference": "Condition/elsewhere"}],
        }
    )

    assert order.reasons == ((),)
    assert order.reason_text == ""


@pytest.mark.parametrize(
    "status",
    [
        {"coding": [{"code": "refuted"}]},
        {"coding": [{"code": "entered-in-error"}]},
        "refuted",
    ],
)
def test_a_problem_that_was_refuted_is_no_reason(status: Any) -> None:
    problem = {
        "resourceType": "Condition",
        "id": "c",
        "verificationStatus": status,
        "code": {"coding": [{"system": "urn:x", "code": "1"}]},
    }
    draft = {
        "resourceType": "ServiceRequest",
        "contained": [problem],
        "reasonReference": [{"reference": "#c"}],
    }

    assert read(draft).reasons == ()


def test_what_merely_supports_an_order_is_its_reason_only_where_it_says_none() -> None:
    problem = {"resourceType": "Condition", "id": "c", "code": {"text": "Low back pain"}}
    draft: Json = {
        "resourceType": "ServiceRequest",
        "contained": [problem],
        "supportingInformation": [{"reference": "#c"}],
    }

    assert read(draft).reason_text == "Low back pain"
    assert read({**draft, "reasonCode": [{"text": "Sinusitis"}]}).reason_text == "Sinusitis"


@pytest.mark.parametrize(
    "link",
    ["#m", "Medication/m", "https://ehr.example/fhir/Medication/m", "Medication/m/_history/2"],
)
@pytest.mark.parametrize(
    "medication",
    [{"code": MEDICINE}, {"ingredient": [{"itemCodeableConcept": MEDICINE}]}],
    ids=["code", "ingredient"],
)
def test_a_medicine_is_found_where_the_draft_refers_to(link: str, medication: Json) -> None:
    whole = {"resourceType": "Medication", "id": "m", **medication}
    draft: Json = {"resourceType": "MedicationRequest", "medicationReference": {"reference": link}}
    beside: list[Draft] = []
    if link.startswith("#"):
        draft["contained"] = [whole]
    else:
        beside.append(Draft("Medication/m", whole))

    orders, _ = READER.orders([Draft("X/1", draft), *beside], (), as_of=AS_OF)

    assert orders[0].codings == (("urn:x", "10689"),)


@pytest.mark.parametrize(
    "prior",
    [
        "MedicationRequest/9",
        "https://ehr.example/fhir/MedicationRequest/9",
        "MedicationRequest/9/_history/3",
    ],
)
def test_what_a_draft_renews_is_read(prior: str) -> None:
    draft = {"resourceType": "MedicationRequest", "priorPrescription": {"reference": prior}}

    medicine = read(draft).medicine

    assert medicine is not None
    assert medicine.replaces == ("MedicationRequest/9",)


def test_what_an_order_refers_to_is_read_with_it_and_not_named_as_unread() -> None:
    whole = {"resourceType": "Medication", "id": "m", "code": MEDICINE}
    draft = {
        "resourceType": "MedicationRequest",
        "medicationReference": {"reference": "Medication/m"},
    }
    drafts = [Draft("X/1", draft), Draft("Medication/m", whole)]
    alone = {**whole, "id": "n"}

    orders, unread = READER.orders([*drafts, Draft("Medication/n", alone)], (), as_of=AS_OF)

    assert [order.reference for order in orders] == ["X/1"]
    assert [one.order for one in unread] == ["Medication/n"]


def test_a_medicine_of_the_basket_is_found_by_its_full_url() -> None:
    url = "urn:uuid:0b1f2d6e-9d8b-4a53-9d53-000000000001"
    whole = {"resourceType": "Medication", "code": MEDICINE}
    draft = {"resourceType": "MedicationRequest", "medicationReference": {"reference": url}}

    orders, _ = READER.orders(
        [Draft("X/1", draft), Draft("draftOrders.entry[1]", whole, full_url=url)],
        (),
        as_of=AS_OF,
    )

    assert orders[0].text == "Tramadol 50 mg"


@pytest.mark.parametrize(
    ("more", "stops"),
    [
        ({}, False),
        ({"status": "active"}, False),
        ({"status": "stopped"}, True),
        ({"status": "revoked"}, True),
        ({"doNotPerform": True}, True),
        ({"doNotPerform": "true"}, False),
    ],
)
def test_what_ends_something(more: Json, stops: bool) -> None:
    assert read({"resourceType": "MedicationRequest", **more}).stops is stops


def test_what_is_no_order_is_named() -> None:
    assert "VisionPrescription" in unread({"resourceType": "VisionPrescription"}).why
    wrong = {"resourceType": "ServiceRequest", "status": "entered-in-error"}
    assert "entered-in-error" in unread(wrong).why


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                """coding code system display text concept reference value unit timing repeat
                doseAndRate doseQuantity contained id resourceType item form route""".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NAMES = """
    id status intent code medicationCodeableConcept medicationReference medication orderDetail
    reasonCode reasonReference reason dosageInstruction dispenseRequest contained authoredOn
    codeCodeableConcept oralDiet payload item bodySite description doNotPerform type note
""".split()


@given(st.sampled_from(sorted(TYPES)), st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_nothing_that_calls_itself_an_order_crashes_the_reader(type_: str, more: Json) -> None:
    drafts = [Draft("X/1", {**more, "resourceType": type_})]

    orders, unread = READER.orders(drafts, (), as_of=AS_OF)

    assert len(orders) + len(unread) == 1
