"""An order for a test, told in the fewest words, and its review."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.domain.content import Content
from app.domain.facts import CodedMedicine
from app.domain.orders.review import review
from app.domain.orders.types import Order, PlanOnRecord, Review, Snooze
from tests.patients import AS_OF, Patient, knowledge

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
BACK_PAIN = (ICD, "M54.50")
MEDICATION = "MedicationRequest"
LISTS = ("Condition", "MedicationRequest", "AllergyIntolerance", "DiagnosticReport")


def an_order(  # noqa: PLR0913  (what an order may say)
    text: str = "",
    *,
    code: tuple[str, str] | None = None,
    reason: tuple[str, str] | None = BACK_PAIN,
    reason_text: str = "",
    type_: str = "ServiceRequest",
    reference: str = "",
    **said: Any,
) -> Order:
    """A draft of a service, for low back pain unless told otherwise."""
    return Order(
        reference=reference or f"{type_}/1",
        type=type_,
        codings=() if code is None else (code,),
        text=text,
        at=AS_OF,
        reasons=() if reason is None else ((reason,),),
        reason_text=reason_text,
        **said,
    )


def prescription(  # noqa: PLR0913  (what a prescription may say)
    text: str,
    *,
    code: tuple[str, str] | None = None,
    dose: int | None = None,
    unit: str = "mg",
    replaces: Sequence[str] = (),
    reference: str = f"{MEDICATION}/1",
    **said: Any,
) -> Order:
    """A draft of a medicine."""
    medicine = CodedMedicine(
        system_codes=() if code is None else (code,),
        text=text,
        current=False,
        at=AS_OF,
        source=reference,
        daily_dose=None if dose is None else Decimal(dose),
        dose_unit=unit,
        replaces=tuple(replaces),
    )
    return an_order(
        text, code=code, type_=MEDICATION, reference=reference, medicine=medicine, **said
    )


def reviewed(  # noqa: PLR0913  (what a review depends on)
    patient: Patient,
    *orders: Order,
    hook: str = "order-sign",
    profile: str = "who",
    plan: PlanOnRecord | None = None,
    snoozes: Sequence[Snooze] = (),
    content: Content | None = None,
) -> Review:
    """What is said of the orders of a patient."""
    return review(
        orders,
        patient.record(),
        content or knowledge(),
        hook=hook,
        as_of=AS_OF,
        guideline_profile=profile,
        plan=plan,
        snoozes=snoozes,
    )
