"""References that mean something only inside a Bundle.

That is the fullUrl (``urn:``) of an entry, and a search (``Patient?identifier=...``), which only a
transaction resolves (R4, 3.1.0.11.3).
"""

import re
from collections.abc import Iterator

from app.domain.problem import Problem, Refused
from app.domain.submission import Received

MARKS = (b"urn:", b"?", b"\\u")  # written out, or hidden behind an escape
SEARCH = re.compile(r"[A-Z][A-Za-z]+\?")


def require_resolved(received: Received) -> None:
    """Refused when such a reference is left: stored, it would lead nowhere."""
    if not any(mark in received.body for mark in MARKS):
        return
    dangling = tuple(_dangling(received.parsed, received.type))
    if dangling:
        raise Refused(*dangling)


def _dangling(value: object, where: str) -> Iterator[Problem]:
    match value:
        case {"reference": str(text)} if text.startswith("urn:"):
            yield Problem(
                f"The reference {text[:64]!r} is the fullUrl of no entry.",
                where=f"{where}.reference",
                mend="Send both in one transaction, or refer to what is stored.",
                code="not-found",
            )
        case {"reference": str(text)} if SEARCH.match(text):
            yield Problem(
                f"The reference {text[:64]!r} is a search, which only a transaction resolves.",
                where=f"{where}.reference",
                mend="Send it in a transaction, or refer to the resource by its id.",
                code="not-supported",
            )
        case dict():
            for name, inner in value.items():
                yield from _dangling(inner, f"{where}.{name}")
        case list():
            for number, inner in enumerate(value):
                yield from _dangling(inner, f"{where}[{number}]")
        case _:
            return
