"""The proof that an entry is in the history: two Merkle paths and the block between them."""

from typing import NamedTuple

from app.domain.history import AnchorRecord


class Proof(NamedTuple):
    """From an entry up to its block, and from the block's hash up to the head of a tree.

    ``path`` and ``block_path`` are RFC 6962 audit paths, from the bottom up. ``size`` is the number
    of blocks in the tree, ``anchor`` the newest one of that size, if any. ``salt`` and ``columns``
    are what the entry's hash was made from; the salt is None once it was erased.
    """

    kind: str
    patient: str
    hash: bytes
    position: int
    path: tuple[bytes, ...]
    sequence: int
    committed_at: str
    entries: int
    previous: bytes
    merkle_root: bytes
    block_hash: bytes
    size: int
    root: bytes
    block_path: tuple[bytes, ...]
    anchor: AnchorRecord | None
    salt: bytes | None
    columns: tuple[str | bytes | int | None, ...]
