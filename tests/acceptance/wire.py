"""Small FHIR resources for tests, as an EHR would send them."""

from typing import Any

CANON = "https://painplan.health/fhir"
AS_OF = "2026-06-01T09:00:00Z"
Json = dict[str, Any]

SCREEN = """
    bladder-bowel-disturbance-new saddle-sensory-change bilateral-leg-neurological-symptoms
    motor-weakness-progressive trauma-significant corticosteroid-prolonged cancer-history
    weight-loss-unexplained night-rest-pain-unrelated-to-posture fever-or-rigors
    intravenous-drug-use immunosuppression recent-bacteraemia-or-spinal-procedure
""".split()


def patient(id_: str = "p1", **more: Any) -> Json:
    """An adult."""
    return {"resourceType": "Patient", "id": id_, "birthDate": "1980-01-01", **more}


def finding(name: str, value: Any, *, of: str = "p1", **more: Any) -> Json:
    """One finding as an Observation, a few days old."""
    typed = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}[type(value)]
    return {
        "resourceType": "Observation",
        "id": f"{of}-{name}",
        "status": "final",
        "subject": {"reference": f"Patient/{of}"},
        "code": {"coding": [{"system": f"{CANON}/CodeSystem/finding", "code": name}]},
        "effectiveDateTime": "2026-05-28T09:00:00Z",
        typed: value,
        **more,
    }


def intake(answers: dict[str, Any], *, of: str = "p1", **more: Any) -> Json:
    """The patient's own answers to our intake form."""
    items = []
    for name, value in answers.items():
        typed = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}[type(value)]
        items.append({"linkId": name, "answer": [{typed: value}]})
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"{of}-intake",
        "status": "completed",
        "questionnaire": f"{CANON}/Questionnaire/clbp-intake",
        "subject": {"reference": f"Patient/{of}"},
        "authored": "2026-05-28T09:00:00Z",
        "item": items,
        **more,
    }


def bundle(*resources: Json) -> Json:
    """A collection."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": f"https://ehr.example/fhir/{r['resourceType']}/{r.get('id', n)}",
                "resource": r,
            }
            for n, r in enumerate(resources)
        ],
    }


def screened(**answers: Any) -> dict[str, Any]:
    """Low back pain for a year, every gate question answered no, and whatever else is given."""
    return {
        "pain-location-low-back": True,
        "pain-duration-weeks": 52,
        **dict.fromkeys(SCREEN, False),
        **{name.replace("_", "-"): value for name, value in answers.items()},
    }


def of_type(answer: Json, type_: str) -> list[Json]:
    """The resources of one type in a Bundle."""
    found = (entry["resource"] for entry in answer["entry"])
    return [resource for resource in found if resource["resourceType"] == type_]


def derived(answer: Json, code: str) -> Json:
    """One of our derived Observations."""
    return next(o for o in of_type(answer, "Observation") if o["code"]["coding"][0]["code"] == code)


def activities(plan: Json) -> list[str]:
    """The ids of a plan's activities, in their order."""
    return [a["detail"]["code"]["coding"][0]["code"] for a in plan["activity"]]


def mechanism(answer: Json) -> str:
    """The working hypothesis."""
    coded = derived(answer, "pain-mechanism-phenotype")["valueCodeableConcept"]
    return str(coded["coding"][0]["code"])


def gate(answer: Json) -> str:
    """The gate level."""
    return str(derived(answer, "red-flag-gate")["valueCodeableConcept"]["coding"][0]["code"])
