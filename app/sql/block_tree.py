"""The RFC 6962 tree over the hashes of all blocks, without reading all of them for each question.

Whole subtrees of 1,024 blocks and more are remembered: 64 bytes for each 1,024 blocks. A history
only grows, so what was remembered stays true.
"""

import asyncio

from app.sql.chain import inclusion_path, merkle_root, node_hash, split_of
from app.sql.database import Reads

LOW = 10
SEGMENT = 1 << LOW
HASHES = "SELECT hash FROM block WHERE sequence > ? AND sequence <= ? ORDER BY sequence"


class BlockTree:
    """Blocks are counted from 0 here: block 1 is leaf 0."""

    def __init__(self) -> None:
        self._full: list[list[bytes]] = [[]]
        self._growing = asyncio.Lock()

    async def root(self, reads: Reads, size: int) -> bytes:
        """The tree head over the first ``size`` blocks."""
        await self._grow(reads, size)
        return await self._node(reads, 0, size)

    async def path(self, reads: Reads, index: int, size: int) -> list[bytes]:
        """From a leaf up to that head."""
        await self._grow(reads, size)
        start, end, above = 0, size, list[bytes]()
        while end - start > SEGMENT:
            middle = start + split_of(end - start)
            if index < middle:
                above.append(await self._node(reads, middle, end))
                end = middle
            else:
                above.append(await self._node(reads, start, middle))
                start = middle
        hashes = await _hashes(reads, start, end)
        return [*inclusion_path(hashes, index - start), *reversed(above)]

    async def _grow(self, reads: Reads, size: int) -> None:
        async with self._growing:
            while (len(self._full[0]) + 1) * SEGMENT <= size:
                start = len(self._full[0]) * SEGMENT
                self._add(merkle_root(await _hashes(reads, start, start + SEGMENT)))
                await asyncio.sleep(0)  # the first question of a long history takes a while

    def _add(self, node: bytes) -> None:
        self._full[0].append(node)
        level = 0
        while len(self._full[level]) % 2 == 0:
            left, right = self._full[level][-2:]
            level += 1
            if level == len(self._full):
                self._full.append([])
            self._full[level].append(node_hash(left, right))

    async def _node(self, reads: Reads, start: int, end: int) -> bytes:
        """The hash that stands for these leaves."""
        size = end - start
        level = size.bit_length() - 1 - LOW
        if level >= 0 and size == SEGMENT << level and start % size == 0:
            return self._full[level][start // size]
        if size <= SEGMENT:
            return merkle_root(await _hashes(reads, start, end))
        middle = start + split_of(size)
        left = await self._node(reads, start, middle)
        return node_hash(left, await self._node(reads, middle, end))


async def _hashes(reads: Reads, start: int, end: int) -> list[bytes]:
    rows = await reads.fetch_all(HASHES, (start, end))
    return [row["hash"] for row in rows]
