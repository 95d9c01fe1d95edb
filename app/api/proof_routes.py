"""``GET /decisions/{id}/proof``: that a decision is in the history, for whoever kept an anchor."""

import base64
from datetime import UTC

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import confined_to
from app.api.requests import caller_of
from app.api.trail import trail_of
from app.domain.history import AnchorRecord
from app.domain.problem import Gone, NotUnderstood, Problem
from app.domain.proof import Proof

Json = dict[str, object]


async def proof(request: Request) -> Response:
    """``?blocks=`` names the anchor that was kept, ``?columns=true`` adds what was hashed."""
    tenant, id_ = caller_of(request).tenant, request.path_params["id"]
    proofs, patient = request.app.state.proofs, confined_to(request)
    found = await proofs.of_decision(tenant, id_, _blocks(request), patient=patient)
    trail_of(request).shows(found.patient)
    body = {"decision": id_, **_told(found)}
    if request.query_params.get("columns") == "true":
        if found.salt is None:
            what = f"The content of the decision {id_} has been erased."
            raise Gone(Problem(what, mend="Its proof is there without columns.", code="deleted"))
        body["entry"] = {**_entry(found), **_hashed(found)}
    return Response(orjson.dumps(body), media_type="application/json")


def _blocks(request: Request) -> int | None:
    text = request.query_params.get("blocks")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004  (below 2^62)
        problem = Problem("blocks is no number.", where="blocks", code="value")
        raise NotUnderstood(problem)
    return int(text)


def _told(proof: Proof) -> Json:
    told: Json = {
        "format": "painplan-proof-1",
        "entry": _entry(proof),
        "block": {
            "sequence": proof.sequence,
            "committedAt": proof.committed_at,
            "entries": proof.entries,
            "previous": proof.previous.hex(),
            "merkleRoot": proof.merkle_root.hex(),
            "hash": proof.block_hash.hex(),
        },
        "tree": {
            "blocks": proof.size,
            "root": proof.root.hex(),
            "path": [node.hex() for node in proof.block_path],
        },
    }
    return told if proof.anchor is None else {**told, "anchor": _anchor(proof.anchor)}


def _entry(proof: Proof) -> Json:
    return {
        "kind": proof.kind,
        "position": proof.position,
        "hash": proof.hash.hex(),
        "path": [node.hex() for node in proof.path],
    }


def _hashed(proof: Proof) -> Json:
    """Text as it is, bytes in base64: each column says which it is."""
    return {
        "salt": None if proof.salt is None else proof.salt.hex(),
        "columns": [_column(value) for value in proof.columns],
    }


def _column(value: str | bytes | int | None) -> Json | None:
    match value:
        case None:
            return None
        case bytes():
            return {"base64": base64.b64encode(value).decode()}
        case _:
            return {"text": str(value)}


def _anchor(anchor: AnchorRecord) -> Json:
    """As `painplan audit anchor` printed it."""
    return {
        "format": "painplan-anchor-1",
        "sequence": anchor.sequence,
        "head": anchor.head.hex(),
        "root": anchor.root.hex(),
        "at": anchor.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "key": base64.b64encode(anchor.key).decode(),
        "signature": base64.b64encode(anchor.signature).decode(),
    }
