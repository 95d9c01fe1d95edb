"""What a review needs to read after the request was: the EHR's answers, the orders, plans."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from app.domain.history import Stored
from app.domain.orders.call import Draft, Part, Unread
from app.domain.orders.ehr import Outcome, Query
from app.domain.orders.types import Order
from app.domain.submission import Received
from app.fhir.hooks import ORDER_SELECT, PATIENT_VIEW, PREFETCH, path_for
from app.fhir.reading.drafts import read_drafts
from app.fhir.reading.order import OrderReader
from app.fhir.reading.plan import activities_of, reviews_of
from app.fhir.reading.prefetch import read_outcome
from app.fhir.reading.referred import joined, referred
from app.fhir.validation import Validator

MEDICINES = "medications"


@dataclass(frozen=True, slots=True)
class HookReader:
    """Reads for ``use_cases/review_order.py``."""

    validator: Validator

    def query(self, key: str, patient: str) -> Query:
        """What to ask the EHR in place of a prefetch key."""
        return Query(key, path_for(key, patient))

    def part(self, key: str, outcome: Outcome, patient: str) -> Part:
        """The EHR's answer to it."""
        return read_outcome(key, outcome, patient, self.validator)

    def referred(self, parts: Mapping[str, Part], server: str) -> Sequence[Query]:
        """What to ask the EHR for because a list names it and did not bring it along."""
        return referred(parts[MEDICINES], server.rstrip("/"))

    def joined(
        self, parts: Mapping[str, Part], outcomes: Mapping[str, Outcome]
    ) -> Mapping[str, Part]:
        """The parts with what the EHR gave of it."""
        return {**parts, MEDICINES: joined(parts[MEDICINES], outcomes, self.validator)}

    def completes(self, key: str) -> str:
        """The list that is known in full once the key was answered; empty for none."""
        return PREFETCH[key].completes

    def orders(
        self, drafts: Sequence[Draft], known: Iterable[Received], *, as_of: datetime
    ) -> tuple[tuple[Order, ...], tuple[Unread, ...]]:
        """The drafts as orders, and those that are none."""
        return OrderReader(self.validator).orders(drafts, known, as_of=as_of)

    def drafts(self, context: bytes, hook: str, patient: str) -> tuple[Draft, ...]:
        """The drafts of a context that was kept."""
        if hook == PATIENT_VIEW:
            return ()
        return read_drafts(orjson.loads(context), patient, is_select=hook == ORDER_SELECT)

    def reviews(self, stored: Stored) -> Sequence[date]:
        """When a plan is to be looked at again."""
        return reviews_of(stored)

    def activities(self, stored: Stored) -> Sequence[str]:
        """What a plan asks for now."""
        return activities_of(stored)
