"""A search as SQL over ``search_value``: each names its driving index, so none reads bodies.

What drives is, in this order: ids, patients, the most telling criterion, the time, the type. The
rest is asked of each row that the driver finds, by key. A page is read as of the block that its
first page saw: later versions do not exist for it, and the values of earlier ones are kept.
"""

from collections.abc import Sequence

from app.domain.searching import Alternative, Criterion, Cursor, Search
from app.sql.database import Statement
from app.sql.page_bodies import COLUMNS
from app.sql.search_rows import kept_text, key_of

BY_TIME, BY_ID = "_lastUpdated", "_id"
# So many have it that the newest fifty of them are soon met in the order of the blocks.
COMMON = 2000
TELLING = ("identifier", "questionnaire", "code", "date")
NOBODY = ""
BEFORE_ALL = ""
_COLUMNS = {"value": "s.value", "until": "s.until", "system": "s.system"}
# The time of a version is a point: what ends with it ends just after.
_POINT = {
    ("until", "<="): "b.committed_at <",
    ("until", ">"): "b.committed_at >=",
    ("value", ">="): "b.committed_at >=",
    ("value", "<"): "b.committed_at <",
}
NEWEST = (
    "NOT EXISTS (SELECT 1 FROM resource_version n WHERE n.tenant = r.tenant AND n.type = r.type"
    " AND n.id = r.id AND n.version > r.version AND n.sequence <= ?)"
)
_OWN = "SELECT 1 FROM search_value s WHERE s.row = r.rowid AND s.key = ?"
_KEY = "coalesce((SELECT min(s.value) FROM search_value s WHERE s.row = r.rowid AND s.key = ?), ?)"
# What has no value to be sorted by comes last in either direction.
LAST_OF_ALL = "~"


def page_of(  # noqa: PLR0913  (what, and which part of it in which order)
    tenant: str,
    search: Search,
    cursor: Cursor,
    order: str,
    count: int,
    *,
    is_common: bool = False,
) -> Statement:
    """The rows of one page with their short bodies, after ``cursor`` in ``order``.

    ``is_common`` says that what would drive is had by many: then the order of the blocks drives.
    """
    name, is_descending = order.removeprefix("-"), order.startswith("-")
    direction, beyond = ("DESC", "<") if is_descending else ("ASC", ">")
    # In the order of the blocks the place is all there is, so that nothing need be sorted.
    by = ["r.sequence", "r.position"] if name == BY_TIME else ["place", "r.sequence", "r.position"]
    statement = Statement()
    statement.add(f"SELECT {COLUMNS}, b.committed_at, q.place")
    statement.add("FROM (SELECT r.rowid AS row, r.sequence AS s, r.position AS p,")
    key, values = _key(tenant, search, name, last_in(order))
    statement.add(f"{key} AS place", *values)
    _found(
        statement,
        tenant,
        search,
        cursor.snapshot,
        is_in_order=name == BY_TIME,
        is_common=is_common,
    )
    if cursor.position >= 0:
        # A condition cannot say "place": the name is given to what has passed it.
        if name == BY_TIME:
            statement.add(f"AND (r.sequence, r.position) {beyond} (?, ?)")
        else:
            statement.add(f"AND ({key}, r.sequence, r.position) {beyond} (?, ?, ?)")
            statement.values += [*values, cursor.key]
        statement.values += [cursor.sequence, cursor.position]
    statement.add(
        f"ORDER BY {', '.join(f'{column} {direction}' for column in by)} LIMIT ?)"
        " q CROSS JOIN resource_version v ON v.rowid = q.row"
        " CROSS JOIN block b ON b.sequence = v.sequence"
        f" ORDER BY q.place {direction}, q.s {direction}, q.p {direction}",
        count,
    )
    return statement


def probe_of(tenant: str, search: Search, at_most: int, order: str) -> Statement | None:
    """Some of what the driving criterion finds, to know whether many have it; None without one."""
    driver = None if search.ids or search.patients else driver_of(search)
    if driver is None or order.removeprefix("-") == BY_ID:
        return None
    statement = Statement()
    statement.add("SELECT 1 FROM (")
    _values_of(statement, tenant, search.types[0], driver)
    statement.add(") LIMIT ?", at_most)
    return statement


def number_of(tenant: str, search: Search, snapshot: int) -> Statement:
    """How many there are in all."""
    statement = Statement()
    statement.add("SELECT count(*)")
    _found(statement, tenant, search, snapshot)
    return statement


def some_of(tenant: str, search: Search, snapshot: int, at_most: int) -> Statement:
    """The keys (type, id) of a few that match: enough to know whether it is none, one or more."""
    statement = Statement()
    statement.add("SELECT r.type, r.id")
    _found(statement, tenant, search, snapshot)
    statement.add("LIMIT ?", at_most)
    return statement


