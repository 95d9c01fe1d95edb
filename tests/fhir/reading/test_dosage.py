"""How much is taken a day, where the instruction lets it be computed."""

from decimal import Decimal
from typing import Any

import pytest

from app.fhir.reading.dosage import DailyDose, daily_dose

Json = dict[str, Any]
BID = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}


def instruction(value: float = 10, unit: str = "mg", timing: Json = BID, **more: Any) -> Json:
    dose = {"doseQuantity": {"value": value, "unit": unit, "code": unit}}
    return {"timing": timing, "doseAndRate": [dose], **more}


def repeat(**more: Any) -> Json:
    return {"repeat": more}


def abbreviated(code: str) -> Json:
    return {"code": {"coding": [{"code": code}]}}


def mg_a_day(*instructions: Json) -> Decimal | None:
    dose = daily_dose({"dosageInstruction": list(instructions)})
    return None if dose is None else dose.amount


@pytest.mark.parametrize(
    ("timing", "times"),
    [
        (BID, 2),
        (repeat(frequency=1, period=8, periodUnit="h"), 3),
        (repeat(frequency=1, frequencyMax=3, period=1, periodUnit="d"), 3),
        (repeat(frequency=7, period=1, periodUnit="wk"), 1),
        (abbreviated("BID"), 2),
        (abbreviated("QID"), 4),
        (abbreviated("Q4H"), 6),
    ],
)
def test_how_often_a_day(timing: Json, times: int) -> None:
    told = mg_a_day(instruction(timing=timing))

    assert told is not None
    assert round(told, 6) == 10 * times


@pytest.mark.parametrize(
    "one",
    [
        instruction(unit="tablet"),
        instruction(timing={}),
        instruction(timing=repeat(frequency=1)),
        instruction(timing=repeat(frequency=1, period=1, periodUnit="mo")),
        instruction(timing=abbreviated("WM")),
        {"timing": BID},
        {"timing": BID, "doseAndRate": [{"doseQuantity": {"unit": "mg"}}]},
        {"timing": BID, "doseAndRate": [{}, {}]},
    ],
)
def test_a_part_that_is_missing_leaves_it_unknown(one: Json) -> None:
    assert mg_a_day(one) is None
    assert mg_a_day(instruction(), one) is None


@pytest.mark.parametrize(
    "slip",
    [
        instruction(value=-10),
        instruction(value=1e300),
        instruction(timing=repeat(frequency=1, period=1e-300, periodUnit="d")),
        {"doseAndRate": [{"rateQuantity": {"value": -25, "code": "ug/h"}}]},
    ],
)
def test_what_cannot_be_taken_is_no_dose_and_takes_nothing_off_another(slip: Json) -> None:
    assert mg_a_day(slip) is None
    assert mg_a_day(instruction(), slip) is None


def test_no_instruction_is_no_dose() -> None:
    assert daily_dose({}) is None


@pytest.mark.parametrize(("value", "unit"), [(0.01, "g"), (10_000, "ug"), (10, "mg")])
def test_masses_are_converted(value: float, unit: str) -> None:
    assert mg_a_day(instruction(value, unit)) == 20


def test_a_range_counts_at_its_upper_end_and_as_needed_in_full() -> None:
    dose = {"doseRange": {"low": {"value": 5, "code": "mg"}, "high": {"value": 10, "code": "mg"}}}

    assert mg_a_day({"timing": BID, "doseAndRate": [dose], "asNeededBoolean": True}) == 20


def test_instructions_side_by_side_are_summed_and_steps_are_not() -> None:
    assert mg_a_day(instruction(), instruction(5)) == 30
    assert mg_a_day(instruction(sequence=1), instruction(5, sequence=2)) is None


def test_a_patch_is_told_in_micrograms_an_hour() -> None:
    quantity = {"rateQuantity": {"value": 25, "code": "ug/h"}}
    ratio = {
        "rateRatio": {
            "numerator": {"value": 50, "code": "ug"},
            "denominator": {"value": 2, "code": "h"},
        }
    }

    for rate in (quantity, ratio):
        told = daily_dose({"dosageInstruction": [{"doseAndRate": [rate]}]})
        assert told == DailyDose(Decimal(25), "ug/h")


def test_a_patch_and_a_tablet_of_one_entry_are_not_summed() -> None:
    patch = {"doseAndRate": [{"rateQuantity": {"value": 25, "code": "ug/h"}}]}

    assert mg_a_day(patch, instruction()) is None


def test_a_statement_has_its_dosage_elsewhere() -> None:
    assert daily_dose({"dosage": [instruction()]}) == DailyDose(Decimal(20), "mg")
