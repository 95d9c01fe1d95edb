"""The locks: every package pinned and hashed, and no word about where it was fetched."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def locked(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Each package of a lock with its hashes."""
    text = re.sub(r"^#.*$", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    packages: dict[str, tuple[Requirement, list[str]]] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        if not entry.strip():
            continue
        said, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        requirement = Requirement(said)
        packages[canonicalize_name(requirement.name)] = (requirement, hashes)
    return packages


def asked_for(*extras: str) -> list[Requirement]:
    """What pyproject.toml asks for, with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"]]
    lists += [project["optional-dependencies"][extra] for extra in extras]
    return [Requirement(line) for lines in lists for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_folder(lock: str) -> None:
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        assert not re.search(r"://|--index|--extra-index|--find-links|--trusted|\s@\s|/", line), (
            line
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_is_pinned_to_one_version_and_hashed(lock: str) -> None:
    packages = locked(lock)

    assert packages
    for requirement, hashes in packages.values():
        assert [part.operator for part in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(HASH.fullmatch(each) for each in hashes), requirement


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ["build"]), (LOCKS[1], ["build", "dev"])]
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    packages = locked(lock)

    for wanted in asked_for(*extras):
        pinned, _ = packages[canonicalize_name(wanted.name)]
        (version,) = (part.version for part in pinned.specifier)
        assert wanted.specifier.contains(version), f"{wanted} but locked {pinned}"


def test_developers_run_the_versions_that_run_in_production() -> None:
    development = locked("requirements-dev.lock")

    for name, (requirement, hashes) in locked("requirements.lock").items():
        assert development[name] == (requirement, hashes), name


def test_no_test_tool_is_in_the_runtime_lock() -> None:
    assert not locked("requirements.lock").keys() & {"pytest", "ruff", "mypy", "schemathesis"}


def test_there_is_no_lock_that_records_an_index() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert tracked.stdout == ""
    assert not (ROOT / "uv.lock").exists()
