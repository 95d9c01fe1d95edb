"""The requests that the CDS Hooks Sandbox really sent, posted as they are."""

import json
from pathlib import Path

import httpx
import pytest

from tests.acceptance.cards import CARDS
from tests.acceptance.hooks import JSON, rules

FOLDER = "data/interop/cds-hooks-requests"
# What a client is told at least; for an empty draft, another organ or nothing known: no card.
EXPECTED = {
    "patient-view.json": {"CDS-PV-02", "CDS-PV-03"},
    "order-select-pama-empty-draft.json": set(),
    "order-select-pama-lumbar-mri-72148.json": {"CDS-IMG-02"},
    "order-select-pama-lumbar-mri-72148-no-reason.json": {"CDS-IMG-02"},
    "order-select-pama-lumbar-ct-72131.json": {"CDS-IMG-02"},
    "order-select-pama-chest-ct-71275.json": set(),
    "order-select-rx-empty-draft.json": set(),
    "order-select-rx-reason-only.json": set(),
    "order-select-rx-opioid.json": {"CDS-OPI-03"},
    "order-sign-rx-opioid.json": {"CDS-OPI-03"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_request_gets_its_cards(service: httpx.Client, shared: Path, name: str) -> None:
    body = (shared / FOLDER / name).read_bytes()
    hook = json.loads(body)["hook"]

    answer = service.post(f"/cds-services/clbp-{hook}", content=body, headers=JSON)

    assert answer.status_code == 200, answer.text
    CARDS.validate(answer.json())
    found = set(rules(answer.json()))
    assert found >= EXPECTED[name]
    if not EXPECTED[name]:
        assert not found
    decision = answer.json()["extension"]["health.painplan.decision"].rpartition("/")[2]
    assert service.get(f"/decisions/{decision}/replay").json()["identical"] is True


def test_every_recorded_request_has_its_row(shared: Path) -> None:
    recorded = {f.name for f in (shared / FOLDER).glob("*.json")}

    kept = {"headers.json", "feedback-accepted.json", "feedback-overridden.json"}
    assert recorded - kept == set(EXPECTED)


@pytest.mark.parametrize("name", ["feedback-accepted.json", "feedback-overridden.json"])
def test_recorded_feedback_is_taken_although_its_card_is_not_ours(
    service: httpx.Client, shared: Path, name: str
) -> None:
    body = (shared / FOLDER / name).read_bytes()

    answer = service.post("/cds-services/clbp-order-select/feedback", content=body, headers=JSON)

    assert answer.status_code == 200
    card = json.loads(body)["feedback"][0]["card"]
    assert answer.json()["extension"]["health.painplan.unknown"] == [card]
