"""Bodies that get beyond validation: what schemathesis makes up is hardly ever valid R4.

Every second case that is meant to be valid carries an example of the document, or a small resource
that the service takes: without those, the links that need something stored would lead nowhere.
"""

from pathlib import Path
from typing import Any

import schemathesis
import yaml
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.acceptance.wire import finding, intake, patient, screened

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
RESOURCES = (
    patient("fuzz"),
    finding("pain-localised", True, of="fuzz"),
    intake(screened(), of="fuzz"),
)
OF_A_TYPE = ("POST /fhir/{type}", "PUT /fhir/{type}", "PUT /fhir/{type}/{id}",
             "POST /fhir/{type}/$validate", "POST /fhir/{type}/{id}/$validate")  # fmt: skip
Case = schemathesis.Case[Any]


def bodies_of(label: str) -> list[Any]:
    """What an operation (``POST /fhir``) takes; none where it has no body."""
    method, _, path = label.partition(" ")
    body = DOCUMENT["paths"][path].get(method.lower(), {}).get("requestBody", {})
    examples = [
        example["value"]
        for content in body.get("content", {}).values()
        for example in content.get("examples", {}).values()
    ]
    return [*examples, *(RESOURCES if label in OF_A_TYPE else ())]


def before_generate_case(
    context: schemathesis.HookContext, strategy: st.SearchStrategy[Case]
) -> st.SearchStrategy[Case]:
    """The hook of schemathesis of this name."""
    label = context.operation.label if context.operation is not None else ""
    bodies = bodies_of(label) if label else []
    if not bodies:
        return strategy

    def with_body(case: Case) -> st.SearchStrategy[Case]:
        if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
            return st.just(case)
        return st.one_of(
            st.just(case), st.sampled_from(bodies).map(lambda body: _carrying(case, body))
        )

    return strategy.flatmap(with_body)


def _carrying(case: Case, body: Any) -> Case:
    """The case with this body, as its address wants it: an id that a link found is kept."""
    given = case.path_parameters
    if "type" in given and "resourceType" in body:  # a form of a search has none
        given = {**given, "type": body["resourceType"]}
        case.path_parameters = given
    if case.method == "PUT" and "id" in given:
        body = {**body, "id": given["id"]}
    case.body = body
    return case
