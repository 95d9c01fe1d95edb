"""The newest block in the log, every minute: an anchor, where logs are kept elsewhere."""

import asyncio
import logging
import sqlite3

from app.domain.problem import Unavailable
from app.sql.queries import History

log = logging.getLogger(__name__)
EVERY = 60.0


async def tell_heads(history: History) -> None:
    """For ever."""
    while True:
        await tell_head(history)
        await asyncio.sleep(EVERY)


async def tell_head(history: History) -> None:
    """Once; of a database that cannot be asked readiness tells more."""
    try:
        sequence, hash_ = await history.chain_head()
    except (sqlite3.Error, Unavailable):
        log.warning("head", extra={"why": "the database cannot be read"})
    else:
        log.info("head", extra={"block": sequence, "hash": hash_.hex()})
