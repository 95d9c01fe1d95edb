"""Ed25519 for anchors: who keeps one elsewhere can show later that it was ours."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from app.domain.history import AnchorRecord
from app.domain.problem import Problem, Refused
from app.sql.rows import instant


def message_of(anchor: AnchorRecord) -> bytes:
    """What is signed: the UTF-8 lines of an anchor."""
    lines = (
        "painplan-anchor-1",
        str(anchor.sequence),
        anchor.head.hex(),
        anchor.root.hex(),
        instant(anchor.at),
    )
    return "\n".join(lines).encode()


def signed(anchor: AnchorRecord, key: Ed25519PrivateKey) -> AnchorRecord:
    """The same with the public key and the signature."""
    public = key.public_key().public_bytes_raw()
    return anchor._replace(key=public, signature=key.sign(message_of(anchor)))


def is_genuine(anchor: AnchorRecord) -> bool:
    """Whether the signature is that of the key which stands beside it."""
    try:
        key = Ed25519PublicKey.from_public_bytes(anchor.key)
        key.verify(anchor.signature, message_of(anchor))
    except (InvalidSignature, ValueError):
        return False
    return True


def unsigned(anchors: Iterable[AnchorRecord], key: bytes | None) -> Iterator[str]:
    """Which are not what they say: forged, or, where a key is named, not signed by it."""
    for anchor in anchors:
        named = f"anchor of block {anchor.sequence}"
        if (anchor.key or anchor.signature) and not is_genuine(anchor):
            yield f"{named}: its signature is wrong"
        elif key is not None and anchor.key != key:
            yield f"{named}: it is not signed by this key"


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The private key of a PEM file. Refused when there is none."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _no_key(file, type(error).__name__) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(file, "it is of another kind")
    return key


def public_key(file: Path) -> bytes:
    """The 32 bytes of a public key, from its PEM file or from that of the private one."""
    try:
        content = file.read_bytes()
        if b"PRIVATE KEY" in content:
            return signing_key(file).public_key().public_bytes_raw()
        key = load_pem_public_key(content)
    except (OSError, ValueError) as error:
        raise _no_key(file, type(error).__name__) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(file, "it is of another kind")
    return key.public_bytes_raw()


def _no_key(file: Path, why: str) -> Refused:
    return Refused(
        Problem(
            f"{file.name} holds no Ed25519 key ({why}).",
            mend="Make one with: openssl genpkey -algorithm ed25519 -out anchor-key.pem",
            code="value",
        )
    )
