"""Builds the application: settings, knowledge, journal, routes; it alone knows all parts."""

import asyncio
import gc
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import orjson
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import State
from starlette.types import Lifespan

from app.api import (
    decision_routes,
    errors,
    hook_routes,
    operations,
    proof_routes,
    routes,
    smart_routes,
)
from app.api.capability import capability_statement
from app.api.cors import ListedOrigins, origins_of
from app.api.door import Door
from app.api.frame import RequestFrame
from app.api.needs import GuardedRoute
from app.api.rate import RateLimit, shared_file
from app.api.strangers import Strangers
from app.domain.problem import Problem, Refused
from app.domain.searching import SearchValue
from app.domain.submission import Submission
from app.ehr.clients import TrustedClient
from app.ehr.origins import Place
from app.ehr.trust import Trust, trusted
from app.fhir.reading.hook_reader import HookReader
from app.fhir.reading.record import RecordReader
from app.fhir.searching.values import VERSION as EXTRACTION
from app.fhir.searching.values import values_in
from app.fhir.validation import Validator
from app.fhir.validation.profiles import profiles_in
from app.fhir.writing import ResourceWriter
from app.fhir.writing.hook_answer import HookWriter
from app.knowledge.library import Library
from app.logs import configure as configure_log
from app.settings import Settings
from app.sql.audit_log import AuditLog
from app.sql.heads import tell_heads
from app.sql.journal import Journal
from app.sql.prepare import prepare_database
from app.sql.proofs import Proofs
from app.sql.queries import History
from app.sql.reindex import Extraction
from app.tracing import Tracing, configured
from app.use_cases.calling import Caller
from app.use_cases.derive_care_plan import Answer, Ask, DeriveCarePlan
from app.use_cases.nothing import Nothing
from app.use_cases.read_audit import ReadAudit
from app.use_cases.read_history import ReadHistory, Seen
from app.use_cases.read_review import SeenReview
from app.use_cases.record_resource import RecordResource
from app.use_cases.report_alerts import ReportAlerts
from app.use_cases.respond import RespondToPlan
from app.use_cases.review_order import ReviewOrder
from app.use_cases.search_resources import SearchResources
from app.use_cases.spend_token import SpendToken
from app.use_cases.take_feedback import TakeFeedback

log = logging.getLogger(__name__)
ROOT = Path(__file__).parent.parent
ENGINE = version("painplan")
READ = ["GET", "HEAD"]
# A request makes some 20,000 objects and hardly a cycle: one look at the young ones is enough.
GARBAGE = (20_000, 20, 50)
SEARCH = Extraction(EXTRACTION, values_in)
# Its spans hold the path and the query, its log entries the words of exceptions: a patient's.
NOT_FASTAPIS: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
Published = dict[tuple[str, str], tuple[bytes, str]]


