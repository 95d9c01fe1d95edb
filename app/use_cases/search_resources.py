"""Search what is kept, page by page: every page is read as of the block that the first one saw."""

from dataclasses import dataclass
from typing import NamedTuple

from app.domain.history import Stored
from app.domain.searching import Cursor, Search, Versions
from app.use_cases.ports import History

START = -1


class Page(NamedTuple):
    """Some matches in order; ``next`` is None after the last, ``total`` where it is known."""

    hits: tuple[Stored, ...]
    next: Cursor | None
    total: int | None


@dataclass(frozen=True, slots=True)
class SearchResources:
    """The use case with the part it needs."""

    history: History

    async def page(  # noqa: PLR0913  (what, and which part of it in which order)
        self,
        tenant: str,
        search: Search,
        *,
        cursor: Cursor | None,
        order: str,
        count: int,
        is_total_wanted: bool = False,
    ) -> Page:
        """One page; a search that fits on its first page knows its total for nothing."""
        after = cursor or Cursor(await self.history.head(), "", 0, START)
        found = await self.history.search(
            tenant, search, cursor=after, order=order, count=count + 1
        )
        is_more = len(found) > count
        hits = found[:count]
        total = None
        if is_total_wanted:
            total = await self.history.number(tenant, search, after.snapshot)
        elif cursor is None and not is_more:
            total = len(hits)
        next_ = hits[-1][1] if is_more and hits else None
        return Page(tuple(stored for stored, _ in hits), next_, total)

    async def versions(
        self, tenant: str, wanted: Versions, *, cursor: Cursor | None, count: int
    ) -> Page:
        """One page of a history, newest first; its total is always known."""
        after = cursor or Cursor(await self.history.head(), "", 0, START)
        found = await self.history.versions(tenant, wanted, cursor=after, count=count + 1)
        hits = found[:count]
        total = await self.history.number_of_versions(tenant, wanted, after.snapshot)
        next_ = hits[-1][1] if hits and len(found) > count else None
        return Page(tuple(stored for stored, _ in hits), next_, total)

    async def number(self, tenant: str, search: Search) -> int:
        """How many match now."""
        return await self.history.number(tenant, search, await self.history.head())
