"""StructureDefinitions of the extensions on a plan's activities (contract §3)."""

from app.domain.content import Content
from app.fhir.publishing.elements import bound, element, structure, types
from app.fhir.publishing.resource import Json, canonical

CONTEXT = "CarePlan.activity.detail"


def extensions(content: Content) -> list[Json]:
    """Rank, stage, rule, evidence, dissent."""
    return [
        _simple(
            content,
            "activity-rank",
            "integer",
            title="Rank of the activity",
            description="Where the activity stands in the plan, counted from 1.",
        ),
        _simple(
            content,
            "activity-stage",
            "code",
            title="Stage of the activity",
            description="The stage of the plan that the activity belongs to.",
            value_set="activity-stage",
        ),
        _simple(
            content,
            "activity-rule",
            "Coding",
            title="Rule behind the activity",
            description="A rule by which the activity stands in the plan; repeats.",
            value_set="rule",
        ),
        _evidence(content),
        _simple(
            content,
            "activity-dissent",
            "markdown",
            title="Dissent about the activity",
            description="Where guidelines disagree about this activity, and which say what.",
        ),
    ]


def _simple(  # noqa: PLR0913  (one value: its type, its words, its binding)
    content: Content,
    id_: str,
    type_: str,
    *,
    title: str,
    description: str,
    value_set: str = "",
) -> Json:
    value = element("Extension.value[x]", short=title, min=1, type=types(type_))
    if value_set:
        value["binding"] = bound(value_set)
    elements = [
        element("Extension", short=title, definition=description),
        element("Extension.extension", max="0"),
        _url(id_),
        value,
    ]
    return _extension(content, id_, title=title, description=description, elements=elements)


def _evidence(content: Content) -> Json:
    title = "Evidence for the activity"
    description = "A source for this activity, its grade of certainty, and how we know it; repeats."
    elements = [
        element("Extension", short=title, definition=description),
        element("Extension.extension", min=3),
        *_part("reference", "string", "DOI or address of the source"),
        *_part("grade", "code", "Certainty of the evidence", "evidence-grade"),
        *_part("mark", "code", "Read, second-hand, computed, recalled or judged", "evidence-mark"),
        _url("activity-evidence"),
        element("Extension.value[x]", max="0"),
    ]
    return _extension(
        content, "activity-evidence", title=title, description=description, elements=elements
    )


def _part(name: str, type_: str, short: str, value_set: str = "") -> list[Json]:
    at = f"Extension.extension:{name}"
    value = element(f"{at}.value[x]", min=1, type=types(type_))
    if value_set:
        value["binding"] = bound(value_set)
    return [
        element(at, short=short, min=1, max="1"),
        element(f"{at}.extension", max="0"),
        element(f"{at}.url", fixedUri=name),
        value,
    ]


def _url(id_: str) -> Json:
    return element("Extension.url", fixedUri=canonical("StructureDefinition", id_))


def _extension(
    content: Content, id_: str, *, title: str, description: str, elements: list[Json]
) -> Json:
    made = structure(
        content, id_, "Extension", title=title, description=description, elements=elements
    )
    made["context"] = [{"type": "element", "expression": CONTEXT}]
    return made
