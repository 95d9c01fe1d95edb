"""docs/trust.md: its file is read, its commands do what they say."""

import re
import subprocess
from pathlib import Path

import httpx

from app.ehr.clients import read_clients
from tests.acceptance.conftest import serving
from tests.acceptance.test_ehr import free_port

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "trust.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, flags=re.DOTALL)


def test_the_file_that_is_shown_is_read(tmp_path: Path) -> None:
    (shown,) = blocks("toml")
    file = tmp_path / "clients.toml"
    file.write_text(shown, "utf-8")

    (client,) = read_clients(file, is_http_allowed=False)

    assert client.name == "North EHR"


def test_the_key_that_is_made_opens_discovery(tmp_path: Path) -> None:
    (command,) = [block for block in blocks("sh") if "generate_key" in block]
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    done = subprocess.run(
        [
            "bash",
            "-euo",
            "pipefail",
            "-c",
            f"FOLDER={tmp_path}\nPAINPLAN_PUBLIC_URL={address}\n{command}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}

    clients = str(tmp_path / "clients.toml")
    with serving(tmp_path / "x.db", port=port, auth="on", clients=clients) as client:
        assert client.get("/cds-services").status_code == 401
        answer: httpx.Response = client.get("/cds-services", headers=headers)

    assert answer.status_code == 200, answer.text
    assert answer.json()["services"]
