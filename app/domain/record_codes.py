"""What coded problems, medicines and the birth date say, as facts about inputs.

Problem-list codes act as ``red-flag-codes.csv`` says and nothing else does: by exact code or by
category, within a time from their onset, current or also as history.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.domain.content import Choice, Content, RecordCode
from app.domain.facts import CodedCondition, Fact, NotUsed, Record, SaidBy
from app.domain.measured import measured
from app.domain.medicine_list import of_allergies, of_medicines
from app.domain.period import age_in_years

CANCER_HISTORY = "cancer-history"
CANCER_RECENT = "cancer-within-5-years"
CANCER_SEEKS_BONE = "cancer-seeks-bone"
BIRTH_DATE = "birth-date"
AGE = "age-years"
CONDITION = "Condition"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"


@dataclass(frozen=True, slots=True)
class Stated:
    """Every fact of a record, and the entries that mean nothing to us."""

    facts: list[Fact]
    not_used: tuple[NotUsed, ...]


def facts_of_record(record: Record, content: Content, as_of: datetime) -> Stated:
    """Those stated, those that its codes stand for, and those worked out from them."""
    facts = list(record.facts)
    for fact in record.facts:
        if fact.input == BIRTH_DATE and isinstance(fact.value, datetime):
            years = age_in_years(fact.value, as_of)
            facts.append(Fact(AGE, years, as_of, SaidBy.CLINICIAN, fact.source))
    coded = [f for c in record.conditions for f in _of_condition(c, content, as_of)]
    facts.extend(_settled_of_every_cancer(coded))
    not_understood: dict[str, list[NotUsed]] = {}
    facts.extend(of_medicines(record, content, as_of, not_understood))
    facts.extend(of_allergies(record, content, as_of, not_understood))
    if record.complete:
        unclear = {name for name, entries in not_understood.items() if entries}
        if any(_is_unclear(c, content) for c in record.conditions):
            unclear.add(CONDITION)
        facts.extend(_not_listed(facts, record.complete, unclear, content, as_of))
    facts.extend(measured(facts, content, as_of))
    return Stated(facts, tuple(n for entries in not_understood.values() for n in entries))


def _not_listed(
    facts: list[Fact],
    complete: frozenset[str],
    unclear: set[str],
    content: Content,
    as_of: datetime,
) -> list[Fact]:
    """What would stand on a list that is known to be complete, and does not, is not there.

    While an entry of the list is not understood it might be anything: then nothing is ruled out of
    the classes that need every entry understood.
    """
    said = {fact.input for fact in facts}
    return [
        Fact(name, False, as_of, SaidBy.CLINICIAN, f"{known.listed_in} (complete list)")  # noqa: FBT003
        for name, known in content.inputs.items()
        if known.listed_in in complete
        and name not in said
        and not (known.only_if_understood and known.listed_in in unclear)
    ]


def _is_unclear(condition: CodedCondition, content: Content) -> bool:
    """Current, without an ICD-10-CM code, and with no SNOMED code that we know."""
    if not condition.current:
        return False
    return not any(
        system == ICD or code in content.known_conditions for system, code in condition.system_codes
    )


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
            until = condition.onset_until if at == condition.onset else None
            source = condition.source
            yield Fact(row.acts_as, row.value, at, SaidBy.CLINICIAN, source, until=until)
            if row.acts_as == CANCER_HISTORY:
                yield from _recent_cancer(condition, content, as_of)


def _settled_of_every_cancer(coded: list[Fact]) -> Iterator[Fact]:
    """An old cancer, or one that spares bone, says nothing of another whose kind is not known.

    A patient's own "I had cancer" is taken to be about the coded one.
    """
    cancers = {f.source for f in coded if f.input == CANCER_HISTORY and f.value is True}
    for name in (CANCER_RECENT, CANCER_SEEKS_BONE):
        told = {f.source for f in coded if f.input == name}
        if cancers <= told:
            continue
        coded = [f for f in coded if f.input != name or f.value is True]
    yield from coded


def _acts(row: RecordCode, condition: CodedCondition, as_of: datetime) -> bool:
    if not condition.current and not row.history:
        return False
    if row.within is None:
        return True
    if condition.onset is None:
        return row.undated
    return (condition.onset_until or condition.onset) >= row.within.earliest(as_of)


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
    onset = condition.onset_until or condition.onset
    dates = [min(d, as_of) for d in (onset, condition.abated) if d is not None]
    if not dates:
        return
    recent = max(dates) >= period.earliest(as_of)
    yield Fact(CANCER_RECENT, recent, max(dates), SaidBy.CLINICIAN, condition.source)
