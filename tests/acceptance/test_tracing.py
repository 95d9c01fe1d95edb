"""One span a request where somebody asks for spans, and nothing of any patient in it."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.domain.problem import Refused
from app.main import create_app
from app.settings import Settings
from app.tracing import PATIENCE, Tracing
from tests.acceptance.wire import bundle, intake, patient, screened

WHO = "patient-4711"
FHIR = {"Content-Type": "application/fhir+json"}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
WORK = 20.0  # seconds for all that is asked, on a busy machine


async def ask(folder: Path, tracing: Tracing | None, **headers: str) -> None:
    """A derivation, a read, a search, a refusal and a transaction about one person."""
    settings = Settings(database_url=f"sqlite:///{folder}/painplan.db", log_level="INFO")
    app = create_app(settings, tracing)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8000", headers={**FHIR, **headers}
        ) as client,
    ):
        told = bundle(patient(WHO), intake(screened(), of=WHO))
        (await client.post("/fhir/$derive", json=told)).raise_for_status()
        (await client.get(f"/fhir/Patient/{WHO}")).raise_for_status()
        (await client.get("/fhir/CarePlan", params={"patient": WHO})).raise_for_status()
        assert (await client.get(f"/fhir/Observation/{WHO}")).status_code == 404
        batch: dict[str, Any] = {"resourceType": "Bundle", "type": "batch"}
        batch["entry"] = [{"request": {"method": "GET", "url": f"Patient/{WHO}"}}]
        (await client.post("/fhir", json=batch)).raise_for_status()


async def test_a_span_says_what_answered_and_nothing_of_whom(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    await ask(tmp_path, Tracing(provider), traceparent=f"00-{TRACE}-{PARENT}-01")

    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == [
        "POST derive",
        "GET read",
        "GET search",
        "GET read",
        "POST take",
    ]
    statuses = [(span.attributes or {})["http.response.status_code"] for span in spans]
    assert statuses == [200, 200, 200, 404, 200]
    assert {format(span.context.trace_id, "032x") for span in spans if span.context} == {TRACE}
    assert {format(span.parent.span_id, "016x") for span in spans if span.parent} == {PARENT}
    for span in spans:
        assert span.events == ()
        assert WHO not in span.to_json()
        assert set(span.attributes or {}) == {
            "http.request.method",
            "http.response.status_code",
            "http.response.body.size",
            "painplan.route",
        }
    assert capsys.readouterr().err.count(f'"trace_id": "{TRACE}"') == len(spans)


async def test_without_an_endpoint_there_are_no_spans_whoever_set_up_opentelemetry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """FastAPI would make spans of its own for any provider of the process: with path and query."""
    monkeypatch.delenv(ENDPOINT, raising=False)
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    await ask(tmp_path, None)

    assert exporter.get_finished_spans() == ()
    assert "trace_id" not in capsys.readouterr().err


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """What stands where spans are sent to: its address, and what came (path and body)."""
    came: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", came
        finally:
            server.shutdown()
            thread.join()


async def test_an_endpoint_gets_the_spans_by_otlp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (address, came):
        monkeypatch.setenv(ENDPOINT, address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        await ask(tmp_path, None)

    assert {path for path, _ in came} == {"/v1/traces"}
    sent = b"".join(body for _, body in came)
    assert b"POST derive" in sent
    assert WHO.encode() not in sent


async def test_a_collector_that_never_answers_does_not_hold_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600")
        began = time.monotonic()
        await ask(tmp_path, None)

    assert time.monotonic() - began < PATIENCE + WORK  # OpenTelemetry itself waits for 30


def test_spans_that_are_wanted_and_cannot_be_sent_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(Refused) as refusal:
        create_app(Settings(database_url=f"sqlite:///{tmp_path}/painplan.db"))

    assert "painplan[otel]" in refusal.value.problems[0].mend
