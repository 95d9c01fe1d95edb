"""PostgreSQL by asyncpg: connections as the service needs them, our SQL in its words, its errors.

What is SQLite's own in our SQL: ``?`` for a value, a plus that keeps a column from driving, and a
CROSS JOIN with a condition that fixes the order of tables. PostgreSQL plans by its statistics.
"""

import re
from functools import lru_cache
from typing import TypeAlias

import asyncpg

from app.domain.problem import Problem, Refused, Unavailable
from app.sql.database import parsed

CONNECTS_WITHIN = 5.0
ANSWERS_WITHIN = 30.0
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
SETTINGS = {
    "application_name": "painplan",
    "default_transaction_isolation": "read committed",
    "lock_timeout": "2000",  # milliseconds: as long as a write waits in the journal
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
}
# What a lost connection looks like; what the server says while it starts or stops belongs to it.
GONE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
# A value that no column of ours can hold: no row has it.
UNKEEPABLE = (
    asyncpg.exceptions.CharacterNotInRepertoireError,
    asyncpg.exceptions.UntranslatableCharacterError,
    asyncpg.DataError,
)
_HINT = re.compile(r"(?<![\w)?])\+(?=[a-z]\.)")


@lru_cache(maxsize=2048)
def spoken(sql: str) -> str:
    """Our SQL as PostgreSQL reads it.

    >>> spoken("SELECT 1 FROM a CROSS JOIN b ON b.x = a.x WHERE +a.y = ? AND a.z = ?")
    'SELECT 1 FROM a JOIN b ON b.x = a.x WHERE a.y = $1 AND a.z = $2'
    """
    plain = _HINT.sub("", sql.replace(" CROSS JOIN ", " JOIN "))
    first, *rest = plain.split("?")
    return first + "".join(f"${number}{piece}" for number, piece in enumerate(rest, 1))


def address(url: str) -> str:
    """The URL as asyncpg takes it."""
    parsed(url)
    return url


async def connect(url: str, *, answers_within: float | None = ANSWERS_WITHIN) -> Connection:
    """A connection of our own. Unavailable when there is none to be had."""
    try:
        return await asyncpg.connect(
            address(url),
            timeout=CONNECTS_WITHIN,
            command_timeout=answers_within,
            server_settings=SETTINGS,
        )
    except (*GONE, asyncpg.PostgresError, ValueError) as error:
        raise unreachable(error) from None


def unreachable(error: BaseException) -> Unavailable:
    """The database is not there, or does not let us in; its words may hold a host, so not them."""
    return Unavailable(
        Problem(
            f"The database cannot be reached ({type(error).__name__}).",
            mend="Send the request again after a while.",
            code="transient",
        )
    )


def unkeepable() -> Refused:
    """What is asked for cannot be stored, so that nothing has it."""
    return Refused(
        Problem("A value of this request cannot be looked for.", mend="Leave it out.", code="value")
    )


async def require_durable(connection: Connection) -> None:
    """Unavailable when an answer would leave before its write is on disk."""
    for name in ("fsync", "synchronous_commit"):
        if await connection.fetchval(f"SELECT current_setting('{name}')") == "off":
            raise Unavailable(
                Problem(
                    f"The PostgreSQL has {name} off: what it acknowledged could be lost.",
                    mend=f"Set {name} to on.",
                    code="exception",
                )
            )
