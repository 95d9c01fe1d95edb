"""Whole patients that a clinician wrote down, a TOML file each (``tests/vignettes/patients``).

The table ``patient`` is read: ``age``, ``screened``, ``checked``, ``given``, ``condition``,
``medicine``, ``allergy`` and ``complete``. What a file expects of the plan is not for us.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import rtoml

from app.domain.content import Content
from app.domain.facts import (
    CodedAllergy,
    CodedCondition,
    CodedMedicine,
    Fact,
    FactValue,
    Record,
    SaidBy,
)
from app.impact.population import AS_OF, CHECKED, LISTS, as_said
from app.impact.report import Patient

PATIENT = "patient"
A_DAY = 1
Told = Mapping[str, Any]


def told_patients(folder: Path) -> list[Patient]:
    """Every patient of every TOML file; a file that tells of none gives none."""
    found = {
        file.stem: rtoml.loads(file.read_text(encoding="utf-8")).get(PATIENT)
        for file in sorted(folder.rglob("*.toml"))
    }
    return [(name, partial(_record, told)) for name, told in found.items() if told is not None]


def _record(told: Told, content: Content) -> Record:
    """As this content reads it: an input that it does not have is left out."""
    lists = LISTS if told.get("checked") else ()
    return Record(
        facts=tuple(_facts(told, content)),
        conditions=tuple(_condition(n, e) for n, e in enumerate(told.get("condition", ()))),
        medicines=tuple(_medicine(n, e) for n, e in enumerate(told.get("medicine", ()))),
        allergies=tuple(_allergy(n, text) for n, text in enumerate(told.get("allergy", ()))),
        complete=frozenset((*lists, *told.get("complete", ()))),
    )


def _facts(told: Told, content: Content) -> Iterator[Fact]:
    if "age" in told:
        born = AS_OF.replace(year=AS_OF.year - told["age"]) - timedelta(days=A_DAY)
        yield Fact("birth-date", born, AS_OF, SaidBy.CLINICIAN, "Patient/told")
    for number, (name, said) in enumerate(_said(told, content)):
        known = content.inputs.get(name)
        if known is None:
            continue
        by = "clinician" if known.asked_of in ("clinician", "record") else "patient"
        yield Fact(
            name,
            as_said(known, said["value"]),
            AS_OF - timedelta(days=said.get("days_ago", A_DAY)),
            SaidBy(said.get("said_by") or by),
            f"Observation/told-{number}",
        )


def _said(told: Told, content: Content) -> Iterator[tuple[str, Told]]:
    """What the file says, and what is usual of a patient who was screened or checked."""
    given = told.get("given", {})
    usual: dict[str, FactValue] = {}
    if told.get("screened"):
        usual |= {name: False for name, known in content.inputs.items() if known.gate_question}
    if told.get("checked"):
        usual |= CHECKED
    for name, value in {**usual, **given}.items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one if isinstance(one, dict) else {"value": one}


def _condition(number: int, entry: Told) -> CodedCondition:
    days = entry.get("onset_days_ago")
    onset = None if days is None else AS_OF - timedelta(days=days)
    return CodedCondition(
        system_codes=((entry["system"], entry["code"]),),
        current=entry.get("current", True),
        onset=onset,
        abated=None,
        at=onset or AS_OF,
        source=f"Condition/told-{number}",
    )


def _medicine(number: int, entry: Told) -> CodedMedicine:
    codes = ((entry["system"], entry["code"]),) if "code" in entry else ()
    source = f"MedicationRequest/told-{number}"
    current = entry.get("current", True)
    return CodedMedicine(codes, entry.get("text", ""), current, AS_OF, source)


def _allergy(number: int, text: str) -> CodedAllergy:
    source = f"AllergyIntolerance/told-{number}"
    return CodedAllergy((), text, is_to_medicine=True, at=AS_OF, source=source)
