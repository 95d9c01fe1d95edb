"""Where guidelines disagree the plan says who says what."""

import pytest

from app.fhir.writing.activity import dissent
from tests.patients import knowledge


@pytest.mark.parametrize("activity", ["RX-03", "RX-04", "AC-01", "IN-01", "RX-01"])
def test_what_guidelines_disagree_about_is_told_with_marks(activity: str) -> None:
    said = dissent(activity, knowledge())

    assert "uk" in said
    assert said.count("[") >= 2


def test_what_they_agree_about_needs_no_words() -> None:
    assert dissent("ED-01", knowledge()) == ""
