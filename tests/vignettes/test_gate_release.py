"""The gate's release test (amendments.md 10): how often it would stop a plan in a chronic clinic.

A synthetic population: ages, a share of first visits, and item rates by kind of visit from
``chronic_clinic.csv``, each with its mark and printed. At a follow-up visit what was positive
before has been assessed, so only what is new counts. Items are drawn independently, which makes
"any of these" more frequent than in life, where they come together. That nobody is missed is said
by the cases of the gate's rules (``tests/knowledge/cases/B-*.toml``).
"""

import csv
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from app.domain.gate import GateLevel
from tests.patients import Patient, knowledge

RATES = Path(__file__).parent / "chronic_clinic.csv"
PATIENTS = 6000
FIRST_VISITS = 0.3  # J: a chronic clinic sees most people again
MEAN_AGE, AGE_SPREAD, YOUNGEST, OLDEST = 52, 14, 18, 92  # R: years
SEED = 20240101


class Rate(NamedTuple):
    finding: str
    value: int | bool
    first: float
    again: float
    mark: str
    source: str


def rates() -> list[Rate]:
    """The table, percentages as they stand."""
    with RATES.open(encoding="utf-8", newline="") as file:
        return [
            Rate(
                row["finding"],
                True if row["value"] == "true" else int(row["value"]),
                float(row["first visit %"]),
                float(row["follow-up %"]),
                row["mark"],
                row["source"],
            )
            for row in csv.DictReader(file)
        ]


def one(rng: random.Random, table: list[Rate], *, is_first: bool) -> Patient:
    """One person whom everything was asked."""
    age = min(OLDEST, max(YOUNGEST, round(rng.gauss(MEAN_AGE, AGE_SPREAD))))
    found: dict[str, int | bool] = {}
    for rate in table:
        share = rate.first if is_first else rate.again
        if rng.random() * 100 < share:
            found[rate.finding] = rate.value
    onset = rng.randint(YOUNGEST, age)
    person = (
        Patient()
        .aged(age)
        .with_("pain-location-low-back", True)
        .with_("pain-duration-weeks", max(13, (age - onset) * 52))
        .with_("onset-age-years", onset)
    )
    for name in dict.fromkeys([r.finding for r in table] + _asked()):
        known = knowledge().inputs[name]
        if name in found:
            person.with_(name, found[name], days_ago=rng.randint(0, 13))
        elif known.value_type.value == "boolean":
            person.with_(name, False, days_ago=rng.randint(0, 13))
        elif name == "phq9-item-9":
            person.with_(name, 0, days_ago=rng.randint(0, 13))
    return person


def _asked() -> list[str]:
    return [name for name, known in knowledge().inputs.items() if known.gate_question]


def test_few_people_of_a_chronic_clinic_are_stopped(say: Callable[[str], None]) -> None:
    rng = random.Random(SEED)
    table = rates()
    levels: dict[bool, Counter[GateLevel]] = {True: Counter(), False: Counter()}
    for _ in range(PATIENTS):
        is_first = rng.random() < FIRST_VISITS
        levels[is_first][one(rng, table, is_first=is_first).decide().gate.level] += 1
    everybody = levels[True] + levels[False]

    say(f"The gate in a synthetic chronic clinic: {PATIENTS} people, seed {SEED}")
    for rate in table:
        name = f"{rate.finding} = {str(rate.value).lower()}"
        say(f"  {name:52}{rate.first:6}{rate.again:6} [{rate.mark}] {rate.source}")
    say(f"  {'level':14}{'all':>8}{'first':>8}{'again':>8}  %")
    for level in GateLevel:
        shares = [
            100 * counts[level] / counts.total()
            for counts in (everybody, levels[True], levels[False])
        ]
        say(f"  {level.value:14}" + "".join(f"{share:8.2f}" for share in shares))

    assert everybody.total() == PATIENTS
    assert everybody[GateLevel.NOT_SCREENED] == 0
    assert 0 < everybody[GateLevel.EMERGENCY] < 0.02 * PATIENTS
    assert 0 < everybody[GateLevel.URGENT] < 0.08 * PATIENTS
