"""The intake and the examination: every finding as a question, grouped as the derivation uses it.

The linkId of an item is the finding's code, so an answer needs no map (contract §2). Nothing is
required: a question left out stays unknown, and unknown is never read as no.
"""

from collections.abc import Iterator
from decimal import Decimal

from app.domain.content import Content
from app.domain.content_parts import Input, Rule, ValueType
from app.fhir.canon import FINDING, UCUM
from app.fhir.publishing.findings import CLINICIAN, PATIENT, answers, findings
from app.fhir.publishing.resource import Json, coding, published

EXTENSION = "http://hl7.org/fhir/StructureDefinition"
ITEM_TYPE = {
    ValueType.BOOLEAN: "boolean",
    ValueType.INTEGER: "integer",
    ValueType.DECIMAL: "decimal",
    ValueType.CODE: "choice",
    ValueType.TEXT: "text",
    ValueType.DATE: "date",
}
# The stages of the derivation; a finding stands in the first stage (A to E) whose rules read it.
GROUPS = {
    "A": ("your-pain", "Your pain"),
    "B": ("warning-signs", "Warning signs"),
    "C": ("nerve-pain", "Signs of nerve pain"),
    "E": ("pattern", "How the pain behaves"),
    "D": ("sensitivity", "Sensitivity, sleep and energy"),
    "": ("daily-life", "Daily life, treatment so far and wishes"),
}
GROUPS_OF_EXAMINATION = {**GROUPS, "": ("context", "Context")}
REST = ""
# Where a reader of the form expects a finding, other than where the rules first read it.
STANDS_IN = {
    "neuropathic-descriptors": "C",  # shared by two mechanisms, so no rule reads it alone
    "pregnancy-status": REST,  # beside the weeks of pregnancy, not between questions on the pain
    "red-flag-assessed": "B",  # read by the gate itself, by no rule
    "tobacco-current": REST,  # a vascular risk to the gate, a habit to who is asked
}
LEAVE_OUT = "Leave out what is not known: a question without an answer is never read as no."
SAFETY_NET = "SN-01"


def questionnaires(content: Content) -> list[Json]:
    """``clbp-intake`` for the patient, ``clbp-examination`` for the clinician."""
    return [
        _questionnaire(
            content,
            "clbp-intake",
            GROUPS,
            PATIENT,
            title="Chronic low back pain: intake",
            description=f"What a person with low back pain can say about it. {LEAVE_OUT}",
        ),
        _questionnaire(
            content,
            "clbp-examination",
            GROUPS_OF_EXAMINATION,
            CLINICIAN,
            title="Chronic low back pain: examination",
            description=f"What a clinician finds or knows. {LEAVE_OUT}",
        ),
    ]


def _questionnaire(  # noqa: PLR0913  (a form: for whom, in which groups, in which words)
    content: Content,
    id_: str,
    groups: dict[str, tuple[str, str]],
    asked_of: frozenset[str],
    *,
    title: str,
    description: str,
) -> Json:
    name = "".join(part.capitalize() for part in id_.split("-"))
    form = published(content, "Questionnaire", id_, name=name, title=title, description=description)
    form["subjectType"] = ["Patient"]
    asked = [known for known in findings(content) if known.asked_of in asked_of]
    stages = _stages(content)
    is_for_patients = asked_of is PATIENT
    form["item"] = []
    for stage, (link, heading) in groups.items():
        members = [known for known in asked if stages.get(known.name, REST) == stage]
        if stage != REST:
            members.sort(key=lambda known: (known.ask_order == 0, known.ask_order))
        items = [_item(known, content, is_for_patients=is_for_patients) for known in members]
        if stage == "B" and is_for_patients:
            items = [*_safety_net(content), *items]
        if items:
            group = {"linkId": f"group-{link}", "text": heading, "type": "group", "item": items}
            form["item"].append(group)
    return form


def _safety_net(content: Content) -> Iterator[Json]:
    """Whom to contact and when: whoever answers yes to a warning sign reads it at once."""
    net = content.interventions.get(SAFETY_NET)
    if net is not None:
        yield {"linkId": "safety-net", "text": net.text, "type": "display"}


def _stages(content: Content) -> dict[str, str]:
    """The first stage of the derivation whose rules read each finding."""
    stage_of_slot: dict[int, str] = {}
    for rule in content.rules:
        for slot in _operands(rule):
            stage_of_slot.setdefault(slot, rule.stage)
    stages: dict[str, str] = {}
    for name, readings in content.readings.items():
        read = {stage_of_slot[r.slot] for r in readings if r.slot in stage_of_slot}
        stages[name] = min(read & GROUPS.keys(), default=REST)
    return {**stages, **STANDS_IN}


def _operands(rule: Rule) -> Iterator[int]:
    yield from rule.all_of
    yield from rule.any_of
    yield from rule.none_of
    yield from rule.open_of
    if rule.at_least is not None:
        yield from rule.at_least.of


def _item(known: Input, content: Content, *, is_for_patients: bool) -> Json:
    item: Json = {}
    extensions = list(_bounds(known))
    if extensions:
        item["extension"] = extensions
    codes = [coding(FINDING, known.name, known.label)]
    codes += [coding(system, code) for system, code in known.codings]
    item |= {
        "linkId": known.name,
        "code": codes,
        "text": _text(known, is_for_patients=is_for_patients),
        "type": ITEM_TYPE[known.value_type],
    }
    if known.repeats:
        item["repeats"] = True
    if known.value_type is ValueType.CODE:
        system, pairs = answers(known, content)
        item["answerOption"] = [{"valueCoding": coding(system, c, d)} for c, d in pairs]
    return item


def _text(known: Input, *, is_for_patients: bool) -> str:
    """The question, or the clinical term where the question would speak to the patient."""
    speaks_to_patient = known.asked_of == "either" and not known.choices
    return known.label if speaks_to_patient and not is_for_patients else known.ask


def _bounds(known: Input) -> Iterator[Json]:
    for url, bound in (("minValue", known.low), ("maxValue", known.high)):
        if bound is not None:
            yield {"url": f"{EXTENSION}/{url}", **_number(bound, known.value_type)}
    is_number = known.value_type in (ValueType.INTEGER, ValueType.DECIMAL)
    if is_number and known.unit and not known.unit.startswith("{"):
        yield {
            "url": f"{EXTENSION}/questionnaire-unit",
            "valueCoding": coding(UCUM, known.unit),
        }


def _number(value: Decimal, type_: ValueType) -> Json:
    if type_ is ValueType.INTEGER:
        return {"valueInteger": int(value)}
    return {"valueDecimal": int(value) if value == value.to_integral_value() else float(value)}
