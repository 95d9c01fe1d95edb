"""Imaging that was done: a report, a procedure or a completed order of lumbar MR or CT.

It tells only that there is a result to look at (CDS-IMG-05), never what was found.
"""

from datetime import datetime

from app.domain.content import Content
from app.domain.facts import Fact, SaidBy
from app.domain.orders.meaning import kinds_of
from app.fhir.reading.gathered import Gathered
from app.fhir.reading.lenient import Json, pairs, words
from app.fhir.reading.times import instant, last_updated, span

DONE = frozenset({"final", "amended", "corrected", "appended", "completed"})
KINDS = frozenset({"order-lumbar-mr", "order-lumbar-ct"})
DONE_BEFORE = "prior-lumbar-mr-or-ct"
OTHERWISE = "kept; no rule of this version reads it"


def read_imaging(resource: Json, reference: str, gathered: Gathered, content: Content) -> None:
    """A fact where the code or the words name it; everything else is listed as not used."""
    if not is_imaging(resource, content):
        gathered.skip(reference, OTHERWISE)
        return
    if resource.get("status") not in DONE:
        gathered.skip(reference, f"its status is {resource.get('status', 'not said')}")
        return
    at = _when(resource)
    if at is None:
        gathered.skip(reference, "it does not say when it was done")
    elif at > gathered.as_of:
        gathered.skip(reference, "dated after asOf")
    else:
        fact = Fact(DONE_BEFORE, value=True, at=at, said_by=SaidBy.CLINICIAN, source=reference)
        gathered.facts.append(fact)


def is_imaging(resource: Json, content: Content) -> bool:
    """Whether its code or its words name lumbar MR or CT."""
    code = resource.get("code")
    return not KINDS.isdisjoint(kinds_of(pairs(code), words(code), content))


def _when(resource: Json) -> datetime | None:
    return (
        span(resource, "effective")[0]
        or span(resource, "performed")[0]
        or span(resource, "occurrence")[0]
        or instant(resource.get("issued"))
        or instant(resource.get("authoredOn"))
        or last_updated(resource)
    )
