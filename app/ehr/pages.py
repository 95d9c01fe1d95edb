"""What an EHR's answer must be before it is used: the resource asked for, or a page of a search."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

PATIENT = re.compile(r"(?:\A|/)Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?\Z")
GRAVE = frozenset({"error", "fatal"})


class NotUsable(Exception):  # noqa: N818  (told as an outcome, not an error of ours)
    """``why`` is a sentence without hosts, tokens or patients."""

    def __init__(self, why: str, *, is_another_patient: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.is_another_patient = is_another_patient


class Page(NamedTuple):
    """One page, or several so far: how many matches, how many are promised, what comes next."""

    matches: int = 0
    total: int = 0
    is_sound: bool = True
    next: str | None = None

    def then(self, page: "Page") -> "Page":
        """With one page more."""
        return Page(
            self.matches + page.matches,
            max(self.total, page.total),
            self.is_sound and page.is_sound,
            page.next,
        )

    @property
    def is_whole(self) -> bool:
        """Whether the server gave what it says there is."""
        return self.is_sound and self.matches >= self.total


class _Reference(msgspec.Struct):
    reference: str = ""


class _Issue(msgspec.Struct):
    severity: str = ""


class _Resource(msgspec.Struct):
    """The elements that say what it is and whose; the rest is read elsewhere."""

    resource_type: str = msgspec.field(name="resourceType")
    id: str = ""
    subject: _Reference | None = None
    patient: _Reference | None = None
    issue: list[_Issue] = []


class _Search(msgspec.Struct):
    mode: str = ""


class _Entry(msgspec.Struct):
    resource: _Resource | None = None
    search: _Search | None = None


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Bundle(msgspec.Struct):
    resource_type: str = msgspec.field(name="resourceType")
    type: str = "searchset"
    total: int = 0
    link: list[_Link] = []
    entry: list[_Entry] = []


_READ_RESOURCE = msgspec.json.Decoder(_Resource)
_READ_BUNDLE = msgspec.json.Decoder(_Bundle)


def resource(body: bytes, type_: str, id_: str) -> None:
    """NotUsable unless it is the resource that was asked for."""
    try:
        found = _READ_RESOURCE.decode(_utf_8(body))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise NotUsable("its answer is not FHIR JSON") from None
    if found.resource_type != type_:
        raise NotUsable("its answer is not the resource that was asked for")
    if found.id != id_:
        raise NotUsable("its answer is about somebody else", is_another_patient=True)


def searchset(body: bytes, patient: str | None) -> Page:
    """What the page says of itself. NotUsable for no page, or one that is not ``patient``'s."""
    try:
        bundle = _READ_BUNDLE.decode(_utf_8(body))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise NotUsable("its answer is not FHIR JSON") from None
    if bundle.resource_type != "Bundle" or bundle.type != "searchset":
        raise NotUsable("its answer is no result of a search")
    if patient and any(whose != patient for whose in _people(bundle)):
        raise NotUsable("its answer is about somebody else", is_another_patient=True)
    outcomes = [entry for entry in bundle.entry if _is_outcome(entry)]
    included = sum(1 for entry in bundle.entry if entry.search and entry.search.mode == "include")
    return Page(
        matches=len(bundle.entry) - len(outcomes) - included,
        total=bundle.total,
        is_sound=not any(_is_grave(entry) for entry in outcomes),
        next=next((link.url for link in bundle.link if link.relation == "next"), None),
    )


def _utf_8(body: bytes) -> str:
    """The decoder passes over what it does not need, whatever bytes that holds."""
    return body.decode("utf-8")


def _people(bundle: _Bundle) -> Iterator[str]:
    """The id of every Patient that a resource is, or is about."""
    for entry in bundle.entry:
        found = entry.resource
        if found is None:
            continue
        if found.resource_type == "Patient":
            yield found.id
        for about in (found.subject, found.patient):
            named = about and PATIENT.search(about.reference)
            if named:
                yield named[1]


def _is_outcome(entry: _Entry) -> bool:
    return entry.resource is not None and entry.resource.resource_type == "OperationOutcome"


def _is_grave(entry: _Entry) -> bool:
    return entry.resource is not None and any(
        issue.severity in GRAVE for issue in entry.resource.issue
    )
