"""How much of a medicine is taken a day, where the instruction lets it be computed."""

from decimal import Decimal
from typing import Any

PER_DAY = {"d": Decimal(1), "h": Decimal(24), "wk": Decimal(1) / Decimal(7)}
PATCH = ("ug/h", "mcg/h", "mcg/hr", "ug/hr")
MASS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001"), "mcg": Decimal("0.001")}


def daily_dose(resource: dict[str, Any]) -> Decimal | None:
    """Mg a day (of a patch: micrograms an hour); None when a number or a unit is missing."""
    instructions = resource.get("dosageInstruction") or resource.get("dosage") or ()
    doses = [_of_one(one) for one in instructions]
    known = [dose for dose in doses if dose is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(doses) else None


def _of_one(instruction: dict[str, Any]) -> Decimal | None:
    rates = instruction.get("doseAndRate", ())
    if len(rates) != 1:
        return None
    rate = rates[0].get("rateQuantity")
    if isinstance(rate, dict) and _unit(rate) in PATCH:
        return Decimal(str(rate["value"])) if "value" in rate else None
    dose = rates[0].get("doseQuantity")
    repeat = instruction.get("timing", {}).get("repeat", {})
    if not isinstance(dose, dict) or "value" not in dose or _unit(dose) not in MASS:
        return None
    frequency, period = repeat.get("frequency"), repeat.get("period")
    a_day = PER_DAY.get(repeat.get("periodUnit", ""))
    if frequency is None or not period or a_day is None:
        return None
    most = repeat.get("frequencyMax", frequency)
    times = Decimal(str(most)) * a_day / Decimal(str(period))
    return Decimal(str(dose["value"])) * MASS[_unit(dose)] * times


def _unit(quantity: dict[str, Any]) -> str:
    return str(quantity.get("code") or quantity.get("unit") or "")
