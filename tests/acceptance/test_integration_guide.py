"""The commands of docs/integration.md, one after the other, against a running service."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "integration.md").read_text("utf-8")
SERVICE = "http://127.0.0.1:8000"
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", GUIDE, flags=re.DOTALL)
# What each block has to print, in their order.
SAID = (
    "$derive",
    "200",
    "package/package.json",
    "x-decision-id: ",
    "EX-01",
    '"resourceType":"CarePlan"',
    "201 Created",
    "include Provenance",
    '"type":"searchset"',
    '"type":"transaction"',
    "No problem was found.",
    "clbp-order-sign",
    "Patient.gender",
    "400: Patient.gender",
)


def _run(kind: str, block: str, service: httpx.Client) -> str:
    text = block.replace(SERVICE, str(service.base_url).rstrip("/"))
    shell = ["bash", "-euo", "pipefail", "-c"]
    done = subprocess.run(
        [*([sys.executable, "-c"] if kind == "python" else shell), text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_of_the_guide_does_what_it_says(service: httpx.Client) -> None:
    if not (ROOT / ".venv").is_dir():
        pytest.skip("needs .venv (make setup)")
    (ROOT / "build").mkdir(exist_ok=True)

    said = [_run(kind, block, service) for kind, block in BLOCKS]

    assert len(said) == len(SAID)
    for wanted, printed in zip(SAID, said, strict=True):
        assert wanted.lower() in printed.lower(), (wanted, printed)
