"""docs/security.md names tests that exist, at least one for each threat."""

import re

from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "security.md").read_text("utf-8")
THREATS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and "---" not in line][
    1:
]
NAMED = re.compile(r"`(test_\w+)`")


def _defined() -> set[str]:
    texts = (file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"def (test_\w+)\(", text)}


def test_every_threat_is_covered_by_a_test_that_exists() -> None:
    defined = _defined()

    assert len(THREATS) > 15
    for threat in THREATS:
        names = NAMED.findall(threat)
        assert names, f"no test for: {threat}"
        assert set(names) <= defined, f"{set(names) - defined} does not exist"
