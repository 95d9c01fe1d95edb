"""Whole patients as a clinician would tell them, each in a file; and what must hold of them all.

A file says the story, the facts in codes, and what must, must not or may only wait in the plan.
"""

import random
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.domain.content_parts import Rule
from app.domain.decision import Decision
from app.domain.facts import CodedCondition, CodedMedicine, Fact
from app.domain.gate import GateLevel
from app.domain.record_codes import acting_codes
from tests.patients import AS_OF, CHECKED, Patient, knowledge

FOLDER = Path(__file__).parent / "patients"
CONTENT = knowledge()
STANCE = {"RX-01", "RX-03", "RX-04", "RX-05", "AC-01", "IN-01"}
# Rows that answer to everything that is open, or to all options at once.
ABOUT_ALL = {"ASK-01", "ASK-02", "ASK-03"}
# What one row does to another one (section 6.5 and the burden cap), told as its reason.
COMPETING = (
    "when another activity is finished",
    "when the first programme is finished",
    "if the first did not help",
    "never without exercise",
    "in place of",
    "as preferred",
)
RANKS = [level.value for level in GateLevel]


@cache
def vignettes() -> dict[str, dict[str, Any]]:
    return {f.stem: tomllib.loads(f.read_text("utf-8")) for f in sorted(FOLDER.glob("*.toml"))}


NAMES = sorted(vignettes())


def patient_of(name: str) -> Patient:
    """The patient of one file."""
    told = vignettes()[name]["patient"]
    given = told.get("given", {})
    patient = Patient()
    if "age" in told:
        patient.aged(told["age"])
    for finding, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            patient.with_(finding, one)
    if told.get("screened"):
        questions = (n for n, known in CONTENT.inputs.items() if known.gate_question)
        _say(dict.fromkeys(questions, False), given, patient)
    if told.get("checked"):
        patient.complete("Condition", "MedicationRequest", "AllergyIntolerance")
        _say(CHECKED, given, patient)
    _list(told, patient)
    return patient.complete(*told.get("complete", ()))


def _say(usual: dict[str, Any], given: dict[str, Any], patient: Patient) -> None:
    """What is usual, where the file says nothing else."""
    for finding, value in usual.items():
        if finding not in given:
            patient.with_(finding, value)


def _list(told: dict[str, Any], patient: Patient) -> None:
    for entry in told.get("condition", ()):
        patient.having(
            entry["system"],
            entry["code"],
            onset_days_ago=entry.get("onset_days_ago"),
            current=entry.get("current", True),
        )
    for entry in told.get("medicine", ()):
        patient.taking(entry.get("system", ""), entry.get("code", ""), text=entry.get("text", ""))
    for text in told.get("allergy", ()):
        patient.allergic_to(text)


def profile_of(name: str) -> str:
    profile: str = vignettes()[name].get("profile", "who")
    return profile


def decide(name: str) -> Decision:
    return patient_of(name).decide(profile=profile_of(name))


def rows(decision: Decision) -> dict[str, str]:
    """Every activity with its status."""
    return {a.id: a.status for a in decision.plan.activities}


