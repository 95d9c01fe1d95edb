"""The drivers as one Observation: 0 to 3 each, or unknown (contract §3)."""

from app.domain.content import Content
from app.domain.decision import Decision
from app.domain.drivers import DriverGrade
from app.domain.frame import Frame
from app.fhir.canon import CANON
from app.fhir.writing.elements import UNKNOWN, Json
from app.fhir.writing.observations import derived_observation

DRIVERS = "Observation/drivers"
DRIVER = f"{CANON}/CodeSystem/driver"


def drivers_observation(decision: Decision, content: Content, frame: Frame, at: str) -> Json:
    """A component a driver; what is known only in part is told in the note, never as a number."""
    observation = derived_observation(frame, DRIVERS, "painplan-drivers", "pain-drivers", at)
    observation["component"] = [_component(grade) for grade in decision.drivers]
    half_known = [
        f"{content.drivers[g.driver].label}: at least {g.at_least}"
        for g in decision.drivers
        if g.level is None and g.at_least
    ]
    if half_known:
        observation["note"] = [{"text": "; ".join(half_known)}]
    return observation


def _component(grade: DriverGrade) -> Json:
    about: Json = {"code": {"coding": [{"system": DRIVER, "code": grade.driver}]}}
    if grade.level is None:
        return {**about, "dataAbsentReason": UNKNOWN}
    return {**about, "valueInteger": grade.level}
