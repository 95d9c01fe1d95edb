"""The gate and the phenotype as Observations (contract §3)."""

from app.domain.content import Content
from app.domain.decision import Decision
from app.domain.frame import Frame
from app.domain.gate import GateLevel
from app.domain.truth import Truth
from app.fhir.canon import RED_FLAG
from app.fhir.writing.elements import (
    DEVICE,
    SURVEY,
    UNKNOWN,
    Json,
    code,
    component,
    derived_from,
    identifier,
    meta,
    output_id,
    patient,
    profile,
)

GATE, PHENOTYPE = "Observation/gate", "Observation/phenotype"
METHOD = "Rules over what was reported and examined; each rule and fact is in the decision."


def gate_observation(decision: Decision, content: Content, frame: Frame, at: str) -> Json:
    """The level, and of each red flag whether it is raised, not reported, or not known."""
    is_final = decision.gate.level is not GateLevel.NOT_SCREENED
    flags: list[Json] = []
    for flag, truth in decision.gate.flags:
        about: Json = {"code": {"coding": [{"system": RED_FLAG, "code": flag}]}}
        match truth:
            case Truth.TRUE:
                about["valueBoolean"] = True
            case Truth.FALSE:
                about["valueBoolean"] = False
            case Truth.UNKNOWN:
                about["dataAbsentReason"] = UNKNOWN
        flags.append(about)
    observation = derived_observation(frame, GATE, "painplan-red-flag-gate", "red-flag-gate", at)
    observation["status"] = "final" if is_final else "preliminary"
    observation["valueCodeableConcept"] = code("gate-level", decision.gate.level.value)
    raised = [f"{r.flag} ({r.level.value}): {', '.join(r.rules)}" for r in decision.gate.raised]
    said = content.texts[f"gate.{decision.gate.level.value}"]
    observation["note"] = [{"text": "; ".join((said, *raised))}]
    observation["component"] = flags
    return observation


def phenotype_observation(decision: Decision, frame: Frame, at: str) -> Json:
    """The mechanism with its parts; an unsettled grade is unknown, never a guess."""
    phenotype = decision.phenotype
    observation = derived_observation(
        frame, PHENOTYPE, "painplan-phenotype", "pain-mechanism-phenotype", at
    )
    observation["status"] = "preliminary" if decision.is_preliminary else "final"
    observation["valueCodeableConcept"] = code("mechanism", phenotype.mechanism)
    certainty = phenotype.certainty
    parts = [
        component("certainty", valueCodeableConcept=code("certainty", certainty.value))
        if certainty is not None
        else component("certainty", dataAbsentReason=UNKNOWN)
    ]
    for grade in decision.grades:
        name = {"nociceptive": "nociceptive-support"}.get(
            grade.mechanism, f"{grade.mechanism}-grade"
        )
        if grade.grade is None or phenotype.mechanism in ("withheld", "not-applicable"):
            parts.append(component(name, dataAbsentReason=UNKNOWN))
        else:
            parts.append(component(name, valueCodeableConcept=code("grade", grade.grade)))
    parts.extend(
        component("component-mechanism", valueCodeableConcept=code("mechanism", mechanism))
        for mechanism in phenotype.components
    )
    opinion = decision.second_opinion
    parts.append(
        component("second-opinion", valueCodeableConcept=code("mechanism", opinion))
        if opinion is not None
        else component("second-opinion", dataAbsentReason=UNKNOWN)
    )
    parts.append(component("suspected", valueBoolean=phenotype.is_suspected))
    parts.append(_features(decision.has_nociceptive_features))
    observation["component"] = parts
    return observation


def _features(truth: Truth) -> Json:
    match truth:
        case Truth.UNKNOWN:
            return component("nociceptive-features", dataAbsentReason=UNKNOWN)
        case _:
            return component("nociceptive-features", valueBoolean=truth is Truth.TRUE)


def derived_observation(frame: Frame, name: str, shape: str, about: str, at: str) -> Json:
    """What every Observation that we derive has in common."""
    observation: Json = {
        "resourceType": "Observation",
        "id": output_id(frame, name),
        "meta": meta(profile(shape)),
        "identifier": identifier(frame),
        "status": "final",
        "category": SURVEY,
        "code": code("derivation", about),
        "subject": patient(frame),
        "effectiveDateTime": at,
        "device": DEVICE,
        "method": {"text": METHOD},
    }
    if frame.encounter:
        observation["encounter"] = {"reference": frame.encounter}
    sources = derived_from(frame)
    if sources:
        observation["derivedFrom"] = sources
    return observation