def test_there_are_patients_enough() -> None:
    assert len(NAMES) >= 40
    assert all(vignettes()[name]["why"] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_is_what_a_clinician_expects(name: str) -> None:
    expect = vignettes()[name]["expect"]
    decision = decide(name)
    found = rows(decision)
    ids = [a.id for a in decision.plan.activities]

    assert decision.gate.level.value == expect["gate"]
    if "mechanism" in expect:
        assert decision.phenotype.mechanism == expect["mechanism"]
    if "severity" in expect:
        assert decision.severity.value == expect["severity"]
    if "first" in expect:
        assert ids[0] == expect["first"]
    if "only" in expect:
        assert ids == expect["only"]
    for activity in expect.get("must", ()):
        assert found.get(activity) in ("proposed", "do-not"), activity
    for activity in expect.get("waits", ()):
        assert found.get(activity) == "next-step", activity
    for activity in expect.get("must_not", ()):
        assert activity not in found, activity
    grades = {g.driver: g.at_least for g in decision.drivers}
    for driver, level in expect.get("drivers", {}).items():
        assert grades[driver] == level, driver
    _follows(expect, decision)


def _follows(expect: dict[str, Any], decision: Decision) -> None:
    """What measures a goal, and what is said of an item of the catalogue."""
    measured = {g.id: g.measure.input for g in decision.plan.goals if g.measure is not None}
    assert measured.items() >= expect.get("goals", {}).items()
    catalogue = {p.id: p for p in decision.plan.catalogue}
    for activity, reason in expect.get("reasons", {}).items():
        assert any(reason in said for said in catalogue[activity].reasons), catalogue[activity]
    for activity, reason in expect.get("withheld", {}).items():
        assert catalogue[activity].status == "withheld", activity
        assert any(reason in said for said in catalogue[activity].reasons), catalogue[activity]


def test_every_driver_and_every_gate_level_has_its_patient() -> None:
    decisions = [decide(name) for name in NAMES]

    assert {d.gate.level for d in decisions} == set(GateLevel)
    acting = {g.driver for d in decisions for g in d.drivers if g.counts(CONTENT)}
    assert acting == set(CONTENT.drivers)
    mechanisms = {d.phenotype.mechanism for d in decisions}
    assert {"nociceptive", "neuropathic", "nociplastic", "mixed"} <= mechanisms


# What must hold of each of them, whoever they are


@pytest.mark.parametrize("name", NAMES)
def test_the_order_in_which_facts_come_changes_nothing(name: str) -> None:
    patient, shuffled = patient_of(name), patient_of(name)
    rng = random.Random(name)
    for entries in (shuffled.facts, shuffled.conditions, shuffled.medicines, shuffled.allergies):
        rng.shuffle(entries)

    profile = profile_of(name)
    assert shuffled.decide(profile=profile).plan == patient.decide(profile=profile).plan


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_twice_is_said_once(name: str) -> None:
    twice = patient_of(name)
    twice.facts += list(twice.facts)
    twice.conditions += list(twice.conditions)
    twice.medicines += list(twice.medicines)

    assert twice.decide(profile=profile_of(name)).plan == decide(name).plan


@pytest.mark.parametrize("name", NAMES)
def test_hay_fever_changes_nothing(name: str) -> None:
    patient = patient_of(name)
    icd = (("http://hl7.org/fhir/sid/icd-10-cm", "J30.1"),)
    patient.conditions.append(CodedCondition(icd, True, None, None, AS_OF, "Condition/hay-fever"))

    assert patient.decide(profile=profile_of(name)).plan == decide(name).plan


@pytest.mark.parametrize("name", NAMES)
def test_a_datum_taken_away_never_adds_a_medicine(name: str) -> None:
    offered = _medicines(decide(name))
    for position in range(len(patient_of(name).facts)):
        fewer = patient_of(name)
        if fewer.facts[position].input == "declined-activity":
            continue  # a wish is no datum about safety
        del fewer.facts[position]
        decision = fewer.decide(profile=profile_of(name))
        if decision.phenotype.mechanism == decide(name).phenotype.mechanism:
            assert _medicines(decision) <= offered, patient_of(name).facts[position].input


@pytest.mark.parametrize("name", NAMES)
def test_a_no_taken_away_never_lowers_the_gate(name: str) -> None:
    rank = RANKS.index(decide(name).gate.level.value)
    for position, fact in enumerate(patient_of(name).facts):
        if fact.value is not False:
            continue
        fewer = patient_of(name)
        del fewer.facts[position]
        assert RANKS.index(fewer.decide().gate.level.value) <= rank, fact.input


@pytest.mark.parametrize("name", NAMES)
def test_another_profile_changes_only_what_guidelines_disagree_about(name: str) -> None:
    plans = [patient_of(name).decide(profile=p).plan for p in ("who", "uk", "us")]
    told = [{p.id: p.status for p in plan.catalogue} for plan in plans]

    changed = {i for i in told[0] if len({t[i] for t in told}) > 1}
    assert changed <= STANCE


@pytest.mark.parametrize("name", NAMES)
def test_equivalent_codes_say_the_same(name: str) -> None:
    """Each medicine by its other name or number, each problem by another code that acts alike."""
    other = patient_of(name)
    other.medicines[:] = [replace(m, **_other_medicine(m)) for m in other.medicines]
    other.conditions[:] = [
        replace(c, system_codes=tuple(map(_other_code, c.system_codes))) for c in other.conditions
    ]

    assert other.decide(profile=profile_of(name)).plan == decide(name).plan


def test_there_are_codes_with_equivalents_among_them() -> None:
    """The law above is not about nothing."""
    people = [patient_of(name) for name in NAMES]
    coded = [pair for p in people for c in p.conditions for pair in c.system_codes]

    assert [m for p in people for m in p.medicines if _other_medicine(m)]
    assert [pair for pair in coded if _other_code(pair) != pair]


def _other_medicine(medicine: CodedMedicine) -> dict[str, Any]:
    """A name in place of its number or the reverse; nothing where there is but one."""
    numbers = {name: pair for pair, name in CONTENT.ingredients.items()}
    by_name = numbers.get(medicine.text.lower().split(" ")[0] if medicine.text else "")
    if by_name is not None:
        return {"system_codes": (by_name,), "text": ""}
    for pair in medicine.system_codes:
        if pair in CONTENT.ingredients:
            return {"system_codes": (), "text": CONTENT.ingredients[pair]}
    return {}


def _other_code(pair: tuple[str, str]) -> tuple[str, str]:
    """Another code whose rows are the same, also the categories that it falls under."""
    acting = _acting(pair)
    for candidate in CONTENT.record_codes:
        if acting and candidate != pair and _acting(candidate) == acting:
            return candidate
    return pair


def _acting(pair: tuple[str, str]) -> set[tuple[object, ...]]:
    return {
        (row.acts_as, row.value, row.within, row.undated, row.history)
        for row in acting_codes(*pair, CONTENT)
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_fact_changes_only_the_activities_whose_rules_cite_it(name: str) -> None:
    """Ablation: what else changes is what one row does to another, and says so."""
    whole = decide(name)
    for position, fact in enumerate(patient_of(name).facts):
        fewer = patient_of(name)
        del fewer.facts[position]
        less = fewer.decide(profile=profile_of(name))
        if less.applicability is not whole.applicability or less.gate.level is not whole.gate.level:
            continue  # the whole plan answers to those
        if less.plan.scope != whole.plan.scope:
            continue
        for id_ in _changed(whole, less):
            cited = _cited(id_, whole) | _cited(id_, less)
            assert _reads(fact, cited), (fact.input, id_, sorted(cited))


def _medicines(decision: Decision) -> set[str]:
    return {
        a.id
        for a in decision.plan.activities
        if CONTENT.interventions[a.id].family == "drug" and a.status in ("proposed", "next-step")
    }


def _changed(whole: Decision, less: Decision) -> Iterator[str]:
    before, after = rows(whole), rows(less)
    for id_ in sorted(before.keys() | after.keys()):
        if before.get(id_) == after.get(id_) or id_ in ABOUT_ALL:
            continue
        reasons = [
            reason
            for decision in (whole, less)
            for point in decision.plan.catalogue
            if point.id == id_
            for reason in point.reasons
        ]
        if not any(why in reason for reason in reasons for why in COMPETING):
            yield id_


def _cited(id_: str, decision: Decision) -> set[str]:
    """The rules that a row or its absence names; a mechanism row rests on every grade."""
    rules = {r for a in decision.plan.activities if a.id == id_ for r in a.rules}
    for point in decision.plan.catalogue:
        if point.id == id_:
            words = {w.strip(";:,()") for reason in point.reasons for w in reason.split()}
            rules |= words & (CONTENT.rule_by_id.keys() | CONTENT.findings.keys())
    for placement in CONTENT.placements:
        if placement.activity == id_:
            slots = (*placement.when, *placement.unless, *placement.unless_open)
            rules |= {CONTENT.slot_names[slot] for slot in slots}
    for item in CONTENT.interventions.values():
        if id_ in item.prohibits and item.id in " ".join(
            reason for p in decision.plan.catalogue if p.id == id_ for reason in p.reasons
        ):
            rules |= {"C2", "P-18"}
    if rules & {"P-02", "P-03", "P-04", "P-15"}:
        rules |= {r.id for grades in CONTENT.grade_rules.values() for r in grades.values()}
    return rules


def _reads(fact: Fact, rules: set[str]) -> bool:
    """Whether some finding under these rules reads the input of the fact."""
    by_slot = {rule.slot: rule for rule in CONTENT.rules}
    names = {CONTENT.findings[r].input for r in rules if r in CONTENT.findings}
    pending = [CONTENT.rule_by_id[r] for r in rules if r in CONTENT.rule_by_id]
    for safety in rules:
        pending += [r for r in CONTENT.rules if r.safety == safety]
    seen: set[int] = set()
    while pending:
        rule = pending.pop()
        for slot in _operands(rule):
            if slot in seen:
                continue
            seen.add(slot)
            if slot in by_slot:
                pending.append(by_slot[slot])
            else:
                finding = CONTENT.slot_names[slot].partition("@")[0]
                names.add(CONTENT.findings[finding].input)
    # Age is worked out from the date of birth, clearance from what was measured.
    if "age-years" in names:
        names.add("birth-date")
    if "creatinine-clearance" in names:
        names |= {"creatinine", "weight-kg", "height-cm", "gender", "egfr", "birth-date"}
    return fact.input in names or fact.input == "declined-activity"


def _operands(rule: Rule) -> Iterator[int]:
    yield from (*rule.all_of, *rule.any_of, *rule.none_of, *rule.open_of)
    if rule.at_least is not None:
        yield from rule.at_least.of
