"""``draftOrders`` and ``selections``: which drafts there are, and which of them are selected.

The Bundle may lack its type (CH-29); a draft may be anything that calls itself a resource.
"""

import re
from collections import Counter
from typing import Any

from app.domain.orders.call import Draft
from app.domain.problem import Problem, Refused
from app.fhir.reading.lenient import Json, reference, text
from app.fhir.reading.received import logical_patient

PLACE = "context.draftOrders.entry[{number}].resource"
REFERENCE = re.compile(r"[A-Za-z]{1,64}/[A-Za-z0-9\-.]{1,64}", re.ASCII)
OWNERS = ("subject", "patient", "for")


def read_drafts(context: Json, patient: str, *, is_select: bool) -> tuple[Draft, ...]:
    """In their order. Refused (422) names what is no Bundle, no resource, or someone else's."""
    bundle = context.get("draftOrders")
    if not isinstance(bundle, dict) or bundle.get("resourceType", "Bundle") != "Bundle":
        raise _refused("draftOrders is required: a Bundle.", "context.draftOrders", "required")
    entries = [] if bundle.get("entry") is None else bundle["entry"]
    entries = [entries] if isinstance(entries, dict) else entries
    if not isinstance(entries, list):
        raise _refused("entry is not a list.", "context.draftOrders.entry")
    resources = [_resource(entry, number, patient) for number, entry in enumerate(entries)]
    references = _references(resources)
    selected = None
    if is_select:
        selected = _selected(context, entries, references)
    return tuple(
        Draft(
            name,
            entry["resource"],
            selected is None or name in selected,
            text(entry.get("fullUrl")),
        )
        for name, entry in zip(references, entries, strict=True)
    )


def _resource(entry: Any, number: int, patient: str) -> Json:
    where = PLACE.format(number=number)
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or not text(resource.get("resourceType")):
        raise _refused("The entry holds no resource.", where)
    for name in OWNERS:
        owner = logical_patient(reference(resource.get(name)) or None, {})
        if owner is not None and owner != patient:
            what = "The draft is for another patient than the context."
            raise _refused(what, f"{where}.{name}", "business-rule")
    return resource


def _references(resources: list[Json]) -> list[str]:
    """``Type/id`` where that is a reference and names one draft, else the place of the draft."""
    told = (f"{r['resourceType']}/{text(r.get('id'))}" for r in resources)
    named = [one if REFERENCE.fullmatch(one) else "" for one in told]
    count = Counter(named)
    return [
        name if name and count[name] == 1 else f"draftOrders.entry[{number}]"
        for number, name in enumerate(named)
    ]


def _selected(context: Json, entries: list[Any], references: list[str]) -> frozenset[str]:
    """The references of the selected drafts; a selection that points nowhere is refused."""
    said = context.get("selections")
    if not isinstance(said, list):
        raise _refused("selections is required: a list.", "context.selections", "required")
    known: dict[str, set[str]] = {}
    for entry, name in zip(entries, references, strict=True):
        for told in _names(entry, name):
            known.setdefault(told, set()).add(name)
    found: set[str] = set()
    for number, selection in enumerate(said):
        named = known.get(selection) or known.get(_tail(selection)) if text(selection) else None
        if named is None:
            where = f"context.selections[{number}]"
            raise _refused("The selection names none of the draftOrders.", where)
        found |= named
    return frozenset(found)


def _names(entry: Any, name: str) -> set[str]:
    """By which a selection may name a draft: its reference, its id, the fullUrl of its entry.

    The hook's page says "the FHIR id" and shows a reference; clients send either.
    """
    resource = entry["resource"]
    id_, full_url = text(resource.get("id")), text(entry.get("fullUrl"))
    names = {name, f"{resource['resourceType']}/{id_}", id_, full_url, _tail(full_url)}
    return names - {""}


def _tail(url: str) -> str:
    """``Type/id`` at the end of an absolute reference."""
    return "/".join(url.split("/")[-2:])


def _refused(what: str, where: str, code: str = "invalid") -> Refused:
    return Refused(Problem(what, where=where, code=code))
