"""Profiles of the Observations and the Goal that we derive (contract §3)."""

from app.domain.content import Content
from app.fhir.publishing.careplan_profile import derived
from app.fhir.publishing.elements import (
    bound,
    element,
    of_ours,
    pattern,
    reference,
    slicing,
    structure,
    types,
)
from app.fhir.publishing.resource import Json

SURVEY = pattern("http://terminology.hl7.org/CodeSystem/observation-category", "survey")
GRADES = ("neuropathic-grade", "nociplastic-grade", "nociceptive-support")


def profiles(content: Content) -> list[Json]:
    """Phenotype, gate, drivers and goal."""
    return [_phenotype(content), _gate(content), _drivers(content), _goal(content)]


def _phenotype(content: Content) -> Json:
    return structure(
        content,
        "painplan-phenotype",
        "Observation",
        title="Painplan pain mechanism phenotype",
        description=(
            "The mechanism of the pain as a graded working hypothesis, never a diagnosis. A grade "
            "that is not settled is unknown (dataAbsentReason), not none."
        ),
        elements=[
            *_observation("pain-mechanism-phenotype", "mechanism"),
            element("Observation.component", slicing=slicing(("pattern", "code")), min=1),
            *_part("certainty", "CodeableConcept", "certainty"),
            *(e for name in GRADES for e in _part(name, "CodeableConcept", "grade")),
            *_part("component-mechanism", "CodeableConcept", "mechanism", bounds=(0, "*")),
            *_part("second-opinion", "CodeableConcept", "mechanism"),
            *_part("suspected", "boolean"),
            *_part("nociceptive-features", "boolean"),
        ],
    )


def _gate(content: Content) -> Json:
    return structure(
        content,
        "painplan-red-flag-gate",
        "Observation",
        title="Painplan red-flag gate",
        description=(
            "The level of the red-flag gate, and of each flag asked about whether it is raised, "
            "not reported, or unknown. Not reported does not mean excluded."
        ),
        elements=[
            *_observation("red-flag-gate", "gate-level"),
            element("Observation.component", short="One red flag", min=1),
            element("Observation.component.code", binding=bound("red-flag")),
            element("Observation.component.value[x]", type=types("boolean")),
        ],
    )


def _drivers(content: Content) -> Json:
    return structure(
        content,
        "painplan-drivers",
        "Observation",
        title="Painplan pain drivers",
        description=(
            "What keeps the pain going: each driver 0 (none), 1 (mild), 2 (moderate) or 3 "
            "(severe), or unknown (dataAbsentReason). Not asked is not 0."
        ),
        elements=[
            *_observation("pain-drivers", ""),
            element("Observation.component", short="One driver", min=1),
            element("Observation.component.code", binding=bound("driver")),
            element("Observation.component.value[x]", type=types("integer")),
        ],
    )


def _observation(code: str, values: str) -> list[Json]:
    head = derived("Observation")
    said = (
        element("Observation.value[x]", max="0")
        if not values
        else element(
            "Observation.value[x]",
            min=1,
            type=types("CodeableConcept"),
            binding=bound(values),
        )
    )
    return [
        element("Observation", short="Derived by Painplan"),
        *head,
        element("Observation.category", slicing=slicing(("pattern", "$this")), min=1),
        element("Observation.category:survey", min=1, max="1", patternCodeableConcept=SURVEY),
        element("Observation.code", patternCodeableConcept=pattern(of_ours("derivation"), code)),
        element("Observation.subject", min=1, type=reference("Patient")),
        element("Observation.effective[x]", min=1, type=types("dateTime")),
        said,
        element("Observation.method", min=1),
        element("Observation.method.text", min=1),
        element("Observation.device", min=1, type=reference("Device")),
        element("Observation.derivedFrom", type=reference("QuestionnaireResponse", "Observation")),
    ]


def _part(
    name: str, type_: str, values: str = "", *, bounds: tuple[int, str] = (1, "1")
) -> list[Json]:
    at = f"Observation.component:{name}"
    value = element(f"{at}.value[x]", type=types(type_))
    if values:
        value["binding"] = bound(values)
    return [
        element(at, min=bounds[0], max=bounds[1]),
        element(f"{at}.code", patternCodeableConcept=pattern(of_ours("derivation"), name)),
        value,
    ]


def _goal(content: Content) -> Json:
    coding = "Goal.description.coding"
    return structure(
        content,
        "painplan-goal",
        "Goal",
        title="Painplan goal",
        description="A goal of the plan: measurable where a score is known, else with its date.",
        elements=[
            element("Goal", short="Derived by Painplan"),
            *derived("Goal", may_be_contained=True),
            element(coding, slicing=slicing(("value", "system")), min=1),
            element(f"{coding}:goal", min=1, max="1", binding=bound("goal")),
            element(f"{coding}:goal.system", min=1, fixedUri=of_ours("goal")),
            element(f"{coding}:goal.code", min=1),
            element("Goal.description.text", min=1),
            element("Goal.subject", type=reference("Patient")),
            element("Goal.target.detail[x]", type=types("Quantity")),
            element("Goal.target.due[x]", min=1, type=types("date")),
            element("Goal.addresses", min=1),
        ],
    )
