"""A FHIR value as the value of an input: numbers in any form, coded answers, units converted."""

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from app.domain.content_parts import Input, ValueType
from app.domain.facts import FactValue
from app.domain.problem import Problem, Refused
from app.fhir.canon import ABSENT, ACTIVITY, FINDING_VALUE, PRESENT, RED_FLAG, UCUM
from app.fhir.reading import units
from app.fhir.reading.terms import Ordinals, Terms, codings_of

ORDINAL_EXTENSIONS = (
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-ordinalValue",
)
COUNT_UNITS = ("{score}", "a", "")
SCORE_UNITS = ("{score}", "")
LONGEST_NUMBER = 64
SMALLEST_EXPONENT = -15
# The systems whose codes answer a coded finding; "" for a code that comes without one.
CODES_OF = frozenset({"", FINDING_VALUE, RED_FLAG, ACTIVITY})
NO_UNIT = ("", "1", "{score}", "{count}", "{tests}", "{points}")


class NotRead(NamedTuple):
    """Why a value was not understood; it stays unknown and is listed."""

    why: str


def value_of(holder: dict[str, Any], known: Input, terms: Terms, where: str) -> FactValue | NotRead:
    """The value of ``holder`` (an Observation, a component or an answer) for one input.

    Raises Refused when it is a number outside the range that the input allows.
    """
    match known.value_type:
        case ValueType.BOOLEAN:
            return boolean_of(holder)
        case ValueType.INTEGER | ValueType.DECIMAL:
            ordinals = terms.ordinals.get(known.name, {})
            number = number_of(holder, known.unit, ordinals, molar_mass=known.molar_mass)
            return _ranged(number, known, where)
        case ValueType.CODE:
            return _code(holder, known)
        case ValueType.TEXT:
            text = holder.get("valueString")
            return text if isinstance(text, str) else NotRead("is no text")
        case ValueType.DATE:
            return NotRead("is not read from here")


def boolean_of(holder: dict[str, Any]) -> bool | NotRead:
    """A boolean, or SNOMED CT present or absent."""
    value = holder.get("valueBoolean")
    if isinstance(value, bool):
        return value
    codings = codings_of(holder.get("valueCoding") or holder.get("valueCodeableConcept"))
    if PRESENT in codings:
        return True
    if ABSENT in codings:
        return False
    return NotRead("is neither a boolean nor SNOMED present or absent")


def number_of(
    holder: dict[str, Any], unit: str, ordinals: Ordinals, *, molar_mass: Decimal | None = None
) -> Decimal | NotRead:
    """A Quantity, integer, decimal, numeric string, or an answer with a known ordinal."""
    for name in ("valueInteger", "valueDecimal", "valueString"):
        if name in holder:
            return _decimal(holder[name])
    quantity = holder.get("valueQuantity")
    if isinstance(quantity, dict):
        return _quantity(quantity, unit, molar_mass)
    for name in ("valueCoding", "valueCodeableConcept"):
        if name in holder:
            return _ordinal(holder[name], ordinals)
    return NotRead("holds no number")


def _decimal(raw: object) -> Decimal | NotRead:
    if isinstance(raw, bool):
        return NotRead("is no number")
    text = str(raw).strip()
    # Python alone would read "1_0" and digits of other scripts, too.
    if len(text) > LONGEST_NUMBER or "_" in text or not text.isascii():
        return NotRead("is a text that is no number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return NotRead("is a text that is no number")
    if not number.is_finite():
        return NotRead("is no finite number")
    if number and number.adjusted() < SMALLEST_EXPONENT:
        return NotRead("is no number that a measurement can have")
    return number


def _quantity(quantity: dict[str, Any], unit: str, molar_mass: Decimal | None) -> Decimal | NotRead:
    number = _decimal(quantity.get("value"))
    if isinstance(number, NotRead):
        return number
    if "comparator" in quantity:
        return NotRead("is only a bound (comparator)")
    sent = quantity.get("code") or quantity.get("unit") or ""
    if sent == unit or (sent in NO_UNIT and unit in COUNT_UNITS):
        return number
    if unit == "{score}" and quantity.get("system", "") != UCUM:
        return number
    converted = units.convert(number, sent, unit, molar_mass=molar_mass)
    if converted is not None:
        return converted
    return NotRead(f"has the unit {sent or 'none'!r}, expected {unit or 'none'!r}")


def _ordinal(concept: object, ordinals: Ordinals) -> Decimal | NotRead:
    found = weight(concept)
    if found is not None:
        return found
    for pair in codings_of(concept):
        if pair in ordinals:
            return Decimal(ordinals[pair])
    return NotRead("is a coded answer whose number is not known")


def weight(element: object) -> Decimal | None:
    """The number in an ``ordinalValue`` or ``itemWeight`` extension of an element."""
    if not isinstance(element, dict) or not ("extension" in element or "coding" in element):
        return None
    holders = [element, *element.get("coding", ())]
    for holder in holders:
        for extension in holder.get("extension", ()):
            if extension.get("url") in ORDINAL_EXTENSIONS:
                found = _decimal(extension.get("valueDecimal", extension.get("valueInteger")))
                if isinstance(found, Decimal):
                    return found
    return None


def _ranged(number: Decimal | NotRead, known: Input, where: str) -> FactValue | NotRead:
    if isinstance(number, NotRead):
        return number
    too_low = known.low is not None and number < known.low
    too_high = known.high is not None and number > known.high
    if too_low or too_high:
        raise Refused(
            Problem(
                f"{known.label} ({known.name}) is {number}; "
                f"allowed is {known.low} to {known.high}.",
                where=where,
                mend="Send a value in that range, or leave it out when it is not known.",
                code="business-rule",
            )
        )
    if known.value_type is ValueType.DECIMAL:
        return number
    if number != int(number) and known.unit in SCORE_UNITS:
        return NotRead("is no whole number")
    return int(number)  # of time and the like: those that are complete


def _code(holder: dict[str, Any], known: Input) -> str | NotRead:
    allowed = {code for code, _ in known.choices}
    codings = codings_of(holder.get("valueCodeableConcept")) + codings_of(holder.get("valueCoding"))
    codes = [code for system, code in codings if system in CODES_OF]
    if isinstance(holder.get("valueString"), str):
        codes.append(holder["valueString"])
    for code in codes:
        if not allowed or code in allowed:
            return code
    return NotRead("is none of the codes of this finding")
