"""The invariants of R4 that our types rest on, one small function each, with HL7's names."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Node = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
AGES = frozenset({"onsetAge", "abatementAge", "performedAge"})
Broken = tuple[str, str]
"""Where (below the resource) and what."""


def of(resource: Node) -> Iterator[Broken]:
    """Every invariant of its type that the resource breaks."""
    yield from _domain_resource(resource)
    for check in CHECKS.get(resource["resourceType"], ()):
        yield from check(resource)


def _domain_resource(resource: Node) -> Iterator[Broken]:
    """dom-2 to dom-5."""
    contained = resource.get("contained")
    if not contained:
        return
    used = set(_local_references(resource))
    for number, inner in enumerate(contained):
        where = f".contained[{number}]"
        if "contained" in inner:
            yield f"{where}.contained", "a contained resource contains another (dom-2)"
        meta = inner.get("meta", {})
        if "versionId" in meta or "lastUpdated" in meta:
            yield f"{where}.meta", "a contained resource has no version of its own (dom-4)"
        if "security" in meta:
            yield f"{where}.meta.security", "a contained resource has no security label (dom-5)"
        points_back = "#" in set(_local_references(inner))
        if f"#{inner.get('id')}" not in used and not points_back:
            yield where, "a contained resource that nothing refers to (dom-3)"


def _local_references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for child in node.values():
            yield from _local_references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _local_references(child)
    elif isinstance(node, str) and node.startswith("#"):
        yield node


def _observation(resource: Node) -> Iterator[Broken]:
    if "dataAbsentReason" in resource and _has_value(resource):
        yield ".dataAbsentReason", "stands beside a value (obs-6)"
    yield from _ranges(resource, "")
    for number, component in enumerate(resource.get("component", ())):
        where = f".component[{number}]"
        if _has_value(resource) and any(c in _codings(resource) for c in _codings(component)):
            yield f"{where}.code", "is the code of the Observation itself (obs-7)"
        yield from _ranges(component, where)


def _has_value(observation: Node) -> bool:
    return any(name.startswith(("value", "_value")) for name in observation)


def _codings(holder: Node) -> Sequence[Node]:
    codings: Sequence[Node] = holder.get("code", {}).get("coding", ())
    return codings


def _ranges(holder: Node, path: str) -> Iterator[Broken]:
    for number, one in enumerate(holder.get("referenceRange", ())):
        if not {"low", "high", "text", "_text"} & one.keys():
            yield f"{path}.referenceRange[{number}]", "has no low, high or text (obs-3)"


def _codes(concept: Any) -> frozenset[tuple[str, str]]:
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return frozenset((c.get("system", ""), c.get("code", "")) for c in codings)


def _response(resource: Node) -> Iterator[Broken]:
    yield from _response_items(resource.get("item", ()), "")


def _response_items(items: Sequence[Node], path: str) -> Iterator[Broken]:
    for number, item in enumerate(items):
        where = f"{path}.item[{number}]"
        if "item" in item:
            if "answer" in item:
                yield where, "has items beside answers: nest them in one or the other (qrs-1)"
            yield from _response_items(item["item"], where)
        for place, answer in enumerate(item.get("answer", ())):
            if "item" in answer:
                yield from _response_items(answer["item"], f"{where}.answer[{place}]")


def _first_code(concept: Any) -> set[str]:
    return {code for _, code in _codes(concept)}


def _condition(resource: Node) -> Iterator[Broken]:
    is_abated = any(name.lstrip("_").startswith("abatement") for name in resource)
    ended = {"inactive", "resolved", "remission"}
    if is_abated and not _first_code(resource.get("clinicalStatus")) & ended:
        yield ".clinicalStatus", "an abated condition is inactive, resolved or in remission (con-4)"
    in_error = "entered-in-error" in _first_code(resource.get("verificationStatus"))
    if in_error and "clinicalStatus" in resource:
        yield ".clinicalStatus", "has no place on what was entered in error (con-5)"
    for number, stage in enumerate(resource.get("stage", ())):
        if not {"summary", "assessment"} & stage.keys():
            yield f".stage[{number}]", "has neither a summary nor an assessment (con-1)"
    for number, evidence in enumerate(resource.get("evidence", ())):
        if not {"code", "detail"} & evidence.keys():
            yield f".evidence[{number}]", "has neither a code nor a detail (con-2)"


def _ages(resource: Node) -> Iterator[Broken]:
    for name in sorted(AGES & resource.keys()):
        age = resource[name]
        if age.get("system", UCUM) != UCUM or ("value" in age and "code" not in age):
            yield f".{name}", "an age has a unit of UCUM (age-1)"
        elif age.get("value", 1) <= 0:
            yield f".{name}", "an age is more than 0 (age-1)"


def _allergy(resource: Node) -> Iterator[Broken]:
    in_error = "entered-in-error" in _first_code(resource.get("verificationStatus"))
    if not in_error and "clinicalStatus" not in resource:
        yield ".clinicalStatus", "is missing (ait-1)"
    if in_error and "clinicalStatus" in resource:
        yield ".clinicalStatus", "has no place on what was entered in error (ait-2)"


def _patient(resource: Node) -> Iterator[Broken]:
    for number, contact in enumerate(resource.get("contact", ())):
        if not {"name", "telecom", "address", "organization"} & contact.keys():
            yield f".contact[{number}]", "says nothing about whom to contact (pat-1)"


def _service_request(resource: Node) -> Iterator[Broken]:
    if "orderDetail" in resource and "code" not in resource:
        yield ".orderDetail", "stands without the code that it details (prr-1)"


def _organization(resource: Node) -> Iterator[Broken]:
    if not {"name", "identifier"} & resource.keys():
        yield "", "has neither a name nor an identifier (org-1)"
    for name, rule in (("address", "org-2"), ("telecom", "org-3")):
        for number, one in enumerate(resource.get(name, ())):
            if one.get("use") == "home":
                yield f".{name}[{number}].use", f"an organization has no home ({rule})"


def _care_plan(resource: Node) -> Iterator[Broken]:
    for number, activity in enumerate(resource.get("activity", ())):
        if "detail" in activity and "reference" in activity:
            yield f".activity[{number}]", "has a detail beside a reference (cpl-3)"


def _goal(resource: Node) -> Iterator[Broken]:
    for number, target in enumerate(resource.get("target", ())):
        if any(n.startswith("detail") for n in target) and "measure" not in target:
            yield f".target[{number}].measure", "is missing beside a detail (gol-1)"


def _parameters(resource: Node) -> Iterator[Broken]:
    yield from _parameter_list(resource.get("parameter", ()), ".parameter")


def _parameter_list(parameters: Sequence[Node], path: str) -> Iterator[Broken]:
    for number, parameter in enumerate(parameters):
        where = f"{path}[{number}]"
        values = [n for n in parameter if n.lstrip("_").startswith("value")]
        held = bool(values) + ("resource" in parameter) + ("part" in parameter)
        if held != 1:
            yield where, "holds not exactly one of value, resource and part (inv-1)"
        yield from _parameter_list(parameter.get("part", ()), f"{where}.part")


def _bundle(resource: Node) -> Iterator[Broken]:
    type_ = resource.get("type")
    if "total" in resource and type_ not in ("searchset", "history"):
        yield ".total", "only a searchset or a history has a total (bdl-1)"
    with_request = type_ in ("batch", "transaction", "history")
    with_response = type_ in ("batch-response", "transaction-response", "history")
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(resource.get("entry", ())):
        where = f".entry[{number}]"
        if not {"resource", "request", "response"} & entry.keys():
            yield where, "holds no resource, request or response (bdl-5)"
        if "search" in entry and type_ != "searchset":
            yield f"{where}.search", "only a searchset has a search (bdl-2)"
        if ("request" in entry) != with_request:
            yield f"{where}.request", f"does not fit a {type_} (bdl-3)"
        if ("response" in entry) != with_response:
            yield f"{where}.response", f"does not fit a {type_} (bdl-4)"
        url = entry.get("fullUrl")
        if not isinstance(url, str):
            continue
        if "/_history/" in url:
            yield f"{where}.fullUrl", "names a version (bdl-8)"
        inner = entry.get("resource")
        version = inner.get("meta", {}).get("versionId", "") if isinstance(inner, dict) else ""
        if (url, version) in seen and type_ != "history":
            yield f"{where}.fullUrl", "stands twice (bdl-7)"
        seen.add((url, version))


def _document(bundle: Node) -> Iterator[Broken]:
    if bundle.get("type") != "document":
        return
    if not {"system", "value"} <= bundle.get("identifier", {}).keys():
        yield ".identifier", "a document has an identifier with system and value (bdl-9)"
    if "timestamp" not in bundle:
        yield ".timestamp", "a document has a date (bdl-10)"


# What an item of these types cannot have, with the invariant that says so.
NOT_ON = {
    "group": {"initial": "que-8"},
    "display": {
        "item": "que-1",
        "code": "que-3",
        "required": "que-6",
        "repeats": "que-6",
        "readOnly": "que-9",
        "initial": "que-8",
    },
}
WITH_LENGTH = "boolean decimal integer string text url open-choice".split()
WITH_OPTIONS = "choice open-choice decimal integer date dateTime time string text quantity".split()


def _questionnaire(resource: Node) -> Iterator[Broken]:
    seen: set[str] = set()
    yield from _question_items(resource.get("item", ()), "", seen)


def _question_items(items: Sequence[Node], path: str, seen: set[str]) -> Iterator[Broken]:
    for number, item in enumerate(items):
        where = f"{path}.item[{number}]"
        link, type_ = item.get("linkId", ""), item.get("type")
        if link in seen:
            yield f"{where}.linkId", "stands twice (que-2)"
        seen.add(link)
        if type_ == "group" and "item" not in item:
            yield where, "a group without items (que-1)"
        for name, rule in NOT_ON[type_].items() if type_ in NOT_ON else ():
            if name in item:
                yield f"{where}.{name}", f"has no place on a {type_} ({rule})"
        yield from _options(item, where)
        yield from _conditions(item, where)
        if "maxLength" in item and type_ not in WITH_LENGTH:
            yield f"{where}.maxLength", f"a {type_} has no length (que-10)"
        yield from _question_items(item.get("item", ()), where, seen)


def _options(item: Node, where: str) -> Iterator[Broken]:
    named = {"answerOption", "answerValueSet"} & item.keys()
    if len(named) > 1:
        yield where, "has both options and a value set (que-4)"
    if named and item.get("type") not in WITH_OPTIONS:
        yield where, f"a {item.get('type')} has no options (que-5)"
    if {"answerOption", "initial"} <= item.keys():
        yield f"{where}.initial", "stands beside options: mark one as initial (que-11)"
    if len(item.get("initial", ())) > 1 and item.get("repeats") is not True:
        yield f"{where}.initial", "has several values, the item does not repeat (que-13)"


def _conditions(item: Node, where: str) -> Iterator[Broken]:
    conditions = item.get("enableWhen", ())
    for number, condition in enumerate(conditions):
        if condition.get("operator") == "exists" and "answerBoolean" not in condition:
            yield f"{where}.enableWhen[{number}].answer", "is no boolean beside exists (que-7)"
    if len(conditions) > 1 and "enableBehavior" not in item:
        yield f"{where}.enableBehavior", "is missing beside several conditions (que-12)"


Check = Callable[[Node], Iterator[Broken]]
CHECKS: dict[str, tuple[Check, ...]] = {
    "AllergyIntolerance": (_allergy, _ages),
    "Bundle": (_bundle, _document),
    "CarePlan": (_care_plan,),
    "Condition": (_condition, _ages),
    "Goal": (_goal,),
    "Observation": (_observation,),
    "Organization": (_organization,),
    "Parameters": (_parameters,),
    "Patient": (_patient,),
    "Procedure": (_ages,),
    "Questionnaire": (_questionnaire,),
    "QuestionnaireResponse": (_response,),
    "ServiceRequest": (_service_request,),
}
