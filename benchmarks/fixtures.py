"""The fixture of performance.md: a QuestionnaireResponse of 30 coded items with 5 Observations."""

from typing import Any

import orjson

CANON = "https://painplan.health/fhir"
ITEMS = """
    bladder-bowel-disturbance-new saddle-sensory-change bilateral-leg-neurological-symptoms
    motor-weakness-progressive trauma-significant corticosteroid-prolonged cancer-history
    weight-loss-unexplained night-rest-pain-unrelated-to-posture fever-or-rigors
    intravenous-drug-use immunosuppression recent-bacteraemia-or-spinal-procedure
    pain-location-low-back nerve-lesion-history leg-pain-worse-than-back
    worse-on-cough-sneeze-strain neuropathic-descriptors aggravation-unpredictable
    hypersensitivity-history sensory-sensitivity sleep-disturbance-frequent-awakenings
    fatigue-persistent cognitive-problems pain-localised
    mechanical-pattern-proportionate tobacco-current work-barrier social-isolation falls-history
""".split()
TRUE = {"pain-location-low-back", "pain-localised", "mechanical-pattern-proportionate"}
SIZE = 10_800
PRESENT, ABSENT = "52101004", "2667000"
SCORES = (("91147-9", 6.3), ("97909-6", 38), ("44261-6", 7), ("91351-7", 4), ("72514-3", 6))


def submission(number: int) -> bytes:
    """A Bundle about a patient of its own."""
    patient = {"reference": f"Patient/bench-{number}"}
    groups: list[dict[str, Any]] = [
        {"linkId": f"group-{n}", "text": "Questions", "item": [_item(i) for i in ITEMS[n::3]]}
        for n in range(3)
    ]
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": f"q-{number}",
        "status": "completed",
        "questionnaire": f"{CANON}/Questionnaire/clbp-intake",
        "subject": patient,
        "authored": "2026-05-28T09:00:00Z",
        "item": groups,
    }
    short = SIZE - len(orjson.dumps(response))
    filler = "x" * max(1, short // len(ITEMS) - len(',"text":""'))
    for group in groups:
        for item in group["item"]:
            item["text"] = filler
    resources = [
        {"resourceType": "Patient", "id": f"bench-{number}", "birthDate": "1978-03-14"},
        response,
        *(_score(number, patient, code, value) for code, value in SCORES),
    ]
    entries = [
        {"fullUrl": f"https://ehr.example/fhir/{r['resourceType']}/{r['id']}", "resource": r}
        for r in resources
    ]
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _item(name: str) -> dict[str, object]:
    code = PRESENT if name in TRUE else ABSENT
    coding = {"system": "http://snomed.info/sct", "code": code}
    return {"linkId": name, "answer": [{"valueCoding": coding}]}


def _score(number: int, patient: dict[str, str], code: str, value: float) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "id": f"o-{number}-{code}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": patient,
        "effectiveDateTime": "2026-05-28T09:00:00Z",
        "valueQuantity": {"value": value},
    }
