"""Our CDS services: id, hook, and the prefetch template behind each key (CH-05 to CH-16).

The templates keep to the subset of CDS Hooks 2.0: an instance read or a type search with tokens of
root-level context fields, token parameters, ``_sort`` and ``_count``.
"""

from types import MappingProxyType
from typing import NamedTuple

PATIENT_ID = "{{context.patientId}}"
PATIENT_VIEW, ORDER_SELECT, ORDER_SIGN = "patient-view", "order-select", "order-sign"
USAGE = (
    "All prefetch is optional. What is left out is asked of fhirServer, if the deployment allows"
    " that server, with the token given; else it counts as unknown, and a card that would rest on"
    " it says that it cannot be checked. Send null or an empty Bundle where you looked and found"
    " nothing. What is stored here of the patient counts, too."
)


class Prefetch(NamedTuple):
    """One key: what it asks for, and the list that is known in full once it was answered.

    ``beside`` is a type that may come along because what is asked for refers to it.
    """

    type: str
    template: str
    completes: str = ""
    beside: str = ""


class Service(NamedTuple):
    """One service; one id a hook, because the reference client keeps one service a URL."""

    id: str
    hook: str
    title: str
    description: str


def _of_patient(type_: str, more: str, completes: str = "", beside: str = "") -> Prefetch:
    return Prefetch(type_, f"{type_}?patient={PATIENT_ID}{more}", completes, beside)


PREFETCH = MappingProxyType(
    {
        "patient": Prefetch("Patient", f"Patient/{PATIENT_ID}"),
        "conditions": _of_patient("Condition", "&_count=200", "Condition"),
        "medications": _of_patient(
            "MedicationRequest", "&_count=200", "MedicationRequest", beside="Medication"
        ),
        "allergies": _of_patient("AllergyIntolerance", "&_count=100", "AllergyIntolerance"),
        "observations": _of_patient("Observation", "&_sort=-date&_count=200"),
        "responses": _of_patient("QuestionnaireResponse", "&_sort=-authored&_count=20"),
        "reports": _of_patient("DiagnosticReport", "&_sort=-date&_count=100", "DiagnosticReport"),
    }
)
SERVICES = MappingProxyType(
    {
        service.id: service
        for service in (
            Service(
                "clbp-patient-view",
                PATIENT_VIEW,
                "Low back pain: what is on record and what is due",
                "Tells the phenotype and when the plan is due, offers the intake questionnaire and"
                " the red-flag screen where they are missing, and names gaps in opioid care.",
            ),
            Service(
                "clbp-order-select",
                ORDER_SELECT,
                "Low back pain: advice on the selected order",
                "Advises on the selected draft orders (imaging, medicines, injections, surgery,"
                " physiotherapy, devices) for low back pain, the other drafts considered.",
            ),
            Service(
                "clbp-order-sign",
                ORDER_SIGN,
                "Low back pain: last check before signing",
                "Checks every order about to be signed for low back pain: safety, dose,"
                " interaction, and what guidelines advise instead.",
            ),
        )
    }
)


def path_for(key: str, patient: str) -> str:
    """The template with its token filled in; ``patient`` is a FHIR id and needs no escape."""
    return PREFETCH[key].template.replace(PATIENT_ID, patient)
