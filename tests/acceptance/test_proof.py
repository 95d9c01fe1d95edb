"""The proof of a decision: small, checked by the verifier that the documentation prints."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sql import block_tree
from app.sql.anchoring import anchor_history
from app.sql.anchors import told
from app.sql.block_tree import BlockTree
from app.sql.chain import Frontier, inclusion_path, merkle_root
from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened
from tests.databases import Kept

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "proof.md").read_text("utf-8")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def decisions(service: httpx.Client) -> list[str]:
    found = []
    for number in range(7):
        person = f"proven-{number}"
        body = bundle(patient(person), intake(screened(), of=person))
        answer = service.post("/fhir/$derive", params={"asOf": AS_OF}, json=body)
        found.append(answer.raise_for_status().headers["x-decision-id"])
    return found


@pytest.fixture(scope="module")
def anchor(database: Kept, decisions: list[str]) -> Json:
    """Made beside the running service, after the decisions."""
    assert decisions
    made: Json = json.loads(told(anchor_history(database.url)))
    return made


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    file = tmp_path_factory.mktemp("verifier") / "verify_proof.py"
    file.write_text(program, "utf-8")
    return file


def checked(verifier: Path, proof: Json, *anchor: Json) -> subprocess.CompletedProcess[str]:
    """With nothing but the standard library: no site packages."""
    files = []
    for number, told_ in enumerate((proof, *anchor)):
        files.append(verifier.with_name(f"{number}.json"))
        files[-1].write_text(json.dumps(told_), "utf-8")
    command = [sys.executable, "-I", "-S", str(verifier), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def proof_of(service: httpx.Client, decision: str, **params: str) -> Json:
    answer = service.get(f"/decisions/{decision}/proof", params=params)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_every_decision_is_proven_against_the_anchor_that_was_kept(
    service: httpx.Client, decisions: list[str], anchor: Json, verifier: Path
) -> None:
    for decision in decisions:
        proof = proof_of(service, decision)
        done = checked(verifier, proof, anchor)

        assert done.returncode == 0, done.stderr
        assert anchor["at"] in done.stdout
        assert proof["anchor"] == anchor | {"key": "", "signature": ""}
        assert len(json.dumps(proof)) < 3000


def test_with_its_columns_the_proof_is_of_what_was_decided(
    service: httpx.Client, decisions: list[str], anchor: Json, verifier: Path
) -> None:
    proof = proof_of(service, decisions[0], columns="true")

    assert checked(verifier, proof, anchor).returncode == 0
    proof["entry"]["columns"][2] = {"text": "somebody-else"}
    assert "not those of the entry" in checked(verifier, proof, anchor).stderr


@pytest.mark.parametrize(
    ("part", "name", "value", "said"),
    [
        ("entry", "hash", "0" * 64, "not in the block"),
        ("entry", "position", 0, "AssertionError"),
        ("entry", "path", [], "too short"),
        ("block", "committedAt", "2020-01-01T00:00:00.000000Z", "not what its hash says"),
        ("block", "previous", "0" * 64, "not what its hash says"),
        ("tree", "root", "0" * 64, "not in the tree"),
    ],
)
def test_a_forged_proof_is_seen(  # noqa: PLR0913  (what is forged, and how it is said)
    service: httpx.Client,
    decisions: list[str],
    anchor: Json,
    verifier: Path,
    part: str,
    name: str,
    value: object,
    said: str,
) -> None:
    proof = proof_of(service, decisions[3])
    proof[part][name] = value

    done = checked(verifier, proof, anchor)

    assert done.returncode == 1
    assert said in done.stderr


def test_the_anchor_of_another_history_is_seen(
    service: httpx.Client, decisions: list[str], anchor: Json, verifier: Path
) -> None:
    done = checked(verifier, proof_of(service, decisions[0]), {**anchor, "root": "0" * 64})

    assert "of another history" in done.stderr


def test_the_tree_goes_to_the_block_that_is_named(
    service: httpx.Client, decisions: list[str], anchor: Json, verifier: Path
) -> None:
    own = proof_of(service, decisions[0])["block"]["sequence"]
    later = proof_of(service, decisions[0], blocks=str(own + 2))

    assert later["tree"]["blocks"] == own + 2
    assert checked(verifier, later).returncode == 0
    assert "ask with ?blocks=" in checked(verifier, later, anchor).stderr


@pytest.mark.parametrize(
    ("blocks", "status"), [("0", 422), ("999999", 422), ("x", 400), ("-1", 400)]
)
def test_a_tree_that_there_is_not_is_refused(
    service: httpx.Client, decisions: list[str], blocks: str, status: int
) -> None:
    answer = service.get(f"/decisions/{decisions[0]}/proof", params={"blocks": blocks})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_was_never_decided_is_not_proven(service: httpx.Client) -> None:
    assert service.get("/decisions/none/proof").status_code == 404


class _Blocks:
    """Hashes as the database would give them."""

    def __init__(self, hashes: list[bytes]) -> None:
        self.hashes = hashes

    async def fetch_all(self, sql: str, values: Any = ()) -> list[dict[str, bytes]]:
        assert sql == block_tree.HASHES
        start, end = values
        return [{"hash": one} for one in self.hashes[start:end]]

    async def fetch_one(self, sql: str, values: Any = ()) -> None:
        raise AssertionError(sql, values)


@pytest.fixture
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_tree, "LOW", 2)
    monkeypatch.setattr(block_tree, "SEGMENT", 4)


@pytest.mark.usefixtures("_small_segments")
async def test_the_tree_that_is_remembered_in_part_is_the_whole_tree() -> None:
    hashes = [os.urandom(32) for _ in range(70)]
    tree, grown = BlockTree(), Frontier()
    for size in range(1, len(hashes) + 1):
        grown.append(hashes[size - 1])
        assert await tree.root(_Blocks(hashes), size) == merkle_root(hashes[:size])
        assert grown.root() == merkle_root(hashes[:size])
    for size in (1, 2, 5, 16, 33, 64, 67, 70):
        for index in range(size):
            found = await tree.path(_Blocks(hashes), index, size)
            assert found == inclusion_path(hashes[:size], index), (index, size)
