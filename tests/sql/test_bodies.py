"""Compressed bodies: each names its dictionary, and no older one becomes unreadable."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from app.domain.history import DecisionRecord, ReadSet, ResourceVersion, WriteSet
from app.domain.problem import Unavailable
from app.sql import bodies, rows
from app.sql.bodies import DECISIONS, FOLDER, LEVEL, RESOURCES, packed, unpacked
from app.sql.journal import Journal
from app.sql.migrate import migrations
from app.sql.queries import History
from app.sql.verify import verify
from benchmarks.dictionaries import stored, trained
from benchmarks.patients import patients
from tests.databases import Kept

USED = (RESOURCES, DECISIONS)
OBSERVATION = b'{"resourceType":"Observation","id":"o1","status":"final"}'
# Written by the code before there were two dictionaries, and by zstd without any.
WITH_THE_FIRST = base64.b64decode("KLUv/SN1EjwvOa0AADhmaW5hbCJ9A3wAY7BpPPly/8N0Ag==")
WITH_NONE = base64.b64decode(
    "KLUv/SA5yQEAeyJyZXNvdXJjZVR5cGUiOiJPYnNlcnZhdGlvbiIsImlkIjoibzEiLCJzdGF0dXMiOiJmaW5hbCJ9"
)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TENANT = "default"


def identity(dictionary: str) -> int:
    file = FOLDER / f"{dictionary}.zdict"
    return zstandard.ZstdCompressionDict(file.read_bytes()).dict_id()


@pytest.mark.parametrize("dictionary", USED)
@given(body=st.binary(max_size=5000))
def test_a_body_comes_back_as_it_went_in(dictionary: str, body: bytes) -> None:
    assert unpacked(packed(body, dictionary)) == body


@pytest.mark.parametrize("dictionary", USED)
def test_a_big_body_comes_back_as_it_went_in(dictionary: str) -> None:
    body = bytes(range(256)) * 20_000

    assert unpacked(packed(body, dictionary)) == body


@pytest.mark.parametrize("frame", [WITH_THE_FIRST, WITH_NONE])
def test_a_body_of_an_older_release_is_read(frame: bytes) -> None:
    assert unpacked(frame) == OBSERVATION


@pytest.mark.parametrize("dictionary", USED)
def test_a_frame_names_the_dictionary_that_it_was_written_with(dictionary: str) -> None:
    frame = packed(OBSERVATION, dictionary)

    assert zstandard.get_frame_parameters(frame).dict_id == identity(dictionary)


def test_no_two_shipped_dictionaries_have_the_same_id() -> None:
    found = [identity(file.stem) for file in FOLDER.glob("*.zdict")]

    assert len(found) == len(set(found)) >= 3
    assert 0 not in found


def test_a_body_of_a_later_release_is_refused_by_the_name_of_its_dictionary() -> None:
    later = zstandard.ZstdCompressionDict(trained([b"%d a later release" % n for n in range(5000)]))
    frame = zstandard.ZstdCompressor(level=LEVEL, dict_data=later).compress(OBSERVATION)

    with pytest.raises(Unavailable, match=str(later.dict_id())):
        unpacked(frame)


def test_every_generation_of_dictionaries_keeps_out_releases_that_cannot_read_it() -> None:
    """Before a third one is written by, a migration of its own has to be there."""
    steps = {step.revision: step.module for step in migrations()}
    keepers = list(bodies.KEPT_OUT_BY.values())

    assert {name.rpartition("-")[2] for name in USED} <= bodies.KEPT_OUT_BY.keys()
    assert len(set(keepers)) == len(keepers)
    assert [steps[revision].additive for revision in keepers] == [False] * len(keepers)


async def test_a_history_of_both_dictionaries_is_read_and_its_chain_holds(
    fresh: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(body: bytes, *_: object) -> bytes:
        return packed(body, "v1")

    with monkeypatch.context() as older:
        older.setattr(rows, "packed", before)
        await write(fresh, "old")
    await write(fresh, "new")

    used = [
        zstandard.get_frame_parameters(frame).dict_id
        for sql in (
            "SELECT body FROM resource_version ORDER BY sequence",
            "SELECT trace FROM decision ORDER BY sequence",
        )
        for (frame,) in fresh.rows(sql)
    ]
    assert used == [identity(name) for name in ("v1", RESOURCES, "v1", DECISIONS)]
    history = History(fresh.url)
    for name in ("old", "new"):
        version = await history.read(TENANT, "Observation", name)
        assert version is not None
        assert version.version.body == body_of(name)
        assert await history.decision(TENANT, name) == decision_of(name)
    await history.close()
    report = verify(fresh.url)
    assert report.is_intact
    assert report.entries == 4


async def write(fresh: Kept, name: str) -> None:
    """A resource and a decision, by a service of its own."""
    body = body_of(name)
    digest = hashlib.sha256(body).digest()
    version = ResourceVersion("Observation", name, 1, "p", "final", digest, body)
    journal = Journal(fresh.url)
    await journal.start()
    await journal.record(WriteSet(TENANT, ReadSet(), (version, decision_of(name))))
    await journal.close()


def body_of(name: str) -> bytes:
    return f'{{"resourceType":"Observation","id":"{name}"}}'.encode()


def decision_of(name: str) -> DecisionRecord:
    return DecisionRecord(
        id=name,
        patient="p",
        as_of=NOW,
        kind="derive",
        knowledge="sha256:-",
        engine="1",
        parameters=b'{"before":null}',
        trace=b'{"gate":"clear"}',
        inputs=b'[["Observation","o",1,"-"]]',
        outputs=b"[]",
    )


def test_what_is_written_is_smaller_by_the_dictionary_that_is_meant_for_it() -> None:
    samples = stored(patients(3))

    def size(of: list[bytes], dictionary: str) -> int:
        return sum(len(packed(body, dictionary)) for body in of)

    for of, meant, other in (
        (samples.resources, RESOURCES, DECISIONS),
        (samples.traces, DECISIONS, RESOURCES),
    ):
        assert size(of, meant) < size(of, other)
        assert size(of, meant) < size(of, "v1")


@pytest.mark.parametrize("dictionary", USED)
def test_the_fixture_of_the_benchmark_was_no_sample(dictionary: str) -> None:
    content = (FOLDER / f"{dictionary}.zdict").read_bytes()

    assert b"bench-" not in content
