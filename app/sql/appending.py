"""A write set from outside of the journal: by a command, while services may be at work."""

from app.domain.history import WriteSet
from app.sql.batch import HEAD, write_batch
from app.sql.database import Outcome, finished, is_postgresql
from app.sql.transaction import transaction

LOCKED_HEAD = f"{HEAD} FOR UPDATE"


def append(url: str, write_set: WriteSet) -> Outcome:
    """One block with this set; the outcome, as the journal would give it."""
    return finished(appended(url, write_set))


async def appended(url: str, write_set: WriteSet) -> Outcome:
    """The same in a loop that runs."""
    async with transaction(url) as session:
        # SQLite's transaction holds the whole file, so there is nothing more to lock.
        head = await session.fetch_one(LOCKED_HEAD if is_postgresql(url) else HEAD)
        batch = await write_batch(session, head, [write_set], set())
    return batch.outcomes[0]
