"""What must hold of every patient, whoever they are (``phenotyping.md`` §5 and §6, "Order").

Hypothesis makes the patients (``strategies.py``) and shrinks whoever breaks a law.
"""

import random
from dataclasses import replace
from datetime import timedelta

import orjson
from hypothesis import given, note, settings
from hypothesis import strategies as st

from app.domain.content_tables import WhatIf
from app.domain.decision import Decision, derive
from app.domain.facts import Fact, Record, SaidBy
from app.domain.gate import REPLACES_THE_PLAN, GateLevel, judge
from app.domain.phenotype import AGAINST, CONSENSUS, grades
from app.domain.plan_types import STAGES, UNCOUNTED_STAGES
from app.domain.trace import trace_of, worlds_of
from app.domain.truth import Truth
from app.domain.worlds import World, Worlds
from app.knowledge import load
from tests.domain.naive import alone
from tests.domain.strategies import CONTENT, records
from tests.patients import AS_OF, a_patient, knowledge, rule_truth

HIGHEST_FIRST = (
    GateLevel.EMERGENCY,
    GateLevel.URGENT,
    GateLevel.REFER,
    GateLevel.NOT_SCREENED,
    GateLevel.WATCH,
    GateLevel.CLEAR,
)
SETTLED = [rule for rule in CONTENT.rules if rule.settled]
NOBODY = Record(())


def decide(record: Record) -> Decision:
    return derive(
        record, knowledge(), as_of=AS_OF, guideline_profile="who", crisis_text="Call a crisis line."
    )


def conclusions(decision: Decision) -> dict[str, object]:
    """Everything that a reader is told, without the order in which facts are numbered."""
    return {
        "applicability": decision.applicability,
        "gate": decision.gate,
        "grades": decision.grades,
        "phenotype": decision.phenotype,
        "second opinion": decision.second_opinion,
        "disagreements": decision.disagreements,
        "preliminary": decision.is_preliminary,
        "questions": decision.open_questions,
        "plan": decision.plan,
        "not used": decision.not_used,
        "rules": truths(decision),
    }


def truths(decision: Decision, world: int = 1) -> dict[str, Truth]:
    return {rule.id: decision.worlds.truth(rule.slot, world) for rule in CONTENT.rules}


def rank(level: GateLevel) -> int:
    """0 for the highest."""
    return HIGHEST_FIRST.index(level)


# Determinism, order, duplicates


@given(records())
def test_the_same_record_gives_the_same_trace(record: Record) -> None:
    first = orjson.dumps(trace_of(decide(record), CONTENT))
    second = orjson.dumps(trace_of(decide(record), CONTENT))

    assert first == second


def test_content_loaded_twice_decides_alike() -> None:
    again = load()

    assert again.digest == CONTENT.digest
    assert again.slot_names == CONTENT.slot_names
    assert again.rules == CONTENT.rules


