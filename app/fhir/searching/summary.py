"""Parts of resources: ``_summary`` and ``_elements`` (R4, 3.1.1.5.8), marked SUBSETTED.

What stays keeps its bytes. Mandatory elements stay whatever is asked for, so that a part is valid.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

SUMMARIES = Path(__file__).parent / "summaries.json"
ALWAYS = ("resourceType", "id", "meta")
SUBSETTED = (
    b'{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}'
)
_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@cache
def _summaries() -> Mapping[str, Mapping[str, Sequence[str]]]:
    found: Mapping[str, Mapping[str, Sequence[str]]] = json.loads(
        SUMMARIES.read_text(encoding="utf-8")
    )
    return found


def part_of(body: bytes, type_: str, *, summary: str, elements: Sequence[str]) -> bytes:
    """The part that was asked for; the resource itself where all of it was."""
    if elements:
        return _only(body, (*elements, *_summaries()[type_]["mandatory"]))
    match summary:
        case "true":
            known = _summaries()[type_]
            return _only(body, (*known["summary"], *known["mandatory"]))
        case "text":
            return _only(body, ("text", *_summaries()[type_]["mandatory"]))
        case "data":
            return _without_text(body)
        case _:
            return body


def _only(body: bytes, names: Sequence[str]) -> bytes:
    """These elements; ``value`` stands for ``value[x]``, ``_value`` goes with ``value``."""
    top = _TOP.decode(body)
    plain = {name.removesuffix("[x]") for name in (*ALWAYS, *names)}
    choices = {name.removesuffix("[x]") for name in names if name.endswith("[x]")}
    kept = {
        name: raw
        for name, raw in top.items()
        if name.lstrip("_") in plain or _is_choice(name.lstrip("_"), choices | plain - set(top))
    }
    return _marked(kept)


def _is_choice(name: str, stems: set[str]) -> bool:
    return any(name.startswith(stem) and name[len(stem) :][:1].isupper() for stem in stems)


def _without_text(body: bytes) -> bytes:
    top = _TOP.decode(body)
    top.pop("text", None)
    return _marked(top)


def _marked(top: dict[str, msgspec.Raw]) -> bytes:
    """With the mark of a part, and without the profiles: a part does not keep what they ask."""
    meta = dict(_TOP.decode(top["meta"])) if "meta" in top else {}
    meta.pop("profile", None)
    tags = [bytes(tag) for tag in _LIST.decode(meta["tag"])] if "tag" in meta else []
    meta["tag"] = msgspec.Raw(b"[" + b",".join((*tags, SUBSETTED)) + b"]")
    ordered: dict[str, msgspec.Raw] = {
        name: top[name] for name in ("resourceType", "id") if name in top
    }
    ordered["meta"] = msgspec.Raw(_object(meta))
    ordered.update((name, raw) for name, raw in top.items() if name not in ALWAYS)
    return _object(ordered)


def _object(members: Mapping[str, msgspec.Raw]) -> bytes:
    written = [msgspec.json.encode(k) + b":" + bytes(v) for k, v in members.items()]
    return b"{" + b",".join(written) + b"}"
