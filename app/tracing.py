"""One span a request, by OpenTelemetry, where a place to send spans to is named; a leaf.

A span says which function answered, how and for how long: no address, header or body, because those
name patients. FastAPI's own spans hold the path and the query, so they are off (``app/main.py``).
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    StatusCode,
    TracerProvider,
    format_trace_id,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PARENT = "traceparent"
FAULT = 500
PATIENCE = 2.0  # seconds for the spans that still wait when the service stops
_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """Where spans go; nowhere without a provider, and then nothing is made."""

    def __init__(
        self, provider: TracerProvider | None = None, close: Callable[[], None] = lambda: None
    ) -> None:
        self._tracer = None if provider is None else provider.get_tracer("painplan")
        self.close = close

    @contextmanager
    def span(self, headers: Mapping[bytes, bytes]) -> Iterator[Span]:
        """The span of one request, below the caller's where ``traceparent`` names one."""
        if self._tracer is None:
            yield INVALID_SPAN
            return
        sent = {PARENT: headers.get(PARENT.encode(), b"").decode("latin-1")}
        with self._tracer.start_as_current_span(
            "request",
            context=_PROPAGATOR.extract(sent),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span


def answered(span: Span, route: str, method: str, status: int, size: int) -> None:
    """What became of the request. ``method`` and ``route`` are words of ours."""
    if not span.is_recording():
        return
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.response.status_code": status,
            "http.response.body.size": size,
            "painplan.route": route,
        }
    )
    if status >= FAULT:
        span.set_status(StatusCode.ERROR)


def trace_of(span: Span) -> dict[str, str]:
    """The id under which the line of the log and the span are found together; empty without one."""
    context = span.get_span_context()
    return {"trace_id": format_trace_id(context.trace_id)} if context.is_valid else {}


def configured() -> Tracing:
    """As OpenTelemetry's own variables say. ImportError: spans are wanted, the extra is missing."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return Tracing()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  (an extra)
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  (an extra)
    from opentelemetry.sdk.trace import TracerProvider as Provider  # noqa: PLC0415  (an extra)
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  (an extra)

    name = os.environ.get("OTEL_SERVICE_NAME", "painplan")
    provider = Provider(resource=Resource.create({"service.name": name}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider, lambda: _close(provider.shutdown, exporter.shutdown))


def _close(send_the_rest: Callable[[], None], give_up: Callable[[], None]) -> None:
    """A collector that is down or hangs does not hold the stop: what it did not take is lost."""
    sending = Thread(target=send_the_rest, name="spans", daemon=True)
    sending.start()
    sending.join(PATIENCE)
    if sending.is_alive():
        give_up()
