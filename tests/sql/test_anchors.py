"""Anchors that were kept elsewhere find what the owner of the database has rewritten."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from app.domain.history import AnchorRecord
from app.domain.problem import NotFound, NotUnderstood, Refused
from app.sql.anchoring import anchor_history
from app.sql.anchors import read_anchors, told
from app.sql.chain import EMPTY_HASH, block_hash, entry_hash, merkle_root
from app.sql.database import Session
from app.sql.rows import HASHED, layout_of
from app.sql.signing import is_genuine, public_key, unsigned
from app.sql.transaction import transaction
from app.sql.verify import verify
from tests.databases import Kept, Server, a_file
from tests.sql.history import write

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
Change = Callable[[Session], Awaitable[None]]


@pytest.fixture(scope="module")
def history(database: Kept) -> Kept:
    write(database)
    return database


@pytest.fixture(scope="module")
def anchor(history: Kept) -> AnchorRecord:
    """Of the newest block, which is that of the anchor before."""
    return anchor_history(history.url)


@pytest.fixture
def copy(
    history: Kept, anchor: AnchorRecord, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Kept]:
    """The same history, for its owner to rewrite."""
    assert anchor.sequence
    if history.is_sqlite:
        yield a_file(Path(shutil.copy(history.file, tmp_path / "copy.db")))
        return
    server: Server = request.getfixturevalue("postgresql")
    found = server.copy(history)
    yield found
    server.drop(found)


def rewritten(kept: Kept, change: Change) -> None:
    """Change something as somebody who knows how all hashes are made."""
    asyncio.run(_rewritten(kept, change))
    report = verify(kept.url)
    assert report.is_intact, report.faults  # without an anchor nobody sees it


async def _rewritten(kept: Kept, change: Change) -> None:
    aside: list[str] = []
    async with transaction(kept.url) as session:
        if kept.is_sqlite:
            await session.execute("PRAGMA defer_foreign_keys = ON")
            for row in await session.fetch_all(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ):
                await session.execute(f'DROP TRIGGER "{row["name"]}"')
                aside.append(row["sql"])
        else:
            await session.execute("SET LOCAL session_replication_role = replica")
        await change(session)
        await _hashed_again(session)
        for made in aside:
            await session.execute(made)


async def _hashed_again(session: Session) -> None:
    previous, sequence, committed_at = EMPTY_HASH, 0, "1970-01-01T00:00:00.000000Z"
    for block in await session.fetch_all("SELECT * FROM block ORDER BY sequence"):
        sequence, committed_at = block["sequence"], max(committed_at, block["committed_at"])
        hashes = await _entries_hashed(session, sequence)
        root = merkle_root(hashes)
        own = block_hash(sequence, committed_at, len(hashes), previous, root)
        await session.execute(
            "UPDATE block SET committed_at = ?, entries = ?, previous = ?, merkle_root = ?,"
            " hash = ? WHERE sequence = ?",
            (committed_at, len(hashes), previous, root, own, sequence),
        )
        previous = own
    await session.execute(
        "UPDATE head SET sequence = ?, hash = ?, committed_at = ?",
        (sequence, previous, committed_at),
    )


async def _entries_hashed(session: Session, sequence: int) -> list[bytes]:
    found: dict[int, bytes] = {}
    for table in HASHED:
        rows = await session.fetch_all(f"SELECT * FROM {table} WHERE sequence = ?", (sequence,))  # noqa: S608
        for row in rows:
            layout, columns = layout_of(table, row)
            own = entry_hash(row["salt"], table, [row[column] for column in columns], layout)
            found[row["position"]] = own
            await session.execute(
                f"UPDATE {table} SET hash = ? WHERE sequence = ? AND position = ?",  # noqa: S608
                (own, sequence, row["position"]),
            )
    return [found[position] for position in sorted(found)]


async def cut_off(session: Session) -> None:
    (last,) = await session.fetch_one("SELECT max(sequence) - 2 FROM block")
    for table in (*HASHED, "block"):
        await session.execute(f"DELETE FROM {table} WHERE sequence > ?", (last,))  # noqa: S608


async def reordered(session: Session) -> None:
    """Two blocks change places with all that is in them."""
    for table in HASHED:
        for to, from_ in ((-2, 2), (2, 3), (3, -2)):
            await session.execute(
                f"UPDATE {table} SET sequence = ? WHERE sequence = ?",  # noqa: S608
                (to, from_),
            )


async def replaced(session: Session) -> None:
    """Somebody else's name in a row of the second block."""
    await session.execute("UPDATE audit_event SET who = 'nobody' WHERE sequence = 2")


