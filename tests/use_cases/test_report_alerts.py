"""The report of alerts: how often a rule was overridden, and when it is due to be retired."""

import pytest

from app.use_cases.report_alerts import AlertReport, RuleMonth


def a_month(accepted: int, overridden: int, month: str = "2026-11") -> RuleMonth:
    return RuleMonth("CDS-X", month, 100, accepted, overridden)


@pytest.mark.parametrize(
    ("accepted", "overridden", "rate", "is_due"),
    [
        (0, 0, None, False),
        (0, 1, 1.0, False),
        (0, 19, 1.0, False),
        (0, 20, 1.0, True),
        (2, 18, 0.9, False),
        (2, 19, 0.905, True),
        (10, 10, 0.5, False),
    ],
)
def test_a_rule_is_due_above_nine_of_ten_once_enough_was_answered(
    accepted: int, overridden: int, rate: float | None, is_due: bool
) -> None:
    (total,) = AlertReport((a_month(accepted, overridden),), 0).totals()

    assert total.override_rate == rate
    assert total.is_due_to_retire is is_due


def test_months_are_summed() -> None:
    report = AlertReport((a_month(1, 15), a_month(0, 15, "2026-10")), 0)

    (total,) = report.totals()

    assert (total.shown, total.accepted, total.overridden) == (200, 1, 30)
    assert total.is_due_to_retire
