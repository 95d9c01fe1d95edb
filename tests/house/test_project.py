"""pyproject.toml keeps its promises: names, strictness, and a reason beside every exception."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads(TEXT)


def test_the_distribution_is_painplan_and_its_command_is_painplan(project: dict[str, Any]) -> None:
    assert project["project"]["name"] == "painplan"
    assert project["project"]["scripts"] == {"painplan": "app.cli:main"}
    assert project["project"]["requires-python"] == ">=3.11"


def test_the_licence_is_apache_2_and_its_whole_text_is_here(project: dict[str, Any]) -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert project["project"]["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    for section in range(1, 10):
        assert f"\n   {section}. " in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_lint_rule_is_on_and_every_exception_says_why(project: dict[str, Any]) -> None:
    assert project["tool"]["ruff"]["lint"]["select"] == ["ALL"]

    lint = TEXT[TEXT.index("[tool.ruff.lint]") : TEXT.index("[tool.ruff.lint.isort]")]
    exceptions = [line for line in lint.splitlines() if re.match(r'\s+"[A-Z]+[0-9]+"', line)]
    assert exceptions
    for line in exceptions:
        assert re.search(r",\s+# \w.{10,}$", line), line


def test_types_are_strict(project: dict[str, Any]) -> None:
    assert project["tool"]["mypy"]["strict"] is True


def test_a_warning_is_an_error_and_every_exception_says_why(project: dict[str, Any]) -> None:
    pytest_options = project["tool"]["pytest"]["ini_options"]
    assert pytest_options["filterwarnings"][0] == "error"
    assert "--strict-markers" in pytest_options["addopts"]

    start = TEXT.index("filterwarnings")
    for line in TEXT[start : TEXT.index("]", start)].splitlines():
        if "ignore:" in line or "default:" in line:
            assert "#" in line, line


def test_the_import_directions_are_contracts(project: dict[str, Any]) -> None:
    layers = next(
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )

    assert layers["layers"] == [
        "(cli) | (demo)",
        "(population) | (examples)",
        "(main)",
        "api | book | impact",
        "use_cases | knowledge | fhir | sql | (ehr)",
        "domain",
    ]
    assert layers["exhaustive"] is True


def test_the_content_travels_with_the_package(project: dict[str, Any]) -> None:
    patterns = project["tool"]["setuptools"]["package-data"]["app"]
    data = [
        path
        for path in (ROOT / "app").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", ".md"}
    ]

    assert data
    for path in data:
        assert any(path.match(pattern.removeprefix("**/")) for pattern in patterns), path
