"""Anchors as text, one JSON object a line, as they are kept away from the database."""

import base64
import binascii
import uuid
from typing import Annotated, Literal

import msgspec

from app.domain.history import AnchorRecord
from app.domain.problem import NotUnderstood, Problem
from app.sql.rows import instant, moment

FORMAT: Literal["painplan-anchor-1"] = "painplan-anchor-1"


Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Written(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    format: Literal["painplan-anchor-1"]
    sequence: Annotated[int, msgspec.Meta(ge=1, lt=1 << 62)]
    head: Hash
    root: Hash
    at: str
    key: str = ""
    signature: str = ""


def told(anchor: AnchorRecord) -> bytes:
    """One line, without its end."""
    return msgspec.json.encode(
        _Written(
            FORMAT,
            anchor.sequence,
            anchor.head.hex(),
            anchor.root.hex(),
            instant(anchor.at),
            base64.b64encode(anchor.key).decode(),
            base64.b64encode(anchor.signature).decode(),
        )
    )


def read_anchors(text: bytes) -> list[AnchorRecord]:
    """All of a file, in the order of their blocks. NotUnderstood names the line."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise NotUnderstood(Problem("The file of anchors is empty.", code="required"))
    return sorted((_read(line, number) for number, line in lines), key=lambda a: a.sequence)


def _read(line: bytes, number: int) -> AnchorRecord:
    try:
        written = msgspec.json.decode(line, type=_Written)
        return AnchorRecord(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, line.decode())),
            sequence=written.sequence,
            head=bytes.fromhex(written.head),
            root=bytes.fromhex(written.root),
            at=moment(written.at),
            key=base64.b64decode(written.key, validate=True),
            signature=base64.b64decode(written.signature, validate=True),
        )
    except (ValueError, binascii.Error):  # of every step above
        what = f"Line {number} of the anchors is none."
        mend = "Each line is what `painplan audit anchor` printed."
        raise NotUnderstood(Problem(what, mend=mend, code="structure")) from None
