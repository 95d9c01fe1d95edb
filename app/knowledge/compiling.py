"""Compile records for the engine: names become slots, texts become numbers and periods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import msgspec

from app.domain.content import (
    Answer,
    AtLeast,
    Choice,
    Citation,
    Coding,
    Content,
    Dose,
    Driver,
    Effect,
    Finding,
    Flag,
    GoalMeasure,
    GoalTemplate,
    Input,
    Instrument,
    Intervention,
    Item,
    Placement,
    Reading,
    RecordCode,
    Rule,
    Stance,
    Test,
    ValueType,
    WhatIf,
)
from app.domain.facts import FactValue
from app.domain.period import Period
from app.domain.standing import compare
from app.domain.tables import laid_out
from app.domain.truth import Truth
from app.knowledge.errors import Fault
from app.knowledge.files import digest
from app.knowledge.medicine_tables import (
    ingredients,
    medicine_codes,
    medicine_names,
    opioid_factors,
)
from app.knowledge.order_compiling import order_knowledge
from app.knowledge.records import (
    FindingRecord,
    InputRecord,
    InstrumentRecord,
    InterventionRecord,
    ItemRecord,
    RuleRecord,
    TestRecord,
)
from app.knowledge.source import Source

ABOUT_ORDERS = "O"
SNOMED = "http://snomed.info/sct"
# What a row of record-codes.csv says of its input; any other word is a code of the input's own.
VALUES: Mapping[str, bool | None] = {"true": True, "false": False, "open": None}
_RowsByCode = dict[tuple[str, str], tuple[RecordCode, ...]]
Displays = Mapping[tuple[str, str], str]


@dataclass(slots=True)
class _Slots:
    """The positions given out so far, in the order in which names are defined."""

    names: list[str] = field(default_factory=list)
    by_name: dict[str, int] = field(default_factory=dict)
    readings: dict[str, list[Reading]] = field(default_factory=dict)

    def add(self, name: str) -> int:
        slot = len(self.names)
        self.names.append(name)
        self.by_name[name] = slot
        return slot

    def read(self, finding: Finding, flag: str) -> int:
        name = f"{finding.name}@{flag}" if flag else finding.name
        slot = self.by_name.get(name)
        if slot is None:
            slot = self.add(name)
            self.readings.setdefault(finding.input, []).append(Reading(slot, finding, flag))
        return slot


def compile_content(source: Source, files: Mapping[str, str]) -> Content:
    """Build the Content; faults met on the way are added to ``source.faults``."""
    manifest = source.manifest
    assert manifest is not None  # noqa: S101  (the caller stops before when it is missing)
    displays = {(c["system"], c["code"]): c["display"] for c in source.codes}
    history = {row["acts_as"] for row in source.record_codes if row["history"] == "yes"}
    inputs = {
        name: replace(_input(name, record, source), counts_history=name in history)
        for name, record in source.inputs.items()
    }
    findings = _findings(source, inputs)
    slots = _Slots()
    for finding in findings.values():
        slots.read(finding, "")
    rules = tuple(_rules(source, findings, slots))
    readings = {name: tuple(found) for name, found in slots.readings.items()}
    exact, prefixes = _record_codes(source.record_codes)
    names = medicine_names(source.medicine_names)
    asked = sorted((i for i in inputs.values() if i.ask_order), key=lambda i: i.ask_order)
    placements = tuple(_placements(source, slots))
    _note_what_dangles(source, slots)
    stances = tuple(Stance(**row) for row in source.stances)
    what_if = {i.name: _what_if(i, readings.get(i.name, ())) for i in asked}
    safety_rules, drivers = _safety_rules(rules), _drivers(source, slots)
    content = Content(
        version=manifest.version,
        digest=digest(files),
        released_on=manifest.released_on,
        intended_use=manifest.intended_use,
        signed=bool(manifest.reviewers),
        inputs=inputs,
        findings=findings,
        slot_names=tuple(slots.names),
        readings=readings,
        rules=rules,
        rule_by_id={rule.id: rule for rule in rules},
        rule_by_slot={rule.slot: rule for rule in rules},
        what_if=what_if,
        ask_order=tuple(i.name for i in asked),
        flags=tuple(
            Flag(id_, f.label, tuple(f.screen), tuple(f.removes)) for id_, f in source.flags.items()
        ),
        drivers=drivers,
        record_codes=exact,
        record_prefixes=prefixes,
        medicine_codes=medicine_codes(source.medicine_codes),
        medicine_names=names,
        ingredients=ingredients(source.codes, names),
        opioid_factors=opioid_factors(source),
        clinical_drugs={},
        known_conditions=frozenset(k for k in (*displays, *exact) if k[0] == SNOMED),
        citations={
            id_: Citation(id_, c.reference, c.claim, c.number, c.mark, c.grade)
            for id_, c in source.citations.items()
        },
        interventions={
            id_: _intervention(id_, record, displays, slots)
            for id_, record in source.interventions.items()
        },
        placements=placements,
        stances=stances,
        goals=_goals(source, displays, slots),
        instruments=_instruments(source, displays),
        texts={key: record.en for key, record in source.texts.items()},
        review_after=tuple(Period.parse(p) for p in manifest.review_after),
        review_after_drug=Period.parse(manifest.review_after_drug),
        cap=manifest.cap,
        cap_mild=manifest.cap_mild,
        files=dict(files),
        conclusions=tuple(rule for rule in rules if rule.concludes),
        gate_rules=tuple(rule for rule in rules if rule.level),
        grade_rules=_grade_rules(rules),
        home_flags=_home_flags(source),
        screens={id_: _screen(f.screen, readings) for id_, f in source.flags.items()},
        counting=_counting(inputs),
        after_stopping=tuple(name for name, about in inputs.items() if about.stopped),
        placements_of=_placements_of(placements),
        stances_on=_stances_on(stances),
        effects={name: _effects(answers) for name, answers in what_if.items()},
        safety_rules=safety_rules,
        safety_slots={
            activity: tuple(rule.slot for _, of_number in numbers for rule in of_number)
            for activity, numbers in safety_rules.items()
        },
        driver_by_rule={rule: d.label for d in drivers.values() for _, rule in d.levels},
        not_read=_not_read(source),
        tells_all=manifest.tells_all,
        plan_rules=tuple(rule for rule in rules if rule.stage != ABOUT_ORDERS),
        orders=order_knowledge(source, inputs, slots.by_name),
    )
    return laid_out(content)


def _grade_rules(rules: Sequence[Rule]) -> dict[str, dict[str, Rule]]:
    found: dict[str, dict[str, Rule]] = {}
    for rule in rules:
        if rule.mechanism:
            found.setdefault(rule.mechanism, {})[rule.grade] = rule
    return found


def _safety_rules(
    rules: Sequence[Rule],
) -> dict[str, tuple[tuple[str, tuple[Rule, ...]], ...]]:
    found: dict[str, dict[str, tuple[Rule, ...]]] = {}
    for rule in rules:
        if rule.safety:
            for activity in rule.concerns or ("",):
                numbers = found.setdefault(activity, {})
                numbers[rule.safety] = (*numbers.get(rule.safety, ()), rule)
    return {activity: tuple(sorted(numbers.items())) for activity, numbers in found.items()}


def _counting(inputs: Mapping[str, Input]) -> dict[str, tuple[str, ...]]:
    """The inputs that count, by the list on which what they count would stand."""
    found: dict[str, tuple[str, ...]] = {}
    for name, about in inputs.items():
        for list_ in {inputs[c].listed_in for c in about.counts if c in inputs}:
            found[list_] = (*found.get(list_, ()), name)
    return found


def _home_flags(source: Source) -> dict[str, tuple[str, ...]]:
    homes: dict[str, tuple[str, ...]] = {}
    for id_, flag in source.flags.items():
        for name in flag.screen:
            homes[name] = (*homes.get(name, ()), id_)
    return homes


def _placements_of(placements: Sequence[Placement]) -> dict[str, tuple[Placement, ...]]:
    found: dict[str, tuple[Placement, ...]] = {}
    for placement in placements:
        found[placement.activity] = (*found.get(placement.activity, ()), placement)
    return found


def _stances_on(stances: Sequence[Stance]) -> dict[tuple[str, str], tuple[Stance, ...]]:
    found: dict[tuple[str, str], tuple[Stance, ...]] = {}
    for stance in stances:
        key = (stance.profile, stance.intervention)
        found[key] = (*found.get(key, ()), stance)
    return found


def _screen(names: Sequence[str], readings: Mapping[str, Sequence[Reading]]) -> tuple[int, ...]:
    """One slot for each question that a flag is screened by: what is read outside of flags."""
    plain = ([r.slot for r in readings.get(name, ()) if not r.flag] for name in names)
    return tuple(slots[0] for slots in plain if slots)


def _drivers(source: Source, slots: _Slots) -> dict[str, Driver]:
    found: dict[str, Driver] = {}
    for id_, record in source.drivers.items():
        place = source.origin[f"driver {id_}"]
        named = [*record.levels.values(), *(n for measure in record.measures for n in measure)]
        missing = [name for name in named if name not in slots.by_name]
        for name in missing:
            fault = f"names {name}, which is neither a finding nor a rule"
            source.faults.append(Fault(place, id_, fault))
        if missing:
            continue
        found[id_] = Driver(
            id=id_,
            label=record.label,
            levels=tuple(sorted(((int(k), v) for k, v in record.levels.items()), reverse=True)),
            measures=tuple(tuple(slots.by_name[n] for n in m) for m in record.measures),
            counts_from=record.counts_from,
            modifiability=record.modifiability,
        )
    return found


def _input(name: str, record: InputRecord, source: Source) -> Input:
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
        low=_decimal(record.low),
        high=_decimal(record.high),
        unit=record.unit,
        molar_mass=_decimal(record.molar_mass),
        codings=tuple((coding[0], coding[1]) for coding in record.codings),
        repeats=record.repeats,
        known_for=_period(record.known_for),
        grows=record.grows,
        lasting=record.lasting,
        gate_question=record.gate_question,
        answered_by=record.answered_by,
        listed_in=record.listed_in,
        only_if_understood=record.only_if_understood,
        stopped=record.stopped,
        stopped_within=_period(record.stopped_within),
        counts=tuple(record.counts),
        allergy_to=tuple(record.allergy_to),
        short=record.short,
        mirrors=record.mirrors,
        is_kind=record.is_kind,
        part_of=record.part_of,
        value_set=record.value_set,
        ordered_as=frozenset(record.ordered_as),
        not_coded_in=frozenset(record.not_coded_in),
        members=record.members,
    )


def _findings(source: Source, inputs: Mapping[str, Input]) -> dict[str, Finding]:
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
        within=_period(record.within),
        older_than=_period(record.older_than),
        said_by=record.said_by,
        earlier=record.earlier,
        evidence=tuple(record.evidence),
    )


def _test(record: TestRecord) -> Test:
    return Test(
        is_value=record.is_,
        any_code=frozenset(record.any_code),
        at_least=_decimal(record.at_least),
        at_most=_decimal(record.at_most),
        below=_decimal(record.below),
        above=_decimal(record.above),
    )


def _rules(source: Source, findings: Mapping[str, Finding], slots: _Slots) -> Sequence[Rule]:
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
    slots: _Slots,
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


def _what_if(known: Input, readings: Sequence[Reading]) -> tuple[WhatIf, ...]:
    """What each possible answer, given now by whom it is asked of, would make of each slot."""
    said_by = "clinician" if known.asked_of == "clinician" else "patient"
    found = []
    for answer in _possible_answers(known, readings):
        makes: dict[Truth, list[int]] = {Truth.TRUE: [], Truth.FALSE: [], Truth.UNKNOWN: []}
        for reading in readings:
            makes[_answered_now(reading.finding, answer, said_by)].append(reading.slot)
        found.append(WhatIf(answer, tuple(makes[Truth.TRUE]), tuple(makes[Truth.FALSE])))
    return tuple(found)


def _effects(answers: Sequence[WhatIf]) -> tuple[Effect, ...]:
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


def _record_codes(
    rows: Sequence[Mapping[str, str]],
) -> tuple[_RowsByCode, _RowsByCode]:
    """The rows by system and code, and those of categories by what their codes begin with."""
    exact: _RowsByCode = {}
    prefixes: _RowsByCode = {}
    for row in rows:
        code = RecordCode(
            system=row["system"],
            code=row["code"],
            acts_as=row["acts_as"],
            value=VALUES.get(row["value"], row["value"]),
            within=_period(row["within"]),
            undated=row["undated"] != "no",
            history=row["history"] == "yes",
        )
        rows_by_code = prefixes if code.code.endswith("*") else exact
        key = (code.system, code.code.removesuffix("*"))
        rows_by_code[key] = (*rows_by_code.get(key, ()), code)
    return exact, prefixes


def _intervention(
    id_: str, record: InterventionRecord, displays: Displays, slots: _Slots
) -> Intervention:
    dose = record.dose
    return Intervention(
        id=id_,
        label=record.label,
        kind=record.kind,
        stage=record.stage,
        family=record.family,
        text=record.text,
        evidence=tuple(record.evidence),
        codings=tuple(_coding(pair, displays) for pair in record.codings),
        products=tuple(_coding(pair, displays) for pair in record.products),
        dose=None
        if dose is None
        else Dose(dose.weeks, dose.frequency, dose.frequency_max, dose.period, dose.period_unit),
        goals=tuple(record.goals),
        catalogue=record.catalogue,
        counted=record.counted,
        why_not=record.why_not,
        texts_when=_texts_when(record.texts_when, slots),
        prohibits=tuple(record.prohibits),
        uncounted_by=tuple(record.uncounted_by),
        ordered_as=tuple((pair[0], pair[1]) for pair in record.ordered_as),
        leads_when=tuple(slots.by_name[n] for n in record.leads_when if n in slots.by_name),
        harm=record.harm,
        cost=record.cost,
        fits={} if record.fits is None else msgspec.structs.asdict(record.fits),
        dose_seen=record.dose_seen,
    )


def _note_what_dangles(source: Source, slots: _Slots) -> None:
    """What an intervention or a goal asks of the facts is a finding or a rule, its text there."""
    asked = {
        ("interventions", id_): (record.texts_when, record.leads_when)
        for id_, record in source.interventions.items()
    } | {
        ("goals", id_): (g.texts_when, [*g.when, *(n for m in g.measure for n in m.when)])
        for id_, g in source.goals.items()
    }
    for (place, id_), (texts, names) in asked.items():
        for name in (*(n for n, _ in texts), *names):
            if name not in slots.by_name:
                fault = f"names {name}, which is neither a finding nor a rule"
                source.faults.append(Fault(place, id_, fault))
        for _, key in texts:
            if key not in source.texts:
                source.faults.append(Fault(place, id_, f"names the text {key}, which is not there"))


def _not_read(source: Source) -> dict[str, tuple[str, ...]]:
    """Of each activity what no input tells, in words."""
    said: dict[str, tuple[str, ...]] = {}
    rules = {rule.id for rule in source.rules}
    for id_, gap in source.gaps.items():
        words = f"no verified input: {gap.label}. {gap.instead}"
        for item in gap.items:
            if item in source.interventions:
                said[item] = (*said.get(item, ()), words)
            elif item not in rules:
                fault = f"names {item}, which is neither an intervention nor a rule"
                source.faults.append(Fault("gaps.toml", id_, fault))
    return said


def _texts_when(pairs: Sequence[tuple[str, str]], slots: _Slots) -> tuple[tuple[int, str], ...]:
    return tuple((slots.by_name[name], key) for name, key in pairs if name in slots.by_name)


def _coding(written: Sequence[str], displays: Displays) -> Coding:
    """What is sent carries the display of codes.csv, whether or not one is written beside it."""
    system, code = written[0], written[1]
    return Coding(system, code, displays.get((system, code), ""))


def _placements(source: Source, slots: _Slots) -> Sequence[Placement]:
    placements = []
    for record in source.placements:
        named = (*record.when, *record.unless, *record.unless_open)
        missing = [n for n in named if n not in slots.by_name]
        for name in missing:
            fault = f"names {name}, which is neither a finding nor a rule"
            source.faults.append(Fault("placements.toml", record.activity, fault))
        if missing:
            continue
        placements.append(
            Placement(
                activity=record.activity,
                row=record.row,
                stage=record.stage,
                status=record.status,
                rule=record.rule,
                trigger=record.trigger,
                severity=tuple(record.severity),
                driver=record.driver,
                driver_from=record.driver_from,
                when=tuple(slots.by_name[n] for n in record.when),
                steps=tuple(record.steps),
                unless=tuple(slots.by_name[n] for n in record.unless),
                unless_open=tuple(slots.by_name[n] for n in record.unless_open),
            )
        )
    return placements


def _goals(source: Source, displays: Displays, slots: _Slots) -> dict[str, GoalTemplate]:
    return {
        id_: GoalTemplate(
            id=id_,
            label=record.label,
            due=_period(record.due),
            measures=tuple(
                GoalMeasure(
                    input=m.input,
                    label=m.label,
                    coding=_coding(m.coding, displays),
                    unit=m.unit,
                    absolute=_decimal(m.absolute),
                    fraction=Decimal(str(m.fraction)),
                    evidence=tuple(m.evidence),
                    reach=_decimal(m.reach),
                    no_more_than=_decimal(m.no_more_than),
                    is_higher_better=m.is_higher_better,
                    when=tuple(slots.by_name[n] for n in m.when if n in slots.by_name),
                )
                for m in record.measure
            ),
            own_words=record.own_words,
            when=tuple(slots.by_name[n] for n in record.when if n in slots.by_name),
            texts_when=_texts_when(record.texts_when, slots),
        )
        for id_, record in source.goals.items()
    }


def _instruments(source: Source, displays: Displays) -> dict[str, Instrument]:
    """An item has one text wherever it stands, so it is written once."""
    texts = {
        code: text for record in source.instruments.values() for code, text in record.texts.items()
    }
    return {
        id_: Instrument(
            id=id_,
            label=r.label,
            total=r.total,
            scoring=r.scoring,
            licence=r.licence,
            items={code: _item(code, r, texts, displays) for code in r.items},
            prorate=r.prorate,
            needs=r.needs,
            regions=tuple(tuple(areas) for areas in r.regions),
            part_of=r.part_of,
            panel=r.panel,
            questionnaire=r.questionnaire,
            description=r.description,
            stem=r.stem,
            notice=r.notice,
        )
        for id_, r in source.instruments.items()
    }


def _item(
    code: str, record: InstrumentRecord, texts: Mapping[str, str], displays: Displays
) -> Item:
    own = record.item.get(code, ItemRecord())
    answers = record.answers if own.answers is None else own.answers
    return Item(
        code=code,
        low=record.item_low if own.low is None else own.low,
        high=record.item_high if own.high is None else own.high,
        text=texts.get(code, ""),
        unit=own.unit or "{score}",
        becomes=record.item_inputs.get(code, ""),
        answers=tuple(
            Answer(a.system, a.code, a.display or displays.get((a.system, a.code), ""), a.points)
            for a in answers
        ),
        is_loinc=not record.own_codes,
    )


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def _period(text: str) -> Period | None:
    return Period.parse(text) if text else None
