"""Compile records for the engine: names become slots, texts become numbers and periods."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.domain.content import Content
from app.domain.content_parts import (
    Citation,
    Flag,
    Input,
    Placement,
    Reading,
    RecordCode,
    Rule,
    Stance,
)
from app.domain.period import Period
from app.domain.tables import laid_out
from app.knowledge.errors import Fault
from app.knowledge.files import digest
from app.knowledge.instrument_compiling import instruments_of
from app.knowledge.medicine_tables import (
    ingredients,
    medicine_codes,
    medicine_names,
    opioid_factors,
)
from app.knowledge.order_compiling import order_knowledge
from app.knowledge.plan_compiling import drivers_of, goals_of, intervention_of, placements_of
from app.knowledge.rule_compiling import (
    answers_to,
    effects_of,
    findings_of,
    input_of,
    period_of,
    rules_of,
)
from app.knowledge.slots import Slots
from app.knowledge.source import Source

ABOUT_ORDERS = "O"
SNOMED = "http://snomed.info/sct"
# What a row of record-codes.csv says of its input; any other word is a code of the input's own.
VALUES: Mapping[str, bool | None] = {"true": True, "false": False, "open": None}
_RowsByCode = dict[tuple[str, str], tuple[RecordCode, ...]]


def compile_content(source: Source, files: Mapping[str, str]) -> Content:
    """Build the Content; faults met on the way are added to ``source.faults``."""
    manifest = source.manifest
    assert manifest is not None  # noqa: S101  (the caller stops before when it is missing)
    displays = {(c["system"], c["code"]): c["display"] for c in source.codes}
    history = {row["acts_as"] for row in source.record_codes if row["history"] == "yes"}
    inputs = {
        name: replace(input_of(name, record, source), counts_history=name in history)
        for name, record in source.inputs.items()
    }
    findings = findings_of(source, inputs)
    slots = Slots()
    for finding in findings.values():
        slots.read(finding, "")
    rules = tuple(rules_of(source, findings, slots))
    readings = {name: tuple(found) for name, found in slots.readings.items()}
    exact, prefixes = _record_codes(source.record_codes)
    names = medicine_names(source.medicine_names)
    asked = sorted((i for i in inputs.values() if i.ask_order), key=lambda i: i.ask_order)
    placements = tuple(placements_of(source, slots))
    _note_what_dangles(source, slots)
    stances = tuple(Stance(**row) for row in source.stances)
    what_if = {i.name: answers_to(i, readings.get(i.name, ())) for i in asked}
    safety_rules, drivers = _safety_rules(rules), drivers_of(source, slots)
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
            id_: intervention_of(id_, record, displays, slots)
            for id_, record in source.interventions.items()
        },
        placements=placements,
        stances=stances,
        goals=goals_of(source, displays, slots),
        instruments=instruments_of(source, displays),
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
        shown_by=_shown_by(inputs),
        placements_of=_placements_of(placements),
        stances_on=_stances_on(stances),
        effects={name: effects_of(answers) for name, answers in what_if.items()},
        safety_rules=safety_rules,
        safety_slots={
            activity: tuple(rule.slot for _, of_number in numbers for rule in of_number)
            for activity, numbers in safety_rules.items()
        },
        driver_by_rule={rule: d.label for d in drivers.values() for _, rule in d.levels},
        not_read=_not_read(source),
        tells_all=manifest.tells_all,
        asks_of_each_part=manifest.asks_of_each_part,
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


def _shown_by(inputs: Mapping[str, Input]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, about in inputs.items():
        if about.shown_by:
            found[about.shown_by] = (*found.get(about.shown_by, ()), name)
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
            within=period_of(row["within"]),
            undated=row["undated"] != "no",
            history=row["history"] == "yes",
        )
        rows_by_code = prefixes if code.code.endswith("*") else exact
        key = (code.system, code.code.removesuffix("*"))
        rows_by_code[key] = (*rows_by_code.get(key, ()), code)
    return exact, prefixes


def _note_what_dangles(source: Source, slots: Slots) -> None:
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
