import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.careplan import CarePlan
from fhir.resources.R4B.patient import Patient

from app.client import AsyncClient, Client, RefusedByPainplan
from tests.acceptance.hooks import (
    SELECT,
    SIGN,
    TRAMADOL,
    VIEW,
    card_of,
    imaging,
    medicine,
    opioid_with_sedative,
    request,
    rules,
)
from tests.acceptance.wire import AS_OF, activities, bundle, intake, patient, screened


def told(id_: str) -> Bundle:
    """A screened person, as a typed Bundle."""
    sent: Bundle = Bundle.model_validate(bundle(patient(id_), intake(screened(), of=id_)))
    return sent


@contextmanager
def busy_first(service: httpx.Client, times: int) -> Iterator[tuple[str, list[str]]]:
    """A gateway before the service that is busy the first times; its address and what it met."""
    met: list[str] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            met.append(self.headers.get("Idempotency-Key", ""))
            if len(met) <= times:
                self.send_response(503)
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            sent = {n: v for n, v in self.headers.items() if n.lower() != "host"}
            answer = service.post(self.path, content=body, headers=sent)
            self.send_response(answer.status_code)
            for name in ("X-Decision-Id", "Content-Location", "Location"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", met
        finally:
            server.shutdown()
            thread.join()


def test_a_derivation_is_typed_and_can_be_looked_up(service: httpx.Client) -> None:
    with Client(str(service.base_url)) as painplan:
        derived = painplan.derive(told("typed"), as_of=AS_OF)
        again = painplan.read(f"CarePlan/{derived.plan.id}")

    assert derived.plan.status == "draft"
    assert derived.location == f"/fhir/CarePlan/{derived.plan.id}/_history/1"
    assert again.model_dump_json() == derived.plan.model_dump_json()
    assert service.get(f"/decisions/{derived.decision_id}").status_code == 200
    assert derived.resources[-1].get_resource_type() == "Provenance"


async def test_the_asynchronous_client_says_the_same(service: httpx.Client) -> None:
    with Client(str(service.base_url)) as painplan:
        one = painplan.derive(told("same"), as_of=AS_OF)
    async with AsyncClient(str(service.base_url)) as painplan:
        other = await painplan.derive(told("same"), as_of=AS_OF)
        plan = await painplan.apply("Patient/same", as_of=AS_OF)
        read = await painplan.read(f"CarePlan/{one.plan.id}")

    assert one.plan.id == other.plan.id == plan.id == read.id


def test_what_was_submitted_is_read_where_it_lies(service: httpx.Client) -> None:
    with Client(str(service.base_url)) as painplan:
        where = painplan.submit({"resourceType": "Patient", "gender": "male"})
        found = painplan.read(where)

        assert isinstance(found, Patient)
        assert found.gender == "male"
        assert painplan.read(f"Patient/{found.id}").id == found.id


def texts(plan: CarePlan) -> list[str | None]:
    return [one.detail.description for one in plan.activity or () if one.detail is not None]


def test_a_plan_alone_takes_all_that_a_derivation_takes(service: httpx.Client) -> None:
    sent = told("alone")
    with Client(str(service.base_url)) as painplan:
        plan = painplan.apply(
            "Patient/alone",
            sent,
            as_of=AS_OF,
            profile="uk",
            complete=["Condition", "AllergyIntolerance"],
            use_server_data=False,
        )
        derived = painplan.derive(
            sent, as_of=AS_OF, profile="uk", complete=["Condition", "AllergyIntolerance"]
        )

    assert plan.created == derived.plan.created
    assert texts(plan) == texts(derived.plan)


def test_what_was_submitted_counts_in_a_later_plan(service: httpx.Client) -> None:
    with Client(str(service.base_url)) as painplan:
        location = painplan.submit(Patient(birthDate=date(1980, 1, 1)))
        id_ = location.partition("/Patient/")[2].partition("/")[0]
        painplan.submit(intake(screened(), of=id_))
        plan = painplan.apply(f"Patient/{id_}", as_of=AS_OF)

    assert "EX-01" in activities(plan.model_dump())


def test_a_refusal_names_the_element_and_the_status(service: httpx.Client) -> None:
    with Client(str(service.base_url)) as painplan, pytest.raises(RefusedByPainplan) as refused:
        painplan.submit({"resourceType": "Patient", "gender": "F"})

    assert refused.value.status == 400
    assert "Patient.gender: The code is not one that is allowed here." in str(refused.value)


def test_an_order_is_reviewed_with_its_reasons(service: httpx.Client) -> None:
    signed = request(SIGN, medicine(TRAMADOL), prefetch=opioid_with_sedative())

    with Client(str(service.base_url)) as painplan:
        answer = painplan.review_order("clbp-order-sign", signed)

    assert "CDS-OPI-01" in rules(answer)
    card = card_of(answer, "CDS-OPI-01")
    assert card["indicator"] in ("critical", "warning")
    decision = answer["extension"]["health.painplan.decision"]
    assert service.get(decision.removeprefix(str(service.base_url))).status_code == 200


async def test_both_clients_get_the_same_cards_for_the_same_call(service: httpx.Client) -> None:
    for hook, body in (
        ("clbp-order-sign", request(SIGN, imaging(of="both"), of="both")),
        ("clbp-order-select", request(SELECT, imaging(of="both"), of="both")),
        ("clbp-patient-view", request(VIEW, of="both")),
    ):
        with Client(str(service.base_url)) as painplan:
            one = painplan.review_order(hook, body)
        async with AsyncClient(str(service.base_url)) as painplan:
            other = await painplan.review_order(hook, body)

        assert one["cards"], hook
        assert [c["uuid"] for c in one["cards"]] == [c["uuid"] for c in other["cards"]]


async def test_what_a_hook_lacks_is_told_in_words(service: httpx.Client) -> None:
    broken = {name: value for name, value in request(VIEW).items() if name != "hookInstance"}

    async with AsyncClient(str(service.base_url)) as painplan:
        with pytest.raises(RefusedByPainplan) as refused:
            await painplan.review_order("clbp-patient-view", broken)

    assert refused.value.status == 422
    (problem,) = refused.value.problems
    assert problem.startswith("hookInstance: ")
    assert len(problem) > len("hookInstance: required")


def test_a_review_is_not_repeated_on_its_own(service: httpx.Client) -> None:
    with (
        busy_first(service, 1) as (address, met),
        Client(address) as painplan,
        pytest.raises(RefusedByPainplan) as refused,
    ):
        painplan.review_order("clbp-patient-view", request(VIEW))

    assert refused.value.status == 503
    assert len(met) == 1


def test_a_hook_that_does_not_exist_is_a_refusal(service: httpx.Client) -> None:
    with Client(str(service.base_url)) as painplan, pytest.raises(RefusedByPainplan) as refused:
        painplan.review_order("nothing", {"hook": "order-sign"})

    assert refused.value.status == 404


def test_a_busy_service_is_asked_again_with_the_same_key(service: httpx.Client) -> None:
    with busy_first(service, 2) as (address, met), Client(address) as painplan:
        derived = painplan.derive(told("busy"), as_of=AS_OF)

    assert derived.decision_id
    assert len(met) == 3
    assert met[0]
    assert len(set(met)) == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"no upstream", "Bad Gateway"),
        (b'"no upstream"', "no upstream"),
        (b"[]", "Bad Gateway"),
        (b"null", "Bad Gateway"),
        (b'{"issue": "none", "detail": "no upstream"}', "no upstream"),
        (b'{"issue": [{"code": "transient", "details": null}]}', "transient"),
    ],
)
def test_a_gateway_may_refuse_in_its_own_words(said: bytes, told: str) -> None:
    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(502)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with (
                Client(f"http://127.0.0.1:{server.server_port}") as painplan,
                pytest.raises(RefusedByPainplan) as refused,
            ):
                painplan.read("CarePlan/1")
        finally:
            server.shutdown()
            thread.join()

    assert refused.value.problems == (told,)


def test_a_submission_is_not_repeated(service: httpx.Client) -> None:
    with (
        busy_first(service, 1) as (address, met),
        Client(address) as painplan,
        pytest.raises(RefusedByPainplan) as refused,
    ):
        painplan.submit({"resourceType": "Patient"})

    assert refused.value.status == 503
    assert len(met) == 1