def create_app(settings: Settings | None = None, tracing: Tracing | None = None) -> FastAPI:
    """The application, ready for uvicorn (``uvicorn app.main:create_app --factory``)."""
    with _collector_at_rest():
        return _built(settings or Settings(), tracing)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """What is built stays: to look through it on the way is a twentieth of a start."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _built(settings: Settings, tracing: Tracing | None) -> FastAPI:
    configure_log(settings.log_level)
    if settings.auth == "off-insecure":
        log.warning("authentication is off on every address (PAINPLAN_AUTH=off-insecure)")
    app = FastAPI(
        title="Painplan",
        version=ENGINE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(settings),
        redirect_slashes=False,  # its answer would be a 307 without a body
        telemetry=NOT_FASTAPIS,
    )
    app.state.tracing = tracing or _tracing()
    _join(app, settings)
    _route(app)
    errors.install(app)
    trust = app.state.trust
    door = Door(settings.auth, trust.verifier, trust.access)
    app.add_middleware(RequestFrame, door=door, tracing=app.state.tracing, rate=_rate(settings))
    if settings.cors_origins:
        app.add_middleware(ListedOrigins, origins=origins_of(settings.cors_origins))
    return app


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def _join(app: FastAPI, settings: Settings) -> None:
    """Every part, once, on the application's state."""
    state = app.state
    state.settings = settings
    state.clock = now
    state.library = _library(settings)
    state.validator = Validator.load()
    state.published = published()
    state.published_values = cache(lambda: _values_of(state.published))
    parsed = {key: orjson.loads(body) for key, (body, _) in state.published.items()}
    state.profiles = profiles_in(parsed)
    state.reader = RecordReader(questionnaires(state.published))
    state.journal = Journal(settings.database_url)
    history = History(settings.database_url)
    state.history = history
    state.proofs = Proofs(settings.database_url)
    state.trust = _trust(settings)
    state.ehr = state.trust.fhir_servers
    writer = ResourceWriter()
    state.derive_care_plan = DeriveCarePlan(
        reader=state.reader,
        writer=writer,
        history=history,
        journal=state.journal,
        library=state.library,
        clock=now,
    )
    state.respond_to_plan = RespondToPlan(
        reader=state.reader,
        writer=writer,
        history=history,
        journal=state.journal,
        library=state.library,
        clock=now,
    )
    _join_hooks(state)
    state.read_history = ReadHistory(
        history, state.library, state.reader, writer, state.hook_reader, state.hook_writer
    )
    state.search_resources = SearchResources(history)
    state.read_audit = ReadAudit(AuditLog(history.reader))
    state.strangers = Strangers(state.journal, now, settings.tenant)
    state.decision_page = _decision_page
    state.record_resource = RecordResource(history, state.journal, now)
    content = state.library.current.content
    state.capability = _with_digest(
        capability_statement(
            public_url=settings.public_url,
            released_on=content.released_on,
            version=ENGINE,
            profiles=state.profiles.by_type(),
            is_secured=settings.auth == "on",
        )
    )
    state.openapi_document = cache(_openapi_document)


def _values_of(published: Published) -> dict[tuple[str, str], tuple[SearchValue, ...]]:
    """What our own resources are found by; worked out for the first search among them."""
    return {key: values_in(body) for key, (body, _) in published.items()}


def _openapi_document() -> bytes:
    """``openapi.yaml`` as JSON; read when first asked for, so that the start does not wait."""
    import yaml  # noqa: PLC0415  (loaded with its first reader)

    text = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    return orjson.dumps(yaml.load(text, Loader=yaml.CSafeLoader))


def _decision_page(seen: Seen | SeenReview) -> str:
    """The page for a person; the book is loaded with its first reader."""
    from app.book.decision import decision_page  # noqa: PLC0415  (see above)

    return decision_page(seen)


def _join_hooks(state: State) -> None:
    """The parts behind CDS Hooks."""
    state.hook_reader = HookReader(state.validator)
    state.hook_writer = HookWriter(state.validator)
    state.review_order = ReviewOrder(
        reader=state.reader,
        hooks=state.hook_reader,
        writer=state.hook_writer,
        history=state.history,
        journal=state.journal,
        library=state.library,
        ehr=state.ehr,
        clock=now,
        stopwatch=time.monotonic,
        public_url=state.settings.public_url.rstrip("/"),
    )
    state.take_feedback = TakeFeedback(state.history, state.journal, now)
    state.report_alerts = ReportAlerts(state.history)
    state.spend_token = SpendToken(state.journal, now)


def alone(settings: Settings, nothing: Nothing) -> DeriveCarePlan:
    """The use case without a database: nothing is looked up, and what is kept goes to a blank."""
    return DeriveCarePlan(
        reader=RecordReader(questionnaires(published())),
        writer=ResourceWriter(finds_values=False),
        history=nothing,
        journal=nothing,
        library=_library(settings),
        clock=now,
    )


async def derive_once(submission: Submission, *, as_of: datetime, profile: str | None) -> Answer:
    """Derive without a database: nothing is looked up and nothing is kept."""
    settings = Settings()
    use_case = alone(settings, Nothing())
    chosen = submission._replace(
        as_of=as_of,
        guideline_profile=profile or submission.guideline_profile,
        use_server_data=False,
    )
    ask = Ask(chosen, operation="derive", request_digest=b"", is_kept=False)
    caller = Caller(
        tenant=settings.tenant,
        client="command line",
        request_id="command-line",
        origin="",
        guideline_profile=settings.guideline_profile,
    )
    return await use_case(ask, caller)


def _tracing() -> Tracing:
    try:
        return configured()
    except ImportError:
        raise Refused(
            Problem(
                "OpenTelemetry has an endpoint to send spans to (OTEL_EXPORTER_OTLP_ENDPOINT), and "
                "what sends them is not installed.",
                mend="Install painplan[otel], or unset the variable.",
                code="not-supported",
            )
        ) from None


