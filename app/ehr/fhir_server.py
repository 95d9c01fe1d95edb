"""Asks an allowed FHIR server what the prefetch did not bring, within one deadline."""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from app import metrics
from app.domain.orders.ehr import EhrAccess, Looked, Outcome, Query
from app.ehr.origins import Place, listed, next_page
from app.ehr.outside import NotReached, Outside, Reply
from app.ehr.pages import NotUsable, Page, resource, searchset

PAGE_AT_MOST = 2 * 1024 * 1024  # bytes
CALL_AT_MOST = 8 * 1024 * 1024  # bytes, all pages of all searches of one call
PAGES_AT_MOST = 10  # of one search
JSON = frozenset({"application/fhir+json", "application/json", "application/json+fhir"})
# RFC 6750 b64token: nothing else can stand in the header.
BEARER = re.compile(r"[A-Za-z0-9\-._~+/]{1,8192}=*\Z")
READ = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})\Z")
OK, ABSENT = 200, (404, 410)
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Arrived:
    """What came for one query so far; kept outside its task, which the deadline may cancel."""

    pages: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Purse:
    """How many bytes this call may still take."""

    left: int = CALL_AT_MOST

    def pay(self, size: int) -> None:
        """For a page that came; NotReached when it was one too many."""
        self.left -= size
        if self.left < 0:
            raise NotReached("its answers together are too large")


@dataclass(frozen=True, slots=True)
class _Visit:
    """One call's way to one server."""

    base: Place
    headers: Mapping[str, str] = field(repr=False)
    purse: _Purse


class FhirServers:
    """The EHRs that may be asked: ``by_client`` those of a client, ``for_all`` everybody's."""

    def __init__(
        self, web: Outside, *, for_all: Sequence[Place], by_client: Mapping[str, Sequence[Place]]
    ) -> None:
        self._web = web
        self._for_all = tuple(for_all)
        self._by_client = by_client

    async def search(
        self, wanted: Sequence[Query], access: EhrAccess, *, within: float
    ) -> Mapping[str, Outcome]:
        """As ``use_cases.ports.Ehr``: an outcome a key, after ``within`` seconds at most."""
        base = listed(access.server, (*self._for_all, *self._by_client.get(access.client, ())))
        if base is None:
            return _not_asked(wanted, "The FHIR server is not one that may be asked.")
        if access.token and not BEARER.match(access.token):
            return _not_asked(wanted, "The access token cannot be sent.")
        if within <= 0:
            return _not_asked(wanted, "There was no time left to ask.")
        visit = _Visit(base, _headers(access.token), _Purse())
        arrived = [_Arrived() for _ in wanted]
        tasks = [
            asyncio.ensure_future(self._ask(query, visit, came))
            for query, came in zip(wanted, arrived, strict=True)
        ]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=within)
        finally:
            # Also when the one who asked us has gone away.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        outcomes = {
            query.key: _outcome(task, came)
            for query, task, came in zip(wanted, tasks, arrived, strict=True)
        }
        for outcome in outcomes.values():
            metrics.asked(outcome.state.value)
        return outcomes

    async def _ask(self, query: Query, visit: _Visit, came: _Arrived) -> Outcome:
        read = READ.match(query.path)
        if read:
            return await self._read(query, visit, (read[1], read[2]))
        return await self._search(query, visit, came)

    async def _read(self, query: Query, visit: _Visit, wanted: tuple[str, str]) -> Outcome:
        reply = await self._get(f"{visit.base}/{query.path}", visit)
        if reply.status in ABSENT:
            return Outcome(Looked.ALL)
        resource(_body(reply), *wanted)
        return Outcome(Looked.ALL, (reply.body,))

    async def _search(self, query: Query, visit: _Visit, came: _Arrived) -> Outcome:
        patient = _patient(query.path)
        url = f"{visit.base}/{query.path}"
        page = Page()
        for _ in range(PAGES_AT_MOST):
            reply = await self._get(url, visit)
            page = page.then(searchset(_body(reply), patient))
            came.pages.append(reply.body)
            if page.next is None:
                return _all_of(page, came)
            following = next_page(visit.base, url, page.next)
            if following is None:
                return _some(came, "A further page lies outside the server and was not read.")
            url = following
        return _some(came, "It has more pages than are read.")

    async def _get(self, url: str, visit: _Visit) -> Reply:
        reply = await self._web.get(url, visit.headers, at_most=PAGE_AT_MOST)
        visit.purse.pay(len(reply.body))
        return reply


def _headers(token: str) -> dict[str, str]:
    accept = {"Accept": "application/fhir+json"}
    return {**accept, "Authorization": f"Bearer {token}"} if token else accept


def _body(reply: Reply) -> bytes:
    if reply.status != OK:
        raise NotUsable(f"it answered with status {reply.status}")
    if reply.media not in JSON:
        raise NotUsable("its answer is not FHIR JSON")
    return reply.body


def _patient(path: str) -> str | None:
    """Whose data a search asks for; None where it names nobody."""
    query = parse_qs(path.partition("?")[2])
    by_id = query.get("_id") if path.startswith("Patient?") else None
    named = query.get("patient") or query.get("subject") or by_id or [""]
    return named[0].rpartition("/")[2] or None


def _outcome(task: asyncio.Task[Outcome], came: _Arrived) -> Outcome:
    if task.cancelled():
        return _some(came, "It did not answer in time.")
    match task.exception():
        case None:
            return task.result()
        case NotUsable() as unusable if unusable.is_another_patient:
            return Outcome(Looked.FAILED, why=_sentence(unusable.why))
        case NotReached() | NotUsable() as known:
            return _some(came, _sentence(known.why))
        case unknown:
            log.error("fault while the EHR was asked", extra={"kind": type(unknown).__name__})
            return _some(came, "Something went wrong while it was asked.")


def _all_of(page: Page, came: _Arrived) -> Outcome:
    if not page.is_whole:
        return _some(came, "It says itself that this is not all.")
    return Outcome(Looked.ALL, tuple(came.pages))


def _some(came: _Arrived, why: str) -> Outcome:
    """What arrived is used; without the rest nothing can be concluded from what is absent."""
    state = Looked.SOME if came.pages else Looked.FAILED
    return Outcome(state, tuple(came.pages), why)


def _not_asked(wanted: Sequence[Query], why: str) -> dict[str, Outcome]:
    return {query.key: Outcome(Looked.NOT, why=why) for query in wanted}


def _sentence(why: str) -> str:
    return f"{why[0].upper()}{why[1:]}."
