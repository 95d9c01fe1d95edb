"""What stands under each prefetch key, in three values: looked and found, looked and failed, not.

An omitted key was not looked up; ``null`` or an empty Bundle was, and nothing is there; an
OperationOutcome is a look that failed (standards §0, 2). A Bundle with a ``next`` link, or with an
entry that cannot be read, is not all there is (CH-23). Another type or another patient's data is
refused (CH-20).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import orjson

from app.domain.facts import NotUsed
from app.domain.orders.call import Part
from app.domain.orders.ehr import Looked, Outcome
from app.domain.problem import Problem, Refused
from app.domain.submission import Received
from app.fhir.canon import READ_TYPES
from app.fhir.hooks import PREFETCH, Prefetch
from app.fhir.reading.lenient import Json, child, objects, reference, text
from app.fhir.reading.received import logical_patient, received
from app.fhir.validation import Validator

FAILED = Part(Looked.FAILED, why="the client tried to look and failed (OperationOutcome)")
NOT_SENT = Part(Looked.NOT, why="not in the prefetch")
NOTHING = Part(Looked.ALL, why="null: looked, and nothing is there")
PAGED = "there are more pages than were sent"
FEWER = "there are fewer entries than its total says"
BARE = "one resource came in place of the answer to a search"
OTHER_PATIENT = "it is about another patient"
OUTCOME, SUBSETTED = "OperationOutcome", "SUBSETTED"


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []


_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BUNDLE = msgspec.json.Decoder(_Bundle)


@dataclass(slots=True)
class _Reading:
    """One part while it is read."""

    wanted: Prefetch
    patient: str
    validator: Validator
    resources: list[Received] = field(default_factory=list)
    not_used: list[NotUsed] = field(default_factory=list)
    why: str = ""

    def part(self, origin: str) -> Part:
        state = Looked.SOME if self.why or self.not_used else Looked.ALL
        why = self.why or ("an entry could not be used" if self.not_used else "")
        return Part(state, tuple(self.resources), tuple(self.not_used), why, origin)


def read_prefetch(
    prefetch: object, raw: bytes, patient: str, validator: Validator
) -> Mapping[str, Part]:
    """A part for each key that we know; other keys are ignored."""
    if prefetch is None:
        return dict.fromkeys(PREFETCH, NOT_SENT)
    if not isinstance(prefetch, dict):
        raise _refused("prefetch is not an object.", "prefetch")
    slices = _PARTS.decode(raw)
    return {
        key: _sent(key, prefetch[key], bytes(slices[key]), patient, validator)
        if key in prefetch
        else NOT_SENT
        for key in PREFETCH
    }


def _sent(key: str, value: object, raw: bytes, patient: str, validator: Validator) -> Part:
    where = f"prefetch.{key}"
    if value is None:
        return NOTHING
    if not isinstance(value, dict):
        raise _refused("The value is neither a resource nor null.", where)
    if value.get("resourceType") == OUTCOME:
        return FAILED
    reading = _Reading(PREFETCH[key], patient, validator)
    try:
        _read_page(value, raw, where, reading)
    except _NotOurs as error:
        raise _refused(error.what, error.where) from None
    return reading.part("prefetch")


def read_outcome(key: str, outcome: Outcome, patient: str, validator: Validator) -> Part:
    """What the EHR answered; data that is not asked for makes it a look that failed."""
    if outcome.state in (Looked.FAILED, Looked.NOT):
        return Part(outcome.state, why=outcome.why, origin="ehr")
    reading = _Reading(PREFETCH[key], patient, validator)
    try:
        for page in outcome.pages:
            document = orjson.loads(page)
            if not isinstance(document, dict) or document.get("resourceType") == OUTCOME:
                return Part(Looked.FAILED, why="the EHR answered no data", origin="ehr")
            _read_page(document, page, key, reading)
    except _NotOurs as error:
        return Part(Looked.FAILED, why=error.what, origin="ehr")
    except orjson.JSONDecodeError:
        return Part(Looked.FAILED, why="the EHR answered no JSON", origin="ehr")
    reading.why = outcome.why or PAGED if outcome.state is Looked.SOME else ""
    return reading.part("ehr")


class _NotOurs(Exception):  # noqa: N818  (told apart by who sent it)
    """Another type than asked for, or another patient's data."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what)
        self.what, self.where = what, where


