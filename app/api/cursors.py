"""Cursors in links: opaque to clients, and nothing but a place in an answer to us."""

import base64
import binascii

import msgspec

from app.domain.searching import Cursor
from app.fhir.searching.telling import wrong

NAME = "_cursor"
LONGEST = 4096


class _Written(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    snapshot: int
    key: str
    sequence: int
    position: int


def written(cursor: Cursor) -> str:
    """As it stands in a link."""
    fields = (cursor.snapshot, cursor.key, cursor.sequence, cursor.position)
    return base64.urlsafe_b64encode(msgspec.json.encode(fields)).decode().rstrip("=")


def read(text: str) -> Cursor:
    """The reverse. NotUnderstood for what we never wrote."""
    padded = text[:LONGEST] + "=" * (-len(text) % 4)
    try:
        plain = base64.b64decode(padded, altchars=b"-_", validate=True)
        found = msgspec.json.decode(plain, type=_Written)
    except (binascii.Error, ValueError):
        raise _no_cursor() from None
    numbers = (found.snapshot, found.sequence, found.position)
    if any(not 0 <= number < 1 << 62 for number in numbers):
        raise _no_cursor()
    return Cursor(found.snapshot, found.key, found.sequence, found.position)


def _no_cursor() -> Exception:
    mend = "Follow the links of the first page as they are."
    return wrong("The link of this page was not written by us.", NAME, mend, "value")