def last_in(order: str) -> str:
    """The key of what has no value to be sorted by."""
    return BEFORE_ALL if order.startswith("-") else LAST_OF_ALL


def _key(tenant: str, search: Search, name: str, last: str) -> tuple[str, tuple[str | int, ...]]:
    """What a page is sorted by before the place, and the values in it."""
    match name:
        case "_lastUpdated":
            return "''", ()
        case "_id":
            return "r.id", ()
        case _:
            return _KEY, (key_of(tenant, search.types[0], name), last)


def _found(  # noqa: PLR0913  (what, and what may drive)
    statement: Statement,
    tenant: str,
    search: Search,
    snapshot: int,
    *,
    is_in_order: bool = False,
    is_common: bool = False,
) -> None:
    """FROM and WHERE. Where nothing else drives, the order of the blocks does, if it is wanted."""
    rest = list(search.criteria)
    driver = None if search.ids or search.patients or is_common else driver_of(search)
    is_open = driver is None and not (search.ids or search.patients or search.updated)
    by_block = is_open and is_in_order
    if driver is not None:
        rest.remove(driver)
        _drive_by_values(statement, tenant, search.types[0], driver)
    elif search.ids or search.patients or is_open:
        statement.add("FROM resource_version r CROSS JOIN block b ON b.sequence = r.sequence")
    else:
        statement.add("FROM block b CROSS JOIN resource_version r ON r.sequence = b.sequence")
    # A plus keeps a column from driving: the type, where the versions of some patients do.
    by_patient = bool(search.patients) and not search.ids
    off = "+" if by_block else ""
    statement.add(f"WHERE {off}r.tenant = ?", tenant)
    _among(statement, "+r.type" if by_block or by_patient else "r.type", search.types)
    statement.add(f"AND {'' if by_block or by_patient else '+'}r.sequence <= ?", snapshot)
    for ids in search.ids:
        _among(statement, "r.id", sorted(ids))
    for patients in search.patients:
        column = "+r.patient" if search.ids else "r.patient"
        _among(statement, column, sorted(patients - {NOBODY}) or (NOBODY,))
    for updated in search.updated:
        statement.add("AND (" + " OR ".join(_time(a, statement) for a in updated.any_of) + ")")
    for criterion in rest:
        also(statement, tenant, search.types[0], criterion)
    statement.add(f"AND r.salt IS NOT NULL AND {NEWEST}", snapshot)


def driver_of(search: Search) -> Criterion | None:
    """The criterion that tells most."""
    usable = [c for c in search.criteria if not c.is_negated]
    ranked = [c for name in TELLING for c in usable if c.name == name]
    return next(iter((*ranked, *usable)), None)


def _drive_by_values(statement: Statement, tenant: str, type_: str, driver: Criterion) -> None:
    """The resources with such a value, each once."""
    statement.add("FROM (")
    _values_of(statement, tenant, type_, driver)
    if len(driver.any_of) == 1:
        statement.add("GROUP BY s.row")
    statement.add(
        ") d CROSS JOIN resource_version r ON r.rowid = d.row"
        " CROSS JOIN block b ON b.sequence = r.sequence"
    )


def _values_of(statement: Statement, tenant: str, type_: str, driver: Criterion) -> None:
    """One index range for each alternative."""
    for number, alternative in enumerate(driver.any_of):
        statement.add("UNION" if number else "")
        key = key_of(tenant, type_, driver.name)
        statement.add("SELECT s.row AS row FROM search_value s WHERE s.key = ?", key)
        for comparison in alternative:
            column = _COLUMNS[comparison.column]
            statement.add(f"AND {column} {comparison.operator} ?", kept_text(comparison))


def also(statement: Statement, tenant: str, type_: str, criterion: Criterion) -> None:
    """What is asked of each row that is found, by its key."""
    negation = "NOT " if criterion.is_negated else ""
    statement.add(f"AND {negation}EXISTS ({_OWN}", key_of(tenant, type_, criterion.name))
    if all(criterion.any_of):  # one that asks nothing holds of any value
        alternatives = [_alternative(a, statement) for a in criterion.any_of]
        statement.add("AND (" + " OR ".join(alternatives) + ")")
    statement.add(")")


def _alternative(alternative: Alternative, statement: Statement) -> str:
    said = []
    for comparison in alternative:
        said.append(f"{_COLUMNS[comparison.column]} {comparison.operator} ?")
        statement.values.append(kept_text(comparison))
    return "(" + " AND ".join(said) + ")"


def _time(alternative: Alternative, statement: Statement) -> str:
    said = []
    for comparison in alternative:
        said.append(f"{_POINT[comparison.column, comparison.operator]} ?")
        statement.values.append(comparison.text)
    return "(" + " AND ".join(said) + ")"


def _among(statement: Statement, column: str, values: Sequence[str]) -> None:
    if values:
        marks = ", ".join("?" * len(values))
        statement.add(f"AND {column} IN ({marks})", *values)
