"""What is kept of a decision: everything that explains it later, and nothing in other words."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import orjson

from app.domain.course import Before, Course
from app.domain.decision import Decision
from app.domain.facts import Bounds, Fact, SaidBy
from app.domain.questions import questions
from app.domain.trace import Trace, before_of, facts_by_slot, trace_of, worlds_of
from app.domain.worlds import HERE
from tests.patients import AS_OF, Patient, a_patient, knowledge, screened


def told(patient: Patient) -> tuple[Decision, Trace]:
    """The decision, and its trace as it is read back."""
    decision = patient.decide()
    return decision, orjson.loads(orjson.dumps(trace_of(decision, knowledge())))


def fact(trace: Trace, input_: str) -> Sequence[object]:
    """The one fact about an input, as it is written."""
    (found,) = [f for f in trace["facts"] if f[0] == input_]
    return found


def a_person() -> Patient:
    return (
        screened(a_patient())
        .with_("pain-distribution", "widespread")
        .with_("pain-nrs", 7)
        .with_("phq9-total", 16)
        .with_("trauma-significant", True, days_ago=0.5)
        .taking(text="ibuprofen")
    )


def test_a_trace_has_every_part_and_no_other() -> None:
    _, trace = told(a_person())

    assert set(trace) == set(Trace.__annotations__) - {"previous", "worlds"}
    assert trace["v"] == 2


def test_a_trace_says_what_the_decision_says() -> None:
    decision, trace = told(a_person())

    assert trace["applicability"] == decision.applicability.value
    assert trace["gate"] == decision.gate.level.value
    assert trace["mechanism"] == decision.phenotype.mechanism
    assert trace["severity"] == decision.severity.value
    assert trace["questions"] == list(decision.open_questions)
    assert trace["lists"] == list(decision.lists_wanted)
    assert trace["considered"] == list(decision.plan.considered)
    assert trace["disagreements"] == list(decision.disagreements)
    assert trace["flags"] == [r.flag for r in decision.gate.raised]
    assert trace["drivers"] == [[d.driver, d.level, d.at_least] for d in decision.drivers]
    assert trace["catalogue"] == [
        [p.id, p.status, list(p.reasons)] for p in decision.plan.catalogue
    ]
    assert trace["safety"] == [
        [f.safety, f.activity, f.result.value, list(f.rules)] for f in decision.plan.safety
    ]
    assert trace["notUsed"] == [[n.reference, n.why] for n in decision.not_used]
    assert trace["pain"] == "7"


def test_a_fact_is_written_with_its_value_source_time_and_author() -> None:
    patient = a_person()
    at = AS_OF - timedelta(days=1)
    bounds = Bounds(Decimal(3), Decimal("7.5"))
    patient.facts.append(Fact("gad7-total", bounds, at, SaidBy.PATIENT, "Observation/g"))
    _, trace = told(patient)
    when = "2026-05-31T09:00:00Z"

    assert fact(trace, "pain-distribution")[1:2] == ["widespread"]
    assert fact(trace, "pain-nrs")[1] == "7"
    assert fact(trace, "pain-duration-weeks")[1] == 52
    assert fact(trace, "saddle-sensory-change")[1] is False
    assert fact(trace, "gad7-total") == [
        "gad7-total",
        ["3", "7.5"],
        "Observation/g",
        when,
        "patient",
    ]


def test_a_fact_that_decides_several_statements_is_written_once() -> None:
    decision, trace = told(a_person())
    content = knowledge()
    by_slot = facts_by_slot(trace)

    assert len({tuple(map(str, f)) for f in trace["facts"]}) == len(trace["facts"])
    for slot, standing in decision.standings.by_slot.items():
        if standing.fact is None:
            assert slot not in by_slot
        else:
            assert by_slot[slot][0] == standing.fact.input
            assert by_slot[slot][2] == standing.fact.source
    of_scores = [r.slot for r in content.readings["phq9-total"]]
    assert len({str(by_slot[slot]) for slot in of_scores}) == 1


def test_the_worlds_are_read_back_bit_for_bit() -> None:
    decision, trace = told(a_person())

    read = worlds_of(trace, knowledge())

    assert read.all == decision.worlds.all
    assert [(w.input, w.bit, w.answer) for w in read.others] == [
        (w.input, w.bit, w.answer) for w in decision.worlds.others
    ]
    for rule in knowledge().rules:
        assert read.truth(rule.slot) is decision.worlds.truth(rule.slot)


def test_a_trace_of_version_1_reads_as_the_same_worlds() -> None:
    """Each patient had worlds of its own then, numbered in the order of what was open."""
    decision, trace = told(a_person())
    worlds = decision.worlds
    old: Trace = {**trace, "v": 1, "worlds": [[w.input, w.position] for w in worlds.others]}
    bits = [HERE, *(w.bit for w in worlds.others)]
    old["changes"] = [
        [slot, _numbered(worlds.true_in(slot), bits), _numbered(worlds.false_in(slot), bits)]
        for slot in decision.changes
    ]

    read = worlds_of(old, knowledge())

    assert decision.changes
    assert [(w.input, w.answer) for w in read.others] == [
        (w.input, w.answer) for w in worlds.others
    ]
    for slot in decision.changes:
        assert [read.truth(slot, w.bit) for w in read.others] == [
            worlds.truth(slot, w.bit) for w in worlds.others
        ]
    considered = decision.plan.considered
    assert questions(knowledge(), read, considered) == questions(knowledge(), worlds, considered)


def _numbered(where: int, bits: list[int]) -> str:
    return f"{sum(1 << place for place, bit in enumerate(bits) if where & bit):x}"


def test_the_next_decision_knows_which_one_came_before() -> None:
    decision, trace = told(a_person())

    before = before_of("the-decision", trace)

    scores = {"pain-nrs": Decimal(7)}
    scored = {"pain-nrs": decision.standings.facts["pain-nrs"][-1].at}
    course = Course(AS_OF, scores, 1, decision.course.why, scored)
    assert before == Before("the-decision", course, Decimal(7), ("fracture",))
