"""Medications that a list of medicines names and did not bring along: asked for one by one.

A prefetch template of CDS Hooks 2.0 has no ``_include``, so a client that keeps to it sends the
requests alone. A reference with a display is not asked for: its words are read.
"""

from collections.abc import Iterator, Mapping

import orjson

from app.domain.orders.call import Part
from app.domain.orders.ehr import Looked, Outcome, Query
from app.domain.submission import Received
from app.fhir.reading.lenient import child, reference, text
from app.fhir.reading.parameters import ID
from app.fhir.reading.received import received
from app.fhir.validation import Validator

MEDICATION = "Medication"
TAKEN = frozenset({"active", "on-hold"})
AT_MOST = 20


def referred(part: Part, server: str) -> tuple[Query, ...]:
    """One read for each Medication of ``server`` that a current medicine is known by alone."""
    here = {name for one in part.resources for name in (one.reference, one.source)}
    named = dict.fromkeys(name for one in part.resources for name in _named(one, server))
    wanted = [name for name in named if name not in here and f"{server}/{name}" not in here]
    return tuple(Query(name, name) for name in wanted[:AT_MOST])


def joined(part: Part, outcomes: Mapping[str, Outcome], validator: Validator) -> Part:
    """With those that came and are valid R4; of the others the medicine stays unknown."""
    found = tuple(_read(outcomes, validator))
    return part._replace(resources=(*part.resources, *found)) if found else part


def _named(medicine: Received, server: str) -> Iterator[str]:
    resource = medicine.parsed
    if not isinstance(resource, dict) or resource.get("status") not in TAKEN:
        return
    link = child(resource, "medicationReference")
    name = reference(link).partition("/_history/")[0].removeprefix(f"{server}/")
    type_, _, id_ = name.partition("/")
    if type_ == MEDICATION and ID.fullmatch(id_) and not text(link.get("display")):
        yield name


def _read(outcomes: Mapping[str, Outcome], validator: Validator) -> Iterator[Received]:
    for outcome in outcomes.values():
        for page in outcome.pages if outcome.state is Looked.ALL else ():
            try:
                resource = orjson.loads(page)
            except orjson.JSONDecodeError:  # a number, say, that who asked has passed over
                continue
            if not validator.problems(resource, expected_type=MEDICATION):
                yield received(page, resource, full_url=None, references={}, is_kept=False)
