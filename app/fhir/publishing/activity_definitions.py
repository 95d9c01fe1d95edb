"""ActivityDefinitions: each item of the catalogue and each activity of its own, for reuse."""

from app.domain.content import Content
from app.domain.content_parts import Intervention
from app.domain.plan_types import DO_NOT
from app.fhir.canon import ACTIVITY
from app.fhir.publishing.resource import Json, canonical, coding, concept, published
from app.fhir.publishing.words_activities import ACTIVITY_MEANING


def activity_definitions(content: Content) -> list[Json]:
    """One for each activity that a plan may hold; its id is the activity's."""
    return [_activity(content, item) for item in content.interventions.values()]


def definition_of(item: Intervention) -> str:
    """The canonical of an activity's definition."""
    return canonical("ActivityDefinition", item.id)


def _activity(content: Content, item: Intervention) -> Json:
    crisis = content.texts.get("crisis", "")
    said = item.text.replace("{crisis}", crisis) or ACTIVITY_MEANING.get(item.id, item.label)
    made = published(
        content,
        "ActivityDefinition",
        item.id,
        name=f"Activity{item.id.replace('-', '')}",
        title=item.label,
        description=said,
    )
    code = concept(ACTIVITY, item.id, item.label)
    code["coding"] += [coding(c.system, c.code, c.display) for c in item.codings]
    made |= {
        "subjectCodeableConcept": concept(
            "http://hl7.org/fhir/resource-types", "Patient", "Patient"
        ),
        "kind": item.kind,
        "code": code,
        "intent": "proposal",
        "doNotPerform": item.stage == DO_NOT,
    }
    if item.dose_seen:
        made["usage"] = f"Dose seen in trials: {item.dose_seen}."
    if not made["doNotPerform"]:
        del made["doNotPerform"]
    return made
