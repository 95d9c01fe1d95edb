"""The arithmetic of the chain: entry hashes, Merkle roots and block hashes (architecture, 4).

Pure functions of bytes; whoever has the rows can recompute every one of them.
"""

import hashlib
from collections.abc import Sequence

EMPTY_HASH = bytes(32)
LEAF, NODE = b"\x00", b"\x01"
Value = str | bytes | int | None


def entry_hash(salt: bytes, kind: str, values: Sequence[Value], layout: int = 1) -> bytes:
    """sha-256 over ``painplan-entry-<layout>``, the salt, the kind, each column as length:bytes.

    NULL is a lone ``-``, so that it differs from an empty value. The layout says which columns.
    """
    parts = [b"painplan-entry-%d" % layout, salt, b"%d:%b" % (len(kind), kind.encode())]
    for value in values:
        if value is None:
            parts.append(b"-")
            continue
        plain = value if type(value) is bytes else str(value).encode()
        parts.append(b"%d:" % len(plain))
        parts.append(plain)
    return hashlib.sha256(b"".join(parts)).digest()


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1 over entry hashes as the leaves' data."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    return _root([hashlib.sha256(LEAF + h).digest() for h in hashes])


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    left, right = _root(leaves[:split]), _root(leaves[split:])
    return hashlib.sha256(NODE + left + right).digest()


def block_hash(
    sequence: int, committed_at: str, entries: int, previous: bytes, root: bytes
) -> bytes:
    """sha-256 of the UTF-8 lines of a block."""
    lines = (
        "painplan-block-1",
        str(sequence),
        committed_at,
        str(entries),
        previous.hex(),
        root.hex(),
    )
    return hashlib.sha256("\n".join(lines).encode()).digest()
