"""Every rule has cases a clinician can read: one holds, one fails, one stays open."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.patients import Patient, knowledge, rule_truth

FOLDER = Path(__file__).parent / "cases"


def _cases() -> list[Any]:
    return [
        pytest.param(file.stem, case, id=f"{file.stem}: {case['name']}")
        for file in sorted(FOLDER.glob("*.toml"))
        for case in tomllib.loads(file.read_text())["case"]
    ]


def patient_of(case: dict[str, Any]) -> Patient:
    """The patient that a case describes."""
    patient = Patient()
    if "age" in case:
        patient.aged(case["age"])
    for name, given in case.get("given", {}).items():
        for one in given if isinstance(given, list) else [given]:
            if isinstance(one, dict):
                patient.with_(
                    name,
                    one["value"],
                    days_ago=one.get("days_ago", 1),
                    said_by=one.get("said_by"),
                )
            else:
                patient.with_(name, one)
    for entry in case.get("condition", []):
        patient.having(
            entry["system"],
            entry["code"],
            onset_days_ago=entry.get("onset_days_ago"),
            current=entry.get("current", True),
        )
    for entry in case.get("medicine", []):
        patient.taking(entry["system"], entry["code"])
    patient.complete(*case.get("complete", ()))
    return patient


@pytest.mark.parametrize(("rule", "case"), _cases())
def test_case(rule: str, case: dict[str, Any]) -> None:
    assert rule_truth(patient_of(case).decide(), rule).value == case["expect"]


def test_every_rule_has_its_cases() -> None:
    for rule in knowledge().rules:
        file = FOLDER / f"{rule.id}.toml"
        assert file.exists(), f"{rule.id} has no case file"
        written = tomllib.loads(file.read_text())
        outcomes = {case["expect"] for case in written["case"]}
        wanted = {"true", "false"} if written.get("two_valued") else {"true", "false", "unknown"}
        assert wanted <= outcomes, f"{rule.id} lacks a case that is {wanted - outcomes}"


def test_no_case_file_is_left_over() -> None:
    rules = {rule.id for rule in knowledge().rules}
    assert {file.stem for file in FOLDER.glob("*.toml")} <= rules
