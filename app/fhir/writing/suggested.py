"""The resources of suggestions: what is created from a template, and what a draft becomes.

What is created is valid R4. A change starts from the whole draft as it came, so that whatever it
holds that we do not know is still there (CH-49); only what is empty is left out (CH-02).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Dose, Intervention
from app.domain.orders.call import CardFrame
from app.domain.orders.knowledge import Template
from app.fhir.canon import ACTIVITY, QUESTIONNAIRE
from app.fhir.reading.lenient import child, pairs
from app.fhir.reading.order import days_of
from app.fhir.reading.parameters import ID
from app.fhir.writing.elements import Json, output_id_of
from app.fhir.writing.observations import PHENOTYPE

MATCHED = "pt-order-detail"
PHYSIOTHERAPY = frozenset({"exercise", "walking", "psychological"})
UNITS = {"d": "day", "wk": "week", "mo": "month"}
FORMS = {"intake": "clbp-intake", "red-flag-screen": "clbp-intake"}
REQUESTERS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson")
UCUM = "http://unitsofmeasure.org"
DRAFT = {"status": "draft", "intent": "order"}
MOST = frozenset({"maxDosePerPeriod", "maxDosePerAdministration", "maxDosePerLifetime"})


class Suggested(NamedTuple):
    """Writes for one call: whose, when, and by which content."""

    content: Content
    frame: CardFrame

    def created(self, template: Template) -> Json:
        """A draft of the template's type."""
        match template.type:
            case "MedicationRequest":
                return self._medication(template)
            case "Task":
                return self._task(template)
            case _:
                return self._service(template)

    def changed(self, draft: Mapping[str, Any], template: Template) -> Json | None:
        """The draft after the change; None where the template does not fit it."""
        if draft.get("resourceType") != template.type:
            return None
        if template.supply_days is not None:
            return _shortened(draft, template.supply_days)
        if template.type != "ServiceRequest":
            return None
        if template.codings:
            return {**draft, "code": self._concept(template)}
        if template.activity:
            return self._detailed(draft, template)
        return {**draft, "code": {"text": template.label}}

    def _service(self, template: Template) -> Json:
        made: Json = {
            "resourceType": "ServiceRequest",
            **DRAFT,
            **_priority(template),
            "code": self._concept(template),
            "subject": self._subject(),
            **self._encounter(),
        }
        if template.due_in_days is not None:
            made["occurrenceDateTime"] = self._due(template.due_in_days)
        return {**made, **self._written()}

    def _medication(self, template: Template) -> Json:
        return {
            "resourceType": "MedicationRequest",
            **DRAFT,
            **_priority(template),
            "medicationCodeableConcept": _coded(template),
            "subject": self._subject(),
            **self._encounter(),
            **self._written(),
        }

    def _task(self, template: Template) -> Json:
        made: Json = {
            "resourceType": "Task",
            **DRAFT,
            **_priority(template),
            "code": self._concept(template),
            "description": template.label,
            "for": self._subject(),
            **self._encounter(),
            **self._written(),
        }
        if template.due_in_days is not None:
            made["restriction"] = {"period": {"end": self._due(template.due_in_days)}}
        form = FORMS.get(template.what)
        if form is not None:
            form_of = {"type": {"text": "Questionnaire"}, "valueCanonical": QUESTIONNAIRE + form}
            made["input"] = [form_of]
        return made

    def _detailed(self, draft: Mapping[str, Any], template: Template) -> Json | None:
        """More about how it is to be done; without a code there is no detail (prr-1).

        None where there is nothing to add: a draft that was changed comes back with the next call.
        """
        before = draft.get("orderDetail", [])
        if not isinstance(draft.get("code"), dict) or not isinstance(before, list):
            return None
        if template.what == MATCHED:
            return self._matched(draft, before)
        added = _without(before, [self._concept(template)])
        return {**draft, "orderDetail": [*before, *added]} if added else None

    def _matched(self, draft: Mapping[str, Any], before: list[Any]) -> Json | None:
        """The exercise and psychological parts of the plan on record, and why: the phenotype."""
        known = (self.content.interventions.get(name) for name in self.frame.activities)
        chosen = [one for one in known if one is not None and one.family in PHYSIOTHERAPY]
        parts = _without(before, [_part(one) for one in chosen])
        reasons = draft.get("reasonReference", [])
        if not parts or not isinstance(reasons, list):
            return None
        phenotype = output_id_of(self.frame.plan, PHENOTYPE)
        reason = {"reference": f"{self.frame.public_url}/fhir/Observation/{phenotype}"}
        return {
            **draft,
            "orderDetail": [*before, *parts],
            "reasonReference": reasons if reason in reasons else [*reasons, reason],
        }

    def _concept(self, template: Template) -> Json:
        """The template's own codes, then those of the activity that it stands for."""
        concept = _coded(template)
        activity = self.content.interventions.get(template.activity)
        if activity is None:
            return concept
        codings = list(concept.get("coding", ()))
        codings.append({"system": ACTIVITY, "code": activity.id, "display": activity.label})
        for coding in activity.codings:
            named = {"display": coding.display} if coding.display else {}
            codings.append({"system": coding.system, "code": coding.code, **named})
        unique: dict[tuple[str, str], Json] = {}
        for known in codings:
            unique.setdefault((known["system"], known["code"]), known)
        return {"coding": list(unique.values()), "text": template.label}

    def _subject(self) -> Json:
        return {"reference": f"Patient/{self.frame.patient}"}

    def _encounter(self) -> Json:
        """By the id of the context; what is no id names no encounter."""
        encounter = self.frame.encounter.removeprefix("Encounter/")
        if not ID.fullmatch(encounter):
            return {}
        return {"encounter": {"reference": f"Encounter/{encounter}"}}

    def _written(self) -> Json:
        written: Json = {"authoredOn": self.frame.as_of}
        type_, _, id_ = self.frame.user.partition("/")
        if type_ in REQUESTERS and ID.fullmatch(id_):
            written["requester"] = {"reference": self.frame.user}
        return written

    def _due(self, days: int) -> str:
        return (datetime.fromisoformat(self.frame.as_of) + timedelta(days=days)).date().isoformat()


