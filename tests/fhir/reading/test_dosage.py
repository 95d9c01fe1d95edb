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
        (repeat(period=8, periodUnit="h"), 3),
        (repeat(timeOfDay=["08:00:00", "20:00:00"]), 2),
        (repeat(when=["MORN", "NOON", "HS"]), 3),
        (repeat(period=1, periodUnit="d", when=["ACM", "ACV"]), 2),
        (repeat(frequency=3, period=1, periodUnit="d", when=["AC"]), 3),
        (repeat(frequency=1, period=1, periodUnit="d", when=["HS"]), 1),
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
        instruction(timing=repeat(when=["AC"])),  # before which meals is not said
        instruction(timing=repeat(period=1, periodUnit="d", when=["C"])),
        # Once a day, in the morning and in the evening: which of the two is meant nobody knows.
        instruction(timing=repeat(frequency=1, period=1, periodUnit="d", when=["MORN", "EVE"])),
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


def at_most(value: float, unit: str, length: float, period: str) -> Json:
    numerator = {"value": value, "code": unit}
    return {"numerator": numerator, "denominator": {"value": length, "code": period}}


def test_the_most_that_an_instruction_names_is_the_most_that_is_taken() -> None:
    every_4_hours = repeat(frequency=1, period=4, periodUnit="h")

    assert mg_a_day(instruction(timing=every_4_hours)) == 60
    for most in (at_most(40, "mg", 1, "d"), at_most(0.04, "g", 24, "h")):
        named = instruction(timing=every_4_hours, maxDosePerPeriod=most)
        assert round(mg_a_day(named) or 0, 6) == 40
    assert mg_a_day(instruction(maxDosePerPeriod=at_most(400, "mg", 1, "d"))) == 20


def test_as_needed_without_a_time_is_known_by_the_most_that_is_named() -> None:
    as_needed = instruction(timing={}, asNeededBoolean=True)

    assert mg_a_day({**as_needed, "maxDosePerPeriod": at_most(4, "g", 1, "d")}) == 4000
    assert mg_a_day({**as_needed, "maxDosePerPeriod": at_most(8, "tablet", 1, "d")}) is None
    assert mg_a_day({**as_needed, "maxDosePerPeriod": at_most(0, "g", 1, "d")}) is None


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
