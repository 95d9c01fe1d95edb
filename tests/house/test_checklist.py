"""The checklist of CDS Hooks names every requirement once, and only tests that are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKLIST = ROOT / "docs" / "cds-hooks-checklist.md"
ROW = re.compile(r"^\| (CH-\d\d) \| (.+?) \| (.+) \|$", re.MULTILINE)


def names_of_tests() -> set[str]:
    """The names of all test functions that assert something."""
    found: set[str] = set()
    for file in ROOT.glob("tests/**/test_*.py"):
        if "node_modules" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("test_") and _asserts(node):
                found.add(node.name)
    return found


def _asserts(test: ast.AST) -> bool:
    """By an ``assert``, or by a call that fails where it does not hold."""
    fail = {"refused", "raises", "validate", "why_not", "refuses"}
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = name or (node.func.id if isinstance(node.func, ast.Name) else "")
            if name in fail:
                return True
    return False


def test_every_requirement_has_its_line_and_every_test_is_there() -> None:
    rows = ROW.findall(CHECKLIST.read_text("utf-8"))
    there = names_of_tests()

    assert [row[0] for row in rows] == [f"CH-{number:02}" for number in range(1, 65)]
    for id_, _, named in rows:
        tests = re.findall(r"`(test_\w+)`", named)
        assert tests, id_
        assert not set(tests) - there, (id_, set(tests) - there)
