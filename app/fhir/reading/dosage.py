"""How much of a medicine is taken a day, where the instruction lets it be computed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

PER_DAY = {"d": Decimal(1), "h": Decimal(24), "wk": Decimal(1) / Decimal(7)}
MICROGRAMS_AN_HOUR = ("ug/h", "mcg/h", "mcg/hr", "ug/hr")
MASS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001"), "mcg": Decimal("0.001")}
MG, UG_AN_HOUR = "mg", "ug/h"
MOST = 10**9  # a tonne of anything, or less than nothing, is no dose but a slip
# Times a day by the codes of FHIR's timing abbreviations (v3-GTSAbbreviation).
ABBREVIATIONS = {
    "QD": Decimal(1),
    "AM": Decimal(1),
    "PM": Decimal(1),
    "BED": Decimal(1),
    "QOD": Decimal("0.5"),
    "BID": Decimal(2),
    "TID": Decimal(3),
    "QID": Decimal(4),
    "Q8H": Decimal(3),
    "Q6H": Decimal(4),
    "Q4H": Decimal(6),
    "Q3H": Decimal(8),
    "Q2H": Decimal(12),
    "Q1H": Decimal(24),
}


class DailyDose(NamedTuple):
    """An amount a day in mg, or of a patch or an infusion in micrograms an hour."""

    amount: Decimal
    unit: str


def daily_dose(resource: dict[str, Any]) -> DailyDose | None:
    """The most that is taken a day ("as needed" counts in full); None when a part is missing."""
    instructions = resource.get("dosageInstruction") or resource.get("dosage") or ()
    if len({one.get("sequence") for one in instructions}) > 1:
        return None  # one step after the other: which one is taken now is not said
    doses = [_of_one(one) for one in instructions]
    known = [dose for dose in doses if dose is not None and 0 <= dose.amount <= MOST]
    if not known or len(known) < len(doses) or len({dose.unit for dose in known}) > 1:
        return None
    return DailyDose(sum((dose.amount for dose in known), Decimal(0)), known[0].unit)


def _of_one(instruction: dict[str, Any]) -> DailyDose | None:
    rates = instruction.get("doseAndRate", ())
    if len(rates) != 1:
        return None
    rate = _rate(rates[0])
    if rate is not None:
        return DailyDose(rate, UG_AN_HOUR)
    dose = rates[0].get("doseQuantity") or rates[0].get("doseRange", {}).get("high")
    times = _times_a_day(instruction.get("timing", {}))
    if not isinstance(dose, dict) or "value" not in dose or _unit(dose) not in MASS:
        return None
    if times is None:
        return None
    return DailyDose(Decimal(str(dose["value"])) * MASS[_unit(dose)] * times, MG)


def _rate(dose_and_rate: dict[str, Any]) -> Decimal | None:
    """Micrograms an hour, as one quantity or as micrograms to hours."""
    quantity = dose_and_rate.get("rateQuantity")
    if isinstance(quantity, dict) and _unit(quantity) in MICROGRAMS_AN_HOUR:
        return Decimal(str(quantity["value"])) if "value" in quantity else None
    ratio = dose_and_rate.get("rateRatio", {})
    amount, time = ratio.get("numerator", {}), ratio.get("denominator", {})
    if _unit(amount) not in ("ug", "mcg") or _unit(time) != "h" or "value" not in amount:
        return None
    hours = Decimal(str(time.get("value", 1)))
    return Decimal(str(amount["value"])) / hours if hours else None


def _times_a_day(timing: dict[str, Any]) -> Decimal | None:
    repeat = timing.get("repeat", {})
    frequency, period = repeat.get("frequency"), repeat.get("period")
    a_day = PER_DAY.get(repeat.get("periodUnit", ""))
    if frequency is not None and period and a_day is not None:
        most = repeat.get("frequencyMax", frequency)
        return Decimal(str(most)) * a_day / Decimal(str(period))
    return _abbreviated(timing.get("code", {}).get("coding", ()))


def _abbreviated(codings: Sequence[dict[str, Any]]) -> Decimal | None:
    for coding in codings:
        if coding.get("code") in ABBREVIATIONS:
            return ABBREVIATIONS[coding["code"]]
    return None


def _unit(quantity: dict[str, Any]) -> str:
    return str(quantity.get("code") or quantity.get("unit") or "")
