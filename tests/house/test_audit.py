"""The look at known vulnerabilities never passes because nobody was asked."""

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:1/pypi/pip/json"


class Advisories(http.server.BaseHTTPRequestHandler):
    """A service that answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        """Quiet."""


@pytest.fixture(scope="module")
def advisories() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Advisories) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/pypi/pip/json"
        server.shutdown()


def audited(pip_audit: str, advisories: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "tools" / "audit", pip_audit],
        env={**os.environ, "PAINPLAN_ADVISORIES": advisories},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_where_nobody_answers_it_says_that_it_is_not_done() -> None:
    ended = audited("/bin/true", NOBODY)

    assert ended.returncode == 3
    assert "NOT DONE" in ended.stderr


def test_a_vulnerability_fails(advisories: str, tmp_path: Path) -> None:
    found = "echo 'Found 1 known vulnerability in 1 package' >&2; exit 1"

    assert audited(pretended(tmp_path, found), advisories).returncode == 1


def test_a_look_that_was_broken_off_is_not_done(advisories: str) -> None:
    ended = audited("/bin/false", advisories)

    assert ended.returncode == 3
    assert "NOT DONE" in ended.stderr


def test_none_passes(advisories: str) -> None:
    assert audited("/bin/true", advisories).returncode == 0


def pretended(folder: Path, lines: str) -> str:
    """A pip-audit that does what these lines of shell do."""
    file = folder / "pip-audit"
    file.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def test_what_it_asks_about_is_the_lock(advisories: str, tmp_path: Path) -> None:
    asked = audited(pretended(tmp_path, 'echo "$@"'), advisories).stdout.split()

    assert asked[-2:] == ["-r", "requirements.lock"]


def test_a_package_that_was_skipped_is_no_clean_result(advisories: str, tmp_path: Path) -> None:
    told = "alembic Dependency not found on PyPI and could not be audited: alembic (1.20.1)"
    ended = audited(pretended(tmp_path, f'echo "{told}"'), advisories)

    assert ended.returncode == 3
    assert "NOT DONE" in ended.stderr
    assert "alembic" in ended.stdout


def test_ci_goes_on_only_where_nobody_answers() -> None:
    (line,) = (
        line
        for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
        if "tools/audit" in line and not line.startswith("#")
    )

    assert line.endswith("|| [[ $? == 3 ]]")
