"""The address of a FHIR server or a key set, in one spelling: what an allow list compares."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from app.ehr.addresses import Reach, reach

PORTS = {"http": 80, "https": 443}
LOCALHOST = "localhost"
LONGEST = 2048
# RFC 3986 without what has no business in the address of a server: no blank, no backslash.
PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%|]+\Z")
NAME = re.compile(r"(?!-)[a-z0-9\-]{1,63}(?:\.(?!-)[a-z0-9\-]{1,63})*\Z")
# A dot segment, also written in percent: a server may undo it after we compared the path.
DOTS = re.compile(r"(?:\A|/)(?:\.|%2e){1,2}(?:/|\Z)|%2f|%5c|//", re.IGNORECASE)


class NotAnAddress(ValueError):  # noqa: N818  (it completes a sentence)
    """Why a text is no address of a server, in words for the one who wrote it."""


class Place(NamedTuple):
    """Scheme and host in lower case, the port always said, the path without a slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_loopback(self) -> bool:
        """Whether the address itself names this machine."""
        return names_loopback(self.host)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host, port."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def names_loopback(host: str) -> bool:
    """Whether this host is said to be this machine, whatever a name server answers."""
    return host == LOCALHOST or reach(host) is Reach.LOOPBACK


def place(text: str) -> Place:
    """The one spelling of a base URL. Raises NotAnAddress."""
    if "?" in text or "#" in text:
        raise NotAnAddress("it has a query or a fragment")
    return _place(text)


def _place(text: str) -> Place:
    if len(text) > LONGEST or not PLAIN.match(text):
        raise NotAnAddress("it is empty, too long, or holds a character that no URL has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise NotAnAddress("its host or its port cannot be read") from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise NotAnAddress("it does not begin with https:// or http://")
    if "@" in parts.netloc:
        raise NotAnAddress("it holds a user name or a password")
    if DOTS.search(parts.path.rstrip("/")):
        raise NotAnAddress("its path is not plain")
    said = PORTS[scheme] if port is None else port
    return Place(scheme, _host(parts.hostname or ""), said, parts.path.rstrip("/"))


def _host(name: str) -> str:
    if ":" in name and reach(name) is not Reach.NEVER:
        return str(ip_address(name))
    if not NAME.match(name):
        raise NotAnAddress("its host is neither a name nor an IP address")
    return name


def secure(text: str, *, is_http_allowed: bool) -> Place:
    """A base URL to send secrets to. NotAnAddress for http, but to this machine or as told."""
    found = place(text)
    if found.scheme == "http" and not (is_http_allowed or found.is_loopback):
        raise NotAnAddress("it is http; only https is safe to anything but this machine")
    return found


def listed(text: str, places: Iterable[Place]) -> Place | None:
    """The place of the list that ``text`` names, compared in full; None when it is not there."""
    try:
        wanted = place(text)
    except NotAnAddress:
        return None
    return next((one for one in places if one == wanted), None)


def next_page(base: Place, current: str, link: str) -> str | None:
    """Where a Bundle's next page is, absolute; None when it lies outside the server's base."""
    target = urljoin(current, link)
    path, mark, query = target.partition("#")[0].partition("?")
    try:
        found = _place(path)
    except NotAnAddress:
        return None
    is_inside = found.path == base.path or found.path.startswith(f"{base.path}/")
    if found.origin != base.origin or not is_inside or not PLAIN.match(f"/{query}"):
        return None
    return f"{found}{mark}{query}"
