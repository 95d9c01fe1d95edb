"""The column of the matrix: mild, moderate or severe (interventions.md section 6.4)."""

import pytest

from app.domain.severity import Severity
from tests.patients import Patient, a_patient


def of(**scores: float) -> Severity:
    patient: Patient = a_patient()
    for name, value in scores.items():
        patient.with_(name.replace("_", "-"), value)
    return patient.decide().severity


@pytest.mark.parametrize(
    ("peg", "expected"),
    [(3.9, Severity.MILD), (4, Severity.MODERATE), (6.9, Severity.MODERATE), (7, Severity.SEVERE)],
)
def test_peg_decides(peg: float, expected: Severity) -> None:
    assert of(peg_score=peg) is expected


@pytest.mark.parametrize(
    ("pain", "expected"), [(3, Severity.MILD), (4, Severity.MODERATE), (7, Severity.SEVERE)]
)
def test_without_peg_the_pain_rating_stands_in(pain: int, expected: Severity) -> None:
    assert of(pain_nrs=pain) is expected


def test_with_peg_the_pain_rating_says_nothing() -> None:
    assert of(peg_score=3, pain_nrs=9) is Severity.MILD


def test_where_the_measures_disagree_the_higher_counts() -> None:
    assert of(peg_score=3, start_back_total=5, start_back_distress=1) is Severity.MODERATE
    assert of(peg_score=3, start_back_total=6, start_back_distress=4) is Severity.SEVERE


def test_a_low_risk_alone_is_mild() -> None:
    assert of(start_back_total=2, start_back_distress=1) is Severity.MILD


def test_nothing_measured_is_moderate() -> None:
    assert of() is Severity.MODERATE
