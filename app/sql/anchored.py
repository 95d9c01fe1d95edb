"""The chain held against anchors that were kept elsewhere, while it is walked."""

from collections.abc import Iterator, Sequence

from app.domain.history import AnchorRecord
from app.sql.chain import Frontier


class Anchored:
    """Told each block in its order; ``anchors`` are sorted by theirs."""

    def __init__(self, anchors: Sequence[AnchorRecord]) -> None:
        self._waiting = list(anchors)
        self._tree = Frontier()
        self._last = 0

    def passed(self, sequence: int, hash_: bytes) -> Iterator[str]:
        """What anchors of this block say against it, in words."""
        self._last = sequence
        if not self._waiting:
            return
        self._tree.append(hash_)
        while self._waiting and self._waiting[0].sequence <= sequence:
            yield from self._against(self._waiting.pop(0), sequence, hash_)

    def _against(self, anchor: AnchorRecord, sequence: int, hash_: bytes) -> Iterator[str]:
        if anchor.sequence != sequence:
            yield f"anchor of block {anchor.sequence}: this history has no such block"
            return
        if anchor.head != hash_:
            yield f"anchor of block {sequence}: its block is another one; history was rewritten"
        if anchor.root != self._tree.root():
            yield (
                f"anchor of block {sequence}: the blocks up to it are not those that were"
                " anchored; some were replaced, reordered or left out"
            )

    def beyond(self) -> Iterator[str]:
        """The anchors of blocks that are no longer there."""
        for anchor in self._waiting:
            yield (
                f"anchor of block {anchor.sequence}: the history ends at block {self._last};"
                " it was cut off"
            )
