"""What we publish of a type that clients write, too, among what they wrote: our Organization.

It is in no block and has no time: it stands as if it were the first thing of the first block.
"""

from collections.abc import Sequence

from starlette.requests import Request

from app.domain.searching import Cursor, Search, matches
from app.fhir.writing.bundles import Entry

BY_ID = "_id"
Placed = tuple[Cursor, Entry]


def ours_among(request: Request, search: Search) -> list[str]:
    """The ids of what we publish that a search finds; what has no time is found by none."""
    if search.updated:
        return []
    return [
        id_
        for (type_, id_), values in request.app.state.published_values().items()
        if type_ in search.types and matches(search, type_, id_, None, values)
    ]


def place_of(id_: str, order: str) -> Cursor:
    """Where it stands in an order."""
    return Cursor(0, id_ if order.removeprefix("-") == BY_ID else "", 0, 0)


def merged(
    page: Sequence[Placed], ours: Placed, *, after: Cursor | None, order: str, is_more: bool
) -> list[Placed]:
    """The page with ours in its place, unless that is on a page before or, as there is, after."""
    place, entry = ours
    is_passed = after is not None and not _is_before(after, place, order)
    is_to_come = is_more and bool(page) and _is_before(page[-1][0], place, order)
    if is_passed or is_to_come:
        return list(page)
    number = sum(_is_before(other, place, order) for other, _ in page)
    snapshot = page[0][0].snapshot if page else 0
    return [*page[:number], (place._replace(snapshot=snapshot), entry), *page[number:]]


def _is_before(one: Cursor, other: Cursor, order: str) -> bool:
    first, second = (other, one) if order.startswith("-") else (one, other)
    return (first.key, first.sequence, first.position) < (
        second.key,
        second.sequence,
        second.position,
    )
