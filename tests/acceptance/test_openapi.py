"""openapi.yaml tells the truth: its routes, its examples, and what schemathesis finds."""

import uuid
from copy import deepcopy
from http import HTTPStatus
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis import checks
from starlette.routing import Route

from app.main import create_app
from tests.acceptance.wire import bundle, intake, patient, screened
from tests.fuzz.bodies import before_generate_case

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
    for (path, item), method in product(DOCUMENT["paths"].items(), ("post", "put")):
        body = item.get(method, {}).get("requestBody", {}).get("content", {})
        for kind, content in body.items():
            for name, example in content.get("examples", {}).items():
                id_ = f"{method.upper()} {path} {name}"
                found.append(pytest.param(method, path, kind, example["value"], id=id_))
    return found


def _questions() -> list[Any]:
    return [
        pytest.param(path, url, id=url)
        for path, item in DOCUMENT["paths"].items()
        for url in item.get("get", {}).get("x-examples", ())
    ]


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
    assert "./openapi.json" in page.text, "below the path that a proxy puts before it, too"


@pytest.mark.parametrize(("method", "path", "kind", "example"), _examples())
def test_every_example_works_and_its_answer_has_the_shape_promised(
    service: httpx.Client, method: str, path: str, kind: str, example: dict[str, Any]
) -> None:
    is_form = kind == "application/x-www-form-urlencoded"
    url = path.replace("{type}", "CarePlan" if is_form else str(example.get("resourceType")))
    if url.startswith("/cds-services"):
        url = url.replace("{id}", f"clbp-{example.get('hook', 'order-sign')}")
    elif "{id}" in url:
        url = url.replace("{id}", str(example.get("id") or _a_plan(service)))
    if (method, path) == ("put", "/fhir/{type}"):
        url += "?identifier=urn:mrn|4712"
    sent: dict[str, Any] = {"data": example} if is_form else {"json": example}

    answer = service.request(method, url, headers={"Content-Type": kind}, **sent)

    _has_the_shape_promised(answer, DOCUMENT["paths"][path][method])


@pytest.mark.parametrize(("path", "url"), _questions())
def test_every_question_is_answered_in_the_shape_promised(
    service: httpx.Client, path: str, url: str
) -> None:
    of = str(uuid.uuid4())
    names = {"plan": _a_plan(service, of), "patient": of, "response": f"{of}-intake"}
    for name, id_ in names.items():
        url = url.replace(f"{{{name}}}", id_)

    answer = service.get(f"/fhir/{url}")

    _has_the_shape_promised(answer, DOCUMENT["paths"][path]["get"])


def _has_the_shape_promised(answer: httpx.Response, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    assert str(answer.status_code) in responses, answer.text
    assert answer.is_success, answer.text
    (content,) = responses[str(answer.status_code)]["content"].values()
    Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]}).validate(
        answer.json()
    )


def _a_plan(service: httpx.Client, of: str | None = None) -> str:
    """The id of a plan that nobody has answered yet."""
    of = of or str(uuid.uuid4())
    answer = service.post("/fhir/$derive", json=bundle(patient(of), intake(screened(), of=of)))
    return str(answer.json()["entry"][0]["resource"]["id"])


# Of its own: it adds the links that it finds.
MACHINE = schemathesis.openapi.from_dict(deepcopy(DOCUMENT))
MACHINE.hook(before_generate_case)
# That a body is valid R4 is more than the document's schemas say: a refusal is no finding.
TOO_MUCH = [checks.positive_data_acceptance]


@MACHINE.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_schemathesis_finds_nothing(case: schemathesis.Case[Any], service: httpx.Client) -> None:
    case.call_and_validate(base_url=str(service.base_url), excluded_checks=TOO_MUCH)


def test_schemathesis_finds_nothing_along_the_links(service: httpx.Client) -> None:
    """The short version of ``make fuzz``: what one answer names, the next request asks for."""
    reached: set[str] = set()

    class Links(MACHINE.as_state_machine()):  # type: ignore[misc]  # made at run time
        def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
            del case
            return {"base_url": str(service.base_url)}

        def validate_response(
            self, response: schemathesis.Response, case: schemathesis.Case[Any], **_: Any
        ) -> None:
            case.validate_response(response, excluded_checks=TOO_MUCH)
            if response.status_code == HTTPStatus.OK:
                reached.add(case.operation.label)

    run_state_machine_as_test(
        Links,
        settings=settings(
            max_examples=60, stateful_step_count=8, suppress_health_check=list(HealthCheck)
        ),
    )

    # Nobody reaches these by guessing: a link was followed.
    assert reached & {"GET /decisions/{id}", "GET /decisions/{id}/replay", "GET /fhir/{type}/{id}"}
