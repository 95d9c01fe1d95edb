"""A fixed population of made-up patients, told from what two content versions can know.

Each answer depends on the seed, the number of the patient and the name of the input alone. So a
new input, a new threshold or a new code leaves everything else about every patient as it was, and
what differs between two versions is the content.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from app.domain.content import Content
from app.domain.content_parts import Choice, Input, RecordCode, ValueType
from app.domain.facts import CodedCondition, CodedMedicine, Fact, FactValue, Record, SaidBy
from app.domain.standing import compare
from app.domain.truth import Truth

SEED = "painplan-population-1"
AS_OF = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
LISTS = ("Condition", "MedicationRequest", "AllergyIntolerance")
# How much is known about a patient: from hardly anything to nearly everything.
SHARES = (0.05, 0.15, 0.3, 0.6, 0.9)
# Days before the evaluation; most answers are of the last days, some are older than any window.
DAYS_AGO = (0, 1, 1, 2, 3, 7, 13, 16, 40, 100, 200, 400)
OF_THIS_WEEK = (0, 1, 1, 2, 6)
BORN = (1936, 1952, 1960, 1968, 1978, 1985, 1992, 2002, 2012)
WEEKS_OF_PAIN = (2, 11, 12, 26, 52, 520)
WORDS = ("Dig my own beds again.", "Play with my grandchildren.")
# A man whose lists are whole and whose values let every option through.
CHECKED: Mapping[str, bool | int | str] = {
    "gender": "male",
    "egfr": 85,
    "creatinine": 1,
    "weight-kg": 80,
    "height-cm": 180,
    "systolic-bp": 120,
    "diastolic-bp": 75,
    "phq9-item-9": 0,
    "alcohol-heavy": False,
    "falls-history": False,
    "corticosteroid-prolonged": False,
    "osteoporosis-known": False,
    "instability-or-deformity": False,
}
RARELY, SOMETIMES, OFTEN, MOSTLY = 0.01, 0.3, 0.6, 0.85
IN_TEN = 0.1


@dataclass(frozen=True, slots=True)
class Material:
    """What patients are made from: the inputs of both versions, their edges, their codes.

    ``red`` are the inputs that raise a red flag: seldom, so that most patients get a plan.
    ``calm`` is the number of each that raises the fewest.
    """

    inputs: Mapping[str, Input]
    edges: Mapping[str, tuple[int, ...]]
    red: frozenset[str]
    calm: Mapping[str, int]
    conditions: Sequence[RecordCode]
    medicines: Sequence[tuple[str, str]]


def material(old: Content, new: Content) -> Material:
    """Everything that either version knows; where both know it, as the newer one says."""
    known = {**old.inputs, **new.inputs}
    inputs = {name: about for name, about in known.items() if about.asked_of != "order"}
    edges = {name: _edges(known, (old, new)) for name, known in inputs.items()}
    return Material(
        inputs=dict(sorted(inputs.items())),
        edges=edges,
        calm={name: _calm(name, told, (old, new)) for name, told in edges.items()},
        red=frozenset(name for name in inputs if any(_is_red(name, c) for c in (old, new))),
        conditions=_rows(
            old.record_codes, old.record_prefixes, new.record_codes, new.record_prefixes
        ),
        medicines=sorted({*old.medicine_codes, *new.medicine_codes}),
    )


def population(made_of: Material, size: int) -> list[tuple[str, Record]]:
    """Patient 1 to ``size``, always the same."""
    return [(f"made-up-{number}", _patient(number, made_of)) for number in range(1, size + 1)]


def as_said(known: Input, value: FactValue) -> FactValue:
    """A number as the input takes it."""
    if known.value_type is ValueType.DECIMAL and isinstance(value, int):
        return Decimal(str(value))
    return value


def _edges(known: Input, contents: Iterable[Content]) -> tuple[int, ...]:
    """Both ends of the range and both sides of every threshold."""
    low = int(known.low or 0)
    high = int(known.high if known.high is not None else 100)
    told = {low, high}
    for content in contents:
        for reading in content.readings.get(known.name, ()):
            test = reading.finding.test
            for limit in (test.at_least, test.at_most, test.below, test.above):
                if limit is not None:
                    told |= {int(limit) - 1, int(limit), int(limit) + 1}
    return tuple(sorted(n for n in told if low <= n <= high))


def _is_red(name: str, content: Content) -> bool:
    """A yes is read inside the rules of a flag; an age or a duration is not meant."""
    known = content.inputs.get(name)
    if known is None or known.choice is Choice.LATEST:
        return False
    return any(reading.flag for reading in content.readings.get(name, ()))


def _calm(name: str, edges: Sequence[int], contents: Iterable[Content]) -> int:
    readings = [reading for content in contents for reading in content.readings.get(name, ())]
    tests = [reading.finding.test for reading in readings if reading.flag]
    return min(edges, key=lambda n: sum(compare(test, n) is Truth.TRUE for test in tests))


def _rows(*tables: Mapping[tuple[str, str], Sequence[RecordCode]]) -> list[RecordCode]:
    """Each code once, in an order that no new code changes."""
    codes = {(row.system, row.code): row for t in tables for rows in t.values() for row in rows}
    return [codes[key] for key in sorted(codes)]


def _patient(number: int, made_of: Material) -> Record:
    whole = _chance(number, "")
    share = whole.choice(SHARES)
    is_typical, is_screened = whole.random() < MOSTLY, whole.random() < OFTEN
    is_checked = whole.random() < SOMETIMES
    facts = []
    for name, known in made_of.inputs.items():
        chance = _chance(number, name)
        is_asked_now = known.gate_question and is_screened
        is_told = chance.random() < share or is_asked_now
        value = _value(known, chance, made_of) if is_told else None
        if is_typical:
            value = _typical(name, chance, value)
        if is_checked and name in CHECKED:
            value = as_said(known, CHECKED[name])
        if value is not None:
            is_recent = is_asked_now or is_checked
            days = chance.choice(OF_THIS_WEEK if is_recent else DAYS_AGO)
            facts.append(_fact(known, value, days))
    return Record(
        facts=tuple(facts),
        conditions=tuple(_conditions(number, made_of)),
        medicines=tuple(_medicines(number, made_of.medicines)),
        complete=frozenset(
            name for name in LISTS if is_checked or _chance(number, name).random() < OFTEN
        ),
    )


def _chance(number: int, about: str) -> Random:
    return Random(f"{SEED} {number} {about}")  # noqa: S311  (a population, no secret)


def _typical(name: str, chance: Random, value: FactValue | None) -> FactValue | None:
    """What most patients have in common: an adult whose low back has hurt for long."""
    match name:
        case "birth-date":
            return AS_OF.replace(year=chance.choice(BORN))
        case "pain-location-low-back":
            return True
        case "pain-duration-weeks":
            return chance.choice(WEEKS_OF_PAIN)
        case _:
            return value


def _value(known: Input, chance: Random, made_of: Material) -> FactValue | None:
    edges, calm = made_of.edges[known.name], made_of.calm[known.name]
    is_red = known.name in made_of.red and chance.random() >= RARELY
    match known.value_type:
        case ValueType.BOOLEAN:
            return False if is_red else chance.choice((True, False))
        case ValueType.CODE:
            codes = [code for code, _ in known.choices]
            return chance.choice(codes) if codes else None
        case ValueType.TEXT:
            return chance.choice(WORDS)
        case ValueType.DATE:
            return AS_OF.replace(year=chance.choice(BORN))
        case ValueType.INTEGER:
            return calm if is_red else chance.choice(edges)
        case ValueType.DECIMAL:
            return Decimal(calm if is_red else chance.choice(edges))


def _fact(known: Input, value: FactValue, days_ago: int) -> Fact:
    by = SaidBy.PATIENT if known.asked_of == "patient" else SaidBy.CLINICIAN
    at = AS_OF - timedelta(days=days_ago)
    return Fact(known.name, value, at, by, f"Observation/{known.name}")


def _conditions(number: int, made_of: Material) -> Iterable[CodedCondition]:
    """Each code is there or not by itself, so that a new code moves no other."""
    for row in made_of.conditions:
        chance = _chance(number, f"{row.system}|{row.code}")
        if chance.random() < (RARELY * IN_TEN if row.acts_as in made_of.red else RARELY):
            onset = AS_OF - timedelta(days=chance.choice(DAYS_AGO))
            yield CodedCondition(
                system_codes=((row.system, row.code.replace("*", "1")),),
                current=chance.random() < MOSTLY,
                onset=onset,
                abated=None,
                at=onset,
                source=f"Condition/{row.code}",
            )


def _medicines(number: int, codes: Iterable[tuple[str, str]]) -> Iterable[CodedMedicine]:
    for system, code in codes:
        chance = _chance(number, f"{system}|{code}")
        if chance.random() < RARELY:
            pair = (system, code.replace("*", "01"))
            is_taken = chance.random() < MOSTLY
            ended = None if is_taken else AS_OF
            source = f"MedicationRequest/{code}"
            yield CodedMedicine((pair,), "", is_taken, AS_OF, source, ended=ended)
