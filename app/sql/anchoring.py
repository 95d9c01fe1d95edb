"""Making an anchor: the tree head over the hashes of all blocks, as an entry of the chain, too."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from app.domain.history import AnchorRecord, Committed, ReadSet, WriteSet
from app.domain.problem import NotFound, Problem, Unavailable
from app.sql.appending import append
from app.sql.chain import Frontier
from app.sql.database import Reads, finished
from app.sql.databases import reader_of
from app.sql.schema import is_no_table
from app.sql.signing import signed, signing_key

PORTION = 10_000
HASHES = "SELECT sequence, hash FROM block WHERE sequence > ? AND sequence <= ? ORDER BY sequence"
HEAD = "SELECT sequence, hash FROM head WHERE id = 1"
NOBODY = ""  # the history is everybody's: an anchor is of no tenant


def anchor_history(url: str, key_file: str = "") -> AnchorRecord:
    """Take the newest block as it is, sign it if there is a key, and note it in the journal."""
    key = signing_key(Path(key_file)) if key_file else None
    try:
        anchor = finished(_anchor(url))
        if key is not None:
            anchor = signed(anchor, key)
        outcome = append(url, WriteSet(NOBODY, ReadSet(), (anchor,)))
    except Exception as error:
        if not is_no_table(error):
            raise
        what = "There is no database of this release's schema."
        problem = Problem(what, mend="Run `painplan migrate`.", code="not-found")
        raise Unavailable(problem) from None
    if not isinstance(outcome, Committed):
        raise outcome
    return anchor


async def _anchor(url: str) -> AnchorRecord:
    reader = reader_of(url)
    try:
        head = await reader.fetch_one(HEAD)
        sequence = head["sequence"]
        if not sequence:
            raise NotFound(Problem("There is no block to anchor yet.", code="not-found"))
        frontier = Frontier()
        async for hash_ in block_hashes(reader, 0, sequence):
            frontier.append(hash_)
        at = datetime.now(UTC)
        return AnchorRecord(str(uuid.uuid4()), sequence, head["hash"], frontier.root(), at)
    finally:
        await reader.close()


async def block_hashes(reads: Reads, after: int, until: int) -> AsyncIterator[bytes]:
    """The hashes of the blocks after one and up to another, in their order."""
    while after < until:
        rows = await reads.fetch_all(HASHES, (after, min(after + PORTION, until)))
        for row in rows:
            yield row["hash"]
        after += PORTION
