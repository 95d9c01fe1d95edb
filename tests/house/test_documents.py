"""The decisions and the changelog keep to their form, so that a reader finds the same parts."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PARTS = ["Context", "Decision", "Consequences", "Alternatives", "References"]
A_PAGE = 60  # lines


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert DECISIONS


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_its_five_parts_on_one_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == PARTS
    assert len(text.splitlines()) <= A_PAGE


def test_the_changelog_tells_integrators_and_clinicians_what_to_do() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    newest = text.split("\n## ")[1]

    assert newest.startswith(("Unreleased", f"{version} "))
    for part in ("Affected patients", "Affected endpoints", "What to do"):
        assert f"### {part}" in newest
