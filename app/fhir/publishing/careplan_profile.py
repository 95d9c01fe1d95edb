"""Profile painplan-careplan: what contract §3 promises of a plan, within US Core CarePlan."""

from app.domain.content import Content
from app.fhir.canon import ACTIVITY, DECISION
from app.fhir.publishing.elements import (
    bound,
    element,
    pattern,
    reference,
    slicing,
    structure,
    types,
)
from app.fhir.publishing.resource import Json, canonical

US_CORE_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"
STAGE = canonical("StructureDefinition", "activity-stage")
AIAST = ("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "AIAST")
DETAIL = "CarePlan.activity.detail"
EXTENSIONS = {
    "activity-rank": (1, "1"),
    "activity-stage": (1, "1"),
    "activity-rule": (1, "*"),
    "activity-evidence": (1, "*"),
    "activity-dissent": (0, "1"),
}


def derived(type_: str, *, may_be_contained: bool = False) -> list[Json]:
    """What all that we derive carries: the mark of an algorithm and the decision it comes from.

    What may be contained has no meta there: R4 allows no security label inside (dom-5).
    """
    return [
        element(f"{type_}.meta", min=0 if may_be_contained else 1),
        element(
            f"{type_}.meta.security",
            slicing=slicing(("pattern", "$this")),
            min=1,
        ),
        element(
            f"{type_}.meta.security:algorithm",
            short="Asserted by an algorithm",
            min=1,
            max="1",
            patternCoding={"system": AIAST[0], "code": AIAST[1]},
        ),
        *_by_decision(type_),
    ]


def _by_decision(type_: str) -> list[Json]:
    at = f"{type_}.identifier"
    return [
        element(at, slicing=slicing(("value", "system")), min=1),
        element(f"{at}:decision", short="The decision behind it", min=1, max="1"),
        element(f"{at}:decision.system", min=1, fixedUri=DECISION),
        element(f"{at}:decision.value", min=1),
    ]


def careplan_profile(content: Content) -> Json:
    """The profile as a differential."""
    return structure(
        content,
        "painplan-careplan",
        "CarePlan",
        title="Painplan CarePlan",
        description=(
            "A plan for chronic low back pain: a proposal until a clinician accepts it. Each "
            "activity carries its rank, its stage, its rules and its evidence. It is made to "
            "satisfy US Core CarePlan as well."
        ),
        elements=[
            element("CarePlan", constraint=[_INTENT]),
            *_head(),
            *_links(),
            *_detail(),
        ],
    )


_INTENT = {
    "key": "painplan-careplan-1",
    "severity": "error",
    "human": "A plan of ours is a proposal, and a plan once it is accepted.",
    "expression": "intent = 'proposal' or intent = 'plan'",
    "source": canonical("StructureDefinition", "painplan-careplan"),
}
_PROHIBITION = {
    "key": "painplan-careplan-2",
    "severity": "error",
    "human": "An activity of the stage do-not is a prohibition, and no other activity is.",
    "expression": f"doNotPerform = (extension.where(url = '{STAGE}').value = 'do-not')",
    "source": canonical("StructureDefinition", "painplan-careplan"),
}
_CANCELLED = {
    "key": "painplan-careplan-3",
    "severity": "error",
    "human": "An activity that was declined says why.",
    "expression": "status = 'cancelled' implies statusReason.exists()",
    "source": canonical("StructureDefinition", "painplan-careplan"),
}


def _head() -> list[Json]:
    derived_elements = derived("CarePlan")
    meta = [e for e in derived_elements if ".meta" in e["id"]]
    identifiers = [e for e in derived_elements if ".meta" not in e["id"]]
    return [
        *meta,
        element("CarePlan.text", min=1),
        element("CarePlan.text.status", short="generated", patternCode="generated"),
        *identifiers,
        element("CarePlan.instantiatesCanonical", short="The protocol with its version", min=1),
        element("CarePlan.category", slicing=slicing(("pattern", "$this")), min=2),
        element(
            "CarePlan.category:AssessPlan",
            short="Assessment and plan (US Core)",
            min=1,
            max="1",
            patternCodeableConcept=pattern(US_CORE_CATEGORY, "assess-plan"),
        ),
        element(
            "CarePlan.category:PainPlan",
            short="Plan of care for pain (LOINC)",
            min=1,
            max="1",
            patternCodeableConcept=pattern("http://loinc.org", "80764-4"),
        ),
        element("CarePlan.title", min=1),
        element("CarePlan.description", min=1),
    ]


def _links() -> list[Json]:
    return [
        element("CarePlan.subject", type=reference("Patient")),
        element("CarePlan.period", min=1),
        element("CarePlan.created", min=1),
        element("CarePlan.author", min=1, type=reference("Device")),
        element("CarePlan.addresses", type=reference("Condition")),
        element(
            "CarePlan.supportingInfo",
            short="The gate, the phenotype and what else was observed",
            min=1,
            type=reference("Observation"),
        ),
        element(
            "CarePlan.goal",
            type=reference(canonical("StructureDefinition", "painplan-goal")),
        ),
    ]


def _detail() -> list[Json]:
    return [
        element("CarePlan.activity.reference", max="0"),
        element(DETAIL, min=1, constraint=[_PROHIBITION, _CANCELLED]),
        element(f"{DETAIL}.extension", slicing=slicing(("value", "url"))),
        *(_extension(name, *bounds) for name, bounds in EXTENSIONS.items()),
        element(f"{DETAIL}.kind", min=1),
        element(f"{DETAIL}.code", min=1),
        element(f"{DETAIL}.code.coding", slicing=slicing(("value", "system")), min=1),
        element(
            f"{DETAIL}.code.coding:activity",
            short="The id of the activity",
            min=1,
            max="1",
            binding=bound("activity"),
        ),
        element(f"{DETAIL}.code.coding:activity.system", min=1, fixedUri=ACTIVITY),
        element(f"{DETAIL}.code.coding:activity.code", min=1),
        element(f"{DETAIL}.code.text", min=1),
        element(f"{DETAIL}.reasonReference", type=reference("Observation", "Condition")),
        element(
            f"{DETAIL}.goal",
            type=reference(canonical("StructureDefinition", "painplan-goal")),
        ),
        element(f"{DETAIL}.doNotPerform", min=1),
        element(f"{DETAIL}.scheduled[x]", type=types("Timing", "Period")),
        element(f"{DETAIL}.description", short="What the patient reads", min=1),
    ]


def _extension(name: str, at_least: int, at_most: str) -> Json:
    return element(
        f"{DETAIL}.extension:{name}",
        min=at_least,
        max=at_most,
        type=[{"code": "Extension", "profile": [canonical("StructureDefinition", name)]}],
    )
