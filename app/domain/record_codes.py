"""What coded problems, medicines and the birth date say, as facts about inputs.

Problem-list codes act as ``red-flag-codes.csv`` says and nothing else does: by exact code or by
category, within a time from their onset, current or also as history.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Choice, RecordCode
from app.domain.doubt import Doubts
from app.domain.facts import Bounds, CodedCondition, Fact, NotUsed, Record, SaidBy
from app.domain.measured import measured
from app.domain.medicine_list import MEDICINES, Entry, counted, entries, of_allergies, of_medicines
from app.domain.opioid_dose import opioid_dose, opioid_weeks
from app.domain.paracetamol_dose import paracetamol_dose
from app.domain.period import age_in_years

CANCER_HISTORY = "cancer-history"
CANCER_RECENT = "cancer-within-5-years"
CANCER_SEEKS_BONE = "cancer-seeks-bone"
BIRTH_DATE = "birth-date"
AGE = "age-years"
CONDITION = "Condition"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
AN_ICD_CODE = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
CATEGORY = 3
NOT_KNOWN = "a problem whose code is not known: it rules nothing out"


class Stated(NamedTuple):
    """Every fact of a record, and the entries that mean nothing to us."""

    facts: list[Fact]
    not_used: tuple[NotUsed, ...]


class Problems(NamedTuple):
    """What a record says apart from its lists of medicines and allergies, and what it leaves open.

    It may be read several times, with one list of medicines and with another.
    """

    facts: tuple[Fact, ...]
    doubts: Doubts


def facts_of_record(record: Record, content: Content, as_of: datetime) -> Stated:
    """Those stated, those that its codes stand for, and those worked out from them."""
    problems = problems_of(record, content, as_of)
    return with_lists(problems, record, entries(record, content), content, as_of)


def problems_of(record: Record, content: Content, as_of: datetime) -> Problems:
    """What is stated, the age, and what the codes of problems stand for."""
    facts = list(record.facts)
    for fact in record.facts:
        if fact.input == BIRTH_DATE and isinstance(fact.value, datetime):
            years = age_in_years(fact.value, as_of)
            facts.append(Fact(AGE, years, as_of, SaidBy.CLINICIAN, fact.source))
    doubts = Doubts()
    coded: list[Fact] = []
    for condition in record.conditions:
        coded.extend(_of_condition(condition, content, as_of, doubts))
        _doubt(condition, content, doubts)
    facts.extend(_settled_of_every_cancer(coded))
    facts.extend(_problems_counted(facts, content, as_of))
    return Problems(tuple(facts), doubts)


def with_lists(
    problems: Problems,
    record: Record,
    listed: Sequence[Entry],
    content: Content,
    as_of: datetime,
) -> Stated:
    """All facts of ``record``, its medicines as understood in ``listed``."""
    facts, doubts = list(problems.facts), problems.doubts.copy()
    if listed or record.allergies or MEDICINES in record.complete:
        facts.extend(_of_lists(record, listed, content, as_of, doubts))
    if record.complete:
        facts.extend(_not_listed(facts, record.complete, doubts, content, as_of))
    facts.extend(measured(facts, content, as_of))
    return Stated(facts, tuple(doubts.told))


def _of_lists(
    record: Record, listed: Sequence[Entry], content: Content, as_of: datetime, doubts: Doubts
) -> Iterator[Fact]:
    yield from of_medicines(listed, content, as_of, doubts)
    is_whole = MEDICINES in record.complete and MEDICINES not in doubts.lists
    yield from counted(listed, content, as_of, is_whole=is_whole)
    yield from opioid_dose(listed, content, as_of, doubts, is_whole=is_whole)
    yield from opioid_weeks(listed, content, as_of)
    yield from paracetamol_dose(listed, content, as_of, doubts, is_whole=is_whole)
    yield from of_allergies(record, content, as_of, doubts)


def _not_listed(
    facts: list[Fact],
    complete: frozenset[str],
    doubts: Doubts,
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
        and name not in doubts.inputs
        and not known.counts
        and not (known.only_if_understood and known.listed_in in doubts.lists)
    ]


def _doubt(condition: CodedCondition, content: Content, doubts: Doubts) -> None:
    """An entry without a code that we know keeps its list from ruling anything out.

    One no longer current does so for what counts as history only.
    """
    known = content.known_conditions
    if any(is_icd(*pair) or pair in known for pair in condition.system_codes):
        return
    doubts.tell(condition.source, NOT_KNOWN)
    if condition.current:
        doubts.lists.add(CONDITION)
    else:
        doubts.inputs |= {name for name, about in content.inputs.items() if about.counts_history}


def is_icd(system: str, code: str) -> bool:
    """Whether it is a code of ICD-10-CM, of which every category is known."""
    return system == ICD and AN_ICD_CODE.fullmatch(written(system, code)) is not None


def written(system: str, code: str) -> str:
    """An ICD-10-CM code with capitals and its dot, which some systems leave out."""
    if system != ICD:
        return code
    code = code.upper()
    return code if "." in code or len(code) <= CATEGORY else f"{code[:CATEGORY]}.{code[CATEGORY:]}"


def acting_codes(system: str, code: str, content: Content) -> Iterator[RecordCode]:
    """The rows that a code acts by: its own, and those of the categories it belongs to."""
    code = written(system, code)
    yield from content.record_codes.get((system, code), ())
    for length in range(1, len(code) + 1):
        yield from content.record_prefixes.get((system, code[:length]), ())


def _of_condition(
    condition: CodedCondition, content: Content, as_of: datetime, doubts: Doubts
) -> Iterator[Fact]:
    for system, code in condition.system_codes:
        for row in acting_codes(system, code, content):
            if not _acts(row, condition, as_of):
                continue
            if row.value is None:
                doubts.inputs.add(row.acts_as)
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


def _problems_counted(facts: Iterable[Fact], content: Content, as_of: datetime) -> Iterator[Fact]:
    """At least so many as stand on the list, where the answer given says fewer or none was given.

    Not every such problem has a code that we know, so the list never says that there are no more.
    """
    said = list(facts)
    present = [f for f in said if f.value is True]
    for name in content.counting.get(CONDITION, ()):
        about = content.inputs[name]
        there = {f.input: f.source for f in present if f.input in about.counts}
        if not there:
            continue
        answers = [f for f in said if f.input == name and isinstance(f.value, int)]
        answer = max(answers, key=lambda f: f.at).value if answers else 0
        if isinstance(answer, int) and len(there) > answer:
            bounds = Bounds(Decimal(len(there)), about.high or Decimal(len(there)))
            yield Fact(name, bounds, as_of, SaidBy.CLINICIAN, max(there.values()))


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
