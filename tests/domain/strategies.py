"""Patients at random, built from what the content can know: any input, value, time and author."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from app.domain.content_parts import Input, RecordCode, ValueType
from app.domain.facts import Bounds, CodedCondition, CodedMedicine, Fact, FactValue, Record, SaidBy
from app.domain.standing import ASSESSED
from tests.patients import AS_OF, knowledge

CONTENT = knowledge()
RECORD_ROWS: tuple[RecordCode, ...] = (
    *(row for rows in CONTENT.record_codes.values() for row in rows),
    *(row for rows in CONTENT.record_prefixes.values() for row in rows),
)
INPUTS = tuple(sorted(n for n, known in CONTENT.inputs.items() if known.asked_of != "order"))
MEDICINES = sorted(CONTENT.medicine_codes)

# Days before the evaluation, on both sides of every window of the content.
AGES = st.sampled_from((0.1, 0.25, 1, 5, 14, 15, 29, 30, 31, 84, 85, 180, 364, 366, 400, 2000))
AUTHORS = st.sampled_from(SaidBy)


def values(known: Input) -> st.SearchStrategy[FactValue]:
    """What a resource can say about an input; partial scores as bounds."""
    match known.value_type:
        case ValueType.BOOLEAN:
            return st.booleans()
        case ValueType.CODE:
            return st.sampled_from([code for code, _ in known.choices] or ["ED-01"])
        case ValueType.TEXT:
            return st.sampled_from(["Walk the dog.", "Play with my children."])
        case ValueType.DATE:
            return st.sampled_from([AS_OF.replace(year=year) for year in (1940, 1985, 2015)])
        case ValueType.INTEGER:
            return st.sampled_from(telling_numbers(known))
        case ValueType.DECIMAL:
            numbers = [Decimal(n) for n in telling_numbers(known)]
            pairs = [Bounds(a, b) for a in numbers for b in numbers if a < b]
            return st.sampled_from([*numbers, *pairs])


def telling_numbers(known: Input) -> list[int]:
    """Both ends of the range and both sides of every threshold that a finding sets."""
    low = int(known.low or 0)
    high = int(known.high if known.high is not None else 100)
    told = {low, high}
    for reading in CONTENT.readings.get(known.name, ()):
        test = reading.finding.test
        for limit in (test.at_least, test.at_most, test.below, test.above):
            if limit is not None:
                told |= {int(limit) - 1, int(limit), int(limit) + 1}
    return sorted(n for n in told if low <= n <= high)


@st.composite
def facts(draw: st.DrawFn, names: Sequence[str]) -> Fact:
    """One statement by anybody at any time; a source says one thing about one input."""
    known = CONTENT.inputs[draw(st.sampled_from(names))]
    at = AS_OF - timedelta(days=draw(AGES))
    source = f"Observation/{known.name}-{draw(st.integers(1, 3))}"
    return Fact(known.name, draw(values(known)), at, draw(AUTHORS), source)


@st.composite
def conditions(draw: st.DrawFn) -> CodedCondition:
    """An entry of the problem list whose code acts as something."""
    number, row = draw(st.sampled_from(list(enumerate(RECORD_ROWS))))
    code = row.code.replace("*", "1")
    onset = AS_OF - timedelta(days=draw(AGES)) if draw(st.booleans()) else None
    return CodedCondition(
        system_codes=((row.system, code),),
        current=draw(st.booleans()),
        onset=onset,
        abated=None,
        at=onset or AS_OF - timedelta(days=draw(AGES)),
        source=f"Condition/c{number}",
    )


@st.composite
def medicines(draw: st.DrawFn) -> CodedMedicine:
    """A medicine that acts as something."""
    system, code = draw(st.sampled_from(MEDICINES))
    named = (system, code.replace("*", "01"))
    source = f"MedicationStatement/{code[:5]}"
    return CodedMedicine((named,), "", draw(st.booleans()), AS_OF, source)


@st.composite
def scaffolds(draw: st.DrawFn) -> list[Fact]:
    """What most patients have in common, or nothing: age, place and duration, the screen."""
    common: list[Fact] = []

    def say(name: str, value: FactValue) -> None:
        at, source = AS_OF - timedelta(days=1), f"Observation/{name}-0"
        common.append(Fact(name, value, at, SaidBy.PATIENT, source))

    if draw(st.booleans()):
        say("birth-date", AS_OF.replace(year=draw(st.sampled_from((1940, 1960, 1985, 1990)))))
        say("pain-location-low-back", True)
        say("pain-duration-weeks", draw(st.sampled_from((2, 11, 12, 52, 520))))
    if draw(st.booleans()):
        for name, known in CONTENT.inputs.items():
            if known.gate_question:
                say(name, False)
    return common


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """A few things said again and again, some of them assessed."""
    few = draw(st.lists(st.sampled_from(INPUTS), min_size=1, max_size=4, unique=True))
    return draw(st.lists(facts((*few, ASSESSED)), max_size=10))


@st.composite
def records(draw: st.DrawFn) -> Record:
    """One patient."""
    lists = st.sampled_from(("Condition", "MedicationRequest", "AllergyIntolerance"))
    return Record(
        facts=(*draw(scaffolds()), *draw(histories()), *draw(st.lists(facts(INPUTS), max_size=20))),
        conditions=tuple(draw(st.lists(conditions(), max_size=3))),
        medicines=tuple(draw(st.lists(medicines(), max_size=2))),
        complete=frozenset(draw(st.sets(lists, max_size=2))),
    )
