"""The factors between units, against a library that knows UCUM, and what they convert."""

import warnings
from decimal import Decimal
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fhir.reading.units import SPELLINGS, UNITS, convert

CREATININE = Decimal("113.12")
# UCUM gives 133.322 kPa for the metre of mercury, the library the conventional 133.322387415.
TOLERANCE = {"pressure": 1e-5}
KINDS = sorted({kind for kind, _ in UNITS.values()})


@cache
def registry() -> Any:
    """Built once: it takes most of a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ucumvert import PintUcumRegistry  # noqa: PLC0415  (heavy, and only needed here)

        return PintUcumRegistry()


@pytest.mark.parametrize("kind", KINDS)
def test_every_factor_is_that_of_the_library(kind: str) -> None:
    units = [unit for unit, (of, _) in UNITS.items() if of == kind]
    assert len(units) > 1
    tolerance = TOLERANCE.get(kind, 1e-9)

    for sent, wanted in combinations(units, 2):
        expected = registry().from_ucum(sent).to(registry().from_ucum(wanted)).magnitude
        ours = convert(Decimal(1), sent, wanted)
        assert ours is not None
        assert float(ours) == pytest.approx(expected, rel=tolerance), (sent, wanted)


def test_units_of_different_dimensions_are_of_different_kinds() -> None:
    dimensions: dict[str, set[str]] = {}
    for unit, (kind, _) in UNITS.items():
        dimensions.setdefault(kind, set()).add(str(registry().from_ucum(unit).dimensionality))

    assert all(len(of_kind) == 1 for of_kind in dimensions.values())


def test_a_spelling_stands_for_a_unit_and_hides_none() -> None:
    assert set(SPELLINGS.values()) <= UNITS.keys()
    assert not SPELLINGS.keys() & UNITS.keys()


@pytest.mark.parametrize(
    ("number", "sent", "wanted", "expected"),
    [
        ("180", "[lb_av]", "kg", "81.6466266"),
        ("180", "lb", "kg", "81.6466266"),
        ("72000", "g", "kg", "72"),
        ("70", "[in_i]", "cm", "177.8"),
        ("1.78", "m", "cm", "178"),
        ("16", "kPa", "mm[Hg]", "120.01020087"),
        ("120", "mmHg", "mm[Hg]", "120"),
        ("2.5", "h", "min", "150"),
        ("0.25", "L", "mL", "250"),
        ("140", "meq/L", "mmol/L", "140"),
        ("140", "mEq/L", "mmol/L", "140"),
        ("62", "mL/min/1.73m2", "mL/min/{1.73_m2}", "62"),
        ("62", "mL/min/1.73 m\u00b2", "mL/min/{1.73_m2}", "62"),
        ("62", "ml/min/1.73 m^2", "mL/min/{1.73_m2}", "62"),
        ("62", "mL/min", "mL/min/{1.73_m2}", "62"),
        ("1", "stone", "kg", None),
        ("5", "kg", "cm", None),
        ("150", "min/wk", "min", None),
        ("1", "x" * 500, "kg", None),
        ("1", "", "kg", None),
    ],
)
def test_conversions_met_in_records(
    number: str, sent: str, wanted: str, expected: str | None
) -> None:
    made = convert(Decimal(number), sent, wanted)

    if expected is None:
        assert made is None
    else:
        assert made is not None
        assert abs(made - Decimal(expected)) < Decimal("0.00001")


@pytest.mark.parametrize(
    ("number", "sent", "wanted", "expected"),
    [
        ("1", "mg/dL", "umol/L", "88.4017"),
        ("88.4", "umol/L", "mg/dL", "0.99998"),
        ("88.4", "\u00b5mol/L", "mg/dL", "0.99998"),
        ("1.1", "mg/dL", "mg/L", "11"),
    ],
)
def test_creatinine_is_converted_by_its_molar_mass(
    number: str, sent: str, wanted: str, expected: str
) -> None:
    made = convert(Decimal(number), sent, wanted, molar_mass=CREATININE)

    assert made is not None
    assert abs(made - Decimal(expected)) < Decimal("0.0001")


def test_without_a_molar_mass_a_mass_is_no_amount_of_substance() -> None:
    assert convert(Decimal(1), "mg/dL", "umol/L") is None


@given(
    st.decimals(0, 10**6, places=3),
    st.sampled_from(sorted(UNITS)),
    st.sampled_from(sorted(UNITS)),
)
def test_there_and_back_is_the_same_number(number: Decimal, sent: str, wanted: str) -> None:
    there = convert(number, sent, wanted)
    if there is None:
        return
    back = convert(there, wanted, sent)

    assert back is not None
    assert abs(back - number) <= number * Decimal("1e-20")
