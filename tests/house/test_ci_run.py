"""The script that CI runs refuses to pass for the wrong reason."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "run"


def test_ci_can_run_it() -> None:
    assert os.access(SCRIPT, os.X_OK)


def test_ci_fails_at_once_when_the_shared_folder_is_absent(tmp_path: Path) -> None:
    ended = subprocess.run(
        ["bash", str(SCRIPT)],
        cwd=tmp_path,
        env={**os.environ, "PAINPLAN_SHARED": str(tmp_path / "absent")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ended.returncode == 1
    assert "needs the folder shared/" in ended.stderr
    assert ended.stdout == ""


def test_ci_runs_the_test_command_of_the_readme_with_no_skip_allowed() -> None:
    script = SCRIPT.read_text(encoding="utf-8")

    assert "export PAINPLAN_NO_SKIP=1" in script
    assert "make demo </dev/null" in script
    assert script.splitlines()[-1].endswith("make test </dev/null")


def test_the_readme_names_the_command_that_ci_runs() -> None:
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
