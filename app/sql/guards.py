"""Whether what refuses to change the journal is in place: its triggers, and nothing being erased.

The chain proves what the rows say, not that the database would refuse to change them: an owner who
takes a trigger away and has changed nothing yet leaves every hash true. What the migrations make
is said here once more, since a PostgreSQL has no second schema to be compared with; the tests hold
both against each other.
"""

from collections.abc import Iterator, Mapping

from app.sql.database import Reads
from app.sql.emptying import BLANKED, EMPTIED, kept_columns
from app.sql.known import KEYS
from app.sql.tables import BLOCK, JOURNAL

TABLES = (BLOCK.name, *(table.name for table in JOURNAL))
OF_SQLITE = "SELECT name, sql AS made FROM sqlite_master WHERE type = 'trigger'"
# A table of the same name in another schema is not the one that is read.
OF_POSTGRESQL = (
    "SELECT t.tgname::text AS name, c.relname::text || ' ' || t.tgtype || ' ' || p.prosrc AS made,"
    " t.tgenabled::text IN ('O', 'A') AND t.tgqual IS NULL AND t.tgattr::text = '' AS is_on"
    " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)"
)
REPLICA = "SELECT current_setting('session_replication_role') AS role"
ERASING = "SELECT count(*) AS left_over FROM erasing"
# pg_trigger.tgtype: 2 is BEFORE, 1 is FOR EACH ROW, and each verb has a bit.
VERBS = {"delete": 2 + 8, "update": 2 + 16, "truncate": 2 + 32}
EACH_ROW = 1
REFUSED = " BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END "


async def open_guards(reads: Reads, *, is_postgresql: bool) -> list[str]:
    """Each trigger that is missing, switched off or another one, and what erasing left, in words.

    Triggers beside these are not told of: they are the deployer's, and their doings are in the
    chain or break it.
    """
    found = await (_of_postgresql(reads) if is_postgresql else _of_sqlite(reads))
    if (await reads.fetch_one(ERASING))["left_over"]:
        found.append("erasing: holds a row though nothing is being erased: rows can be emptied")
    return found


async def _of_sqlite(reads: Reads) -> list[str]:
    made = {row["name"]: row["made"] for row in await reads.fetch_all(OF_SQLITE)}
    return _differences(_made_on_sqlite(), made)


async def _of_postgresql(reads: Reads) -> list[str]:
    rows = await reads.fetch_all(OF_POSTGRESQL)
    wanted = _made_on_postgresql()
    found = _differences(wanted, {row["name"]: row["made"] for row in rows})
    found += [
        f"trigger {row['name']}: it is switched off"
        for row in rows
        if row["name"] in wanted and not row["is_on"]
    ]
    # Set for the database or the role, it puts every trigger aside and changes none.
    if (await reads.fetch_one(REPLICA))["role"] == "replica":
        found.append("session_replication_role is replica: triggers do nothing")
    return found


def _differences(wanted: Mapping[str, str], made: Mapping[str, str]) -> list[str]:
    return [
        f"trigger {name}: "
        + ("there is none" if name not in made else "it is not the one that the migrations make")
        for name, text in wanted.items()
        if made.get(name) != text
    ]


def _made_on_sqlite() -> dict[str, str]:
    """The text of each trigger, by its name."""
    return {name: text for table in TABLES for name, text in _triggers_on_sqlite(table)}


def _triggers_on_sqlite(table: str) -> Iterator[tuple[str, str]]:
    may = f" WHEN NOT ({_only_emptied(table, 'IS')})" if table in EMPTIED else ""
    refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for verb, when in (("update", may), ("delete", "")):
        name = f"{table}_no_{verb}"
        yield name, f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON {table}{when} {refused}"
    name = f"{table}_no_replace"
    where = f"{_same(table)} OR rowid = NEW.rowid"
    text = (
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table}"  # noqa: S608  (a text to compare with)
        f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {where})"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only: this key exists'); END"
    )
    yield name, text


def _same(table: str) -> str:
    """Whether a row has the key or the place of the new one."""
    if table == BLOCK.name:
        return "sequence = NEW.sequence OR hash = NEW.hash"
    key = " AND ".join(f"{column} = NEW.{column}" for column in KEYS[table])
    key = f"({key})" if " AND " in key else key
    return f"{key} OR (sequence = NEW.sequence AND position = NEW.position)"


def _made_on_postgresql() -> dict[str, str]:
    """Table, kind and body of each trigger, by its name."""
    made = {
        f"{table}_no_{verb}": f"{table} {kind} {REFUSED}"
        for table in TABLES
        for verb, kind in VERBS.items()
    }
    for table in EMPTIED:
        may = _only_emptied(table, "IS NOT DISTINCT FROM")
        body = f" BEGIN IF {may} THEN RETURN NEW; END IF;{REFUSED.removeprefix(' BEGIN')}"
        made[f"{table}_no_update"] = f"{table} {VERBS['update'] + EACH_ROW} {body}"
    return made


def _only_emptied(table: str, same: str) -> str:
    """What an UPDATE may do while something is erased."""
    own = ("rowid",) if table == "resource_version" else ()
    kept = [f"NEW.{column} {same} OLD.{column}" for column in (*own, *kept_columns(table))]
    nulled = [f"NEW.{column} IS NULL" for column in (*EMPTIED[table], "salt")]
    blanked = [f"length(NEW.{column}) = 0" for column in BLANKED.get(table, ())]
    return " AND ".join(("EXISTS (SELECT 1 FROM erasing)", *kept, *nulled, *blanked))
