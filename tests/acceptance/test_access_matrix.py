"""Every route against everybody who must not: generated from the routes, so that none is forgotten.

``make access`` prints the table.
"""

import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from app.api.needs import GuardedRoute, Need
from app.main import create_app
from tests.acceptance.access import (
    ALL,
    CANARY,
    NORTH_CLIENT,
    SOUTH_CLIENT,
    SOUTH_KID,
    WEST_CLIENT,
    WEST_KID,
    Kept,
    access,
    clients_file,
    kept,
)
from tests.acceptance.conftest import serving
from tests.acceptance.wire import Json, bundle, finding, patient
from tests.ehr.signing import claims, token

P1 = "p1"
OBSERVATION = f"{P1}-pain-localised"
RESPONSE = f"{P1}-intake"
COLUMNS = ("no token", "bad token", "wrong scope", "other tenant", "other patient")
REFUSED, ABSENT, APART, NOTHING = "refused", "not there", "apart", "-"


@dataclass(frozen=True)
class Sample:
    """A request about p1 of the north, and what a stranger to the tenant or the patient gets.

    ``refused`` is 401 or 403; ``not there`` 404, or a Bundle without a match; ``apart`` an answer
    that is about nobody, or about the asker's own id space; ``-`` is not asked.
    """

    url: str
    body: Any = None
    tenant: str = ABSENT
    patient: str = ABSENT


def _response(outcome: str) -> Json:
    part = {"name": "outcome", "valueCode": outcome}
    return {"resourceType": "Parameters", "parameter": [part]}


BODY = bundle(patient(P1), finding("pain-localised", True))
ABOUT_P1 = finding("pain-localised", True)
BATCH = {
    "resourceType": "Bundle",
    "type": "batch",
    "entry": [{"request": {"method": "GET", "url": f"Patient/{P1}"}}],
}
PARAMETERS = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "url", "valueUri": "https://painplan.health/fhir/PlanDefinition/clbp-care"},
        {"name": "subject", "valueString": f"Patient/{P1}"},
        {"name": "data", "resource": BODY},
    ],
}
QUESTIONS = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "subject": {"reference": f"Patient/{P1}"},
}
SAMPLES: dict[str, Sample] = {
    "read": Sample(f"/fhir/Observation/{OBSERVATION}"),
    "vread": Sample(f"/fhir/Observation/{OBSERVATION}/_history/1"),
    "of_instance /_history": Sample(f"/fhir/Observation/{OBSERVATION}/_history"),
    "of_type /_history": Sample("/fhir/Observation/_history", patient=APART),  # of p2 alone
    "search": Sample(f"/fhir/Observation?subject=Patient/{P1}"),
    "search_by_post": Sample("/fhir/Observation/_search"),
    "create": Sample("/fhir/Observation", {**ABOUT_P1, "id": None}, tenant=APART, patient=REFUSED),
    "update": Sample(f"/fhir/Observation/{OBSERVATION}", ABOUT_P1, tenant=APART, patient=REFUSED),
    "update_by_condition": Sample(
        f"/fhir/Observation?_id={OBSERVATION}", ABOUT_P1, tenant=APART, patient=REFUSED
    ),
    "derive": Sample("/fhir/$derive", BODY, tenant=APART, patient=REFUSED),
    "apply": Sample(
        "/fhir/PlanDefinition/clbp-care/$apply", PARAMETERS, tenant=APART, patient=REFUSED
    ),
    "apply_named": Sample("/fhir/PlanDefinition/$apply", PARAMETERS, tenant=APART, patient=REFUSED),
    "respond": Sample("/fhir/CarePlan/{plan}/$respond", _response("accepted")),
    "of_body": Sample(
        "/fhir/QuestionnaireResponse/$extract", QUESTIONS, tenant=APART, patient=APART
    ),
    "of_stored": Sample(f"/fhir/QuestionnaireResponse/{RESPONSE}/$extract"),
    "everything": Sample(f"/fhir/Patient/{P1}/$everything"),
    "of_type /$validate": Sample(
        "/fhir/Observation/$validate", ABOUT_P1, tenant=APART, patient=APART
    ),
    "of_instance /$validate": Sample(f"/fhir/Observation/{OBSERVATION}/$validate"),
    "take": Sample("/fhir", BATCH, tenant=ABSENT, patient=ABSENT),
    "decision": Sample("/decisions/{decision}"),
    "page": Sample("/decisions/{decision}.html"),
    "replay": Sample("/decisions/{decision}/replay"),
    "proof": Sample("/decisions/{decision}/proof"),
    "decisions": Sample(f"/decisions?patient={P1}", patient=REFUSED),
    "services": Sample("/cds-services", tenant=REFUSED, patient=REFUSED),
    "call": Sample("/cds-services/clbp-patient-view", {}, tenant=REFUSED, patient=REFUSED),
    "feedback": Sample(
        "/cds-services/clbp-patient-view/feedback", {}, tenant=REFUSED, patient=REFUSED
    ),
    "report": Sample("/cds-services-report", tenant=REFUSED, patient=REFUSED),
    "openapi": Sample("/openapi.json", tenant=APART, patient=APART),
    "docs": Sample("/docs", tenant=APART, patient=APART),
    "redoc": Sample("/redoc", tenant=APART, patient=APART),
    "healthz": Sample("/healthz", tenant=APART, patient=APART),
    "readyz": Sample("/readyz", tenant=APART, patient=APART),
    "prometheus": Sample("/metrics", tenant=APART, patient=APART),
    "metadata": Sample("/fhir/metadata", tenant=APART, patient=APART),
    "configuration": Sample("/.well-known/smart-configuration", tenant=APART, patient=APART),
}


