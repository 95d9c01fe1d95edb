"""The newest block in the log, every minute: an anchor, where logs are kept elsewhere."""

import asyncio
import sqlite3

import structlog

from app.domain.problem import Unavailable
from app.sql.queries import History

log = structlog.get_logger()
EVERY = 60.0


async def tell_heads(history: History) -> None:
    """For ever; a database that cannot be asked is told by readiness."""
    while True:
        try:
            sequence, hash_ = await history.chain_head()
        except (sqlite3.Error, Unavailable):
            log.warning("head", why="the database cannot be read")
        else:
            log.info("head", block=sequence, hash=hash_.hex())
        await asyncio.sleep(EVERY)
