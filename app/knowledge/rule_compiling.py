"""Inputs, findings and rules, compiled; and what an answer to an input would settle."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from app.domain.content_parts import AtLeast, Choice, Finding, Input, Reading, Rule, Test, ValueType
from app.domain.content_tables import Effect, WhatIf
from app.domain.facts import FactValue
from app.domain.period import Period
from app.domain.standing import compare
from app.domain.truth import Truth
from app.knowledge.errors import Fault
from app.knowledge.records import FindingRecord, InputRecord, RuleRecord, TestRecord
from app.knowledge.slots import Slots
from app.knowledge.source import Source


def input_of(name: str, record: InputRecord, source: Source) -> Input:
    """One input; a type or choice that does not exist is a fault."""
    try:
        value_type, choice = ValueType(record.type), Choice(record.choice)
    except ValueError as error:
        source.faults.append(Fault(source.origin[f"input {name}"], name, str(error)))
        value_type, choice = ValueType.TEXT, Choice.LATEST
    return Input(
        name=name,
        label=record.label,
        value_type=value_type,
        asked_of=record.asked_of,
        choice=choice,
        ask=record.ask,
        ask_order=record.ask_order,
        choices=tuple(record.choices),
        low=decimal_of(record.low),
        high=decimal_of(record.high),
        unit=record.unit,
        molar_mass=decimal_of(record.molar_mass),
        codings=tuple((coding[0], coding[1]) for coding in record.codings),
        repeats=record.repeats,
        known_for=period_of(record.known_for),
        grows=record.grows,
        lasting=record.lasting,
        gate_question=record.gate_question,
        answered_by=record.answered_by,
        listed_in=record.listed_in,
        only_if_understood=record.only_if_understood,
        alone=record.alone,
        stopped=record.stopped,
        stopped_within=period_of(record.stopped_within),
        shown_by=record.shown_by,
        shown_after=period_of(record.shown_after),
        counts=tuple(record.counts),
        allergy_to=tuple(record.allergy_to),
        short=record.short,
        mirrors=record.mirrors,
        ingredient=record.ingredient,
        is_kind=record.is_kind,
        part_of=record.part_of,
        value_set=record.value_set,
        ordered_as=frozenset(record.ordered_as),
        not_coded_in=frozenset(record.not_coded_in),
        members=record.members,
    )


def findings_of(source: Source, inputs: Mapping[str, Input]) -> dict[str, Finding]:
    """A boolean input is a finding of its own name; the others are written out."""
    findings = {
        name: Finding(name, known.label, name, Test(is_value=True))
        for name, known in inputs.items()
        if known.value_type is ValueType.BOOLEAN
    }
    for name, record in source.findings.items():
        if record.from_ not in inputs:
            place = source.origin[f"finding {name}"]
            source.faults.append(Fault(place, name, f"reads {record.from_}, which is no input"))
            continue
        if name in findings:
            place = source.origin[f"finding {name}"]
            source.faults.append(Fault(place, name, "is the finding of an input already"))
            continue
        findings[name] = _finding(name, record)
    return findings


def _finding(name: str, record: FindingRecord) -> Finding:
    return Finding(
        name=name,
        label=record.label,
        input=record.from_,
        test=_test(record.true_when),
        within=period_of(record.within),
        older_than=period_of(record.older_than),
        said_by=record.said_by,
        earlier=record.earlier,
        evidence=tuple(record.evidence),
    )


def _test(record: TestRecord) -> Test:
    return Test(
        is_value=record.is_,
        any_code=frozenset(record.any_code),
        at_least=decimal_of(record.at_least),
        at_most=decimal_of(record.at_most),
        below=decimal_of(record.below),
        above=decimal_of(record.above),
    )


def rules_of(source: Source, findings: Mapping[str, Finding], slots: Slots) -> Sequence[Rule]:
    """Every rule in its order, each with a slot; what it names stands before it."""
    rules: list[Rule] = []
    flag_of: dict[str, str] = {}
    for record in source.rules:
        rules.append(_rule(record, source, findings, slots, flag_of))
        flag_of[record.id] = record.flag
    return rules


def _rule(
    record: RuleRecord,
    source: Source,
    findings: Mapping[str, Finding],
    slots: Slots,
    flag_of: Mapping[str, str],
) -> Rule:
    place = source.origin[f"RuleRecord {record.id}"]

    def operands(names: Sequence[str]) -> tuple[int, ...]:
        return tuple(s for s in (operand(name) for name in names) if s is not None)

    def operand(name: str) -> int | None:
        if name in findings:
            # What a newer finding stands on is read as it is known, whatever was assessed since.
            return slots.read(findings[name], "" if record.ground else record.flag)
        if name not in flag_of:
            fault = f"uses {name}, which is neither a finding nor a rule above"
            source.faults.append(Fault(place, record.id, fault))
            return None
        if record.flag and flag_of[name] not in ("", record.flag):
            fault = f"uses {name}, a rule of another flag ({flag_of[name]})"
            source.faults.append(Fault(place, record.id, fault))
        return slots.by_name[name]

    at_least = None
    if record.at_least is not None:
        at_least = AtLeast(record.at_least.n, operands(record.at_least.of))
    parts = {
        "all_of": operands(record.all_of),
        "any_of": operands(record.any_of),
        "none_of": operands(record.none_of),
        "open_of": operands(record.open_of),
    }
    if record.id in slots.by_name:
        source.faults.append(Fault(place, record.id, "this name is taken"))
    return Rule(
        id=record.id,
        slot=slots.add(record.id),
        label=record.label,
        stage=record.stage,
        status=record.status,
        why=record.why,
        evidence=tuple(record.evidence),
        at_least=at_least,
        flag=record.flag,
        level=record.level,
        mechanism=record.mechanism,
        grade=record.grade,
        settled=record.settled,
        concludes=record.concludes,
        safety=record.safety,
        result=record.result,
        concerns=_concerned(record.concerns, source),
        instead=tuple(record.instead),
        **parts,
    )


def _concerned(names: Sequence[str], source: Source) -> tuple[str, ...]:
    """Activities by id, or every one of a family."""
    found: dict[str, None] = {}
    for name in names:
        members = [i for i, item in source.interventions.items() if item.family == name]
        found.update(dict.fromkeys(members or [name]))
    return tuple(found)


def answers_to(known: Input, readings: Sequence[Reading]) -> tuple[WhatIf, ...]:
    """What each possible answer, given now by whom it is asked of, would make of each slot."""
    said_by = "clinician" if known.asked_of == "clinician" else "patient"
    found = []
    for answer in _possible_answers(known, readings):
        makes: dict[Truth, list[int]] = {Truth.TRUE: [], Truth.FALSE: [], Truth.UNKNOWN: []}
        for reading in readings:
            makes[_answered_now(reading.finding, answer, said_by)].append(reading.slot)
        found.append(WhatIf(answer, tuple(makes[Truth.TRUE]), tuple(makes[Truth.FALSE])))
    return tuple(found)


def effects_of(answers: Sequence[WhatIf]) -> tuple[Effect, ...]:
    """The same answers by slot."""
    makes_true: dict[int, int] = {}
    makes_false: dict[int, int] = {}
    for number, answer in enumerate(answers):
        for made, slots in ((makes_true, answer.makes_true), (makes_false, answer.makes_false)):
            for slot in slots:
                made[slot] = made.get(slot, 0) | 1 << number
    return tuple(
        Effect(slot, makes_true.get(slot, 0), makes_false.get(slot, 0))
        for slot in sorted(makes_true.keys() | makes_false.keys())
    )


def _answered_now(finding: Finding, answer: FactValue, said_by: str) -> Truth:
    if finding.earlier or (finding.said_by and finding.said_by != said_by):
        return Truth.FALSE
    truth = compare(finding.test, answer)
    if truth is Truth.TRUE and finding.older_than is not None:
        return Truth.FALSE
    return truth


def _possible_answers(known: Input, readings: Sequence[Reading]) -> list[bool | str | int]:
    """Both, each choice, or one number for every side of every threshold."""
    match known.value_type:
        case ValueType.BOOLEAN:
            return [True, False]
        case ValueType.CODE:
            return [code for code, _ in known.choices]
        case ValueType.INTEGER | ValueType.DECIMAL:
            return _either_side(known, readings)
        case ValueType.TEXT | ValueType.DATE:
            return []


def _either_side(known: Input, readings: Sequence[Reading]) -> list[bool | str | int]:
    edges: set[int] = set()
    for reading in readings:
        test = reading.finding.test
        for limit in (test.at_least, test.below):
            if limit is not None:
                edges |= {int(limit) - 1, int(limit)}
        for limit in (test.at_most, test.above):
            if limit is not None:
                edges |= {int(limit), int(limit) + 1}
    low = known.low if known.low is not None else Decimal(0)
    return sorted(e for e in edges if e >= low and (known.high is None or e <= known.high))


def decimal_of(number: float | None) -> Decimal | None:
    """Exactly the number that was written."""
    return None if number is None else Decimal(str(number))


def period_of(text: str) -> Period | None:
    """None for an empty text."""
    return Period.parse(text) if text else None