def name_of(route: Route) -> str:
    """What answers; two functions of one name are told apart by the end of their address."""
    name = route.endpoint.__name__
    return (
        f"{name} /{route.path.rpartition('/')[2]}" if name in ("of_type", "of_instance") else name
    )


def routes() -> list[GuardedRoute]:
    found = [route for route in create_app().routes if isinstance(route, Route)]
    assert all(isinstance(route, GuardedRoute) for route in found), "a route without a guard"
    return [route for route in found if isinstance(route, GuardedRoute)]


ROUTES = [
    pytest.param(route, method, id=f"{method} {route.path} {route.endpoint.__name__}")
    for route in routes()
    for method in sorted(route.methods or ())
]


@dataclass
class North:
    """The service with what is kept of the patients of the north."""

    service: httpx.Client
    p1: Kept
    before: bytes


@pytest.fixture(scope="module")
def north(tmp_path_factory: pytest.TempPathFactory) -> Iterator[North]:
    folder = tmp_path_factory.mktemp("matrix")
    file = clients_file(folder, NORTH_CLIENT, SOUTH_CLIENT, WEST_CLIENT)
    with serving(folder / "painplan.db", auth="on", clients=file) as service:
        p1 = kept(service, P1, access(service))
        kept(service, "p2", access(service))
        print(f"\n{'':52} | {' | '.join(f'{column:<14}' for column in COLUMNS)}")
        yield North(service, p1, _history(service))


def _history(service: httpx.Client) -> bytes:
    """Everything of p1, as the north sees it."""
    answer = service.get(f"/fhir/Patient/{P1}/$everything?_count=500", headers=access(service))
    assert answer.status_code == 200
    return answer.content


def test_every_route_is_classified() -> None:
    """A new route needs a line in ``app/api/needs.py``, and one here."""
    named = {name_of(route) for route in routes()}

    assert {name for name in named if not name.startswith("refuse")} == SAMPLES.keys()


def send(north: North, route: GuardedRoute, method: str, headers: Json) -> httpx.Response:
    """The sample of a route; one that only refuses is asked as it is written."""
    sample = SAMPLES.get(name_of(route)) or Sample(route.path.replace("{type}", "Observation"))
    url = sample.url.format(plan=north.p1.plan, decision=north.p1.decision, id="x", vid="1")
    sent: dict[str, Any] = {"headers": headers}
    if name_of(route) == "search_by_post":
        sent["data"] = {"subject": f"Patient/{P1}"}
        headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        sent["headers"] = headers
    elif sample.body is not None and method in ("POST", "PUT"):
        sent["json"] = (
            {k: v for k, v in sample.body.items() if v is not None}
            if isinstance(sample.body, dict)
            else sample.body
        )
    return north.service.request(method, url, **sent)