async def block_rewritten(session: Session) -> None:
    """Nothing is said otherwise, only its time."""
    await session.execute(
        "UPDATE block SET committed_at = (SELECT n.committed_at FROM block n WHERE n.sequence = 3)"
        " WHERE sequence = 2"
    )


async def left_out(session: Session) -> None:
    """An entry that nobody is to know of."""
    await session.execute("DELETE FROM feedback")
    await session.execute(
        "UPDATE audit_event SET position = position - 1"
        " WHERE operation = 'feedback' AND position > 0"
    )


def test_the_history_as_it_was_passes(history: Kept, anchor: AnchorRecord) -> None:
    report = verify(history.url, None, [anchor])

    assert report.is_intact, report.faults


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (cut_off, "it was cut off"),
        (reordered, "replaced, reordered or left out"),
        (replaced, "history was rewritten"),
        (block_rewritten, "history was rewritten"),
        (left_out, "history was rewritten"),
    ],
)
def test_what_the_owner_rewrote_is_found(
    copy: Kept, anchor: AnchorRecord, change: Change, said: str
) -> None:
    rewritten(copy, change)

    faults = verify(copy.url, None, [anchor]).faults

    assert any(said in fault for fault in faults), faults
    assert all(f"anchor of block {anchor.sequence}" in fault for fault in faults)


def test_a_second_history_is_found(fresh: Kept, anchor: AnchorRecord) -> None:
    write(fresh)
    assert verify(fresh.url).is_intact

    assert verify(fresh.url, None, [anchor]).faults


def test_an_anchor_is_an_entry_of_the_chain(fresh: Kept) -> None:
    write(fresh, 1)
    first = anchor_history(fresh.url)
    second = anchor_history(fresh.url)

    assert second.sequence == first.sequence + 1
    assert fresh.count("anchor") == 3
    assert verify(fresh.url, None, [first, second]).is_intact


def test_an_empty_history_has_nothing_to_anchor(fresh: Kept) -> None:
    with pytest.raises(NotFound):
        anchor_history(fresh.url)


def test_without_a_history_it_says_what_to_do(postgresql: Server, tmp_path: Path) -> None:
    bare = postgresql.fresh(migrated=False)
    for kept in (a_file(tmp_path / "none.db"), bare):
        done = painplan(kept, "audit", "anchor")
        assert done.returncode == 1
        assert done.stderr.strip().endswith("Run `painplan migrate`.")
    postgresql.drop(bare)

    gone = painplan(Kept(postgresql.named("no_such_database")), "audit", "anchor")
    assert gone.returncode == 1
    assert "cannot be reached" in gone.stderr


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the documentation has it made."""
    file = tmp_path_factory.mktemp("key") / "anchor-key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", file], check=True)
    return file


def test_an_anchor_is_signed_and_a_forged_one_is_told(fresh: Kept, key: Path) -> None:
    write(fresh, 1)
    anchor = anchor_history(fresh.url, str(key))
    (read,) = read_anchors(told(anchor))
    forged = read_anchors(told(anchor).replace(b'"sequence":', b'"sequence":1'))

    assert is_genuine(read)
    assert list(unsigned([read], public_key(key))) == []
    assert "signature is wrong" in "".join(unsigned(forged, public_key(key)))
    plain = anchor_history(fresh.url)
    assert list(unsigned([plain], None)) == []
    assert "not signed by this key" in "".join(unsigned([plain], public_key(key)))


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b'{"format":"painplan-anchor-1"}'])
def test_a_file_that_holds_no_anchors_is_refused(text: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_anchors(text)


def test_a_file_without_a_key_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")

    for file in (tmp_path / "key.pem", tmp_path / "none.pem"):
        with pytest.raises(Refused, match="Ed25519"):
            public_key(file)


def painplan(kept: Kept, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": kept.url, **more}
    return subprocess.run(
        [PAINPLAN, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_line_anchors_and_holds_against_them(copy: Kept, key: Path) -> None:
    made = painplan(copy, "audit", "anchor", PAINPLAN_ANCHOR_KEY_FILE=str(key))
    file = key.with_name("anchors.jsonl")
    file.write_text(made.stdout)
    options = ("audit", "verify", "--anchors", str(file), "--key", str(key))
    before = painplan(copy, *options)
    rewritten(copy, replaced)
    after = painplan(copy, *options)

    assert made.returncode == before.returncode == 0, made.stderr + before.stderr
    assert "held against 1 anchors: intact" in before.stdout
    assert after.returncode == 1
    assert "history was rewritten" in after.stderr
