"""The clients we trust: the file of PAINPLAN_CLIENTS (contract §8), read strictly at start."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import rtoml

from app.domain.access import SCOPE
from app.domain.problem import Problem, Refused
from app.ehr.jwk import NotAKey, SigningKey, signing_key
from app.ehr.origins import NotAnAddress, Place, place, secure

LONGEST = 255
PROFILES = frozenset({"who", "uk", "us"})
Table = Mapping[str, Any]


class TrustedClient(NamedTuple):
    """Who may call us: its id space, what its tokens say, and which FHIR servers it brings.

    Either ``keys`` or ``jwks_url`` is given. ``audience`` is an address under which this client
    knows us beside PAINPLAN_PUBLIC_URL. ``scopes`` are the most that it may be given, by the
    authorisation server that gives out its tokens at ``token_endpoint``.
    """

    name: str
    issuer: str
    tenant: str | None = None
    keys: tuple[SigningKey, ...] = ()
    jwks_url: str | None = None
    audience: str | None = None
    fhir_servers: tuple[Place, ...] = ()
    scopes: tuple[str, ...] = ()
    guideline_profile: str | None = None
    token_endpoint: str | None = None


def read_clients(path: Path, *, is_http_allowed: bool) -> tuple[TrustedClient, ...]:
    """The clients of the file. Refused names every client, key and rule that is broken."""
    try:
        document = rtoml.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unusable(f"{path}: {error.strerror}.") from None
    except (rtoml.TomlParsingError, UnicodeDecodeError) as error:
        raise _unusable(f"{path} is not TOML: {error}.") from None
    tables = document.pop("client", None)
    if document or not _is_tables(tables):
        raise _unusable(f"{path} holds something else than [[client]] tables, or none of them.")
    readings = [_Reading(table, number, is_http_allowed) for number, table in enumerate(tables, 1)]
    problems = [problem for reading in readings for problem in reading.problems()]
    problems += _together(readings)
    if problems:
        raise Refused(*problems)
    return tuple(reading.client() for reading in readings)


def servers(text: str, *, is_http_allowed: bool) -> tuple[Place, ...]:
    """PAINPLAN_FHIR_SERVERS. Refused names the address and what is wrong with it."""
    found, problems = [], []
    for one in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(secure(one, is_http_allowed=is_http_allowed))
        except NotAnAddress as error:
            problems.append(Problem(f"{one[:LONGEST]!r}: {error}.", where="PAINPLAN_FHIR_SERVERS"))
    if problems:
        raise Refused(*problems)
    return tuple(found)


class _Reading:
    """One [[client]] table: what is wrong with it, and what it says once nothing is."""

    def __init__(self, table: Table, number: int, is_http_allowed: bool) -> None:  # noqa: FBT001  (positional here only)
        self.table = table
        self.is_http_allowed = is_http_allowed
        name = table.get("name")
        self.label = f"client {name!r}" if isinstance(name, str) and name else f"client {number}"
        self._checks: dict[str, Callable[[Any], Iterator[str]]] = {
            "name": _text,
            "tenant": _tenant,
            "issuer": _text,
            "jwks": _jwks,
            "jwks_url": self._secure_url,
            "audience": _address,
            "fhir_servers": self._fhir_servers,
            "scopes": _scopes,
            "guideline_profile": _profile,
            "token_endpoint": self._secure_url,
        }

    def problems(self) -> Iterator[Problem]:
        """Every rule that this table breaks."""
        for key in self.table:
            if key not in self._checks:
                yield self.problem(key, "this key is not known")
                continue
            for what in self._checks[key](self.table[key]):
                yield self.problem(key, what)
        for key in ("name", "issuer"):
            if key not in self.table:
                yield self.problem(key, "it is missing")
        if ("jwks" in self.table) == ("jwks_url" in self.table):
            yield self.problem("jwks", "give either jwks or jwks_url, and not both")

    def problem(self, key: str, what: str) -> Problem:
        """One broken rule, naming client and key."""
        return Problem(f"{what}.", where=f"PAINPLAN_CLIENTS: {self.label}: {key}", code="value")

    def client(self) -> TrustedClient:
        """What the table says; only for one without problems."""
        table = self.table
        keys = table.get("jwks", {"keys": []})["keys"]
        audience = table.get("audience")
        return TrustedClient(
            name=table["name"],
            issuer=table["issuer"],
            tenant=table.get("tenant"),
            keys=tuple(signing_key(key) for key in keys),
            jwks_url=table.get("jwks_url"),
            audience=str(place(audience)) if audience else None,
            fhir_servers=tuple(place(server) for server in table.get("fhir_servers", ())),
            scopes=tuple(table.get("scopes", ())),
            guideline_profile=table.get("guideline_profile"),
            token_endpoint=table.get("token_endpoint"),
        )

    def _secure_url(self, value: object) -> Iterator[str]:
        if not isinstance(value, str):
            yield "it is no text"
            return
        try:
            secure(value, is_http_allowed=False)
        except NotAnAddress as error:
            yield f"{value[:LONGEST]!r}: {error}"

    def _fhir_servers(self, value: object) -> Iterator[str]:
        if not _is_texts(value):
            yield "it is no list of texts"
            return
        for one in value:
            try:
                secure(one, is_http_allowed=self.is_http_allowed)
            except NotAnAddress as error:
                yield f"{one[:LONGEST]!r}: {error}"


def _together(readings: Sequence[_Reading]) -> Iterator[Problem]:
    """What only the whole file shows: names and issuers once, id spaces told apart."""
    for key in ("name", "issuer"):
        said: set[object] = set()
        for reading in readings:
            value = str(reading.table.get(key, ""))
            if value and value in said:
                yield reading.problem(key, f"{value[:LONGEST]!r} stands there twice")
            said.add(value)
    if len(readings) > 1:
        for reading in readings:
            if "tenant" not in reading.table:
                yield reading.problem("tenant", "it is required where there is a second issuer")


def _text(value: object) -> Iterator[str]:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        yield f"it is no text of 1 to {LONGEST} characters"


def _tenant(value: object) -> Iterator[str]:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9\-._]{1,64}", value):
        yield "it is not 1 to 64 letters, digits, '-', '.' or '_'"


def _jwks(value: object) -> Iterator[str]:
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not _is_tables(keys):
        yield "it is no key set: { keys = [ { kty = ... } ] }"
        return
    ids = [key.get("kid") for key in keys]
    if len(set(map(str, ids))) != len(ids):
        yield "a kid stands there twice"
    for key in keys:
        try:
            signing_key(key)
        except NotAKey as error:
            yield f"key {str(key.get('kid'))[:LONGEST]!r}: {error}"


def _address(value: object) -> Iterator[str]:
    try:
        place(value if isinstance(value, str) else "")
    except NotAnAddress as error:
        yield str(error)


def _scopes(value: object) -> Iterator[str]:
    if not _is_texts(value):
        yield "it is no list of texts"
        return
    for one in value:
        if not SCOPE.match(one):
            yield f"{one[:LONGEST]!r} is no SMART scope such as 'system/*.cruds'"


def _profile(value: object) -> Iterator[str]:
    if value not in PROFILES:
        yield "it is none of who, uk, us"


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_tables(value: object) -> TypeGuard[list[Table]]:
    return bool(value) and isinstance(value, list) and all(isinstance(o, Mapping) for o in value)


def _unusable(what: str) -> Refused:
    return Refused(Problem(what, where="PAINPLAN_CLIENTS"))
