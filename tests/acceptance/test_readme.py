"""Every command that the README shows does what the README says."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.acceptance.wire import bundle, intake, patient, screened

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
SERVICE = "http://127.0.0.1:8000"


def _shown(word: str) -> str:
    """The one block that holds a word."""
    (block,) = [block for block in BLOCKS if word in block]
    return block


def _run(block: str, service: httpx.Client) -> str:
    command = block.replace(SERVICE, str(service.base_url).rstrip("/"))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_request_that_is_shown_works(service: httpx.Client) -> None:
    said = _run(_shown("$derive"), service)

    assert said.startswith("HTTP/1.1 200")
    assert "x-decision-id: " in said.lower()
    assert '"resourceType":"CarePlan"' in said


def test_the_decisions_of_the_patient_can_be_asked_for(service: httpx.Client) -> None:
    _run(_shown("$derive"), service)

    assert '"id":"' in _run(_shown("/decisions?patient"), service)


def test_the_plan_can_be_answered(service: httpx.Client) -> None:
    body = bundle(patient("answered"), intake(screened(), of="answered"))
    derived = service.post("/fhir/$derive", json=body)
    plan = derived.json()["entry"][0]["resource"]["id"]

    said = _run(f"PLAN={plan}; {_shown('$respond')}", service)

    assert said.startswith("HTTP/1.1 200")
    assert '"status":"active"' in said


def test_a_file_becomes_a_plan(service: httpx.Client) -> None:
    if not (ROOT / ".venv").is_dir():
        pytest.skip("needs .venv (make setup)")

    assert "EX-01" in _run(_shown("painplan derive"), service)


@pytest.mark.parametrize("target", re.findall(r"^make ([a-z-]+)", "\n".join(BLOCKS), re.MULTILINE))
def test_every_target_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_every_link_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        if link.startswith(("#", "https://")):
            continue
        assert (ROOT / link).exists(), link


def test_every_setting_is_named() -> None:
    for name, field in Settings.model_fields.items():
        if not field.exclude:
            assert f"`PAINPLAN_{name.upper()}`" in README
