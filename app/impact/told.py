"""Whole patients that a clinician wrote down: TOML in the words of the rule cases.

``age``, ``given.<input>``, ``[[condition]]``, ``[[medicine]]`` and ``complete`` make the patient;
whatever else a file says (what must be in the plan, and why) is not for us.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from app.domain.content import Content, ValueType
from app.domain.facts import CodedCondition, CodedMedicine, Fact, FactValue, Record, SaidBy
from app.impact.population import AS_OF
from app.impact.report import Patient

TELLING = frozenset({"age", "given", "condition", "medicine"})
A_DAY = 1
Told = Mapping[str, Any]


def told_patients(folder: Path) -> list[Patient]:
    """Every patient of every TOML file; a file that tells of none gives none."""
    return [
        (f"{file.stem}{f'-{number}' if number > 1 else ''}", partial(_record, told))
        for file in sorted(folder.rglob("*.toml"))
        for number, told in enumerate(_told(file), start=1)
    ]


def _told(file: Path) -> list[Told]:
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    return [told for told in (document, *document.get("case", ())) if TELLING & told.keys()]


def _record(told: Told, content: Content) -> Record:
    """As this content reads it: an input that it does not have is left out."""
    conditions = [_condition(n, entry) for n, entry in enumerate(told.get("condition", ()))]
    medicines = [_medicine(n, entry) for n, entry in enumerate(told.get("medicine", ()))]
    return Record(
        facts=tuple(_facts(told, content)),
        conditions=tuple(conditions),
        medicines=tuple(medicines),
        complete=frozenset(told.get("complete", ())),
    )


def _facts(told: Told, content: Content) -> Iterator[Fact]:
    if "age" in told:
        born = AS_OF.replace(year=AS_OF.year - told["age"]) - timedelta(days=A_DAY)
        yield Fact("birth-date", born, AS_OF, SaidBy.CLINICIAN, "Patient/told")
    number = 0
    for name, given in told.get("given", {}).items():
        known = content.inputs.get(name)
        if known is None:
            continue
        by = "patient" if known.asked_of in ("patient", "either") else "clinician"
        for one in given if isinstance(given, list) else [given]:
            number += 1
            said = one if isinstance(one, dict) else {"value": one}
            yield Fact(
                name,
                _value(known.value_type, said["value"]),
                AS_OF - timedelta(days=said.get("days_ago", A_DAY)),
                SaidBy(said.get("said_by") or by),
                f"Observation/told-{number}",
            )


def _value(value_type: ValueType, value: FactValue) -> FactValue:
    if value_type is ValueType.DECIMAL and not isinstance(value, bool):
        return Decimal(str(value))
    return value


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