def _trust(settings: Settings) -> Trust:
    clients, servers = trusted_of(settings)
    return Trust(clients, servers, public_url=settings.public_url, clock=now)


def trusted_of(settings: Settings) -> tuple[tuple[TrustedClient, ...], tuple[Place, ...]]:
    """The clients and FHIR servers of the settings; Refused says what is wrong with them."""
    return trusted(auth=settings.auth, clients=settings.clients, fhir_servers=settings.fhir_servers)


def _rate(settings: Settings) -> RateLimit | None:
    """Workers of one database and address on this host count together."""
    if not settings.rate_limit:
        return None
    service = f"{settings.database_url} {settings.public_url}"
    return RateLimit(settings.rate_limit, shared_file(service))


def _library(settings: Settings) -> Library:
    return Library.of_release(
        crisis_text=settings.crisis_text, engine=ENGINE, terminology=terminology_of(settings)
    )


def terminology_of(settings: Settings) -> Path | None:
    """The deployer's folder, if one is named."""
    return Path(settings.terminology) if settings.terminology else None


def published() -> Published:
    """What we publish, by type and the last segment of its canonical."""
    found: Published = {}
    for file in sorted((ROOT / "fhir_profiles").glob("*.json")):
        resource = orjson.loads(file.read_bytes())
        if "resourceType" in resource and "id" in resource:
            found[(resource["resourceType"], resource["id"])] = _with_digest(resource)
    return found


def questionnaires(resources: Published) -> dict[str, dict[str, object]]:
    """Our own Questionnaires by canonical, for reading the responses to them."""
    parsed = (
        orjson.loads(body)
        for (type_, _), (body, _) in resources.items()
        if type_ == "Questionnaire"
    )
    return {questionnaire["url"]: questionnaire for questionnaire in parsed}


def _with_digest(resource: dict[str, object]) -> tuple[bytes, str]:
    body = orjson.dumps(resource)
    return body, hashlib.sha256(body).hexdigest()


def _route(app: FastAPI) -> None:
    """Every path of contract §3, §4 and §6 that this release offers."""
    addresses = (
        ("/.well-known/smart-configuration", smart_routes.configuration, READ),
        *routes.fhir(),
        ("/cds-services", hook_routes.services, READ),
        ("/cds-services/{id}", hook_routes.call, ["POST"]),
        ("/cds-services/{id}/feedback", hook_routes.feedback, ["POST"]),
        ("/cds-services-report", hook_routes.report, READ),
        ("/decisions", decision_routes.decisions, READ),
        ("/decisions/{id}.html", decision_routes.page, READ),
        ("/decisions/{id}", decision_routes.decision, READ),
        ("/decisions/{id}/replay", decision_routes.replay, READ),
        ("/decisions/{id}/proof", proof_routes.proof, READ),
        ("/healthz", operations.healthz, READ),
        ("/readyz", operations.readyz, READ),
        ("/metrics", operations.prometheus, READ),
        ("/openapi.json", operations.openapi, READ),
        ("/docs", operations.docs, READ),
        ("/redoc", operations.redoc, READ),
    )
    for path, endpoint, methods in addresses:
        app.router.routes.append(GuardedRoute(path, endpoint, methods=list(methods)))


def prepare(url: str) -> None:
    """What must be so before the first request; Unavailable tells what is not."""
    prepare_database(url, SEARCH)


def settle() -> None:
    """What is loaded is here to stay: the collector need not look at it again."""
    gc.freeze()  # uncollected: a start leaves next to nothing, and a look takes 90 ms
    gc.set_threshold(*GARBAGE)
    gc.enable()  # the command that serves had it rest


def _lifespan(settings: Settings) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Have the schema, start the writer, and leave only when all that is queued is written."""
        await asyncio.to_thread(prepare, settings.database_url)
        await app.state.journal.start()
        app.state.strangers.start()
        telling = asyncio.create_task(tell_heads(app.state.history), name="heads")
        app.state.trust.warm()
        settle()
        yield
        telling.cancel()
        await app.state.trust.close()
        await app.state.strangers.close()
        await app.state.journal.close()
        await app.state.history.close()
        await app.state.proofs.close()
        await asyncio.to_thread(app.state.tracing.close)

    return lifespan