def found_in(answer: httpx.Response) -> str:
    """What a stranger was told."""
    if answer.status_code in (401, 403):
        return REFUSED
    if answer.status_code == 404:
        return ABSENT
    body = answer.content
    if answer.headers.get("content-type", "").startswith(
        ("application/fhir+json", "application/json")
    ):
        told = answer.json() if body else {}
        if told.get("type") == "batch-response":
            (entry,) = told["entry"]
            return {"403": REFUSED, "404": ABSENT}.get(entry["response"]["status"][:3], "shown")
        entries = told.get("entry", told.get("decisions"))
        if answer.status_code == 200 and entries in (None, []) and told.get("total", 0) == 0:
            is_list = told.get("resourceType") == "Bundle" or "decisions" in told
            return ABSENT if is_list else APART
    return APART


def strangers(service: httpx.Client, need: Need, *, writes: bool) -> Iterator[tuple[str, Json]]:
    """Whose requests must fail, with the column that each belongs to.

    What another tenant may write into its own id space it writes in the west, so that the south
    never has anything.
    """
    yield "no token", {}
    yield from (("bad token", headers) for headers in _bad_tokens(service, need))
    yield "wrong scope", access(service, _scope_without(need))
    yield "other tenant", access(service, kid=WEST_KID if writes else SOUTH_KID)
    yield "other patient", access(service, f"patient/*.cruds {ALL}", patient="p2")


def _bad_tokens(service: httpx.Client, need: Need) -> Iterator[Json]:
    """Expired, for somebody else, of an issuer nobody knows, of the other kind, altered, none."""
    late = int(time.time()) - 600
    yield access(service, exp=late + 60, iat=late)
    yield access(service, aud="https://elsewhere.example/fhir")
    yield access(service, iss="https://nobody.example")
    hooks = f"{str(service.base_url).rstrip('/')}/cds-services"
    yield access(service, aud=hooks) if need.kind == "hook" else bearer(token(claims(hooks)))
    good = access(service)["Authorization"].removeprefix("Bearer ")
    head, payload, signature = good.split(".")
    yield bearer(f"{head}.{payload}.{signature[:20]}{'A' * len(signature[20:])}")
    unsigned = urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    yield bearer(f"{unsigned}.{payload}.")
    yield bearer("no-token-at-all")
    yield {"Authorization": "Basic bm9ydGg6bm9ydGg="}


def bearer(raw: str) -> Json:
    return {"Authorization": f"Bearer {raw}"}


def _scope_without(need: Need) -> str:
    """Everything but what is needed."""
    needed = "r" if need.kind == "entries" else need.letters
    letters = "".join(one for one in "cruds" if one not in needed)
    return f"system/*.{letters}"


def expected(route: GuardedRoute, column: str) -> tuple[str, ...]:
    need, sample = route.need, SAMPLES.get(name_of(route))
    if need.kind == "open":
        return (APART, ABSENT)
    if column in ("no token", "bad token"):
        return (REFUSED,)
    if column == "wrong scope":
        return (REFUSED,) if need.kind in ("all", "any", "hook", "entries") else (APART, ABSENT)
    if sample is None:
        return (APART, ABSENT)
    return (sample.tenant if column == "other tenant" else sample.patient,)


@pytest.mark.parametrize(("route", "method"), ROUTES)
def test_nobody_gets_what_is_not_theirs(north: North, route: GuardedRoute, method: str) -> None:
    row: dict[str, str] = {}
    sample = SAMPLES.get(name_of(route))
    writes = sample is not None and sample.tenant == APART
    for column, headers in strangers(north.service, route.need, writes=writes):
        answer = send(north, route, method, headers)
        told = f"{CANARY}-{P1}".encode() in answer.content
        if column == "other patient" and method == "GET" and route.need.kind != "token":
            told = told or f'"Patient/{P1}"'.encode() in answer.content
        found = "shown" if told else found_in(answer)
        if method == "HEAD":
            # No body; that something is there is told by the status, which has to be that of GET.
            got = send(north, route, "GET", headers)
            assert answer.status_code == got.status_code, column
            found = found_in(got)
        row[column] = f"{answer.status_code} {found}"

        assert found in expected(route, column), (column, answer.status_code, answer.text[:300])
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
        if answer.status_code == 403 and method != "HEAD":
            assert "insufficient_scope" in answer.headers["www-authenticate"]
    cells = " | ".join(f"{cell:<14}" for cell in row.values())
    print(f"\n{method:<7} {route.path:<44} | {cells}")


def test_nothing_of_the_north_has_changed(north: North) -> None:
    """After everybody has tried: what was kept of p1 is as it was, to the byte."""
    assert _history(north.service) == north.before
