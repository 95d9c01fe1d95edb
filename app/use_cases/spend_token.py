"""A token counts once (CH-63) also where a call keeps nothing else: discovery and the report."""

from dataclasses import dataclass

from app.domain.history import ReadSet, WriteSet
from app.use_cases.calling import Caller, executed
from app.use_cases.ports import Clock, Journal


@dataclass(frozen=True, slots=True)
class SpendToken:
    """The use case with the parts it needs."""

    journal: Journal
    clock: Clock

    async def __call__(self, caller: Caller, *, operation: str) -> bool:
        """Whether it was kept: not without a token. Unauthenticated when it was used before."""
        if caller.token is None:
            return False
        audit = executed(caller, operation=operation, what="", patient=None, now=self.clock())
        write_set = WriteSet(caller.tenant, ReadSet(), (audit,), token=caller.token)
        await self.journal.record(write_set)
        return True
