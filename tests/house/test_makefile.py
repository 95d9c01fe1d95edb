"""The Makefile has the targets that the contract (§8) names, and they say what they do."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = "setup demo run test check bench bench-quick mutation validate fuzz faults".split()


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Call make as a person would, also when these tests were started by make themselves."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
    }
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def plan(target: str) -> str:
    """The commands a target would run, with the set-up taken as done."""
    told = make(
        "--dry-run", "--old-file=requirements-dev.lock", "--old-file=pyproject.toml", target
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_help_lists_every_target_of_the_contract(target: str) -> None:
    lines = [line.split(maxsplit=1) for line in make("help").stdout.splitlines()]

    assert target in {name for name, _ in lines}


def test_make_alone_is_help() -> None:
    assert make().stdout == make("help").stdout


def test_run_serves_the_loopback_address_only() -> None:
    assert "painplan serve --host 127.0.0.1 --port 8000" in plan("run")


def test_demo_runs_the_demo() -> None:
    assert "python -m app.demo" in plan("demo")


@pytest.mark.parametrize(
    "tool",
    [
        "ruff check .",
        "ruff format --check .",
        "mypy app tests",
        "lint-imports",
        "hadolint Dockerfile",
        "shellcheck .ci/run",
        "painplan check-content",
        "painplan profiles --check",
        "painplan book --check",
    ],
)
def test_check_runs_every_tool_and_test_includes_check(tool: str) -> None:
    assert tool in plan("check")
    assert tool in plan("test")


def test_mutation_testing_is_no_part_of_the_tests() -> None:
    assert "python -m benchmarks.mutation" in plan("mutation")
    assert "benchmarks.mutation" not in plan("test")


def test_the_long_fuzzing_is_no_part_of_the_tests() -> None:
    assert plan("fuzz").rstrip().endswith("python -m tests.fuzz")
    assert "tests.fuzz" not in plan("test")


def test_all_faults_are_no_part_of_the_tests() -> None:
    assert plan("faults").rstrip().endswith("python -m tests.faults")
    assert "tests.faults" not in plan("test")


def test_test_runs_all_tests() -> None:
    _, command = plan("test").splitlines()[-1].split("python -m pytest")

    assert re.fullmatch(r"( --[a-z]+ \w+)*", command), "a path, a mark or a choice leaves tests out"
    assert not {"--deselect", "--ignore", "--lf"} & set(command.split())


def test_the_set_up_installs_by_hash_only_and_fetches_no_build_backend(tmp_path: Path) -> None:
    told = make("--dry-run", f"VENV={tmp_path / 'new'}", "setup").stdout
    installs = [line for line in told.splitlines() if " pip install " in line]

    assert [("--require-hashes" in line, "--no-build-isolation" in line) for line in installs] == [
        (True, False),
        (False, True),
    ]
    assert "--no-deps" in installs[1]
