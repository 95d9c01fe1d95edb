"""What suggestions create is valid R4; what they change is the draft and one thing else."""

from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from app.domain.orders.call import CardFrame
from app.fhir.publishing.words_overrides import OVERRIDE_REASON
from app.fhir.validation import Validator
from app.fhir.writing.markdown import escaped, plain
from app.fhir.writing.suggested import Suggested, lowered, without_empty
from app.knowledge import load

CONTENT = load()
VALIDATOR = Validator.load()
FRAME = CardFrame(
    tenant="t",
    decision="d",
    instance="i",
    patient="p1",
    user="Practitioner/dr",
    encounter="e1",
    as_of="2026-11-26T09:00:00Z",
    public_url="https://painplan.example",
)
SUGGESTED = Suggested(CONTENT, FRAME)
TEMPLATES = CONTENT.orders.templates
DOSE = {"value": 600, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}


@pytest.mark.parametrize("what", TEMPLATES)
def test_every_template_creates_a_valid_resource(what: str) -> None:
    made = SUGGESTED.created(TEMPLATES[what])

    assert VALIDATOR.problems(made) == ()
    get_fhir_model_class(made["resourceType"]).model_validate(made)
    assert made.get("subject", made.get("for")) == {"reference": "Patient/p1"}


def test_a_requester_is_a_person_that_can_be_referred_to() -> None:
    for user in ("somebody", "Practitioner/a b", "Practitioner/", "Device/d"):
        frame = Suggested(CONTENT, FRAME._replace(user=user))

        assert "requester" not in frame.created(TEMPLATES["PT-01"])


def test_an_encounter_is_named_by_an_id_or_not_at_all() -> None:
    for told, named in (("Encounter/e1", "Encounter/e1"), ("../x y", None), ("", None)):
        frame = Suggested(CONTENT, FRAME._replace(encounter=told))

        made = frame.created(TEMPLATES["PT-01"]).get("encounter", {})
        assert made.get("reference") == named


def prescription(*instructions: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "dosageInstruction": list(instructions)}


def test_a_dose_is_scaled_down_to_whole_units_and_its_old_text_goes() -> None:
    draft = prescription({"text": "600 mg", "doseAndRate": [{"doseQuantity": DOSE}]})

    changed = lowered(draft, Decimal(1800), Decimal(700))

    assert changed is not None
    (instruction,) = changed["dosageInstruction"]
    assert instruction == {"doseAndRate": [{"doseQuantity": {**DOSE, "value": 233}}]}
    assert draft["dosageInstruction"][0]["text"] == "600 mg"


@pytest.mark.parametrize(
    "draft",
    [
        prescription(),
        prescription({"doseAndRate": [{"doseQuantity": DOSE}]}, {"text": "and more"}),
        prescription({"text": "as before"}),
        prescription(
            {
                "doseAndRate": [{"doseQuantity": DOSE}],
                "maxDosePerPeriod": {"numerator": DOSE, "denominator": {"value": 1, "unit": "d"}},
            }
        ),
        {},
    ],
)
def test_a_dose_that_cannot_be_told_is_not_changed(draft: dict[str, Any]) -> None:
    assert lowered(draft, Decimal(1800), Decimal(700)) is None


def test_a_draft_of_another_type_is_not_changed() -> None:
    assert (
        SUGGESTED.changed({"resourceType": "ProcedureRequest"}, TEMPLATES["mr-lumbar-wo"]) is None
    )


def test_a_shorter_supply_does_not_keep_the_old_amount() -> None:
    dispense = {"quantity": {"value": 90}, "numberOfRepeatsAllowed": 3}
    draft = {"resourceType": "MedicationRequest", "dispenseRequest": dispense}

    changed = SUGGESTED.changed(draft, TEMPLATES["quantity"])

    assert changed is not None
    assert changed["dispenseRequest"].keys() == {"expectedSupplyDuration"}
    assert changed["dispenseRequest"]["expectedSupplyDuration"]["value"] == 7


@pytest.mark.parametrize(("days", "bounded"), [(14, 7), (7, 7), (3, 3)])
def test_a_shorter_supply_is_not_taken_for_longer(days: int, bounded: int) -> None:
    duration = {"value": days, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"}
    repeat = {"frequency": 1, "period": 1, "periodUnit": "d", "boundsDuration": duration}
    draft = prescription({"text": "as told", "timing": {"repeat": repeat}}, {"text": "and this"})

    changed = SUGGESTED.changed(draft, TEMPLATES["quantity"])

    assert changed is not None
    first, second = changed["dosageInstruction"]
    assert first["timing"]["repeat"]["boundsDuration"]["value"] == bounded
    assert {**first, "timing": None} == {"text": "as told", "timing": None}
    assert second == {"text": "and this"}
    assert repeat["boundsDuration"] == duration


def test_a_detail_is_added_once() -> None:
    draft = {"resourceType": "ServiceRequest", "code": {"text": "Physiotherapy"}}
    template = TEMPLATES["pt-psychologically-informed"]

    changed = SUGGESTED.changed(draft, template)

    assert changed is not None
    assert SUGGESTED.changed(changed, template) is None


def test_what_is_empty_is_left_out_and_zero_and_false_are_not_empty() -> None:
    node: dict[str, Any] = {
        "a": [],
        "b": {},
        "c": None,
        "d": "",
        "e": [{"f": [None]}],
        "g": 0,
        "h": False,
    }

    assert without_empty(node) == {"g": 0, "h": False}


@given(st.text())
def test_escaped_text_is_one_line_without_live_markup(text: str) -> None:
    line = escaped(text)

    assert "\n" not in line
    assert "\r" not in line
    for mark in "<[`*_|":
        assert all(_is_escaped(line, at) for at, c in enumerate(line) if c == mark)


def _is_escaped(line: str, at: int) -> bool:
    before = len(line[:at]) - len(line[:at].rstrip("\\"))
    return before % 2 == 1


@given(st.text(), st.integers(min_value=1, max_value=200))
def test_plain_text_is_never_longer_than_asked(text: str, at_most: int) -> None:
    assert len(plain(text, at_most)) <= at_most


def test_every_reason_that_a_rule_offers_is_published() -> None:
    for card in CONTENT.orders.cards:
        assert set(card.overrides) <= set(OVERRIDE_REASON), card.id
