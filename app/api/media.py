"""The two refusals that only HTTP knows: what we cannot read and what we cannot answer."""

from app.domain.problem import Refusal


class UnsupportedMedia(Refusal):
    """The body is of a type that we do not read (415)."""


class NotAcceptable(Refusal):
    """No type that is accepted can be answered (406)."""


class Forbidden(Refusal):
    """Authentication is off, and the caller is not on this machine (403)."""


class OutOfScope(Forbidden):
    """The token is good, and allows something else (403)."""
