"""UCUM units: the factors between those that we read, and what is only another spelling of one.

The factors are exact by UCUM's own definitions and are compared with a UCUM library by a test
(``docs/decisions/0008-units-by-a-table.md`` says why the library itself is not in the service).
"""

from decimal import Decimal

# (kind, factor to the base of the kind). Kinds are finer than dimensions: minutes a week and
# a percentage are both pure numbers to UCUM, and no one of them is the other.
UNITS: dict[str, tuple[str, Decimal]] = {
    # time, in seconds: a = 365.25 d, mo = a/12
    "s": ("time", Decimal(1)),
    "min": ("time", Decimal(60)),
    "h": ("time", Decimal(3600)),
    "d": ("time", Decimal(86400)),
    "wk": ("time", Decimal(604800)),
    "mo": ("time", Decimal(2629800)),
    "a": ("time", Decimal(31557600)),
    # activity, in minutes a week
    "min/d": ("activity", Decimal(7)),
    "min/wk": ("activity", Decimal(1)),
    "h/d": ("activity", Decimal(420)),
    "h/wk": ("activity", Decimal(60)),
    # volume, in mL
    "uL": ("volume", Decimal("0.001")),
    "mL": ("volume", Decimal(1)),
    "cm3": ("volume", Decimal(1)),
    "cL": ("volume", Decimal(10)),
    "dL": ("volume", Decimal(100)),
    "L": ("volume", Decimal(1000)),
    # mass, in g
    "ug": ("mass", Decimal("0.000001")),
    "mg": ("mass", Decimal("0.001")),
    "g": ("mass", Decimal(1)),
    "kg": ("mass", Decimal(1000)),
    "[lb_av]": ("mass", Decimal("453.59237")),
    "[oz_av]": ("mass", Decimal("28.349523125")),
    "[stone_av]": ("mass", Decimal("6350.29318")),
    # length, in cm
    "mm": ("length", Decimal("0.1")),
    "cm": ("length", Decimal(1)),
    "m": ("length", Decimal(100)),
    "[in_i]": ("length", Decimal("2.54")),
    "[ft_i]": ("length", Decimal("30.48")),
    # body mass index
    "kg/m2": ("mass-by-area", Decimal(1)),
    "g/m2": ("mass-by-area", Decimal("0.001")),
    # pressure, in kPa: UCUM has m[Hg] = 133.322 kPa
    "mm[Hg]": ("pressure", Decimal("0.133322")),
    "kPa": ("pressure", Decimal(1)),
    "Pa": ("pressure", Decimal("0.001")),
    # amount of substance by volume, in mmol/L; a milliequivalent is a millimole of charges, so
    # the two are equal for ions of one charge (sodium, potassium), the only ones read in meq
    "mol/L": ("substance", Decimal(1000)),
    "mmol/L": ("substance", Decimal(1)),
    "umol/L": ("substance", Decimal("0.001")),
    "nmol/L": ("substance", Decimal("0.000001")),
    "meq/L": ("substance", Decimal(1)),
    # mass by volume, in mg/L
    "g/L": ("concentration", Decimal(1000)),
    "g/dL": ("concentration", Decimal(10000)),
    "mg/L": ("concentration", Decimal(1)),
    "mg/dL": ("concentration", Decimal(10)),
    "ug/mL": ("concentration", Decimal(1)),
    "ug/dL": ("concentration", Decimal("0.01")),
    "ng/mL": ("concentration", Decimal("0.001")),
    # filtration, in mL/min; the code of the Observation, not its unit, says whether it is meant
    # for 1.73 m2 of body surface, and many laboratories leave that out of the unit
    "mL/min/{1.73_m2}": ("filtration", Decimal(1)),
    "mL/s/{1.73_m2}": ("filtration", Decimal(60)),
    "mL/min": ("filtration", Decimal(1)),
    "mL/s": ("filtration", Decimal(60)),
}
# Other spellings of the same unit, met in records; compared without spaces and with 2 for a
# raised two. A spelling that could be two units is not here.
SPELLINGS = {
    "ml": "mL",
    "l": "L",
    "dl": "dL",
    "cl": "cL",
    "ul": "uL",
    "ml/min": "mL/min",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "mmHg": "mm[Hg]",
    "mEq/L": "meq/L",
    "mg/dl": "mg/dL",
    "g/dl": "g/dL",
    "umol/l": "umol/L",
    "\u00b5mol/L": "umol/L",  # the micro sign
    "\u03bcmol/L": "umol/L",  # the Greek letter
    "mmol/l": "mmol/L",
    "kg/m^2": "kg/m2",
    "mL/min/1.73m2": "mL/min/{1.73_m2}",
    "mL/min/1.73_m2": "mL/min/{1.73_m2}",
    "mL/min/1.73m^2": "mL/min/{1.73_m2}",
    "mL/min/{1.73m2}": "mL/min/{1.73_m2}",
    "mL/min/{1.73}m2": "mL/min/{1.73_m2}",
    "mL/min/{1.73_m^2}": "mL/min/{1.73_m2}",
    "mL/min/1.73.m2": "mL/min/{1.73_m2}",
    "mL/min/(1.73.m2)": "mL/min/{1.73_m2}",
    "mL/min/{bsa}": "mL/min/{1.73_m2}",
    "ml/min/1.73m2": "mL/min/{1.73_m2}",
    "ml/min/1.73m^2": "mL/min/{1.73_m2}",
    "ml/min/1.73_m2": "mL/min/{1.73_m2}",
    "ml/min/{1.73_m2}": "mL/min/{1.73_m2}",
    "ml/min/{1.73m2}": "mL/min/{1.73_m2}",
}
LONGEST_UNIT = 32


def convert(
    number: Decimal, sent: str, wanted: str, *, molar_mass: Decimal | None = None
) -> Decimal | None:
    """The number in the unit wanted, or None where the units are not of one kind, or not known.

    With the ``molar_mass`` (g/mol) of what was measured, masses and amounts of substance are of
    one kind: 1 mg/dL of creatinine (113.12 g/mol) is 88.4 umol/L.
    """
    told, asked = UNITS.get(_canonical(sent)), UNITS.get(_canonical(wanted))
    if told is None or asked is None:
        return None
    base = number * told[1]
    match told[0], asked[0]:
        case "concentration", "substance" if molar_mass:  # mg/L by g/mol is mmol/L
            base = base / molar_mass
        case "substance", "concentration" if molar_mass:
            base = base * molar_mass
        case kind, other if kind != other:
            return None
    return base / asked[1]


def _canonical(unit: str) -> str:
    """The UCUM code that a spelling stands for."""
    if unit in UNITS or len(unit) > LONGEST_UNIT:
        return unit
    plain = "".join(unit.split()).replace("\u00b2", "2")
    return SPELLINGS.get(plain, plain)
