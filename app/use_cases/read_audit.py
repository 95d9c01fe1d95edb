"""Read the audit: one event, or those that match, page by page as of the first page's block."""

from typing import NamedTuple

from app.domain.auditing import KeptAudit
from app.domain.problem import NotFound, Problem
from app.domain.searching import Cursor, Search
from app.use_cases.ports import Audit

START = -1


class AuditPage(NamedTuple):
    """Some events in order; ``next`` is None after the last, ``total`` where it is known."""

    hits: tuple[KeptAudit, ...]
    next: Cursor | None
    total: int | None


class ReadAudit(NamedTuple):
    """The use case with the part it needs."""

    audit: Audit

    async def event(self, tenant: str, id_: str) -> KeptAudit:
        """One event; NotFound when there is none."""
        found = await self.audit.event(tenant, id_)
        if found is None:
            raise NotFound(Problem(f"There is no AuditEvent/{id_[:64]}.", code="not-found"))
        return found

    async def page(  # noqa: PLR0913  (what, and which part of it in which order)
        self,
        tenant: str,
        search: Search,
        *,
        cursor: Cursor | None,
        order: str,
        count: int,
        is_total_wanted: bool = False,
    ) -> AuditPage:
        """One page; a search that fits on its first page knows its total for nothing."""
        after = cursor or Cursor(await self.audit.head(), "", 0, START)
        found = await self.audit.events(tenant, search, cursor=after, order=order, count=count + 1)
        hits, is_more = found[:count], len(found) > count
        total = len(hits) if cursor is None and not is_more else None
        if is_total_wanted:
            total = await self.audit.number(tenant, search, after.snapshot)
        next_ = hits[-1][1] if is_more and hits else None
        return AuditPage(tuple(kept for kept, _ in hits), next_, total)

    async def number(self, tenant: str, search: Search) -> int:
        """How many match now."""
        return await self.audit.number(tenant, search, await self.audit.head())
