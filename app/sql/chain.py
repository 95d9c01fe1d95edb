"""The arithmetic of the chain: entry hashes, Merkle roots and block hashes (architecture, 4).

Pure functions of bytes; whoever has the rows can recompute every one of them.
"""

import hashlib
from collections.abc import Sequence

HASH, SALT = 32, 16
"""Bytes of each."""
EMPTY_HASH = bytes(HASH)
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
    return _root([leaf_hash(h) for h in hashes])


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = split_of(len(leaves))
    return node_hash(_root(leaves[:split]), _root(leaves[split:]))


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962: what stands for one value at the bottom of the tree."""
    return hashlib.sha256(LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962: what stands for two neighbours."""
    return hashlib.sha256(NODE + left + right).digest()


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """RFC 6962 §2.1.1: the neighbours from a leaf up to the root over ``hashes``."""
    if len(hashes) == 1:
        return []
    split = split_of(len(hashes))
    if index < split:
        return [*inclusion_path(hashes[:split], index), merkle_root(hashes[split:])]
    return [*inclusion_path(hashes[split:], index - split), merkle_root(hashes[:split])]


def split_of(size: int) -> int:
    """The largest power of two below ``size``: the leaves of the left half."""
    return 1 << ((size - 1).bit_length() - 1)


class Frontier:
    """A tree that grows by a leaf at a time, in as many hashes as it has levels."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, data: bytes) -> None:
        """One more leaf."""
        node, size = leaf_hash(data), self.size
        while size & 1:
            node = node_hash(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The same as ``merkle_root`` of all that was appended."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        *rest, root = self._peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


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
