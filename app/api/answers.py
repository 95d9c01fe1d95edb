"""Building answers: stored bytes with their version and time, bundles, headers."""

from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime

import orjson
from starlette.responses import Response

from app.domain.history import Stored
from app.domain.problem import Problem
from app.fhir.writing import collection, outcome, provenance, with_meta
from app.use_cases.derive_care_plan import Answer, Kept
from app.use_cases.respond import Given


def resource_body(stored: Stored) -> bytes:
    """A stored version as it is served: its bytes with our meta (and its id on our server)."""
    version = stored.version
    is_ours = version.origin == "derived"
    return with_meta(
        version.body,
        version=version.version,
        last_updated=stored.committed_at,
        id_=None if is_ours else version.id,
        source=version.source,
    )


def version_headers(version: int, at: datetime) -> dict[str, str]:
    """ETag and Last-Modified (F-07)."""
    return {"ETag": f'W/"{version}"', "Last-Modified": format_datetime(at, usegmt=True)}


def apply_answer(answer: Answer, media: str) -> Response:
    """``$apply`` returns the CarePlan; what is not kept contains its goals."""
    plan = answer.resources[0]
    body = _kept_body(plan) if answer.is_kept else _containing_goals(answer)
    return Response(body, 200, _decision_headers(answer), media_type=media)


def derive_answer(answer: Answer, public_url: str, media: str) -> Response:
    """``$derive`` returns everything as a collection, CarePlan first, Provenance last."""
    body = collection(_entries(answer, f"{public_url}/fhir"))
    return Response(body, 200, _decision_headers(answer), media_type=media)


def respond_answer(given: Given, media: str) -> Response:
    """``$respond`` returns the plan, with the version to name in the next If-Match."""
    version = given.plan.version
    headers = {
        **version_headers(version.version, given.plan.committed_at),
        "Content-Location": f"/fhir/{version.type}/{version.id}/_history/{version.version}",
        "X-Decision-Id": given.decision_id,
    }
    if given.warnings:
        headers["Warning"] = _warning(given.warnings)
    return Response(resource_body(given.plan), 200, headers, media_type=media)


def derivation(answer: Answer, base: str) -> bytes:
    """The ``$derive`` Bundle alone, for the command line."""
    return collection(_entries(answer, base))


def _entries(answer: Answer, base: str) -> Iterator[tuple[str, bytes]]:
    for kept in answer.resources:
        yield f"{base}/{kept.type}/{kept.id}", _kept_body(kept)
    outputs = [(k.type, k.id, k.version if answer.is_kept else None) for k in answer.resources]
    body = provenance(answer.frame, outputs, answer.as_of)
    committed_at = answer.resources[0].committed_at
    if committed_at is not None:
        body = with_meta(body, version=1, last_updated=committed_at)
    yield f"{base}/Provenance/{answer.decision_id}", body
    if answer.warnings:
        warned = {**outcome(answer.warnings, "warning"), "id": f"{answer.decision_id}"}
        yield f"{base}/OperationOutcome/{answer.decision_id}", orjson.dumps(warned)


def _kept_body(kept: Kept) -> bytes:
    if kept.committed_at is None:
        return kept.body
    return with_meta(kept.body, version=kept.version, last_updated=kept.committed_at)


def _containing_goals(answer: Answer) -> bytes:
    plan = orjson.loads(answer.resources[0].body)
    goals = [orjson.loads(k.body) for k in answer.resources if k.type == "Goal"]
    for goal in goals:
        goal.pop("meta", None)
        plan_text = orjson.dumps(plan).replace(
            f'"Goal/{goal["id"]}"'.encode(), f'"#{goal["id"]}"'.encode()
        )
        plan = orjson.loads(plan_text)
    if goals:
        plan["contained"] = goals
    return orjson.dumps(plan)


def _decision_headers(answer: Answer) -> dict[str, str]:
    headers = {}
    if answer.is_kept:
        plan = answer.resources[0]
        headers["Content-Location"] = f"/fhir/{plan.type}/{plan.id}/_history/{plan.version}"
        headers["X-Decision-Id"] = answer.decision_id
    if answer.warnings:
        headers["Warning"] = _warning(answer.warnings)
    return headers


def _warning(warnings: tuple[Problem, ...]) -> str:
    text = "; ".join(f"{w.where}: {w.what}" if w.where else w.what for w in warnings)
    plain = text.encode("ascii", "replace").decode().replace('"', "'")
    return f'199 painplan "{plain[:500]}"'
