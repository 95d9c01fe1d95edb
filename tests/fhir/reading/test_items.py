"""Items of instruments: which questionnaire they answer, and what a stated total is worth."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from app.domain.facts import Bounds, Record
from app.domain.problem import Refused
from tests.fhir.reading.wire import (
    CANON,
    LOINC,
    PEG,
    PEG_TOTAL,
    PHQ_9,
    PHQ_9_TOTAL,
    Json,
    coded,
    item,
    observation,
    points,
    quantity,
    record,
    response,
    the,
    told,
    why_not_used,
)

GAD_7 = "69725-0 68509-9 69733-4 69734-2 69735-9 69689-8 69736-7".split()
PHQ_2, PHQ_4 = PHQ_9[:2], [*GAD_7[:2], *PHQ_9[:2]]
START_BACK = (
    "91340-0 91341-8 91342-6 91343-4 91344-2 91345-9 91346-7 91347-5 91348-3"  # leg to bothersome
).split()
DAYS, MINUTES = "89555-7", "68516-4"
ACTIVITY = "physical-activity-minutes-week"
R = "QuestionnaireResponse/r"


def form(id_: str) -> str:
    return f"{CANON}/Questionnaire/{id_}"


def ours(code: str) -> Json:
    return {"valueCoding": {"code": code}}


def totals(read: Record) -> dict[str, Any]:
    """Every total of an instrument that is known, and as what."""
    return {f.input: f.value for f in read.facts if f.input not in ("birth-date", "phq9-item-9")}


def panel(code: str, *members: Json, **more: Any) -> list[Json]:
    """A panel with its members as Observations of their own."""
    named = [{"reference": f"Observation/{member['id']}"} for member in members]
    return [observation(LOINC, code, hasMember=named, **more), *members]


# Which instrument it is


def test_the_two_questions_of_phq_2_are_phq_2_and_no_bounds_of_phq_9() -> None:
    read = record(response(*[points(code, 2) for code in PHQ_2]))

    assert totals(read) == {"phq2-total": 4}


def test_phq_9_says_nothing_of_the_shorter_forms_inside_it() -> None:
    read = record(response(*[points(code, 1) for code in PHQ_9]))

    assert totals(read) == {"phq9-total": 9}


def test_phq_4_has_a_total_and_two_subscales() -> None:
    read = record(response(*[points(code, n) for code, n in zip(PHQ_4, (3, 2, 1, 0), strict=True)]))

    assert totals(read) == {"phq4-total": 6, "phq4-anxiety": 5, "phq4-depression": 1}


def test_phq_9_and_gad_7_together_are_no_phq_4() -> None:
    read = record(response(*[points(code, 1) for code in [*PHQ_9, *GAD_7]]))

    assert totals(read) == {"phq9-total": 9, "gad7-total": 7}


def test_the_form_says_which_instrument_it_is() -> None:
    read = record(response(*[points(code, 3) for code in PHQ_2], questionnaire=form("phq-9")))

    assert totals(read) == {"phq9-total": Bounds(Decimal(6), Decimal(27))}


def test_the_panel_says_which_instrument_it_is() -> None:
    components = [{"code": coded(LOINC, code), "valueInteger": 3} for code in PHQ_2]

    read = record(observation(LOINC, "44249-1", component=components))

    assert totals(read) == {"phq9-total": Bounds(Decimal(6), Decimal(27))}


# Missing answers, each by its instrument's own rule


def test_gad_7_with_one_answer_missing_is_prorated_with_two_it_is_bounds() -> None:
    one = record(response(*[points(code, 2) for code in GAD_7[1:]]))
    two = record(response(*[points(code, 2) for code in GAD_7[2:]]))

    assert the(one, "gad7-total").value == 14
    assert one.scores[0].note == "1 items missing: prorated"
    assert the(two, "gad7-total").value == Bounds(Decimal(10), Decimal(16))


def test_no_day_of_exercise_is_no_minute_of_it() -> None:
    read = record(observation(LOINC, DAYS, **quantity(0, "d/wk")))

    assert the(read, ACTIVITY).value == 0


@pytest.mark.parametrize(
    ("days", "minutes"),
    [
        (quantity(5, "d/wk"), quantity(30, "min/d")),
        ({"valueInteger": 5}, {"valueInteger": 30}),
        (quantity(5, "d/wk"), quantity(0.5, "h/d")),
        ({"valueString": "5"}, {"valueString": "30"}),
    ],
)
def test_days_times_minutes_are_the_minutes_of_a_week(days: Json, minutes: Json) -> None:
    read = record(observation(LOINC, DAYS, **days), observation(LOINC, MINUTES, **minutes))

    assert the(read, ACTIVITY).value == 150
    assert isinstance(the(read, ACTIVITY).value, int)


def test_minutes_in_a_unit_of_something_else_are_listed() -> None:
    read = record(
        observation(LOINC, DAYS, **quantity(5, "d/wk")),
        observation(LOINC, MINUTES, **quantity(30, "kg")),
    )

    assert the(read, ACTIVITY).value == Bounds(Decimal(0), Decimal(7200))
    assert "unit" in why_not_used(read.not_used, f"Observation/o-{MINUTES}")


def test_the_minutes_of_a_week_have_a_code_of_their_own() -> None:
    assert the(record(observation(LOINC, "82290-8", **quantity(2, "h/wk"))), ACTIVITY).value == 120


# STarT Back


@pytest.mark.parametrize(("box", "point"), [(1, 0), (2, 0), (3, 0), (4, 1), (5, 1)])
def test_item_9_of_start_back_counts_in_its_two_highest_boxes(box: int, point: int) -> None:
    agreed = [item(code, ours("disagree")) for code in START_BACK[:8]]

    read = record(
        response(*agreed, item(START_BACK[8], ours(f"box-{box}")), questionnaire=form("start-back"))
    )

    assert totals(read) == {"start-back-total": point, "start-back-distress": point}


@pytest.mark.parametrize(
    "agreed", [ours("agree"), {"valueBoolean": True}, {"valueInteger": 1}, {"valueString": "1"}]
)
def test_agreement_is_told_in_several_ways(agreed: Json) -> None:
    read = record(
        response(*[item(code, agreed) for code in START_BACK[:8]], points(START_BACK[8], 1))
    )

    assert totals(read) == {"start-back-total": 9, "start-back-distress": 5}


def test_the_distress_subscale_is_the_last_five_items() -> None:
    agreed = [points(code, 1) for code in START_BACK[:4]]
    refused = [points(code, 0) for code in START_BACK[4:]]

    read = record(response(*agreed, *refused))

    assert totals(read) == {"start-back-total": 4, "start-back-distress": 0}


def test_the_risk_level_is_taken_in_its_words_and_another_word_is_listed() -> None:
    high = record(observation(LOINC, "91352-5", valueString="high"))
    other = record(observation(LOINC, "91352-5", valueString="terrible"))

    assert the(high, "start-back-risk").value == "high"
    assert told(other, "start-back-risk") == []
    assert "start-back-risk" in why_not_used(other.not_used, "Observation/o-91352-5")


# Fibromyalgia criteria


def test_the_areas_and_symptoms_of_fm_2016_make_four_scores() -> None:
    areas = ["fm-shoulder-left", "fm-hip-right", "fm-neck", "fm-chest"]
    missing = [  # every other area was said to be free of pain
        f"fm-{a}-{side}"
        for a in ("jaw", "shoulder", "upper-arm", "lower-arm", "hip", "upper-leg", "lower-leg")
        for side in ("left", "right")
    ]
    free = [a for a in [*missing, "fm-upper-back", "fm-lower-back", "fm-abdomen"] if a not in areas]
    symptoms = [("fm-fatigue", "severe"), ("fm-unrefreshed", "slight"), ("fm-cognition", "none")]
    yes, no = {"valueBoolean": True}, {"valueBoolean": False}

    read = record(
        response(
            *[item(area, yes) for area in areas],
            *[item(area, no) for area in free],
            *[item(symptom, ours(said)) for symptom, said in symptoms],
            item("fm-headache", yes),
            item("fm-abdominal-pain", no),
            item("fm-depression", no),
            questionnaire=form("fm-2016"),
        )
    )

    assert totals(read) == {"wpi": 4, "sss": 5, "fs-total": 9, "fm-painful-regions": 3}
    assert read.not_used == ()


def test_areas_not_answered_leave_bounds() -> None:
    yes = {"valueBoolean": True}
    areas = ["fm-neck", "fm-shoulder-left", "fm-hip-left"]

    read = record(response(*[item(area, yes) for area in areas], questionnaire=form("fm-2016")))

    assert totals(read) == {
        "wpi": Bounds(Decimal(3), Decimal(19)),
        "fm-painful-regions": Bounds(Decimal(3), Decimal(5)),
        "fs-total": Bounds(Decimal(3), Decimal(31)),
    }


# A stated total beside items


def test_a_panel_whose_items_contradict_its_total_is_listed_and_the_items_win() -> None:
    items = [{"code": coded(LOINC, code), "valueInteger": 1} for code in PHQ_9]
    total = {"code": coded(LOINC, PHQ_9_TOTAL), "valueInteger": 20}

    read = record(observation(LOINC, "44249-1", component=[*items, total]))

    assert the(read, "phq9-total").value == 9
    why = why_not_used(read.not_used, "Observation/o-44249-1")
    assert "states a total of 20, its items make 9" in why


def test_members_of_a_panel_belong_together_whenever_each_was_recorded() -> None:
    items = [
        observation(LOINC, code, valueInteger=1, effectiveDateTime=f"2026-05-28T08:00:0{n}Z")
        for n, code in enumerate(PHQ_9)
    ]

    read = record(*panel("44249-1", *items))

    assert the(read, "phq9-total").value == 9
    assert the(read, "phq9-total").at.second == 8


def test_a_member_that_states_the_total_is_contradicted_by_complete_items() -> None:
    items = [observation(LOINC, code, valueInteger=1) for code in PHQ_9]
    total = observation(LOINC, PHQ_9_TOTAL, valueInteger=3)

    read = record(*panel("44249-1", *items, total))

    assert the(read, "phq9-total").value == 9
    why = why_not_used(read.not_used, f"Observation/o-{PHQ_9_TOTAL}")
    assert "states a total of 3, its items make 9" in why


def test_a_total_that_names_its_items_as_members_is_held_against_them() -> None:
    items = [observation(LOINC, code, valueInteger=5) for code in PEG]

    read = record(*panel(PEG_TOTAL, *items, valueInteger=9))

    assert the(read, "peg-score").value == 5
    assert "its items make 5" in why_not_used(read.not_used, f"Observation/o-{PEG_TOTAL}")


def test_some_items_contradict_a_total_that_they_leave_no_room_for() -> None:
    items = [points(code, 3) for code in PHQ_9[:6]]

    read = record(response(*items, points(PHQ_9_TOTAL, 5)))

    assert the(read, "phq9-total").value == 5
    why = why_not_used(read.not_used, R)
    assert "states a total of 5, its items allow 18 to 27" in why


def test_a_loose_total_stands_and_what_contradicts_it_is_listed() -> None:
    items = [observation(LOINC, code, valueInteger=5) for code in PEG]

    read = record(*items, observation(LOINC, PEG_TOTAL, valueInteger=6))

    assert the(read, "peg-score").value == 6
    assert "its items make 5" in why_not_used(read.not_used, f"Observation/o-{PEG_TOTAL}")


def test_a_panel_in_error_holds_nothing_together() -> None:
    items = [observation(LOINC, code, valueInteger=5) for code in PEG]
    total = observation(LOINC, PEG_TOTAL, valueInteger=6)

    read = record(*panel("91148-7", *items, total, status="entered-in-error"))

    assert the(read, "peg-score").value == 6


# An answer given twice


def test_an_item_answered_twice_and_differently_is_unknown_in_any_order() -> None:
    both = [
        observation(LOINC, PEG[0], id="a", valueInteger=2),
        observation(LOINC, PEG[0], id="b", valueInteger=9),
        observation(LOINC, PEG[0], id="c", valueInteger=2),
    ]
    others = [observation(LOINC, code, valueInteger=4) for code in PEG[1:]]

    values = []
    for order in permutations(both):
        read = record(*order, *others)
        values.append(the(read, "peg-score").value)
        for id_ in "abc":
            assert "differently" in why_not_used(read.not_used, f"Observation/{id_}")

    assert all(value == values[0] for value in values)
    assert isinstance(values[0], Bounds)


def test_the_same_answer_twice_is_one_answer() -> None:
    twice = [observation(LOINC, PEG[0], id=id_, valueInteger=4) for id_ in "ab"]
    others = [observation(LOINC, code, valueInteger=4) for code in PEG[1:]]

    forwards, backwards = record(*twice, *others), record(*reversed([*twice, *others]))

    assert the(forwards, "peg-score") == the(backwards, "peg-score")
    assert forwards.scores == backwards.scores


# What does not fit


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (observation(LOINC, PEG[1], valueInteger=11), "Bundle.entry[1].resource.value"),
        (
            observation(
                LOINC,
                "91148-7",
                component=[{"code": coded(LOINC, PEG[1]), "valueInteger": -1}],
            ),
            "Bundle.entry[1].resource.component[0].value",
        ),
        (
            response(points(PEG[1], 11)),
            "Bundle.entry[1].resource.item[0].answer[0].value",
        ),
        (observation(LOINC, DAYS, **quantity(8, "d/wk")), "Bundle.entry[1].resource.value"),
    ],
)
def test_an_item_out_of_range_refuses_the_whole_and_says_where(given: Json, where: str) -> None:
    with pytest.raises(Refused) as refused:
        record(given)

    (problem,) = refused.value.problems
    assert problem.where == where
    assert "allowed is 0 to" in problem.what


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("72514-3", 11),
        ("70274-6", 22),
        ("55758-7", 7),
        ("70272-0", 13),
        ("77565-0", 11),
        ("38214-3", 101),
    ],
)
def test_a_total_out_of_its_range_is_refused(code: str, value: int) -> None:
    with pytest.raises(Refused):
        record(observation(LOINC, code, valueInteger=value))


def test_an_answer_of_our_own_form_means_nothing_to_another_item() -> None:
    read = record(response(item(PHQ_9[0], ours("agree")), points(PHQ_9[1], 1)))

    assert f"item {PHQ_9[0]}: its answer" in why_not_used(read.not_used, R)
