"""References rewritten in the bytes of a resource, everything else left as it came.

A transaction gives new ids: what pointed to an entry points to its resource afterwards. Only the
text of references (and of uri values, and of links in the narrative) is replaced, so ``1.10``
stays ``1.10`` (R4, 3.1.0.11.2). Canonicals and identifiers are left alone.
"""

import re
from collections.abc import Iterator, Mapping

import orjson

LINKS = frozenset({"reference", "valueUri", "valueUrl", "valueUuid", "valueOid"})
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?')
_HREF = re.compile(rb"""((?:href|src)\s*=\s*(?:\\"|'))((?:[^\\'])*)""")


def references_in(body: bytes) -> Iterator[str]:
    """Every reference, as it stands."""
    for key, text, _ in _values(body):
        if key == "reference":
            yield text


def rewritten(body: bytes, names: Mapping[str, str]) -> bytes:
    """The same bytes with each link that ``names`` knows replaced by its new text."""
    if not names:
        return body
    parts: list[bytes] = []
    last = 0
    for key, text, (start, end) in _values(body):
        if key in LINKS and text in names:
            new = orjson.dumps(names[text])
        elif key == "div":
            new = _HREF.sub(lambda match: _link(match, names), body[start:end])
        else:
            continue
        parts += [body[last:start], new]
        last = end
    return b"".join((*parts, body[last:]))


def _values(body: bytes) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Each text with the name before it and where it stands, quotes included."""
    key = ""
    for match in _STRING.finditer(body):
        if match[2] is not None:
            key = _text(match[1])
        else:
            yield key, _text(match[1]), (match.start(), match.end())


def _text(inner: bytes) -> str:
    return str(orjson.loads(b'"' + inner + b'"')) if b"\\" in inner else inner.decode()


def _link(match: re.Match[bytes], names: Mapping[str, str]) -> bytes:
    new = names.get(match[2].decode("utf-8", "replace"))
    return match[0] if new is None else match[1] + orjson.dumps(new)[1:-1]
