"""The proof of a decision, read from the history."""

from app.domain.problem import NotFound, Problem, Refused
from app.domain.proof import Proof
from app.sql.block_tree import BlockTree
from app.sql.chain import inclusion_path
from app.sql.database import Row
from app.sql.databases import reader_of
from app.sql.read_rows import anchor_of
from app.sql.rows import HASHED

DECISION = "SELECT * FROM decision WHERE tenant = ? AND id = ?"
BLOCK = "SELECT * FROM block WHERE sequence = ?"
HEAD = "SELECT sequence FROM head WHERE id = 1"
NEWEST = "SELECT * FROM anchor WHERE covered >= ? ORDER BY covered DESC LIMIT 1"
OF_BLOCK = "SELECT * FROM anchor WHERE covered = ? ORDER BY at DESC LIMIT 1"
HASHES = " UNION ALL ".join(
    f"SELECT position, hash FROM {table} WHERE sequence = ?"  # noqa: S608  (names of our own)
    for table in HASHED
)


class Proofs:
    """Asks one database; remembers the upper part of its tree."""

    def __init__(self, url: str) -> None:
        self._reader = reader_of(url)
        self._tree = BlockTree()

    async def close(self) -> None:
        """Give the connections back."""
        await self._reader.close()

    async def of_decision(
        self, tenant: str, id_: str, size: int | None = None, *, patient: str | None = None
    ) -> Proof:
        """Up to the newest anchor, else to the newest block, or up to the block that is named.

        NotFound too where only decisions about ``patient`` may be seen, and this is none.
        """
        row = await self._reader.fetch_one(DECISION, (tenant, id_))
        if row is None or patient not in (None, row["patient"]):
            raise NotFound(Problem(f"There is no decision {id_}.", code="not-found"))
        block = await self._reader.fetch_one(BLOCK, (row["sequence"],))
        anchor, size = await self._up_to(block["sequence"], size)
        rows = await self._reader.fetch_all(HASHES, (block["sequence"],) * len(HASHED))
        hashes = [one["hash"] for one in sorted(rows, key=lambda one: one["position"])]
        return Proof(
            kind="decision",
            patient=row["patient"],
            hash=row["hash"],
            position=row["position"],
            path=tuple(inclusion_path(hashes, row["position"])),
            sequence=block["sequence"],
            committed_at=block["committed_at"],
            entries=block["entries"],
            previous=block["previous"],
            merkle_root=block["merkle_root"],
            block_hash=block["hash"],
            size=size,
            root=await self._tree.root(self._reader, size),
            block_path=tuple(await self._tree.path(self._reader, block["sequence"] - 1, size)),
            anchor=None if anchor is None else anchor_of(anchor),
            salt=row["salt"],
            columns=tuple(row[name] for name in HASHED["decision"]),
        )

    async def _up_to(self, sequence: int, size: int | None) -> tuple[Row, int]:
        """The anchor, if there is one, and the number of blocks."""
        head = (await self._reader.fetch_one(HEAD))["sequence"]
        if size is None:
            anchor = await self._reader.fetch_one(NEWEST, (sequence,))
            return anchor, head if anchor is None else anchor["covered"]
        if not sequence <= size <= head:
            raise Refused(
                Problem(
                    f"The decision is in block {sequence} of {head}; a tree of {size} blocks"
                    " does not hold it or is not there yet.",
                    where="blocks",
                    mend=f"Name a number of blocks from {sequence} to {head}.",
                    code="value",
                )
            )
        return await self._reader.fetch_one(OF_BLOCK, (size,)), size
