"""The engine works on bits, in all worlds at once; it must agree with the plainest evaluator."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.content_parts import AtLeast, Rule
from app.domain.content_tables import WhatIf
from app.domain.standing import Standing, Standings
from app.domain.tables import laid_out
from app.domain.truth import Truth
from app.domain.worlds import HERE, Worlds, evaluate
from tests.domain import naive
from tests.patients import knowledge

CONTENT = knowledge()
RULE_SLOTS = {rule.slot for rule in CONTENT.rules}
INPUT_OF = {r.slot: name for name, readings in CONTENT.readings.items() for r in readings}
FINDING_SLOTS = sorted(INPUT_OF)

truths = st.sampled_from(Truth)


@st.composite
def assignments(draw: st.DrawFn) -> dict[int, Truth]:
    """A truth for every finding: mostly one and the same, so that rules do fire, and exceptions."""
    usual = draw(truths)
    exceptions = draw(st.dictionaries(st.sampled_from(FINDING_SLOTS), truths, max_size=60))
    return {slot: exceptions.get(slot, usual) for slot in FINDING_SLOTS}


def standings_of(known: Mapping[int, Truth]) -> Standings:
    """As if facts had said so."""
    said = {slot: truth for slot, truth in known.items() if truth is not Truth.UNKNOWN}
    return Standings(
        by_slot={slot: Standing(truth) for slot, truth in said.items()},
        facts={INPUT_OF[slot]: () for slot in said},
        conflicts=(),
        not_used=(),
    )


def with_answer(known: Mapping[int, Truth], name: str, answer: WhatIf) -> dict[int, Truth]:
    """The same patient after one answer.

    It settles what was unknown. What older facts had settled it replaces, too, with three
    exceptions: a patient's no takes nothing back, what was said earlier stays said, and only a no
    speaks to what somebody else had said.
    """
    author = "clinician" if CONTENT.inputs[name].asked_of == "clinician" else "patient"
    is_a_patients_no = answer.answer is False and author == "patient"
    after = dict(known)
    for reading in CONTENT.readings[name]:
        slot = reading.slot
        of_another = reading.finding.said_by not in ("", author) and answer.answer is not False
        is_elsewhere = reading.finding.earlier or of_another
        stays = is_a_patients_no or (slot in answer.makes_false and is_elsewhere)
        if stays and known[slot] is not Truth.UNKNOWN:
            continue
        if slot in answer.makes_true:
            after[slot] = Truth.TRUE
        elif slot in answer.makes_false:
            after[slot] = Truth.FALSE
    return after


def truths_in(worlds: Worlds, world: int) -> dict[str, Truth]:
    return {rule.id: worlds.truth(rule.slot, world) for rule in CONTENT.rules}


def test_no_finding_is_a_rule_and_no_slot_is_left_over() -> None:
    assert RULE_SLOTS.isdisjoint(FINDING_SLOTS)
    assert len(RULE_SLOTS) + len(FINDING_SLOTS) == len(CONTENT.slot_names)


@given(assignments())
@settings(max_examples=200)
def test_every_rule_stands_as_the_plain_evaluator_says(known: dict[int, Truth]) -> None:
    worlds = evaluate(CONTENT, standings_of(known), CONTENT.baseline_of_orders)

    assert truths_in(worlds, HERE) == naive.truths(CONTENT, known)


@given(assignments())
@settings(max_examples=25)
def test_every_possible_answer_does_what_the_plain_evaluator_says(known: dict[int, Truth]) -> None:
    worlds = evaluate(CONTENT, standings_of(known), CONTENT.baseline_of_orders)

    for world in worlds.others:
        expected = naive.truths(CONTENT, with_answer(known, world.input, world.answer))
        assert truths_in(worlds, world.bit) == expected, (world.input, world.answer.answer)


@given(assignments())
@settings(max_examples=50)
def test_the_worlds_of_an_answered_question_are_like_the_patient_as_known(
    known: dict[int, Truth],
) -> None:
    worlds = evaluate(CONTENT, standings_of(known), CONTENT.baseline_of_orders)

    is_open = {one.input for one in worlds.asked}
    closed = sum(one.bits for one in CONTENT.baseline.asked if one.input not in is_open)
    for rule in CONTENT.rules:
        assert worlds.changed(rule.slot) & closed == 0
        assert worlds.true_in(rule.slot) & closed in (0, closed)


@given(assignments())
@settings(max_examples=50)
def test_a_question_is_open_while_some_statement_about_it_is_unknown(
    known: dict[int, Truth],
) -> None:
    worlds = evaluate(CONTENT, standings_of(known), CONTENT.baseline_of_orders)

    unknown = {INPUT_OF[slot] for slot, truth in known.items() if truth is Truth.UNKNOWN}
    asked = [name for name in CONTENT.ask_order if name in unknown and CONTENT.what_if[name]]
    assert list(dict.fromkeys(world.input for world in worlds.others)) == asked


@given(assignments())
@settings(max_examples=50)
def test_no_statement_is_true_and_false_at_once(known: dict[int, Truth]) -> None:
    worlds = evaluate(CONTENT, standings_of(known), CONTENT.baseline_of_orders)

    slots = range(len(CONTENT.slot_names))
    assert all(worlds.true_in(slot) & worlds.false_in(slot) == 0 for slot in slots)


@given(assignments())
@settings(max_examples=50)
def test_what_changed_are_the_worlds_in_which_a_rule_stands_otherwise(
    known: dict[int, Truth],
) -> None:
    worlds = evaluate(CONTENT, standings_of(known), CONTENT.baseline_of_orders)

    for rule in CONTENT.conclusions:
        here = worlds.truth(rule.slot)
        differing = sum(w.bit for w in worlds.others if worlds.truth(rule.slot, w.bit) is not here)
        assert worlds.changed(rule.slot) == differing


@given(st.lists(truths, min_size=1, max_size=5), st.integers(1, 5))
def test_at_least_counts_as_a_person_would(operands: list[Truth], n: int) -> None:
    wanted = AtLeast(n, tuple(range(len(operands))))
    rule = Rule("X", len(operands), "", "", "", "", (), at_least=wanted)

    assert _one_rule(rule, operands) is naive.enough(wanted, operands)


def _one_rule(rule: Rule, operands: list[Truth]) -> Truth:
    """One rule over findings of its own, through the real engine."""
    names = tuple(f"f{slot}" for slot in range(len(operands)))
    content = laid_out(
        replace(
            CONTENT,
            slot_names=(*names, rule.id),
            readings={},
            rules=(rule,),
            plan_rules=(),
            rule_by_id={rule.id: rule},
            rule_by_slot={rule.slot: rule},
            what_if={},
            ask_order=(),
        )
    )
    standings = Standings(
        {slot: Standing(truth) for slot, truth in enumerate(operands)}, {}, (), ()
    )
    return evaluate(content, standings, content.baseline_of_orders).truth(rule.slot)
