"""What is asked of the EHR behind a hook, and what came back."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Looked(Enum):
    """What is known after asking: only ``ALL`` lets "nothing there" be concluded."""

    ALL = "all"
    SOME = "some"
    FAILED = "failed"
    NOT = "not"


class Query(NamedTuple):
    """One read or search. ``key`` is the prefetch key that it stands in for.

    ``path`` is relative to the server's base and has its values filled in and escaped:
    ``Patient/p1`` or ``Condition?patient=p1``.
    """

    key: str
    path: str


@dataclass(frozen=True, slots=True)
class EhrAccess:
    """Where the EHR may be asked and with what. ``server`` is the base URL as the request named it.

    ``client`` is who sent the request, as ``Caller.client``: which servers are allowed depends on
    it. ``token`` is used and forgotten: never stored, logged or shown (CH-24); empty for none.
    """

    server: str
    client: str
    token: str = field(default="", repr=False)


class Outcome(NamedTuple):
    """The answer to one Query.

    ``pages`` are the bodies as they came: the one resource of a read, or the searchset Bundles of
    a search in their order. ``ALL``: everything was read (a read that is answered 404 or 410 is
    ``ALL`` without pages); ``SOME``: pages are missing (limits, time); ``FAILED``: it was asked and
    did not answer in a way that can be used; ``NOT``: it was not asked (no server, not allowed, no
    time left). ``why`` is a sentence for the answer, without patient data, hosts or tokens.
    """

    state: Looked
    pages: tuple[bytes, ...] = ()
    why: str = ""
