"""What a service finds: no schema yet, a file that is damaged, a log that is too long."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.acceptance.load import loaded
from tests.acceptance.test_kill import PAINPLAN, STARTS_WITHIN, running
from tests.databases import KINDS, Kept, Server, a_file
from tests.faults.kept import Tried, name_of, settled
from tests.faults.test_under_load import ANSWERED, assert_not_ready, assert_refused_in_words

AT_ONCE = 3
HEADER = 100  # bytes
TOO_LONG = 65 * 1024 * 1024


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """A database in which nothing is yet."""
    if request.param == "sqlite":
        yield a_file(tmp_path / "painplan.db")
        return
    server: Server = request.getfixturevalue("postgresql")
    kept = server.fresh(migrated=False)
    yield kept
    server.drop(kept)


def ended(kept: Kept, *words: str) -> "subprocess.Popen[str]":
    """A command of ours that will end by itself."""
    return subprocess.Popen(
        [PAINPLAN, *words],
        env={**os.environ, "PAINPLAN_DATABASE_URL": kept.url},
        stderr=subprocess.PIPE,
        text=True,
    )


# tests/sql has the short versions of this one and the next.
@pytest.mark.faults_in_full
def test_services_that_migrate_at_once(bare: Kept, tried: list[Tried]) -> None:
    """One does it; another waits, or says who is at work. Then it can be served."""
    migrating = [ended(bare, "migrate") for _ in range(AT_ONCE)]
    said = [process.communicate(timeout=120)[1] for process in migrating]

    assert 0 in {process.returncode for process in migrating}
    assert all(not words or "Another process" in words for words in said), said
    with running(bare) as (url, _):
        with loaded(url) as load:
            load.until_answered(ANSWERED)
        tried.append(settled(url, bare, load, f"{AT_ONCE} processes migrate at once"))


@pytest.mark.faults_in_full
def test_a_damaged_header(tmp_path: Path, tried: list[Tried]) -> None:
    """The service does not start and says why; nothing is written over what is left."""
    kept = a_file(tmp_path / "painplan.db")
    with running(kept) as (url, _), loaded(url) as load:
        load.until_answered(ANSWERED)
    whole = kept.file.read_bytes()
    damaged = os.urandom(HEADER) + whole[HEADER:]
    kept.file.write_bytes(damaged)

    serving = ended(kept, "serve", "--port", "1")
    said = serving.communicate(timeout=STARTS_WITHIN)[1]

    assert serving.returncode != 0
    assert "cannot be opened and migrated" in said
    assert "Traceback" not in said
    assert kept.file.read_bytes() == damaged
    kept.file.write_bytes(whole)
    with running(kept) as (url, _):
        tried.append(settled(url, kept, load, "a damaged header of the file"))


def test_a_log_past_its_limit(tmp_path: Path, tried: list[Tried]) -> None:
    """Somebody reads for so long that the log cannot be emptied: nothing more is written."""
    kept = a_file(tmp_path / "painplan.db")
    log = kept.file.with_name("painplan.db-wal")
    with running(kept) as (url, _):
        with loaded(url) as load, closing(sqlite3.connect(kept.file)) as reading:
            load.until_answered(ANSWERED)
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM block").fetchone()
            os.truncate(log, TOO_LONG)  # zeros at its end are no frames
            load.until(lambda: len(load.refused) > ANSWERED)
            assert_not_ready(url)
            assert "log" in httpx.get(f"{url}/readyz").json()["why"]
            reading.rollback()
            load.until_answered(ANSWERED)
        assert log.stat().st_size < TOO_LONG
        assert_refused_in_words(load)
        tried.append(settled(url, kept, load, "a write-ahead log past its limit"))
    assert name_of(kept) == "SQLite"
