"""Profiles of what stands beside the plan: scores, safety findings, guidance, provenance."""

from app.domain.content import Content
from app.fhir.publishing.careplan_profile import AIAST, derived
from app.fhir.publishing.elements import (
    bound,
    element,
    of_ours,
    reference,
    slicing,
    structure,
    types,
)
from app.fhir.publishing.profiles import SURVEY
from app.fhir.publishing.resource import Json, canonical

CAREPLAN = canonical("StructureDefinition", "painplan-careplan")


def accompanying_profiles(content: Content) -> list[Json]:
    """Score, safety finding, guidance, provenance."""
    return [_score(content), _safety(content), _guidance(content), _provenance(content)]


def _score(content: Content) -> Json:
    return structure(
        content,
        "painplan-score",
        "Observation",
        title="Painplan score",
        description=(
            "The total of a questionnaire that was computed from single answers, with the points "
            "of each. A total that was sent is the sender's and is not repeated."
        ),
        elements=[
            element("Observation", short="Derived by Painplan"),
            *derived("Observation"),
            element("Observation.category", slicing=slicing(("pattern", "$this")), min=1),
            element("Observation.category:survey", min=1, max="1", patternCodeableConcept=SURVEY),
            element("Observation.subject", min=1, type=reference("Patient")),
            element("Observation.effective[x]", min=1, type=types("dateTime")),
            element("Observation.value[x]", min=1, type=types("Quantity")),
            element("Observation.device", min=1, type=reference("Device")),
            element("Observation.derivedFrom", short="The answers", min=1),
            element("Observation.component", short="The points of one item", min=1),
            element("Observation.component.value[x]", min=1, type=types("Quantity")),
        ],
    )


def _safety(content: Content) -> Json:
    coding = "DetectedIssue.code.coding"
    return structure(
        content,
        "painplan-safety-finding",
        "DetectedIssue",
        title="Painplan safety finding",
        description=(
            "A safety rule that keeps an activity out of the plan, adjusts it or asks for care, "
            "with the facts that it used."
        ),
        elements=[
            element("DetectedIssue", short="Derived by Painplan"),
            *derived("DetectedIssue"),
            element("DetectedIssue.code", min=1),
            element(coding, slicing=slicing(("value", "system")), min=1),
            element(f"{coding}:rule", min=1, max="1", binding=bound("rule")),
            element(f"{coding}:rule.system", min=1, fixedUri=of_ours("rule")),
            element(f"{coding}:rule.code", min=1),
            element("DetectedIssue.severity", min=1),
            element("DetectedIssue.patient", min=1, type=reference("Patient")),
            element("DetectedIssue.identified[x]", min=1, type=types("dateTime")),
            element("DetectedIssue.author", min=1, type=reference("Device")),
            element("DetectedIssue.detail", short="The rule in words", min=1),
        ],
    )


def _guidance(content: Content) -> Json:
    return structure(
        content,
        "painplan-guidance",
        "GuidanceResponse",
        title="Painplan guidance",
        description=(
            "What is missing and worth asking next (dataRequirement), and what came in and was "
            "not used, with the reason (evaluationMessage)."
        ),
        elements=[
            element("GuidanceResponse", short="Derived by Painplan"),
            *derived("GuidanceResponse"),
            element("GuidanceResponse.module[x]", type=types("canonical")),
            element("GuidanceResponse.subject", min=1, type=reference("Patient")),
            element("GuidanceResponse.occurrenceDateTime", min=1),
            element("GuidanceResponse.performer", min=1, type=reference("Device")),
            element("GuidanceResponse.result", min=1, type=reference(CAREPLAN)),
        ],
    )


def _provenance(content: Content) -> Json:
    agent = "Provenance.agent"
    return structure(
        content,
        "painplan-provenance",
        "Provenance",
        title="Painplan provenance",
        description=(
            "Which inputs and which version of the knowledge made a decision. Its id is the "
            "decision's."
        ),
        elements=[
            element("Provenance", short="Rendered by Painplan"),
            element("Provenance.meta", min=1),
            element("Provenance.meta.security", slicing=slicing(("pattern", "$this")), min=1),
            element(
                "Provenance.meta.security:algorithm",
                min=1,
                max="1",
                patternCoding={"system": AIAST[0], "code": AIAST[1]},
            ),
            element("Provenance.occurred[x]", min=1, type=types("dateTime")),
            element("Provenance.policy", short="Version and digest of the knowledge", min=1),
            element("Provenance.activity", min=1),
            element(f"{agent}.type", min=1),
        ],
    )