def _part(activity: Intervention) -> Json:
    """An activity of the plan, with its dose in words."""
    dose = f" ({_dose(activity.dose)})" if activity.dose and activity.dose.frequency else ""
    coding = {"system": ACTIVITY, "code": activity.id, "display": activity.label}
    return {"coding": [coding], "text": f"{activity.label}{dose}"}


def _without(before: list[Any], concepts: list[Json]) -> list[Json]:
    """The concepts whose first code is not in the draft already."""
    there = set(pairs(before))
    return [one for one in concepts if there.isdisjoint(pairs({"coding": one["coding"][:1]}))]


def _dose(dose: Dose) -> str:
    """``1 to 2 times in 1 week, for 12 weeks``."""
    most = f" to {dose.frequency_max}" if dose.frequency_max else ""
    unit = UNITS.get(dose.period_unit, dose.period_unit)
    weeks = f", for {dose.weeks} weeks" if dose.weeks else ""
    return f"{dose.frequency}{most} times in {dose.period} {unit}{weeks}"


def _coded(template: Template) -> Json:
    concept: Json = {"text": template.label}
    codings = [{"system": system, "code": code} for system, code in template.codings]
    return {"coding": codings, **concept} if codings else concept


def _priority(template: Template) -> Json:
    return {"priority": template.priority} if template.priority else {}


def _shortened(draft: Mapping[str, Any], days: int) -> Json:
    """A supply for so many days; the old amount and repeats would contradict it, so they go.

    An instruction that says to take it for longer is bounded by the same.
    """
    before = draft.get("dispenseRequest")
    dispense = dict(before) if isinstance(before, dict) else {}
    dispense.pop("quantity", None)
    dispense.pop("numberOfRepeatsAllowed", None)
    duration = {"value": days, "unit": "days", "system": UCUM, "code": "d"}
    dispense["expectedSupplyDuration"] = duration
    changed = {**draft, "dispenseRequest": dispense}
    instructions = draft.get("dosageInstruction")
    if isinstance(instructions, list):
        changed["dosageInstruction"] = [_bounded(one, duration) for one in instructions]
    return changed


def _bounded(instruction: Any, duration: Json) -> Any:
    """The same with no longer a duration than this; what says none is left as it is."""
    repeat = child(instruction, "timing", "repeat") if isinstance(instruction, dict) else {}
    told = days_of(child(repeat, "boundsDuration"))
    if told is None or told <= duration["value"]:
        return instruction
    timing = {**instruction["timing"], "repeat": {**repeat, "boundsDuration": duration}}
    return {**instruction, "timing": timing}


def lowered(draft: Mapping[str, Any], daily: Decimal, at_most: Decimal) -> Json | None:
    """The draft with a dose of ``daily`` brought down to ``at_most``, in whole units downwards.

    None where that is not possible with one plain instruction. Its text said the old dose, so it
    goes; a most that it names beside may be more than the new limit, and nobody here can tell.
    """
    instructions = draft.get("dosageInstruction")
    if not isinstance(instructions, list) or len(instructions) != 1:
        return None
    instruction = dict(instructions[0])
    rates = instruction.get("doseAndRate", [])
    dose = rates[0].get("doseQuantity") if len(rates) == 1 else None
    if dose is None or "value" not in dose or not MOST.isdisjoint(instruction):
        return None
    value = int(Decimal(str(dose["value"])) * at_most / daily)
    if value < 1:
        return None
    instruction.pop("text", None)
    instruction["doseAndRate"] = [{**rates[0], "doseQuantity": {**dose, "value": value}}]
    return {**draft, "dosageInstruction": [instruction]}


def without_empty(node: object) -> Any:
    """The same without nulls, empty strings, lists and objects (CH-02); None when nothing stays."""
    if isinstance(node, dict):
        kept = {name: without_empty(value) for name, value in node.items()}
        return {name: value for name, value in kept.items() if value is not None} or None
    if isinstance(node, list):
        items = [value for one in node if (value := without_empty(one)) is not None]
        return items or None
    return None if node == "" else node
