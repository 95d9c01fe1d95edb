"""What surrounds a decision when it is written down: identifiers, inputs, and the plan before."""

from typing import NamedTuple

from app.domain.searching import SearchValue


class InputVersion(NamedTuple):
    """One version that the decision read; ``version`` is None when nothing is kept."""

    type: str
    id: str
    version: int | None
    sha256: bytes


class Frame(NamedTuple):
    """``patient`` is a logical id; ``replaces`` the id of the CarePlan before, if any.

    ``conditions`` are references to low-back-pain Conditions that came in (CarePlan.addresses).
    ``is_kept`` is False for ``persist=false``: the narrative says so.
    """

    decision_id: str
    patient: str
    inputs: tuple[InputVersion, ...]
    knowledge_version: str
    knowledge_digest: str
    engine: str
    replaces: str | None = None
    conditions: tuple[str, ...] = ()
    encounter: str | None = None
    practitioner: str | None = None
    organization: str | None = None
    is_kept: bool = True


class Output(NamedTuple):
    """One resource to send and keep: bytes without ``meta.versionId`` and ``meta.lastUpdated``.

    ``search`` holds the values it will be found by.
    """

    type: str
    id: str
    status: str | None
    body: bytes
    search: tuple[SearchValue, ...] = ()
