"""A page of a search over many in the order of a date: the tree of the values is walked in order.

To sort all that many have takes seconds; here as many are read as the page holds. What has no such
value comes last in either direction, in the order of the blocks, and is looked for only there.
"""

from app.domain.searching import Criterion, Cursor, Search
from app.sql.database import Statement
from app.sql.search_rows import key_of
from app.sql.searching import BY_ID, BY_TIME, NEWEST, also, last_in

# One row a resource: that of its smallest value, as the key of any other order.
_SMALLEST = (
    "NOT EXISTS (SELECT 1 FROM search_value o WHERE o.row = s.row AND o.key = s.key"
    " AND o.value <= s.value AND (o.value, o.until, o.system) < (s.value, s.until, s.system))"
)


def is_walked(search: Search, order: str, *, has_driver: bool, is_common: bool) -> bool:
    """Whether the values drive: nobody is named, and nothing else tells enough."""
    is_narrow = search.ids or search.patients or search.updated
    by_value = order.removeprefix("-") not in (BY_TIME, BY_ID)
    return by_value and not is_narrow and (is_common or not has_driver)


def is_among_the_last(cursor: Cursor, order: str) -> bool:
    """Whether the page before ended on something without a value."""
    return cursor.position >= 0 and cursor.key == last_in(order)


def page_with_value(
    tenant: str, search: Search, cursor: Cursor, order: str, count: int
) -> Statement:
    """The next of those that have a value."""
    direction, beyond = ("DESC", "<") if order.startswith("-") else ("ASC", ">")
    type_ = search.types[0]
    statement = Statement()
    statement.add(
        "SELECT v.*, b.committed_at, q.place FROM (SELECT r.rowid AS row, s.value AS place,"
        " r.sequence AS s, r.position AS p FROM search_value s CROSS JOIN resource_version r"
        " ON r.rowid = s.row WHERE s.key = ? AND r.tenant = ? AND r.type = ? AND r.sequence <= ?",
        key_of(tenant, type_, order.removeprefix("-")),
        tenant,
        type_,
        cursor.snapshot,
    )
    if cursor.position >= 0:
        statement.add(
            f"AND s.value {beyond}= ? AND (s.value, r.sequence, r.position) {beyond} (?, ?, ?)",
            cursor.key,
            cursor.key,
            cursor.sequence,
            cursor.position,
        )
    for criterion in search.criteria:
        also(statement, tenant, type_, criterion)
    statement.add(f"AND {_SMALLEST} AND {NEWEST}", cursor.snapshot)
    statement.add(
        f"ORDER BY s.value {direction}, r.sequence {direction}, r.position {direction} LIMIT ?)"
        " q CROSS JOIN resource_version v ON v.rowid = q.row"
        " CROSS JOIN block b ON b.sequence = v.sequence"
        f" ORDER BY q.place {direction}, q.s {direction}, q.p {direction}",
        count,
    )
    return statement


def without_value(search: Search, cursor: Cursor, order: str) -> tuple[Search, Cursor, str]:
    """The search, the place and the order of those that have none."""
    name = order.removeprefix("-")
    lacking = search._replace(criteria=(*search.criteria, Criterion(name, ((),), is_negated=True)))
    start = cursor if is_among_the_last(cursor, order) else cursor._replace(position=-1)
    return lacking, start, "-" + BY_TIME if order.startswith("-") else BY_TIME
