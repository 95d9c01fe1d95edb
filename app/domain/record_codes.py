"""What coded problems, medicines and the birth date say, as facts about inputs.

Problem-list codes act as ``red-flag-codes.csv`` says and nothing else does: by exact code or by
category, within a time from their onset, current or also as history.
"""

from collections.abc import Iterator
from datetime import datetime

from app.domain.content import Choice, Content, RecordCode
from app.domain.facts import CodedCondition, CodedMedicine, Fact, Record, SaidBy
from app.domain.period import age_in_years

CANCER_HISTORY = "cancer-history"
CANCER_RECENT = "cancer-within-5-years"
BIRTH_DATE = "birth-date"
AGE = "age-years"


def facts_of_record(record: Record, content: Content, as_of: datetime) -> list[Fact]:
    """Every fact of the record: those stated, and those its codes stand for."""
    facts = list(record.facts)
    for fact in record.facts:
        if fact.input == BIRTH_DATE and isinstance(fact.value, datetime):
            years = age_in_years(fact.value, as_of)
            facts.append(Fact(AGE, years, as_of, SaidBy.CLINICIAN, fact.source))
    for condition in record.conditions:
        facts.extend(_of_condition(condition, content, as_of))
    for medicine in record.medicines:
        facts.extend(_of_medicine(medicine, content, as_of))
    if record.complete:
        facts.extend(_not_listed(facts, record.complete, content, as_of))
    return facts


def _not_listed(
    facts: list[Fact], complete: frozenset[str], content: Content, as_of: datetime
) -> list[Fact]:
    """What would stand on a list that is known to be complete, and does not, is not there."""
    said = {fact.input for fact in facts}
    return [
        Fact(name, False, as_of, SaidBy.CLINICIAN, f"{known.listed_in} (complete list)")  # noqa: FBT003
        for name, known in content.inputs.items()
        if known.listed_in in complete and name not in said
    ]


def acting_codes(system: str, code: str, content: Content) -> Iterator[RecordCode]:
    """The rows that a code acts by: its own, and those of the categories it belongs to."""
    yield from content.record_codes.get((system, code), ())
    for row in content.record_prefixes.get(system, ()):
        if code.startswith(row.code.removesuffix("*")):
            yield row


def _of_condition(condition: CodedCondition, content: Content, as_of: datetime) -> Iterator[Fact]:
    for system, code in condition.system_codes:
        for row in acting_codes(system, code, content):
            if not _acts(row, condition, as_of):
                continue
            at = _holds_from(row, condition, content, as_of)
            yield Fact(row.acts_as, row.value, at, SaidBy.CLINICIAN, condition.source)
            if row.acts_as == CANCER_HISTORY:
                yield from _recent_cancer(condition, content, as_of)


def _acts(row: RecordCode, condition: CodedCondition, as_of: datetime) -> bool:
    if not condition.current and not row.history:
        return False
    if row.within is None:
        return True
    if condition.onset is None:
        return row.undated
    return condition.onset >= row.within.earliest(as_of)


def _holds_from(
    row: RecordCode, condition: CodedCondition, content: Content, as_of: datetime
) -> datetime:
    """A positive of the gate is as old as its onset; any other current entry holds now."""
    choice = content.inputs[row.acts_as].choice
    if choice is Choice.LATEST and condition.current:
        return as_of
    return condition.onset or condition.at


def _recent_cancer(condition: CodedCondition, content: Content, as_of: datetime) -> Iterator[Fact]:
    """Whether the cancer was there recently (the input's ``known_for``); silent without a date."""
    period = content.inputs[CANCER_RECENT].known_for
    if period is None:
        return
    dates = [d for d in (condition.onset, condition.abated) if d is not None]
    if not dates:
        return
    recent = max(dates) >= period.earliest(as_of)
    yield Fact(CANCER_RECENT, recent, max(dates), SaidBy.CLINICIAN, condition.source)


def _of_medicine(medicine: CodedMedicine, content: Content, as_of: datetime) -> Iterator[Fact]:
    if not medicine.current:
        return
    for system, code in medicine.system_codes:
        exact = content.medicine_codes.get((system, code), ())
        by_class = (
            row
            for (row_system, pattern), rows in content.medicine_codes.items()
            if row_system == system and pattern.endswith("*") and code.startswith(pattern[:-1])
            for row in rows
        )
        for row in (*exact, *by_class):
            yield Fact(row.acts_as, row.value, as_of, SaidBy.CLINICIAN, medicine.source)
