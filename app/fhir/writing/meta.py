"""Splicing what only the history knows into stored bytes, without touching the rest of them."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
import orjson

_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OPENING = b'{"resourceType":"'
_META = b'"meta":{'
# Our own bodies carry meta right after the type (bytes): where it is later, the body is spliced.
HEAD_AT_MOST = 128


def with_meta(
    body: bytes,
    *,
    version: int,
    last_updated: datetime,
    id_: str | None = None,
    source: str | None = None,
) -> bytes:
    """``meta.versionId`` and ``meta.lastUpdated`` (and the server's id) in the bytes.

    Values keep their bytes (``1.10`` stays ``1.10``); ``source`` is added only where none is.
    """
    stamp = f'"versionId":"{version}","lastUpdated":"{_instant(last_updated)}"'.encode()
    head, found, tail = body.partition(_META)
    if (
        id_ is None
        and source is None
        and found
        and body.startswith(_OPENING)
        and len(head) < HEAD_AT_MOST
    ):
        return b"".join((head, found, stamp, b",", tail))
    return _spliced(body, version, last_updated, id_, source)


def _spliced(
    body: bytes, version: int, last_updated: datetime, id_: str | None, source: str | None
) -> bytes:
    top = dict(_TOP.decode(body))
    meta = {} if "meta" not in top else dict(_TOP.decode(top["meta"]))
    meta["versionId"] = msgspec.Raw(orjson.dumps(str(version)))
    meta["lastUpdated"] = msgspec.Raw(orjson.dumps(_instant(last_updated)))
    if source is not None and "source" not in meta:
        meta["source"] = msgspec.Raw(orjson.dumps(source))
    ordered = {"resourceType": top.pop("resourceType")}
    if id_ is not None:
        top.pop("id", None)
        ordered["id"] = msgspec.Raw(orjson.dumps(id_))
    elif "id" in top:
        ordered["id"] = top.pop("id")
    top.pop("meta", None)
    ordered["meta"] = msgspec.Raw(_object(meta.items()))
    ordered.update(top)
    return _object(ordered.items())


def _object(members: Iterable[tuple[str, msgspec.Raw]]) -> bytes:
    return b"{" + b",".join(orjson.dumps(k) + b":" + bytes(v) for k, v in members) + b"}"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def collection(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """A Bundle of type collection from (fullUrl, resource bytes), by concatenation."""
    parts = [
        b'{"fullUrl":' + orjson.dumps(url) + b',"resource":' + body + b"}" for url, body in entries
    ]
    return b'{"resourceType":"Bundle","type":"collection","entry":[' + b",".join(parts) + b"]}"
