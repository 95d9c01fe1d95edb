"""What is kept outside the chain for a time only: promises to retries, tokens that were seen."""

from datetime import UTC, datetime, timedelta

from app.sql.database import Session
from app.sql.rows import instant

PROMISES_LAST = timedelta(hours=24)
TOKENS_LAST = timedelta(hours=1)  # beyond their expiry, whatever clock skew is granted


async def purge(session: Session) -> None:
    """Forget promises a day old and tokens that have expired."""
    now = datetime.now(UTC)
    promised = (instant(now - PROMISES_LAST),)
    await session.execute("DELETE FROM idempotency WHERE recorded < ?", promised)
    expired = (instant(now - TOKENS_LAST),)
    await session.execute("DELETE FROM seen_token WHERE expires < ?", expired)
