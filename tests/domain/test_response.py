"""The laws of a clinician's answer: one plan in force, nothing revived, the latest word counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.facts import SaidBy
from app.domain.problem import Conflict, Refused
from app.domain.response import (
    ActivityAnswer,
    Answered,
    Change,
    Outcome,
    PlanStatus,
    PlanVersion,
    Reason,
    Response,
    acceptances,
    refusals,
    transition,
)

START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
ACTIVITIES = ("ED-01", "EX-01", "PS-01", "DN-01")
WHY = Reason("says why")


def a_plan(
    id_: str = "p", *, status: PlanStatus = PlanStatus.DRAFT, day: int = 5, block: int = 5
) -> PlanVersion:
    return PlanVersion(id_, 1, status, START + timedelta(days=day), block, ACTIVITIES)


def said(outcome: Outcome, *answers: tuple[str, Outcome]) -> Response:
    return Response(outcome, tuple(ActivityAnswer(a, o, WHY) for a, o in answers))


def given_on(day: int, *answers: tuple[str, Outcome], decision: str = "d") -> Answered:
    at = START + timedelta(days=day)
    return Answered(decision, f"plan-{day}", 2, b"", at, said(Outcome.CHANGED, *answers))


@st.composite
def plans(draw: st.DrawFn) -> tuple[PlanVersion, ...]:
    """The plans of one patient, in any order, at most two of one instant in different blocks."""
    blocks = draw(st.lists(st.integers(1, 50), min_size=0, max_size=8, unique=True))
    return tuple(
        a_plan(
            f"other-{block}",
            status=draw(st.sampled_from(PlanStatus)),
            day=draw(st.integers(0, 9)),
            block=block,
        )
        for block in blocks
    )


@st.composite
def responses(draw: st.DrawFn) -> Response:
    """Answers that fit the plan."""
    outcome = draw(st.sampled_from(Outcome))
    allowed = list(Outcome) if outcome is not Outcome.DECLINED else [Outcome.DECLINED]
    least = 1 if outcome is Outcome.CHANGED else 0
    answered = draw(st.lists(st.sampled_from(ACTIVITIES), min_size=least, unique=True))
    return said(outcome, *((a, draw(st.sampled_from(allowed))) for a in answered))


def after(
    plan: PlanVersion, others: Sequence[PlanVersion], changes: Sequence[Change]
) -> dict[str, PlanStatus]:
    """The state of every plan once the changes are made."""
    states = {p.id: p.status for p in (plan, *others)}
    states.update((c.plan, c.status) for c in changes)
    return states


@given(plans(), responses())
def test_after_an_acceptance_one_plan_is_in_force_and_no_earlier_proposal_is_open(
    others: tuple[PlanVersion, ...], response: Response
) -> None:
    assume(response.is_acceptance)
    plan = a_plan(block=60)

    states = after(plan, others, transition(plan, others, response))

    assert [id_ for id_, status in states.items() if status is PlanStatus.ACTIVE] == [plan.id]
    still_open = [o for o in others if states[o.id] is PlanStatus.DRAFT]
    assert all((o.made, o.sequence) > (plan.made, plan.sequence) for o in still_open)


@given(plans(), responses())
def test_a_later_proposal_stays_open_and_nothing_revoked_is_touched(
    others: tuple[PlanVersion, ...], response: Response
) -> None:
    plan = a_plan(block=60)
    changed = {c.plan for c in transition(plan, others, response)}

    for other in others:
        if other.status is PlanStatus.REVOKED:
            assert other.id not in changed
        if other.status is PlanStatus.DRAFT and other.made > plan.made:
            assert other.id not in changed


@given(plans(), responses())
def test_declining_a_plan_changes_that_plan_alone(
    others: tuple[PlanVersion, ...], response: Response
) -> None:
    assume(not response.is_acceptance)
    plan = a_plan()

    assert transition(plan, others, response) == (Change(plan.id, PlanStatus.REVOKED, response),)


@given(plans(), responses(), st.randoms())
def test_the_order_of_the_other_plans_says_nothing(
    others: tuple[PlanVersion, ...], response: Response, random: Random
) -> None:
    plan = a_plan(block=60)
    shuffled = list(others)
    random.shuffle(shuffled)

    assert transition(plan, shuffled, response) == transition(plan, others, response)


@given(plans(), responses())
def test_the_plan_comes_first_each_plan_once_and_both_sides_name_each_other(
    others: tuple[PlanVersion, ...], response: Response
) -> None:
    plan = a_plan(block=60)

    first, *ended = transition(plan, others, response)

    assert first.plan == plan.id
    assert first.response == response
    assert list(first.replaces) == [c.plan for c in ended]
    assert len(set(first.replaces)) == len(ended)
    assert {c.replaced_by for c in ended} <= {plan.id}
    assert {c.status for c in ended} <= {PlanStatus.REVOKED}


@given(st.sampled_from([PlanStatus.ACTIVE, PlanStatus.REVOKED]), responses())
def test_a_plan_is_answered_once(status: PlanStatus, response: Response) -> None:
    with pytest.raises(Conflict):
        transition(a_plan(status=status), (), response)


def test_of_two_proposals_of_one_instant_the_one_kept_first_is_the_earlier() -> None:
    plan, same_day = a_plan(block=5), a_plan("other", block=4)

    accepted = said(Outcome.ACCEPTED)

    assert transition(plan, (same_day,), accepted)[0].replaces == ("other",)
    assert transition(same_day, (plan,), accepted)[0].replaces == ()


@pytest.mark.parametrize(
    ("response", "names"),
    [
        (said(Outcome.CHANGED), "no activity is answered"),
        (said(Outcome.ACCEPTED, ("XX-99", Outcome.DECLINED)), "has no activity 'XX-99'"),
        (
            said(Outcome.CHANGED, ("EX-01", Outcome.DECLINED), ("EX-01", Outcome.ACCEPTED)),
            "EX-01 is answered twice",
        ),
        (said(Outcome.DECLINED, ("EX-01", Outcome.ACCEPTED)), "EX-01 is not"),
        (
            Response(Outcome.CHANGED, (ActivityAnswer("EX-01", Outcome.CHANGED),)),
            "EX-01 is changed, but not how",
        ),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_in_words(response: Response, names: str) -> None:
    with pytest.raises(Refused, match=names):
        transition(a_plan(), (), response)


def test_every_part_that_does_not_fit_is_named_at_once() -> None:
    response = said(Outcome.ACCEPTED, ("XX-98", Outcome.DECLINED), ("XX-99", Outcome.DECLINED))

    with pytest.raises(Refused) as refused:
        transition(a_plan(), (), response)

    assert len(refused.value.problems) == 2


def test_a_refusal_is_the_clinicians_word_from_the_answer_on() -> None:
    (fact,) = refusals([given_on(3, ("EX-01", Outcome.DECLINED), ("ED-01", Outcome.ACCEPTED))])

    assert (fact.input, fact.value) == ("declined-activity", "EX-01")
    assert (fact.at, fact.said_by) == (START + timedelta(days=3), SaidBy.CLINICIAN)
    assert fact.source == "CarePlan/plan-3"


def test_an_acceptance_by_name_is_a_fact_and_one_of_the_whole_plan_is_none() -> None:
    named = given_on(3, ("EX-01", Outcome.ACCEPTED), ("PS-01", Outcome.CHANGED))
    of_the_whole = given_on(3)

    assert [(f.input, f.value, f.source) for f in acceptances([named])] == [
        ("activity-accepted", "EX-01", "CarePlan/plan-3"),
        ("activity-accepted", "PS-01", "CarePlan/plan-3"),
    ]
    assert {(f.at, f.said_by) for f in acceptances([named])} == {
        (START + timedelta(days=3), SaidBy.CLINICIAN)
    }
    assert acceptances([of_the_whole]) == ()


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.CHANGED])
def test_only_a_later_answer_that_names_the_activity_takes_a_refusal_back(
    outcome: Outcome,
) -> None:
    refused = given_on(3, ("EX-01", Outcome.DECLINED))

    assert refusals([refused, given_on(5, ("ED-01", outcome))]) == refusals([refused])
    assert refusals([refused, given_on(5, ("EX-01", outcome))]) == ()
    assert refusals([given_on(1, ("EX-01", outcome)), refused]) == refusals([refused])


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(ACTIVITIES), st.sampled_from(Outcome)),
        max_size=12,
        unique_by=lambda answer: answer[0],
    ),
    st.randoms(),
)
def test_the_latest_answer_to_each_activity_counts_in_whatever_order_they_are_read(
    told: list[tuple[int, str, Outcome]], random: Random
) -> None:
    answered = [given_on(day, (activity, outcome)) for day, activity, outcome in told]
    shuffled = list(answered)
    random.shuffle(shuffled)
    latest = {activity: outcome for _, activity, outcome in sorted(told, key=lambda t: t[0])}

    standing = {fact.value for fact in refusals(shuffled)}

    assert standing == {a for a, outcome in latest.items() if outcome is Outcome.DECLINED}
    assert refusals(shuffled) == refusals(answered)
    assert {fact.value for fact in acceptances(shuffled)} == latest.keys() - standing
    assert acceptances(shuffled) == acceptances(answered)


def refusal(plan: PlanVersion, response: Response) -> tuple[tuple[str, str, str, str], ...]:
    """What is said of an answer that does not fit."""
    with pytest.raises((Conflict, Refused)) as refused:
        transition(plan, (), response)
    return tuple((p.what, p.where, p.mend, p.code) for p in refused.value.problems)


def test_every_refusal_says_what_where_and_how_to_mend_it() -> None:
    long = "x" * 70
    wrong = ActivityAnswer("XX-99", Outcome.DECLINED, WHY, "Parameters.parameter[1]")
    unreasoned = ActivityAnswer("EX-01", Outcome.CHANGED, Reason(), "Parameters.parameter[2]")
    kept = ActivityAnswer("EX-01", Outcome.ACCEPTED, WHY, "Parameters.parameter[3]")
    once = ActivityAnswer("EX-01", Outcome.DECLINED, WHY, "Parameters.parameter[4]")

    assert refusal(a_plan(status=PlanStatus.ACTIVE), said(Outcome.ACCEPTED)) == (
        (
            "CarePlan/p is active: it was answered or replaced before.",
            "CarePlan.status",
            "An answer is given once. Read the plan; derive a new one to decide anew.",
            "conflict",
        ),
    )
    assert refusal(a_plan(), said(Outcome.CHANGED)) == (
        (
            "outcome is changed, and no activity is answered.",
            "Parameters.parameter.where(name='activity')",
            "Say which activity is declined or changed, or send accepted.",
            "business-rule",
        ),
    )
    assert refusal(a_plan(), Response(Outcome.CHANGED, (wrong,))) == (
        (
            "The plan has no activity 'XX-99'.",
            "Parameters.parameter[1]",
            "It has ED-01, EX-01, PS-01, DN-01.",
            "business-rule",
        ),
    )
    (too_long,) = refusal(a_plan(), said(Outcome.CHANGED, (long, Outcome.DECLINED)))
    assert too_long[0] == f"The plan has no activity {'x' * 64!r}."
    assert refusal(a_plan(), Response(Outcome.CHANGED, (unreasoned,))) == (
        (
            "The activity EX-01 is changed, but not how.",
            "Parameters.parameter[2]",
            "Say in reason what is done instead.",
            "business-rule",
        ),
    )
    assert refusal(a_plan(), Response(Outcome.DECLINED, (kept,))) == (
        (
            "The plan is declined, but its activity EX-01 is not.",
            "Parameters.parameter[3]",
            "Send changed to keep a part of the plan.",
            "business-rule",
        ),
    )
    assert refusal(a_plan(), Response(Outcome.CHANGED, (once, once))) == (
        (
            "The activity EX-01 is answered twice.",
            "Parameters.parameter[4]",
            "Send one answer for each activity.",
            "business-rule",
        ),
    )