def _read_page(document: Json, raw: bytes, where: str, reading: _Reading) -> None:
    """One resource or one Bundle."""
    is_read = "?" not in reading.wanted.template
    if document.get("resourceType") == reading.wanted.type:
        if not is_read:
            reading.why = BARE
        _take(document, raw, where, None, reading)
        return
    if document.get("resourceType") != "Bundle" or is_read:
        what = f"Expected is a {'' if is_read else 'Bundle of '}{reading.wanted.type}."
        raise _NotOurs(what, f"{where}.resourceType")
    _read_bundle(document, raw, where, reading)


def _read_bundle(document: Json, raw: bytes, where: str, reading: _Reading) -> None:
    entries = document.get("entry", [])
    if not isinstance(entries, list):
        raise _NotOurs("entry is not a list.", f"{where}.entry")
    if any(text(link.get("relation")) == "next" for link in objects(document.get("link"))):
        reading.why = PAGED
    elif _says_more(document, entries, reading.wanted.type):
        reading.why = FEWER
    slices = _slices(raw, entries, where)
    for number, (entry, resource, sliced) in enumerate(slices):
        place = f"{where}.entry[{number}].resource"
        if resource.get("resourceType") == OUTCOME:
            reading.why = reading.why or _warned(resource)
        elif resource.get("resourceType") in (reading.wanted.type, reading.wanted.beside):
            _take(resource, sliced, place, text(entry.get("fullUrl")) or None, reading)
        elif text(child(entry, "search").get("mode")) != "include":
            what = f"Expected is a Bundle of {reading.wanted.type}."
            raise _NotOurs(what, f"{place}.resourceType")


def _says_more(bundle: Json, entries: Sequence[object], wanted: str) -> bool:
    """A total of matches beyond those that came; a client may leave a page out with its link."""
    total = bundle.get("total")
    if isinstance(total, bool) or not isinstance(total, int):
        return False
    matches = [
        e for e in objects(list(entries)) if child(e, "resource").get("resourceType") == wanted
    ]
    return total > len(matches)


def _slices(
    raw: bytes, entries: Sequence[object], where: str
) -> Iterator[tuple[Json, Json, bytes]]:
    """Each entry, its resource and the bytes of that."""
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
            raise _NotOurs("The entry holds no resource.", f"{where}.entry[{number}]")
    sliced = _BUNDLE.decode(raw).entry if entries else []
    for entry, piece in zip(entries, sliced, strict=True):
        assert isinstance(entry, dict)  # noqa: S101  (checked above)
        yield entry, entry["resource"], bytes(piece.resource)


def _warned(outcome: Json) -> str:
    severities = {text(issue.get("severity")) for issue in objects(outcome.get("issue"))}
    return "the search had errors" if severities & {"error", "fatal"} else ""


def _take(resource: Json, raw: bytes, where: str, full_url: str | None, reading: _Reading) -> None:
    """A resource of the patient is read; one that is not valid R4 is named and not read."""
    named = f"{resource['resourceType']}/{text(resource.get('id')) or '?'}"
    if reading.validator.problems(resource, at=where):
        _of_patient_as_far_as_said(resource, where, reading.patient)
        reading.not_used.append(NotUsed(named, "it is not valid R4"))
        return
    if any(tag.get("code") == SUBSETTED for tag in objects(child(resource, "meta").get("tag"))):
        reading.not_used.append(NotUsed(named, "it is SUBSETTED: a part of what there is"))
        return
    one = received(raw, resource, full_url=full_url, references={}, where=where, is_kept=False)
    is_nameless = one.type == "Patient" and "id" not in resource
    if one.type == reading.wanted.beside:
        reading.resources.append(one)  # it is nobody's: what refers to it says whose
    elif one.type not in READ_TYPES or one.patient is None or is_nameless:
        reading.not_used.append(NotUsed(named, "it does not say whose it is"))
    elif one.patient != reading.patient:
        raise _NotOurs(OTHER_PATIENT.capitalize() + ".", where)
    else:
        reading.resources.append(one)


def _of_patient_as_far_as_said(resource: Json, where: str, patient: str) -> None:
    """Invalid data of somebody else is somebody else's all the same."""
    for name in ("subject", "patient"):
        owner = resource.get(name)
        told = logical_patient(reference(owner) or None, {})
        if told is not None and told != patient:
            raise _NotOurs(OTHER_PATIENT.capitalize() + ".", where)


def _refused(what: str, where: str) -> Refused:
    return Refused(Problem(what, where=where, code="invalid"))
