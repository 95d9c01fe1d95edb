"""A response comes back from its decision as it was given, and its refusals reach the engine."""

from datetime import timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.domain.decision import Decision, derive
from app.domain.facts import NotUsed
from app.domain.history import DecisionRecord
from app.domain.response import ActivityAnswer, Answered, Outcome, Reason, Response
from app.use_cases.gathering import completed
from app.use_cases.responses import KIND, answered_of, frame_of_response, response_of, written
from tests.patients import AS_OF, a_patient, knowledge, screened

words = st.text(max_size=12)
codings = st.lists(st.tuples(words, words, words), max_size=2).map(tuple)
answers = st.builds(
    ActivityAnswer, words, st.sampled_from(Outcome), st.builds(Reason, words, codings)
)
responses = st.builds(
    Response,
    st.sampled_from(Outcome),
    st.lists(answers, max_size=4, unique_by=lambda a: a.activity).map(tuple),
    st.none() | words,
    words,
)


def record_of(response: Response) -> DecisionRecord:
    return DecisionRecord(
        id="d1",
        patient="p1",
        as_of=AS_OF,
        kind=KIND,
        knowledge="sha256:0",
        engine="1.0.0",
        parameters=orjson.dumps({**written(response), "knowledgeVersion": "1.0.0"}),
        trace=b"{}",
        inputs=orjson.dumps([["CarePlan", "c1", 1, "00"]]),
        outputs=orjson.dumps([["CarePlan", "c1", 2, "ff"], ["CarePlan", "c0", 3, "ee"]]),
    )


@given(responses)
def test_it_comes_back_as_it_was_given(response: Response) -> None:
    back = response_of(record_of(response))

    assert set(back.activities) == set(response.activities)
    assert (back.outcome, back.practitioner, back.note) == (
        response.outcome,
        response.practitioner,
        response.note,
    )
    assert written(back) == written(response)


@given(responses)
def test_the_order_of_its_activities_makes_no_other_answer(response: Response) -> None:
    turned = Response(
        response.outcome, response.activities[::-1], response.practitioner, response.note
    )

    assert written(turned) == written(response)


def test_the_plan_that_was_answered_is_the_first_output() -> None:
    record = record_of(Response(Outcome.ACCEPTED, practitioner="Practitioner/x"))

    (answered,) = answered_of([record])

    assert (answered.plan, answered.version, answered.sha256) == ("c1", 2, b"\xff")
    assert (answered.decision, answered.at) == ("d1", AS_OF)
    assert frame_of_response(record).inputs[0].version == 1
    assert frame_of_response(record).practitioner == "Practitioner/x"


def decided(*answered: Answered) -> Decision:
    record = screened(a_patient()).record()
    return derive(
        completed(record, answered, (NotUsed("Observation/late", "older"),)),
        knowledge(),
        as_of=AS_OF,
        guideline_profile="who",
        crisis_text="",
    )


def test_a_refusal_is_a_fact_of_the_next_derivation() -> None:
    response = Response(Outcome.CHANGED, (ActivityAnswer("EX-01", Outcome.DECLINED),))
    answered = Answered("d1", "c1", 2, b"", AS_OF - timedelta(hours=1), response)

    decision = decided(answered)

    (fact,) = decision.standings.facts["declined-activity"]
    assert (fact.value, fact.source, fact.at) == ("EX-01", "CarePlan/c1", answered.at)
    assert "declined-activity" not in decided().standings.facts
    assert decision.not_used[0] == NotUsed("Observation/late", "older")
