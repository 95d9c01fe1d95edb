"""openapi.yaml tells the truth: its routes, its examples, and what schemathesis finds."""

import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis import checks
from starlette.routing import Route

from app.main import create_app
from tests.acceptance.wire import bundle, intake, patient, screened

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
METHODS = ("get", "post", "put", "patch", "delete")
Operation = tuple[str, str]


def _operations() -> set[Operation]:
    return {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in METHODS
        if method in item
    }


def _examples() -> list[Any]:
    found = []
    for path, item in DOCUMENT["paths"].items():
        body = item.get("post", {}).get("requestBody", {}).get("content", {})
        for kind, content in body.items():
            for name, example in content.get("examples", {}).items():
                found.append(pytest.param(path, kind, example["value"], id=f"POST {path} {name}"))
    return found


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_what_is_documented_is_routed_and_the_reverse() -> None:
    routed = {
        (method, route.path)
        for route in create_app().routes
        if isinstance(route, Route) and not route.endpoint.__name__.startswith("refuse")
        for method in route.methods or ()
        if method != "HEAD"
    }

    assert _operations() == routed


def test_what_is_served_is_the_committed_document(service: httpx.Client) -> None:
    assert service.get("/openapi.json").json() == DOCUMENT


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_pages_show_that_document(service: httpx.Client, path: str) -> None:
    page = service.get(path)

    assert page.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in page.text


@pytest.mark.parametrize(("path", "kind", "example"), _examples())
def test_every_example_works_and_its_answer_has_the_shape_promised(
    service: httpx.Client, path: str, kind: str, example: dict[str, Any]
) -> None:
    url = path.replace("{type}", str(example.get("resourceType")))
    if url.startswith("/cds-services"):
        url = url.replace("{id}", f"clbp-{example.get('hook', 'order-sign')}")
    elif "{id}" in url:
        url = url.replace("{id}", _a_plan(service))

    answer = service.post(url, json=example, headers={"Content-Type": kind})

    responses = DOCUMENT["paths"][path]["post"]["responses"]
    assert str(answer.status_code) in responses, answer.text
    assert answer.is_success, answer.text
    content = responses[str(answer.status_code)]["content"][kind]
    Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]}).validate(
        answer.json()
    )


def _a_plan(service: httpx.Client) -> str:
    """The id of a plan that nobody has answered yet."""
    of = str(uuid.uuid4())
    answer = service.post("/fhir/$derive", json=bundle(patient(of), intake(screened(), of=of)))
    return str(answer.json()["entry"][0]["resource"]["id"])


MACHINE = schemathesis.openapi.from_dict(DOCUMENT)


@MACHINE.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_schemathesis_finds_nothing(case: schemathesis.Case[Any], service: httpx.Client) -> None:
    # That a body is valid R4 is more than the document's schemas say: a refusal is no finding.
    case.call_and_validate(
        base_url=str(service.base_url), excluded_checks=[checks.positive_data_acceptance]
    )
