"""Our CodeSystems (contract §1), each with a ValueSet of all its codes."""

from collections.abc import Callable

from app.domain.content import Content
from app.domain.content_parts import ValueType
from app.fhir.canon import FINDING_VALUE, INSTRUMENT_SCORE
from app.fhir.publishing import words
from app.fhir.publishing.findings import answers, findings
from app.fhir.publishing.resource import Json, canonical, pascal, published
from app.fhir.publishing.words_activities import ACTIVITY_AHEAD, ACTIVITY_MEANING
from app.fhir.publishing.words_overrides import OVERRIDE_REASON

TITLES = {
    "finding": ("Findings", "What a person can answer or an examination can find: the facts in."),
    "finding-value": (
        "Values of findings",
        "Coded answers to findings that are neither yes nor no.",
    ),
    "instrument-score": ("Instrument scores", "Totals of questionnaires without a LOINC code."),
    "mechanism": ("Pain mechanisms", "What the phenotype may conclude."),
    "grade": ("Grades of a mechanism", "How far the evidence for one mechanism goes."),
    "certainty": ("Certainty", "How sure the conclusion about the mechanism is."),
    "gate-level": ("Levels of the red-flag gate", "How urgent the red flags reported are."),
    "red-flag": ("Red flags", "Serious causes of back pain that the gate asks about."),
    "driver": ("Pain drivers", "What keeps the pain going, whatever its mechanism."),
    "activity": ("Activities", "What a plan may propose, withhold, ask for or advise against."),
    "override-reason": ("Override reasons", "Why a clinician goes on against a card."),
    "activity-stage": ("Stages of a plan", "Where in the plan an activity stands, in this order."),
    "goal": ("Goals", "What a plan works towards."),
    "rule": ("Rules", "Every rule of this content; ids are for ever."),
    "derivation": ("Derived observations", "What we conclude, and the parts of it."),
    "evidence-grade": ("Grades of evidence", "The certainty of a source, as the source gives it."),
    "evidence-mark": ("Marks of evidence", "How we know what a source says."),
}
VALUE_OF_TYPE = {
    ValueType.BOOLEAN: "boolean",
    ValueType.INTEGER: "integer",
    ValueType.DECIMAL: "Quantity",
    ValueType.CODE: "CodeableConcept",
    ValueType.TEXT: "string",
    ValueType.DATE: "dateTime",
}
PROPERTIES = {
    "value": "The type of Observation.value[x].",
    "asked-of": "Who can say: patient, clinician, or either.",
    "unit": "The UCUM unit of a number.",
    "stage": "The stage of the derivation that the rule belongs to.",
    "basis": "What the rule rests on: consensus, study or judgement.",
}


def code_systems(content: Content) -> list[Json]:
    """Each CodeSystem followed by its ValueSet."""
    made: list[Json] = []
    for id_, (title, description) in TITLES.items():
        concepts = _CONCEPTS[id_](content)
        made.append(_code_system(content, id_, title, description, concepts))
        made.append(_value_set(content, id_, title, description))
    return made


def _code_system(
    content: Content, id_: str, title: str, description: str, concepts: list[Json]
) -> Json:
    used = {p["code"] for c in concepts for p in c.get("property", ())}
    system = published(
        content, "CodeSystem", id_, name=pascal(id_), title=title, description=description
    )
    system |= {
        "caseSensitive": True,
        "valueSet": canonical("ValueSet", id_),
        "content": "complete",
        "count": len(concepts),
    }
    properties = [
        {
            "code": code,
            "description": text,
            "type": "string",
        }
        for code, text in PROPERTIES.items()
        if code in used
    ]
    if properties:
        system["property"] = properties
    if concepts:
        system["concept"] = concepts
    return system


def _value_set(content: Content, id_: str, title: str, description: str) -> Json:
    value_set = published(
        content,
        "ValueSet",
        id_,
        name=f"{pascal(id_)}Codes",
        title=f"{title}: all codes",
        description=description,
    )
    value_set["compose"] = {"include": [{"system": canonical("CodeSystem", id_)}]}
    return value_set


def _concept(code: str, display: str, definition: str = "", **properties: str) -> Json:
    concept: Json = {"code": code, "display": display}
    if definition:
        concept["definition"] = definition
    kept = {name.replace("_", "-"): value for name, value in properties.items() if value}
    if kept:
        concept["property"] = [{"code": n, "valueString": v} for n, v in kept.items()]
    return concept


def _in_words(table: words.Words) -> list[Json]:
    return [_concept(code, *said) for code, said in table.items()]


def _findings(content: Content) -> list[Json]:
    return [
        _concept(
            known.name,
            known.label,
            known.ask,
            value=VALUE_OF_TYPE[known.value_type],
            asked_of=known.asked_of,
            unit=known.unit,
        )
        for known in findings(content)
    ]


def _finding_values(content: Content) -> list[Json]:
    concepts = []
    for known in findings(content):
        system, pairs = answers(known, content)
        if known.value_type is ValueType.CODE and system == FINDING_VALUE:
            concepts += [_concept(c, d, f"Answer to {known.name}: {d}.") for c, d in pairs]
    return concepts


def _instrument_scores(content: Content) -> list[Json]:
    labels = {
        code: known.label
        for known in content.inputs.values()
        for system, code in known.codings
        if system == INSTRUMENT_SCORE
    }
    return [
        _concept(code, labels.get(code, display), definition)
        for code, (display, definition) in words.INSTRUMENT_SCORE.items()
    ]


def _red_flags(content: Content) -> list[Json]:
    labels = {flag.id: flag.label for flag in content.flags}
    return [
        _concept(code, labels.get(code, display), definition)
        for code, (display, definition) in words.RED_FLAG.items()
    ]


def _activities(content: Content) -> list[Json]:
    crisis = content.texts.get("crisis", "")
    concepts = [
        _concept(
            item.id,
            item.label,
            item.text.replace("{crisis}", crisis) or ACTIVITY_MEANING.get(item.id, ""),
        )
        for item in content.interventions.values()
    ]
    ahead = ACTIVITY_AHEAD.items()
    concepts += [_concept(c, *said) for c, said in ahead if c not in content.interventions]
    return concepts


def _goals(content: Content) -> list[Json]:
    labels = {goal.id: goal.label for goal in content.goals.values()}
    return [
        _concept(code, labels.get(code, display), definition)
        for code, (display, definition) in words.GOAL.items()
    ]


def _rules(content: Content) -> list[Json]:
    return [
        _concept(rule.id, rule.label, rule.why, stage=rule.stage, basis=rule.status)
        for rule in content.rules
    ]


_CONCEPTS: dict[str, Callable[[Content], list[Json]]] = {
    "finding": _findings,
    "finding-value": _finding_values,
    "instrument-score": _instrument_scores,
    "mechanism": lambda _: _in_words(words.MECHANISM),
    "grade": lambda _: _in_words(words.GRADE),
    "certainty": lambda _: _in_words(words.CERTAINTY),
    "gate-level": lambda _: _in_words(words.GATE_LEVEL),
    "red-flag": _red_flags,
    "driver": lambda _: _in_words(words.DRIVER),
    "activity": _activities,
    "override-reason": lambda _: _in_words(OVERRIDE_REASON),
    "activity-stage": lambda _: _in_words(words.ACTIVITY_STAGE),
    "goal": _goals,
    "rule": _rules,
    "derivation": lambda _: _in_words(words.DERIVATION),
    "evidence-grade": lambda _: _in_words(words.EVIDENCE_GRADE),
    "evidence-mark": lambda _: _in_words(words.EVIDENCE_MARK),
}
