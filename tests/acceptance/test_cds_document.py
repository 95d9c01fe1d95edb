"""docs/cds-hooks.md: its commands do what it says, and its tables name what there is."""

import json
import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from app.fhir.hooks import SERVICES
from tests.acceptance.hooks import JSON, answered
from tests.acceptance.wire import Json
from tests.databases import Kept

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "cds-hooks.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT, flags=re.DOTALL)
EXAMPLES = sorted((ROOT / "examples" / "cds-hooks").glob("*.json"))


def run(word: str, service: httpx.Client, database: Kept, **variables: str) -> str:
    """The one block that holds a word, as it is shown, against this service."""
    (block,) = [block for block in BLOCKS if word in block]
    command = block.replace("http://127.0.0.1:8000", str(service.base_url).rstrip("/"))
    environment = {**os.environ, **variables, "PAINPLAN_DATABASE_URL": database.url}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def signed(service: httpx.Client) -> Json:
    body = json.loads((ROOT / "examples/cds-hooks/order-sign.json").read_text("utf-8"))
    return answered(service, body)


def test_discovery_names_the_services(service: httpx.Client, database: Kept) -> None:
    said = run("/cds-services'", service, database)

    assert {s["id"] for s in json.loads(said)["services"]} == set(SERVICES)
    for id_ in SERVICES:
        assert f"`{id_}`" in DOCUMENT


def test_the_order_gets_the_card_and_the_suggestions(service: httpx.Client, database: Kept) -> None:
    said = run("order-sign.json", service, database)

    head, _, body = said.partition("\n\n")
    assert head.startswith("HTTP/1.1 200")
    assert "x-decision-id: " in head.lower()
    card = json.loads(body)["cards"][0]
    assert card["indicator"] == "critical"
    offered = [suggestion["label"] for suggestion in card["suggestions"]]
    assert offered == ["Offer naloxone", "Remove this order"]
    assert all(f"`{label}`" in DOCUMENT for label in offered)


def test_the_decision_can_be_read_and_replayed(service: httpx.Client, database: Kept) -> None:
    name = signed(service)["extension"]["health.painplan.decision"].rpartition("/")[2]

    said = run("/replay", service, database, DECISION=name)

    assert '"kind":"order-review"' in said
    assert '"identical":true' in said


def test_feedback_is_kept(service: httpx.Client, database: Kept) -> None:
    card = signed(service)["cards"][0]["uuid"]

    said = run("overrideReason", service, database, CARD=card)

    assert json.loads(said)["extension"] == {"health.painplan.kept": 1}


def test_the_report_is_there_twice(service: httpx.Client, database: Kept) -> None:
    signed(service)

    said = run("cds-services-report", service, database)

    assert '"rules":[' in said
    assert "CDS-OPI-03" in said.partition("unknownCards")[2]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_answered(service: httpx.Client, example: Path) -> None:
    answer = service.post(
        f"/cds-services/clbp-{example.stem}", content=example.read_bytes(), headers=JSON
    )

    assert answer.status_code == 200, answer.text


def test_every_link_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", DOCUMENT):
        if not link.startswith("https://"):
            assert (ROOT / "docs" / link).exists(), link
