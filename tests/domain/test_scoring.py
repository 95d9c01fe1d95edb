"""Questionnaires: sums, means, percentages; what is known while answers are missing."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.content_parts import Instrument, Item
from app.domain.facts import Bounds
from app.domain.scoring import SCORING, Score
from tests.patients import knowledge

PHQ_9 = knowledge().instruments["phq-9"]
PEG = knowledge().instruments["peg"]
START_BACK = knowledge().instruments["start-back"]


def instrument(name: str, scoring: str, *, items: int, high: int) -> Instrument:
    """One whose items we do not ship: only its arithmetic is of interest."""
    codes = [f"{name}-{number}" for number in range(1, items + 1)]
    own = {code: Item(code, 0, high) for code in codes}
    return Instrument(name, name, f"{name}-total", scoring, "TOTAL", own)


GAD_7 = knowledge().instruments["gad-7"]
PHQ_2 = knowledge().instruments["phq-2"]
PHQ_4 = knowledge().instruments["phq-4"]
DISTRESS = knowledge().instruments["start-back-distress"]
EVS = knowledge().instruments["exercise-vital-sign"]
FM, WPI, SSS, REGIONS = (
    knowledge().instruments[name]
    for name in ("fm-2016", "fm-2016-wpi", "fm-2016-sss", "fm-2016-regions")
)
# The rule of BPI interference; its item codes are not verified, so the content has none.
BPI = replace(instrument("bpi", "mean", items=7, high=10), needs=4)
ODI = instrument("odi", "percentage", items=10, high=5)
RMDQ = instrument("rmdq", "sum", items=24, high=1)


def score(of: Instrument, answers: Mapping[str, int]) -> Score:
    return SCORING[of.scoring]({item: Decimal(n) for item, n in answers.items()}, of)


def answered(of: Instrument, *points: int) -> dict[str, int]:
    """The first items in their order, the rest not answered."""
    return dict(zip(of.items, points, strict=False))


# Complete


def test_phq_9_is_the_sum_of_nine_items() -> None:
    assert score(PHQ_9, answered(PHQ_9, 1, 2, 3, 0, 1, 2, 3, 0, 1)) == Score(Decimal(13), 9, 9)


def test_peg_is_the_mean_of_three_items_to_one_decimal() -> None:
    assert score(PEG, answered(PEG, 7, 6, 7)).value == Decimal("6.7")
    assert score(PEG, answered(PEG, 6, 6, 7)).value == Decimal("6.3")


def test_start_back_counts_what_is_agreed_to() -> None:
    assert score(START_BACK, answered(START_BACK, 1, 1, 0, 1, 0, 0, 0, 0, 1)).value == 4


def test_odi_is_a_percentage_of_what_ten_sections_allow() -> None:
    assert score(ODI, answered(ODI, *[2] * 10)) == Score(Decimal(40), 10, 10)


def test_rmdq_counts_24_statements() -> None:
    assert score(RMDQ, answered(RMDQ, *[1] * 14, *[0] * 10)).value == 14


WITH_ITEMS = [i for i in knowledge().instruments.values() if i.items]


@pytest.mark.parametrize("of", [*WITH_ITEMS, ODI, RMDQ], ids=lambda of: of.label)
def test_the_lowest_and_the_highest_score_are_those_of_the_instrument(of: Instrument) -> None:
    low = score(of, {code: item.low for code, item in of.items.items()}).value
    high = score(of, {code: item.high for code, item in of.items.items()}).value

    known = knowledge().inputs["odi-score" if of is ODI else of.total]
    assert (low, high) == (known.low, known.high)


@pytest.mark.parametrize(
    ("total", "low", "high"),
    [
        ("paindetect-total", -1, 38),
        ("dn4-total", 0, 10),
        ("dn4-interview-total", 0, 7),
        ("s-lanss-total", 0, 24),
        ("start-back-total", 0, 9),
        ("start-back-distress", 0, 5),
        ("odi-score", 0, 100),
        ("rmdq-total", 0, 24),
        ("peg-score", 0, 10),
        ("phq9-total", 0, 27),
        ("csi-total", 0, 100),
        ("csi9-total", 0, 36),
        ("wpi", 0, 19),
        ("sss", 0, 12),
        ("fs-total", 0, 31),
        ("fm-painful-regions", 0, 5),
        ("ompsq-sf-total", 1, 100),
        ("phq2-total", 0, 6),
        ("phq4-total", 0, 12),
        ("phq4-anxiety", 0, 6),
        ("phq4-depression", 0, 6),
        ("gad7-total", 0, 21),
        ("hads-anxiety", 0, 21),
        ("hads-depression", 0, 21),
        ("pcs-total", 0, 52),
        ("tsk17-total", 17, 68),
        ("tsk11-total", 11, 44),
        ("fabq-pa", 0, 24),
        ("fabq-work", 0, 42),
        ("pseq-total", 0, 60),
        ("pseq2-total", 0, 12),
        ("isi-total", 0, 28),
        ("psqi-total", 0, 21),
        ("nih-rtf-impact", 8, 50),
        ("bpi-interference", 0, 10),
        ("vas-0-100", 0, 100),
        ("pain-nrs", 0, 10),
    ],
)
def test_the_range_of_a_total_is_the_published_one(total: str, low: int, high: int) -> None:
    known = knowledge().inputs[total]

    assert (known.low, known.high) == (Decimal(low), Decimal(high))


# Missing answers


@pytest.mark.parametrize(
    ("points", "total", "note"),
    [
        ((1, 1, 1, 1, 1, 1, 1, 1), 9, "1 items missing: prorated"),
        ((2, 2, 2, 2, 2, 2, 2), 18, "2 items missing: prorated"),
        ((1, 1, 1, 1, 1, 1, 1, 0), 8, "1 items missing: prorated"),  # 7.875
        ((1, 1, 1, 1, 0, 0, 0, 0), 5, "1 items missing: prorated"),  # 4.5, half up
    ],
)
def test_phq_9_with_two_items_missing_at_most_is_prorated(
    points: tuple[int, ...], total: int, note: str
) -> None:
    result = score(PHQ_9, answered(PHQ_9, *points))

    assert result == Score(Decimal(total), len(points), 9, note)


def test_phq_9_with_three_items_missing_lies_between_bounds() -> None:
    result = score(PHQ_9, answered(PHQ_9, 1, 1, 1, 1, 1, 1))

    assert result.value == Bounds(Decimal(6), Decimal(15))
    assert result.note == "3 items missing: bounds only"


def test_peg_with_an_item_missing_lies_between_bounds() -> None:
    result = score(PEG, answered(PEG, 6, 6))

    assert isinstance(result.value, Bounds)
    assert (result.value.low, round(result.value.high, 2)) == (Decimal(4), Decimal("7.33"))


def test_rmdq_and_start_back_with_items_missing_lie_between_bounds() -> None:
    assert score(RMDQ, answered(RMDQ, *[1] * 20)).value == Bounds(Decimal(20), Decimal(24))
    assert score(START_BACK, answered(START_BACK, 1, 0)).value == Bounds(Decimal(1), Decimal(8))


def test_odi_adapts_to_the_sections_that_were_answered() -> None:
    result = score(ODI, answered(ODI, *[2] * 9))

    assert result == Score(Decimal(40), 9, 10, "1 sections missing: percentage of those answered")


@pytest.mark.parametrize("of", [*WITH_ITEMS, BPI, ODI, RMDQ], ids=lambda of: of.label)
def test_without_an_answer_there_is_no_score(of: Instrument) -> None:
    assert score(of, {}) == Score(None, 0, len(of.items))


def test_gad_7_is_prorated_with_one_item_missing_and_no_more() -> None:
    assert score(GAD_7, answered(GAD_7, *[2] * 6)).value == 14
    assert score(GAD_7, answered(GAD_7, *[2] * 5)).value == Bounds(Decimal(10), Decimal(16))


@pytest.mark.parametrize("of", [PHQ_2, PHQ_4], ids=lambda of: of.label)
def test_the_short_forms_are_never_prorated(of: Instrument) -> None:
    others = list(of.items)[1:]

    result = score(of, dict.fromkeys(others, 3))

    assert result.value == Bounds(Decimal(3 * len(others)), Decimal(3 * len(of.items)))


def test_bpi_is_the_mean_of_four_answers_at_least() -> None:
    assert score(BPI, answered(BPI, *[5] * 7)).value == 5
    assert score(BPI, answered(BPI, 5, 5, 5, 6)) == Score(
        Decimal("5.3"), 4, 7, "3 items missing: mean of those answered"
    )
    assert isinstance(score(BPI, answered(BPI, 5, 5, 5)).value, Bounds)


def test_days_times_minutes_are_the_activity_of_a_week() -> None:
    days, minutes = EVS.items

    assert score(EVS, {days: 5, minutes: 30}) == Score(Decimal(150), 2, 2)
    assert score(EVS, {days: 0}).value == 0
    assert score(EVS, {minutes: 0}).value == 0
    assert score(EVS, {days: 2}).value == Bounds(Decimal(0), Decimal(2880))
    assert score(EVS, {minutes: 30}).value == Bounds(Decimal(0), Decimal(210))


def test_each_region_of_the_body_counts_once() -> None:
    free = dict.fromkeys(REGIONS.items, 0)

    assert len(WPI.items) == 19
    assert score(REGIONS, free).value == 0
    assert score(REGIONS, free | {"fm-hip-left": 1, "fm-lower-leg-left": 1}).value == 1
    assert score(REGIONS, free | {"fm-hip-left": 1, "fm-hip-right": 1, "fm-neck": 1}).value == 3


@pytest.mark.parametrize("area", ["fm-jaw-left", "fm-jaw-right", "fm-chest", "fm-abdomen"])
def test_jaw_chest_and_abdomen_are_areas_of_no_region(area: str) -> None:
    assert area in WPI.items
    assert area not in REGIONS.items


def test_a_region_is_free_only_when_each_of_its_areas_is() -> None:
    result = score(REGIONS, {"fm-neck": 0, "fm-upper-back": 0, "fm-hip-left": 1})

    assert result.value == Bounds(Decimal(1), Decimal(5))
    with_back = score(
        REGIONS, {"fm-neck": 0, "fm-upper-back": 0, "fm-lower-back": 0, "fm-hip-left": 1}
    )
    assert with_back.value == Bounds(Decimal(1), Decimal(4))


@given(st.data())
def test_severity_is_the_index_plus_the_scale(data: st.DataObject) -> None:
    full = {c: data.draw(st.integers(i.low, i.high)) for c, i in FM.items.items()}
    parts = [score(of, {c: full[c] for c in of.items}).value for of in (WPI, SSS)]

    assert [p for p in parts if isinstance(p, Decimal)] == parts
    assert score(FM, full).value == sum(p for p in parts if isinstance(p, Decimal))


@given(st.data())
def test_distress_is_never_more_than_the_total_of_start_back(data: st.DataObject) -> None:
    full = {c: data.draw(st.integers(0, 1)) for c in START_BACK.items}
    whole = score(START_BACK, full).value
    part = score(DISTRESS, {c: full[c] for c in DISTRESS.items}).value

    assert isinstance(whole, Decimal)
    assert isinstance(part, Decimal)
    assert list(DISTRESS.items) == list(START_BACK.items)[-5:]
    assert part <= whole <= part + 4


# What does not belong


@pytest.mark.parametrize("points", [-1, 4])
def test_an_answer_outside_the_range_is_refused_with_item_and_range(points: int) -> None:
    with pytest.raises(ValueError, match=rf"44250-9 is {points}; PHQ-9 allows 0 to 3"):
        score(PHQ_9, {"44250-9": points})


def test_an_item_of_another_instrument_is_not_counted() -> None:
    answers = answered(PHQ_9, *[1] * 9)

    assert score(PHQ_9, answers | {"69722-7": 3}) == Score(Decimal(9), 9, 9)


# Laws


BOUNDED = [i for i in [*WITH_ITEMS, RMDQ] if not i.prorate]


@given(
    st.sampled_from(BOUNDED),
    st.data(),
)
def test_the_full_score_lies_within_the_bounds_of_a_partial_one(
    of: Instrument, data: st.DataObject
) -> None:
    full = {code: data.draw(st.integers(i.low, i.high)) for code, i in of.items.items()}
    partial = {item: n for item, n in full.items() if data.draw(st.booleans())}

    total, known = score(of, full).value, score(of, partial).value

    assert isinstance(total, Decimal)
    if isinstance(known, Bounds):
        tenth = Decimal("0.05")  # the mean is rounded, its bounds are not
        assert known.low - tenth <= total <= known.high + tenth


@given(st.sampled_from([*WITH_ITEMS, BPI, ODI, RMDQ]), st.data())
def test_the_order_of_the_answers_changes_nothing(of: Instrument, data: st.DataObject) -> None:
    answers = {
        c: data.draw(st.integers(i.low, i.high))
        for c, i in of.items.items()
        if data.draw(st.booleans())
    }
    shuffled = dict(data.draw(st.permutations(list(answers.items()))))

    assert score(of, shuffled) == score(of, answers)


@given(st.sampled_from(BOUNDED), st.data())
def test_one_more_answer_never_widens_the_bounds(of: Instrument, data: st.DataObject) -> None:
    full = {c: data.draw(st.integers(i.low, i.high)) for c, i in of.items.items()}
    partial = {c: n for c, n in full.items() if data.draw(st.booleans())}
    added = data.draw(st.sampled_from(list(of.items)))

    before, after = (score(of, p).value for p in (partial, partial | {added: full[added]}))

    if isinstance(before, Bounds) and isinstance(after, Bounds):
        assert before.low <= after.low <= after.high <= before.high


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9), st.integers(0, 8))
def test_one_more_point_never_lowers_phq_9(points: list[int], item: int) -> None:
    more = [min(3, n + 1) if at == item else n for at, n in enumerate(points)]

    before, after = (score(PHQ_9, answered(PHQ_9, *p)).value for p in (points, more))

    assert isinstance(before, Decimal)
    assert isinstance(after, Decimal)
    assert after >= before


def test_a_score_says_how_many_items_it_rests_on() -> None:
    assert score(PEG, answered(PEG, 7, 6, 7)) == Score(Decimal("6.7"), 3, 3)
    partial = score(PEG, answered(PEG, 7, 6))
    assert (partial.answered, partial.expected) == (2, 3)
    assert partial.note == "1 items missing: bounds only"


def test_a_percentage_that_lies_between_is_rounded_half_up() -> None:
    assert score(ODI, answered(ODI, 1, 1, 1, 0, 0, 0, 0, 0)).value == 8
    assert score(ODI, answered(ODI, 5, 0, 0, 0, 0, 0, 0, 0)).value == 13
