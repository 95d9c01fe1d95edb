"""True, false, unknown: and none of the three passes for another."""

import pytest

from app.domain.truth import Truth


@pytest.mark.parametrize("truth", Truth)
def test_a_truth_refuses_to_be_a_bool(truth: Truth) -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(truth)


@pytest.mark.parametrize("truth", Truth)
def test_a_truth_cannot_be_negated_by_accident(truth: Truth) -> None:
    with pytest.raises(TypeError, match="three values"):
        _ = not truth


def test_what_is_known_becomes_a_truth() -> None:
    assert Truth.of(True) is Truth.TRUE
    assert Truth.of(False) is Truth.FALSE


def test_there_are_three_truths_and_no_more() -> None:
    assert [truth.value for truth in Truth] == ["true", "false", "unknown"]