@given(records(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_changes_nothing(
    record: Record, shuffling: random.Random
) -> None:
    shuffled = replace(
        record,
        facts=tuple(shuffling.sample(record.facts, len(record.facts))),
        conditions=tuple(shuffling.sample(record.conditions, len(record.conditions))),
        medicines=tuple(shuffling.sample(record.medicines, len(record.medicines))),
    )

    assert conclusions(decide(shuffled)) == conclusions(decide(record))


@given(records(), st.randoms(use_true_random=False))
def test_what_is_said_twice_is_said_once(record: Record, choosing: random.Random) -> None:
    twice = replace(
        record,
        facts=(*record.facts, *(f for f in record.facts if choosing.random() < 0.5)),
        conditions=record.conditions * 2,
        medicines=record.medicines * 2,
    )

    assert conclusions(decide(twice)) == conclusions(decide(record))


@given(records())
def test_a_trace_tells_every_conclusion_back(record: Record) -> None:
    decision = decide(record)

    told = worlds_of(trace_of(decision, CONTENT), CONTENT)

    for rule in CONTENT.rules:
        assert told.truth(rule.slot) is decision.worlds.truth(rule.slot)
    for rule in CONTENT.conclusions:
        assert told.changed(rule.slot) == decision.worlds.changed(rule.slot)


# Knowing nothing


def test_nothing_is_concluded_about_a_patient_nobody_knows() -> None:
    decision = decide(NOBODY)

    assert decision.gate.level is GateLevel.NOT_SCREENED
    assert decision.gate.raised == ()
    assert {flag: truth for flag, truth in decision.gate.flags if truth is not Truth.UNKNOWN} == {}
    assert [g.grade for g in decision.grades] == [None, None, None]
    assert decision.phenotype.mechanism == "insufficient-data"
    assert decision.second_opinion is None
    assert [r.id for r in CONTENT.conclusions if truths(decision)[r.id] is not Truth.UNKNOWN] == []


def test_the_plan_for_a_patient_nobody_knows_begins_with_questions() -> None:
    plan = decide(NOBODY).plan

    assert [a.id for a in plan.activities][:2] == ["ASK-01", "ASK-02"]
    assert {a.stage for a in plan.activities}.isdisjoint({"mechanism", "symptom-option"})


# Answers


@given(records())
def test_no_answer_to_an_open_question_flips_a_settled_conclusion(record: Record) -> None:
    decision = decide(record)
    worlds = decision.worlds
    asked = set(decision.open_questions)

    flipped = [
        (rule.id, worlds.truth(rule.slot), world.input, world.answer.answer)
        for world in worlds.others
        if world.input in asked
        for rule in SETTLED
        if not worlds.is_unknown(rule.slot)
        if worlds.truth(rule.slot, world.bit) is not worlds.truth(rule.slot)
    ]
    assert flipped == []


@given(records(), st.randoms(use_true_random=False))
def test_an_answer_given_in_truth_flips_no_settled_conclusion_either(
    record: Record, choosing: random.Random
) -> None:
    decision = decide(record)
    if not decision.open_questions:
        return
    name = choosing.choice(decision.open_questions)
    answer = choosing.choice(CONTENT.what_if[name])
    note(f"{name} = {answer.answer}")

    before, after = truths(decision), truths(decide(with_answer(record, name, answer)))

    settled = {r.id for r in SETTLED if before[r.id] is not Truth.UNKNOWN}
    assert {id_: after[id_] for id_ in settled} == {id_: before[id_] for id_ in settled}


@given(records())
def test_no_answer_lowers_a_grade_that_is_settled(record: Record) -> None:
    """What speaks against a mechanism stays; what is established can only rise."""
    decision = decide(record)
    asked = set(decision.open_questions)

    for world in decision.worlds.others:
        if world.input not in asked:
            continue
        then = grades(CONTENT, alone(decision.worlds, world.bit))
        for before, after in zip(decision.grades, then, strict=True):
            said = (before, after, world.input, world.answer.answer)
            if before.grade in AGAINST:
                assert after.grade == before.grade, said
            if before.grade in CONSENSUS:
                assert after.grade in CONSENSUS, said
                assert CONSENSUS.index(after.grade) >= CONSENSUS.index(before.grade), said


@given(records(), st.randoms(use_true_random=False))
def test_an_answer_does_what_the_question_promised(record: Record, choosing: random.Random) -> None:
    """Unless a clinician said something about it the same day, which beats the answer."""
    decision = decide(record)
    today = {f.input for f in record.facts if f.at.date() == AS_OF.date()}
    asked = set(decision.open_questions) - today
    promised = [w for w in decision.worlds.others if w.input in asked]
    if not promised:
        return
    world = choosing.choice(promised)
    note(f"{world.input} = {world.answer.answer}")

    after = decide(with_answer(record, world.input, world.answer))

    assert truths(after) == truths(decision, world.bit)


def test_claudication_is_not_asked_for_after_a_no_about_the_nerve_lesion() -> None:
    """phenotyping.md, Order: "none" is not flipped by an answer; what comes unasked corrects."""
    patient = a_patient().with_("nerve-lesion-history", False)
    before = patient.decide()
    assert rule_truth(before, "C0") is Truth.TRUE
    assert "neurogenic-claudication" not in before.open_questions

    corrected = patient.with_("neurogenic-claudication", True).decide()

    assert rule_truth(corrected, "C0") is not Truth.TRUE


def with_answer(record: Record, name: str, answer: WhatIf) -> Record:
    """The same patient, who was asked just now."""
    asked_of = CONTENT.inputs[name].asked_of
    author = SaidBy.CLINICIAN if asked_of == "clinician" else SaidBy.PATIENT
    fact = Fact(name, answer.answer, AS_OF, author, "Observation/answer")
    return replace(record, facts=(*record.facts, fact))


# The gate


def says_no(fact: Fact) -> bool:
    return fact.value is False or (fact.input == "phq9-item-9" and fact.value == 0)


def takes_back(worlds: Worlds, world: World) -> bool:
    """A clinician's no to something that somebody said before."""
    readings = CONTENT.readings[world.input]
    is_no = world.answer.answer is False and CONTENT.inputs[world.input].asked_of == "clinician"
    return is_no and any(worlds.is_true(r.slot) for r in readings)


@given(records(), st.randoms(use_true_random=False))
def test_taking_back_a_no_never_lowers_the_gate(record: Record, choosing: random.Random) -> None:
    negative = [f for f in record.facts if says_no(f)]
    if not negative:
        return
    lost = set(map(id, choosing.sample(negative, choosing.randint(1, len(negative)))))
    fewer = replace(record, facts=tuple(f for f in record.facts if id(f) not in lost))
    note(f"not said: {[f for f in negative if id(f) in lost]}")

    assert rank(decide(fewer).gate.level) <= rank(decide(record).gate.level)


@given(records())
def test_no_answer_takes_a_raised_flag_away_but_a_clinicians_no_or_that_the_pain_is_elsewhere(
    record: Record,
) -> None:
    """A clinician who looks and says no takes a positive back (``phenotyping.md`` §5, clearing)."""
    decision = decide(record)
    worlds, low_back = decision.worlds, CONTENT.rule_by_id["A2"].slot
    if rank(decision.gate.level) > rank(GateLevel.REFER):
        return

    for world in worlds.others:
        is_low_back = worlds.truth(low_back, world.bit)
        if is_low_back is Truth.FALSE or world.input not in decision.open_questions:
            continue
        if takes_back(worlds, world):
            continue
        gate = judge(CONTENT, alone(worlds, world.bit), is_low_back=is_low_back)
        assert rank(gate.level) <= rank(decision.gate.level), (world.input, world.answer.answer)


@given(records())
def test_not_knowing_that_a_list_is_complete_never_lowers_the_gate(record: Record) -> None:
    incomplete = replace(record, complete=frozenset())

    assert rank(decide(incomplete).gate.level) <= rank(decide(record).gate.level)


@given(records())
def test_an_unfinished_screen_names_a_question(record: Record) -> None:
    decision = decide(record)
    if decision.gate.is_screened or decision.applicability.value == "elsewhere":
        return

    assert any(CONTENT.inputs[name].gate_question for name in decision.open_questions)


@given(records())
def test_the_level_is_the_highest_that_a_rule_reaches(record: Record) -> None:
    gate = decide(record).gate

    reached = [raised.level for raised in gate.raised]
    assert reached == sorted(reached, key=rank)
    acting = [level for level in reached if level is not GateLevel.WATCH]
    if acting:
        assert gate.level is acting[0]
    elif not gate.is_screened:
        assert gate.level is GateLevel.NOT_SCREENED
    else:
        assert gate.level is (GateLevel.WATCH if reached else GateLevel.CLEAR)


# The plan


@given(records())
@settings(max_examples=200)
def test_every_plan_keeps_the_contract(record: Record) -> None:
    decision = decide(record)
    plan, gate = decision.plan, decision.gate
    ids = [a.id for a in plan.activities]
    families = {i: CONTENT.interventions[i].family for i in ids}

    assert len(ids) == len(set(ids))
    assert [a.rank for a in plan.activities] == list(range(1, len(ids) + 1))
    stages = [STAGES.index(a.stage) for a in plan.activities]
    assert stages == sorted(stages)
    catalogue = [p.id for p in plan.catalogue]
    assert catalogue == [i.id for i in CONTENT.interventions.values() if i.catalogue]
    counted = [a for a in plan.activities if a.stage not in UNCOUNTED_STAGES]
    assert len([a for a in counted if CONTENT.interventions[a.id].counted]) <= CONTENT.cap
    assert "drug" not in families.values()
    if gate.level in REPLACES_THE_PLAN:
        assert ids
        assert set(ids) <= {"ESC-01", "ESC-02", "ESC-03"}
        assert decision.phenotype.mechanism == "withheld"
    else:
        assert {"ESC-01", "ESC-02"}.isdisjoint(ids)
    if gate.level is GateLevel.REFER:
        assert ids[0] in ("REF-01", "ESC-03")
    if gate.level is GateLevel.NOT_SCREENED and plan.scope != "scope.not-low-back":
        assert ids[0] == "ASK-01"
    if not gate.is_screened:
        assert decision.is_preliminary
        assert {"manual", "interventional"}.isdisjoint(families.values())
    if gate.level in (GateLevel.REFER, GateLevel.NOT_SCREENED):
        assert "DN-01" not in ids


@given(records(), st.sampled_from((1, 30, 400)))
def test_what_lies_ahead_is_listed_and_never_used(record: Record, days: int) -> None:
    ahead = tuple(
        f._replace(at=AS_OF + timedelta(days=days), source=f"Observation/ahead-{number}")
        for number, f in enumerate(record.facts)
    )
    decision = decide(replace(record, facts=ahead + record.facts))

    assert {n.reference for n in decision.not_used} >= {f.source for f in ahead}
    expected = conclusions(decide(record)) | {"not used": None}
    assert conclusions(decision) | {"not used": None} == expected


# What would change this plan


@given(records(), st.randoms(use_true_random=False))
def test_a_question_that_is_not_listed_changes_nothing_alone(
    record: Record, choosing: random.Random
) -> None:
    """Neither what is concluded of everybody nor the safety of what the plan named."""
    decision = decide(record)
    listed = set(decision.open_questions)
    today = {f.input for f in record.facts if f.at.date() == AS_OF.date()}
    others = [w for w in decision.worlds.others if w.input not in listed | today]
    if not others:
        return
    world = choosing.choice(others)
    if is_settled(world.input, decision):
        return  # what comes now would correct what a rule has settled
    note(f"{world.input} = {world.answer.answer}")

    after = truths(decide(with_answer(record, world.input, world.answer)))

    told = {r.id for r in CONTENT.conclusions} | safety_of(decision)
    before = truths(decision)
    assert {id_: after[id_] for id_ in told} == {id_: before[id_] for id_ in told}


@given(records(), st.randoms(use_true_random=False))
def test_a_listed_question_changes_what_it_says(record: Record, choosing: random.Random) -> None:
    """Some answer does, and nothing else: compared with deriving again with every answer."""
    decision = decide(record)
    today = {f.input for f in record.facts if f.at.date() == AS_OF.date()}
    listed = [stake for stake in decision.stakes if stake.input not in today]
    if not listed:
        return
    stake = choosing.choice(listed)
    assert stake.could_change, stake

    before, told = truths(decision), safety_of(decision)
    flags, grades_, safety = set(), set(), set()
    for answer in CONTENT.what_if[stake.input]:
        after = truths(decide(with_answer(record, stake.input, answer)))
        for rule in CONTENT.rules:
            if after[rule.id] is before[rule.id]:
                continue
            if rule.concludes and rule.flag:
                flags.add(f"the red flag {rule.flag}")
            elif rule.concludes and rule.mechanism:
                grades_.add(f"the grade of {rule.mechanism} pain")
            elif rule.id in told:
                safety.add(rule.id)

    said = set(stake.could_change)
    assert {s for s in said if s.startswith("the red flag")} == flags
    assert {s for s in said if s.startswith("the grade")} == grades_
    assert any(s.startswith("whether") for s in said) is bool(safety)


def safety_of(decision: Decision) -> set[str]:
    return {
        rule.id
        for activity in decision.plan.considered
        for _, rules in CONTENT.safety_rules.get(activity, ())
        for rule in rules
    }


def is_settled(name: str, decision: Decision) -> bool:
    settling = CONTENT.inputs[name].answered_by
    return bool(settling) and truths(decision)[settling] is not Truth.UNKNOWN
