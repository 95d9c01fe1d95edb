"""What a SMART token allows: letters of resource types, and whose resources if only one patient's.

Scopes of version 1 (``system/*.read``) and 2 (``system/Observation.rs``); what a client may be
given at most is cut off here. https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

ANY = "*"
AUDIT = "AuditEvent"
SYSTEM, PATIENT = "system", "patient"
# Letters in their order, and nothing behind them: a scope that only a query narrows (``?code=``)
# would have to be narrowed here too, so it is no scope and allows nothing.
SCOPE = re.compile(
    r"(system|user|patient)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)\Z"
)
VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
BREADTH = {PATIENT: 0, "user": 1, SYSTEM: 2}


class Grant(NamedTuple):
    """One scope: letters of create, read, update, delete, search, for one type or any."""

    context: str
    type: str
    letters: frozenset[str]


class Access(NamedTuple):
    """``letters`` by type or ``*``; ``patient`` where nobody else's resources may be seen."""

    letters: Mapping[str, frozenset[str]]
    patient: str | None = None

    def allows(self, type_: str, letter: str) -> bool:
        """Whether this interaction with this type is in one of the scopes."""
        if letter in self.letters.get(type_, ()):
            return True
        return type_ != AUDIT and letter in self.letters.get(ANY, ())


def access_of(said: Iterable[str], at_most: Iterable[str], patient: str | None) -> Access:
    """What a token's scopes and a client's most have in common.

    A launch patient confines the token whatever its scopes are, and ``patient/`` scopes without
    one are nobody's. The audit is read only where a ``system/AuditEvent`` scope asks for it.
    """
    letters: dict[str, frozenset[str]] = {}
    limits = tuple(grants(at_most))
    for asked in grants(said):
        if asked.context == PATIENT and patient is None:
            continue
        if asked.type == AUDIT and (asked.context != SYSTEM or patient is not None):
            continue
        for limit in limits:
            type_ = _common(asked, limit)
            if type_ is not None:
                both = asked.letters & limit.letters
                letters[type_] = letters.get(type_, frozenset()) | both
    return Access(letters, patient)


def grants(scopes: Iterable[str]) -> Iterator[Grant]:
    """Those that are about resources; ``openid``, ``launch`` and the rest allow nothing here."""
    for scope in scopes:
        match = SCOPE.match(scope)
        if match is not None:
            letters = VERSION_1.get(match[3], match[3])
            yield Grant(match[1], match[2], frozenset(letters))


def _common(asked: Grant, limit: Grant) -> str | None:
    """The types of both; a limit for one patient is none for a system. None: nothing is common.

    A limit on the audit alone is not widened by asking for everything.
    """
    if BREADTH[limit.context] < BREADTH[asked.context]:
        return None
    if limit.type in (asked.type, ANY):
        return asked.type
    if asked.type == ANY and limit.type != AUDIT:
        return limit.type
    return None
