"""A search value as it is kept, in few bytes, and up to which block there are some.

Two trees hold each value, so what repeats in every row is short: the version is its row's number,
the parameter a number, an instant some characters, a well-known system two.
"""

import hashlib
import re
from datetime import datetime
from functools import lru_cache

from app.domain.searching import Comparison, SearchValue

COLUMNS = ("row", "key", "value", "until", "system")
UP_TO = "UPDATE search_state SET sequence = ? WHERE id = 1"
SYSTEMS = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://www.whocc.no/atc",
    "http://unitsofmeasure.org",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "http://terminology.hl7.org/CodeSystem/condition-category",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
    "https://painplan.health/fhir/CodeSystem/derivation",
    "https://painplan.health/fhir/CodeSystem/finding",
    "https://painplan.health/fhir/CodeSystem/instrument-score",
    "https://painplan.health/fhir/decision",
)
"""Kept by their place in this list; any other is kept as it was sent.

Another list needs another VERSION of the extraction, so that all values are made again.
"""
MARK = "~"
DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
KEYS = 1 << 16
_SHORT = {system: MARK + DIGITS[place] for place, system in enumerate(SYSTEMS, 1)}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
Row = tuple[int, int, str, str, str]


def search_row(row: int, tenant: str, type_: str, value: SearchValue) -> Row:
    """A value of the version in row ``row`` of ``resource_version``, as it is kept."""
    is_span = bool(value.until)
    return (
        row,
        key_of(tenant, type_, value.name),
        short_instant(value.value) if is_span else value.value,
        short_instant(value.until) if is_span else "",
        short_system(value.system),
    )


@lru_cache(maxsize=4096)
def key_of(tenant: str, type_: str, name: str) -> int:
    """The number of a parameter, of 16 bits, which no table has to remember.

    Within a tenant no two parameters have the same (a test looks at all). Those of two tenants
    may: so a search also asks the version for its tenant and its type.
    """
    own = _digest(f"{type_} {name}") + _digest(tenant)
    return own % KEYS - KEYS // 2


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def short_system(system: str) -> str:
    """A mark and one character for a system of the list; others cannot be taken for one.

    >>> short_system("http://loinc.org"), short_system("urn:x"), short_system("~0")
    ('~0', 'urn:x', '~~0')
    """
    return _SHORT.get(system) or (MARK + system if system.startswith(MARK) else system)


@lru_cache(maxsize=4096)
def short_instant(text: str) -> str:
    """Days, seconds and microseconds in digits of 64, in the same order as text and in time.

    The ends that are zero are left out: the start of a day takes four characters, a second seven.
    What is no instant in UTC with microseconds is left as it is.

    >>> short_instant("2026-06-01T00:00:00.000000Z"), short_instant("2026-06-01T09:00:00.000000Z")
    ('1oas', '1oas6uF')
    """
    if _INSTANT.fullmatch(text) is None:
        return text
    at = datetime.fromisoformat(text)
    seconds = at.hour * 3600 + at.minute * 60 + at.second
    whole = _in_digits(at.toordinal(), 4) + _in_digits(seconds, 3) + _in_digits(at.microsecond, 4)
    return whole.rstrip(DIGITS[0])


def _in_digits(number: int, width: int) -> str:
    return "".join(DIGITS[number >> 6 * place & 63] for place in reversed(range(width)))


def kept_text(comparison: Comparison) -> str:
    """What a comparison asks for as the column holds it; only instants are asked by their order."""
    if comparison.column == "system":
        return short_system(comparison.text)
    if comparison.operator == "=":
        return comparison.text
    return short_instant(comparison.text)
