"""Questionnaires: sums, means, percentages; what is known while answers are missing."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.content import Instrument
from app.domain.facts import Bounds
from app.domain.scoring import SCORING, Score
from tests.patients import knowledge

PHQ_9 = knowledge().instruments["phq-9"]
PEG = knowledge().instruments["peg"]
START_BACK = knowledge().instruments["start-back"]


def instrument(name: str, scoring: str, *, items: int, high: int) -> Instrument:
    """One whose items we do not ship: only its arithmetic is of interest."""
    codes = tuple(f"{name}-{number}" for number in range(1, items + 1))
    return Instrument(name, name, f"{name}-total", scoring, "TOTAL", codes, 0, high)


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


@pytest.mark.parametrize("of", [PHQ_9, PEG, START_BACK, ODI, RMDQ], ids=lambda of: of.label)
def test_the_lowest_and_the_highest_score_are_those_of_the_instrument(of: Instrument) -> None:
    low = score(of, dict.fromkeys(of.items, of.item_low)).value
    high = score(of, dict.fromkeys(of.items, of.item_high)).value

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


@pytest.mark.parametrize("of", [PHQ_9, PEG, START_BACK, ODI, RMDQ], ids=lambda of: of.label)
def test_without_an_answer_there_is_no_score(of: Instrument) -> None:
    assert score(of, {}) == Score(None, 0, len(of.items))


# What does not belong


@pytest.mark.parametrize("points", [-1, 4])
def test_an_answer_outside_the_range_is_refused_with_item_and_range(points: int) -> None:
    with pytest.raises(ValueError, match=rf"44250-9 is {points}; PHQ-9 allows 0 to 3"):
        score(PHQ_9, {"44250-9": points})


def test_an_item_of_another_instrument_is_not_counted() -> None:
    answers = answered(PHQ_9, *[1] * 9)

    assert score(PHQ_9, answers | {"69722-7": 3}) == Score(Decimal(9), 9, 9)


# Laws


@given(
    st.sampled_from([PEG, START_BACK, RMDQ]),
    st.data(),
)
def test_the_full_score_lies_within_the_bounds_of_a_partial_one(
    of: Instrument, data: st.DataObject
) -> None:
    points = st.integers(of.item_low, of.item_high)
    full = {item: data.draw(points) for item in of.items}
    partial = {item: n for item, n in full.items() if data.draw(st.booleans())}

    total, known = score(of, full).value, score(of, partial).value

    assert isinstance(total, Decimal)
    if isinstance(known, Bounds):
        tenth = Decimal("0.05")  # the mean is rounded, its bounds are not
        assert known.low - tenth <= total <= known.high + tenth


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
