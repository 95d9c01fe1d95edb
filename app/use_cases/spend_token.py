"""A token counts once (CH-63) also where a call keeps nothing else: discovery and the report."""

from dataclasses import dataclass

from app.domain.history import ReadSet, WriteSet
from app.use_cases.derive_care_plan import Caller, executed
from app.use_cases.ports import Clock, Journal


@dataclass(frozen=True, slots=True)
class SpendToken:
    """The use case with the parts it needs."""

    journal: Journal
    clock: Clock

    async def __call__(self, caller: Caller, *, what: str) -> None:
        """Unauthenticated when the token was used before; without a token nothing is kept."""
        if caller.token is None:
            return
        audit = executed(caller, what=what, patient=None, now=self.clock())
        write_set = WriteSet(caller.tenant, ReadSet(), (audit,), token=caller.token)
        await self.journal.record(write_set)
