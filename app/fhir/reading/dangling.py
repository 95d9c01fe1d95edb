"""References that mean something only inside a Bundle: the fullUrl (``urn:``) of an entry."""

from collections.abc import Iterator

from app.domain.problem import Problem, Refused
from app.domain.submission import Received

MARKS = (b"urn:", b"\\u")  # written out, or hidden behind an escape


def require_resolved(received: Received) -> None:
    """Refused when a reference to an entry of a Bundle is left: stored, it would lead nowhere."""
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
        case dict():
            for name, inner in value.items():
                yield from _dangling(inner, f"{where}.{name}")
        case list():
            for number, inner in enumerate(value):
                yield from _dangling(inner, f"{where}[{number}]")
        case _:
            return
