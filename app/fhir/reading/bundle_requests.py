"""A batch or a transaction as bytes: what each entry asks, with its resource as an exact slice."""

import re
from email.utils import format_datetime
from typing import Any, Literal, NamedTuple

import msgspec

from app.domain.problem import NotUnderstood, Problem, TooLarge
from app.fhir.reading.draft import Validator
from app.fhir.reading.parameters import require_valid, wrong
from app.fhir.reading.parsing import parse
from app.fhir.reading.times import instant

ENTRIES_AT_MOST = 1000
LONGEST_URL = 64 * 1024  # as long as the head of a request may be
PLACEHOLDER = {"resourceType": "Basic", "code": {"text": "-"}}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
WITH_BODY = ("POST", "PUT")
ENCODED_SLASH = "%2f"
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
Kind = Literal["batch", "transaction"]


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []


_BUNDLE = msgspec.json.Decoder(_Bundle)


class Asked(NamedTuple):
    """One entry. ``url`` is relative to our base; ``body`` is empty where there is no resource.

    ``refusal`` says why an entry of a batch could not be read; there is nothing else in it then.
    """

    number: int
    method: str
    url: str
    full_url: str | None
    request: dict[str, Any]
    resource: dict[str, Any] | None
    body: bytes
    refusal: NotUnderstood | None = None

    @property
    def where(self) -> str:
        """Its place in the Bundle."""
        return f"Bundle.entry[{self.number}]"

    def modified_since(self) -> str:
        """``ifModifiedSince`` as HTTP spells it; empty when it is no instant."""
        moment = instant(self.request.get("ifModifiedSince"))
        return "" if moment is None else format_datetime(moment, usegmt=True)


def read_requests(body: bytes, *, base: str, validator: Validator) -> tuple[Kind, list[Asked]]:
    """The entries in their order. NotUnderstood when the Bundle itself is not valid."""
    bundle = parse(body, ("Bundle",))
    kind = bundle.get("type")
    if kind not in ("batch", "transaction"):
        raise wrong("Only a batch or a transaction is taken here.", "Bundle.type", code="value")
    entries = bundle.get("entry")
    if isinstance(entries, list) and len(entries) > ENTRIES_AT_MOST:
        what = f"The Bundle has more than {ENTRIES_AT_MOST} entries."
        raise TooLarge(Problem(what, "Bundle.entry", "Send several Bundles.", "too-long"))
    require_valid(validator.problems(_envelope(bundle), expected_type="Bundle"))
    slices = _BUNDLE.decode(body).entry
    read = _each if kind == "batch" else _asked
    return kind, [
        read(entry, number, bytes(slices[number].resource), base)
        for number, entry in enumerate(bundle.get("entry", ()))
    ]


def _envelope(bundle: dict[str, Any]) -> dict[str, Any]:
    """A stand-in for each resource: those are validated where they are written."""
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return bundle
    emptied = [
        {**entry, "resource": PLACEHOLDER}
        if isinstance(entry, dict) and "resource" in entry
        else entry
        for entry in entries
    ]
    return {**bundle, "entry": emptied}


def _each(entry: dict[str, Any], number: int, body: bytes, base: str) -> Asked:
    """One entry of a batch: what cannot be read refuses itself and no other (F-20)."""
    try:
        return _asked(entry, number, body, base)
    except NotUnderstood as refusal:
        return Asked(number, "", "", None, {}, None, b"", refusal)


def _asked(entry: dict[str, Any], number: int, body: bytes, base: str) -> Asked:
    where = f"Bundle.entry[{number}]"
    request = entry.get("request")
    if not isinstance(request, dict):
        raise wrong("The entry has no request.", f"{where}.request", code="required")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS or not isinstance(url, str):
        raise wrong("The request has no method and url.", f"{where}.request", code="required")
    resource = entry.get("resource")
    if method in WITH_BODY and not isinstance(resource, dict) and "$" not in url:
        raise wrong("There is nothing to write.", f"{where}.resource", code="required")
    return Asked(
        number=number,
        method=method,
        url=_local(url, base, where),
        full_url=entry.get("fullUrl"),
        request=request,
        resource=resource if isinstance(resource, dict) else None,
        body=body,
    )


def _local(url: str, base: str, where: str) -> str:
    """Relative to our base; an address of another server is not ours to ask."""
    if len(url) > LONGEST_URL:
        raise wrong("The url of the request is too long.", f"{where}.request.url", code="too-long")
    plain = url.removeprefix(f"{base}/").removeprefix("/fhir/").lstrip("/")
    path, mark, query = plain.partition("?")
    is_strange = ".." in path.split("/") or ENCODED_SLASH in path.lower()
    if _ELSEWHERE.match(plain) or is_strange or not path:
        raise wrong("The url of the request is none of ours.", f"{where}.request.url", code="value")
    return f"{path.removesuffix('/')}{mark}{query}"
