"""What an order is understood to be: by code, then by words, and what stays open."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.orders.meaning import kinds_of, what_is_ordered, why_ordered
from app.domain.orders.types import Order
from tests.orders import ICD, LOINC, SNOMED, an_order, prescription
from tests.patients import knowledge

IMAGING = {"order-lumbar-imaging"}
MR = IMAGING | {"order-lumbar-mr"}


def said_of(order: Order) -> dict[str, object]:
    return dict(what_is_ordered(order, knowledge()))


def reason_of(order: Order) -> dict[str, object]:
    return dict(why_ordered(order, knowledge()))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("MRI of the lumbar spine without contrast", MR),
        ("Lumbar spine MRI", MR),
        ("X-ray lumbosacral spine", IMAGING | {"order-lumbar-xr"}),
        ("Computed tomography, lumbar spine", IMAGING | {"order-lumbar-ct"}),
        ("Lumbar puncture under CT guidance", set()),
        ("MRI cervical spine", set()),
        ("Transforaminal injection L5", {"order-epidural"}),
        ("Lumbar medial branch block", {"order-spinal-injection"}),
        ("Physical therapy evaluation", {"order-physiotherapy"}),
        ("Complete blood count", set()),
        ("", set()),
    ],
)
def test_words_tell_a_kind_in_any_order(text: str, kinds: set[str]) -> None:
    assert kinds_of([], text, knowledge()) == kinds


def test_a_code_beats_the_words() -> None:
    found = kinds_of([(LOINC, "24972-2")], "MRI lumbar spine", knowledge())

    assert found == IMAGING | {"order-lumbar-xr"}


def test_an_order_known_to_be_one_thing_is_not_the_others() -> None:
    said = said_of(an_order(code=(SNOMED, "306170007")))

    assert said["order-physiotherapy"] is True
    assert said["order-lumbar-imaging"] is False
    assert said["order-opioid"] is False


def test_of_an_order_that_matches_nothing_no_kind_is_known() -> None:
    said = said_of(an_order("Something else"))

    assert "order-lumbar-imaging" not in said
    assert said["order-opioid"] is False


@pytest.mark.parametrize(
    ("type_", "open_kinds"),
    [
        ("DeviceRequest", {"order-brace-or-traction"}),
        ("NutritionOrder", set()),
        ("Task", set(knowledge().orders.kinds)),
    ],
)
def test_what_matches_nothing_may_be_what_comes_as_such_a_resource(
    type_: str, open_kinds: set[str]
) -> None:
    said = said_of(an_order("Something else", type_=type_))

    assert {kind for kind in knowledge().orders.kinds if kind not in said} == open_kinds


def test_a_code_of_loinc_that_nobody_knows_may_be_an_image_and_is_no_injection() -> None:
    said = said_of(an_order(code=(LOINC, "99999-9")))

    assert "order-lumbar-imaging" not in said
    assert said["order-spinal-injection"] is False
    assert said["order-brace-or-traction"] is False


def test_a_code_known_to_be_something_else_is_none_of_these() -> None:
    said = said_of(an_order("Creatinine", code=(LOINC, "2160-0")))

    assert not any(said[kind] for kind in knowledge().orders.kinds)


def test_the_modality_stays_open_while_only_imaging_is_known() -> None:
    content = knowledge()
    codes = {**content.orders.codes, ("urn:local", "1"): ("order-lumbar-imaging",)}
    known = replace(content, orders=replace(content.orders, codes=codes))
    said = dict(what_is_ordered(an_order(code=("urn:local", "1")), known))

    assert said["order-lumbar-imaging"] is True
    assert "order-lumbar-mr" not in said
    assert said["order-epidural"] is False


def test_a_medicine_has_its_classes_and_lacks_the_others() -> None:
    said = said_of(prescription("tramadol", dose=100))

    assert said["order-opioid"] is True
    assert said["order-tramadol"] is True
    assert said["order-nsaid"] is False
    assert said["order-daily-dose"] == Decimal(100)


def test_a_group_leaves_open_which_member_it_is() -> None:
    said = said_of(prescription("", code=("http://www.whocc.no/atc", "N02A")))

    assert said["order-opioid"] is True
    assert "order-tramadol" not in said


def test_a_medicine_nobody_knows_may_be_anything() -> None:
    said = said_of(prescription("zzz", code=("urn:local", "1")))

    assert "order-nsaid" not in said
    assert said["order-lumbar-imaging"] is False


def test_the_dose_of_a_combination_or_a_patch_is_no_dose_in_milligrams() -> None:
    assert "order-daily-dose" not in said_of(prescription("paracetamol codeine", dose=60))
    assert "order-daily-dose" not in said_of(prescription("fentanyl", dose=25, unit="ug/h"))


@pytest.mark.parametrize(
    ("text", "is_long"),
    [
        ("12 HR oxycodone 10 MG Extended Release Oral Tablet", True),
        ("morphine sulfate SR", True),
        ("fentanyl patch", True),
        ("oxycodone 5 MG Oral Tablet", False),
        ("oxycodone", None),
    ],
)
def test_words_tell_how_a_medicine_is_released(text: str, is_long: bool | None) -> None:
    assert said_of(prescription(text)).get("order-extended-release") is is_long


@pytest.mark.parametrize(
    ("reason", "words", "is_low_back"),
    [
        ((ICD, "M54.50"), "", True),
        ((ICD, "M5450"), "", True),
        ((ICD, "M54.16"), "", True),
        ((SNOMED, "278860009"), "", True),
        ((ICD, "M54.2"), "", False),
        ((ICD, "M54.12"), "", False),
        ((ICD, "J01.90"), "low back pain", True),
        (("urn:local", "7"), "", None),
        (("urn:local", "7"), "lumbago", True),
        (None, "sinusitis", None),
        (None, "no low back pain", None),
        (None, "Epilepsy, denies low back pain", None),
        ((ICD, "G40.909"), "Epilepsy, not for back pain, no sciatica", False),
        (None, "Low back pain, not improving", True),
        (None, "No leg weakness. Low back pain for a year", True),
        (None, "no sciatica but low back pain", True),
        (None, "Douleur lombaire, l\u2019\u00e9t\u00e9 \U0001f9b4", None),
        (None, "", False),
    ],
)
def test_the_reason(reason: tuple[str, str] | None, words: str, is_low_back: bool | None) -> None:
    said = reason_of(an_order(reason=reason, reason_text=words))

    assert said.get("order-reason-is-low-back-pain") is is_low_back
    assert said["order-has-reason"] is bool(reason or words)


LUMBAR = """
M54.15 M54.16 M54.17 M54.30 M54.31 M54.32 M54.40 M54.41 M54.42 M54.50 M54.51 M54.59 M51.06 M51.07
M51.16 M51.17 M51.26 M51.27 M51.360 M51.361 M51.362 M51.369 M51.370 M51.46 M51.47 M51.86 M51.87
M51.A1 M51.A4 M47.16 M47.26 M47.27 M47.816 M47.817 M47.896 M47.897 M48.061 M48.062 M48.07 M43.16
M43.17 M96.1
"""
ELSEWHERE = """
M54.10 M54.11 M54.12 M54.13 M54.14 M54.2 M54.6 M54.81 M54.9 M51.04 M51.05 M51.14 M51.15 M51.24
M51.34 M47.12 M47.22 M47.812 M47.814 M48.02 M48.04 M43.12 M43.14 M50.20
"""


@pytest.mark.parametrize("code", LUMBAR.split())
def test_a_code_of_amendment_15_is_low_back_pain(code: str) -> None:
    assert reason_of(an_order(reason=(ICD, code)))["order-reason-is-low-back-pain"] is True


@pytest.mark.parametrize("code", ELSEWHERE.split())
def test_a_code_of_the_neck_or_the_chest_is_not(code: str) -> None:
    assert reason_of(an_order(reason=(ICD, code)))["order-reason-is-low-back-pain"] is False


def test_a_reason_in_words_that_nobody_understands_keeps_the_question_open() -> None:
    order = an_order(reason=(ICD, "I10"), reason_text="Hypertension, Kreuzschmerz")
    both = order._replace(reasons=(*order.reasons, ()))

    assert "order-reason-is-low-back-pain" not in reason_of(both)


def test_one_reason_of_several_is_enough() -> None:
    order = an_order(reason=(ICD, "J01.90"))
    both = order._replace(reasons=(*order.reasons, ((ICD, "M54.31"),)))

    said = reason_of(both)

    assert said["order-reason-is-low-back-pain"] is True
    assert said["order-reason-is-radicular"] is True
