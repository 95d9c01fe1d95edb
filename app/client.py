"""A small typed client: derive, apply, submit, review_order; sync (Client) and async (AsyncClient).

Answers are fhir.resources (R4B, the same as R4 for our types). What is refused raises
``RefusedByPainplan`` with the OperationOutcome's words. A call is repeated only where that is safe:
reading, and what carries an Idempotency-Key, after a lost connection, 429 or 503.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.careplan import CarePlan
from fhir.resources.R4B.resource import Resource

Json = dict[str, Any]
Sendable = Resource | Mapping[str, Any]
JSON = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
KEY = "Idempotency-Key"
ATTEMPTS = 3
AGAIN = frozenset({429, 503})
LONGEST_WAIT, FIRST_WAIT = 10.0, 0.2  # seconds


class RefusedByPainplan(Exception):  # noqa: N818  (a refusal, said by the service)
    """The service refused: its status and what it said, one line a problem."""

    def __init__(self, status: int, problems: Sequence[str]) -> None:
        super().__init__(f"{status}: " + "; ".join(problems))
        self.status = status
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Derivation:
    """What was concluded: the plan first, then all that stands beside it."""

    plan: CarePlan
    resources: tuple[Resource, ...]
    decision_id: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    body: bytes | None = None
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def may_repeat(self) -> bool:
        return self.method == "GET" or KEY in self.headers


class _Calls:
    """What is asked, and how the answers are read: the same for both clients."""

    @staticmethod
    def derive(
        data: Sendable, as_of: str, profile: str, complete: Sequence[str], key: str | None
    ) -> _Call:
        chosen = (("asOf", as_of), ("guidelineProfile", profile))
        params = [(name, value) for name, value in chosen if value]
        params += [("complete", name) for name in complete]
        return _Call("POST", "/fhir/$derive", _body(data), tuple(params), _keyed(key))

    @staticmethod
    def apply(  # noqa: PLR0913  (what the operation takes)
        subject: str,
        data: Sendable | None,
        as_of: str,
        profile: str,
        complete: Sequence[str],
        use_server_data: bool,  # noqa: FBT001  (named where it is called)
        key: str | None,
    ) -> _Call:
        given: list[Json] = [{"name": "subject", "valueString": subject}]
        if data is not None:
            given.append({"name": "data", "resource": _dict(data)})
        if as_of:
            given.append({"name": "asOf", "valueDateTime": as_of})
        if profile:
            given.append({"name": "guidelineProfile", "valueCode": profile})
        given += [{"name": "complete", "valueCode": name} for name in complete]
        given.append({"name": "useServerData", "valueBoolean": use_server_data})
        body = _body({"resourceType": "Parameters", "parameter": given})
        return _Call("POST", "/fhir/PlanDefinition/clbp-care/$apply", body, headers=_keyed(key))

    @staticmethod
    def submit(resource: Sendable) -> _Call:
        type_ = _dict(resource)["resourceType"]
        return _Call("POST", f"/fhir/{type_}", _body(resource))

    @staticmethod
    def review_order(service: str, request: Mapping[str, Any]) -> _Call:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return _Call("POST", f"/cds-services/{service}", _body(request), headers=headers)

    @staticmethod
    def read(reference: str) -> _Call:
        """An address is read where this client is at home: a token goes nowhere else."""
        _, is_address, relative = reference.partition("/fhir/")
        return _Call("GET", f"/fhir/{relative if is_address else reference}")


class Client:
    """``with Client("https://painplan.example") as painplan: painplan.derive(bundle)``."""

    def __init__(self, base_url: str, *, token: str = "", timeout: float = 30) -> None:
        self._http = httpx.Client(base_url=base_url, headers=_common(token), timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def derive(
        self,
        data: Sendable,
        *,
        as_of: str = "",
        profile: str = "",
        complete: Sequence[str] = (),
        key: str | None = None,
    ) -> Derivation:
        """A plan from a Bundle; ``key`` is the Idempotency-Key, one is made where none is given."""
        return _derivation(self._send(_Calls.derive(data, as_of, profile, complete, key)))

    def apply(  # noqa: PLR0913  (what the operation takes)
        self,
        subject: str,
        data: Sendable | None = None,
        *,
        as_of: str = "",
        profile: str = "",
        complete: Sequence[str] = (),
        use_server_data: bool = True,
        key: str | None = None,
    ) -> CarePlan:
        """The plan alone, of a patient whose record is stored or comes along."""
        call = _Calls.apply(subject, data, as_of, profile, complete, use_server_data, key)
        return _plan(self._send(call))

    def submit(self, resource: Sendable) -> str:
        """Store a resource; where it lies. Never repeated: a second POST is a second resource."""
        return self._send(_Calls.submit(resource)).headers["Location"]

    def review_order(self, service: str, request: Mapping[str, Any]) -> Json:
        """Cards about an order (CDS Hooks 2.0); ``service`` is one of ``/cds-services``."""
        cards: Json = self._send(_Calls.review_order(service, request)).json()
        return cards

    def read(self, reference: str) -> Resource:
        """A resource by its reference, ``CarePlan/123``, or by the address ``submit`` gave."""
        return _resource(self._send(_Calls.read(reference)).json())

    def _send(self, call: _Call) -> httpx.Response:
        for attempt in range(ATTEMPTS):
            answer = None
            try:
                answer = self._http.request(**_arguments(call))
            except httpx.TransportError:
                if _is_last(call, attempt):
                    raise
            if answer is not None and (answer.status_code not in AGAIN or _is_last(call, attempt)):
                return _accepted(answer)
            time.sleep(_wait(answer, attempt))
        raise AssertionError  # the last attempt returns or raises


class AsyncClient:
    """The same for asyncio."""

    def __init__(self, base_url: str, *, token: str = "", timeout: float = 30) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, headers=_common(token), timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def derive(
        self,
        data: Sendable,
        *,
        as_of: str = "",
        profile: str = "",
        complete: Sequence[str] = (),
        key: str | None = None,
    ) -> Derivation:
        """As ``Client.derive``."""
        return _derivation(await self._send(_Calls.derive(data, as_of, profile, complete, key)))

    async def apply(  # noqa: PLR0913  (what the operation takes)
        self,
        subject: str,
        data: Sendable | None = None,
        *,
        as_of: str = "",
        profile: str = "",
        complete: Sequence[str] = (),
        use_server_data: bool = True,
        key: str | None = None,
    ) -> CarePlan:
        """As ``Client.apply``."""
        call = _Calls.apply(subject, data, as_of, profile, complete, use_server_data, key)
        return _plan(await self._send(call))

    async def submit(self, resource: Sendable) -> str:
        """As ``Client.submit``."""
        return (await self._send(_Calls.submit(resource))).headers["Location"]

    async def review_order(self, service: str, request: Mapping[str, Any]) -> Json:
        """As ``Client.review_order``."""
        cards: Json = (await self._send(_Calls.review_order(service, request))).json()
        return cards

    async def read(self, reference: str) -> Resource:
        """As ``Client.read``."""
        return _resource((await self._send(_Calls.read(reference))).json())

    async def _send(self, call: _Call) -> httpx.Response:
        for attempt in range(ATTEMPTS):
            answer = None
            try:
                answer = await self._http.request(**_arguments(call))
            except httpx.TransportError:
                if _is_last(call, attempt):
                    raise
            if answer is not None and (answer.status_code not in AGAIN or _is_last(call, attempt)):
                return _accepted(answer)
            await asyncio.sleep(_wait(answer, attempt))
        raise AssertionError  # the last attempt returns or raises


def _common(token: str) -> dict[str, str]:
    return {**JSON, "Authorization": f"Bearer {token}"} if token else JSON


def _keyed(key: str | None) -> dict[str, str]:
    return {KEY: key or str(uuid.uuid4())}


def _arguments(call: _Call) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "content": call.body,
        "params": list(call.params),
        "headers": dict(call.headers),
    }


def _is_last(call: _Call, attempt: int) -> bool:
    return not call.may_repeat or attempt + 1 == ATTEMPTS


def _wait(answer: httpx.Response | None, attempt: int) -> float:
    """What the service asks for, else twice as long each time; in seconds."""
    asked = "" if answer is None else answer.headers.get("Retry-After", "")
    wait = float(asked) if asked.isdecimal() else FIRST_WAIT * 2**attempt
    return min(wait, LONGEST_WAIT)


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    raise RefusedByPainplan(answer.status_code, _problems(answer))


def _problems(answer: httpx.Response) -> list[str]:
    try:
        said = answer.json()
    except ValueError:
        return [answer.reason_phrase]
    if not isinstance(said, dict):  # a gateway in between has its own words
        return [str(said or answer.reason_phrase)]
    issues = said.get("issue")
    told = [_told(i) for i in issues if isinstance(i, dict)] if isinstance(issues, list) else []
    return told or [str(said.get("detail", answer.reason_phrase))]


def _told(issue: Json) -> str:
    """What an issue says: its text, else what a gateway may put in its place."""
    text = (issue.get("details") or {}).get("text") or issue.get("diagnostics")
    return ": ".join((*issue.get("expression", ()), str(text or issue.get("code", ""))))


def _derivation(answer: httpx.Response) -> Derivation:
    resources = tuple(_resource(entry["resource"]) for entry in answer.json()["entry"])
    plan = resources[0]
    assert isinstance(plan, CarePlan)  # noqa: S101  (contract §3: the plan comes first)
    headers = answer.headers
    return Derivation(
        plan, resources, headers.get("X-Decision-Id"), headers.get("Content-Location")
    )


def _plan(answer: httpx.Response) -> CarePlan:
    plan: CarePlan = CarePlan.model_validate(answer.json())
    return plan


def _resource(said: Json) -> Resource:
    model: Any = get_fhir_model_class(said["resourceType"])
    made: Resource = model.model_validate(said)
    return made


def _dict(resource: Sendable) -> Json:
    if isinstance(resource, Resource):
        said: Json = httpx.Response(200, content=resource.model_dump_json()).json()
        return said
    return dict(resource)


def _body(resource: Sendable) -> bytes:
    if isinstance(resource, Resource):
        return resource.model_dump_json().encode()
    return httpx.Request("POST", "http://none", json=dict(resource)).content
