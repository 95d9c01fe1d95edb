"""What is kept of a review is read back exactly: replay starts at the facts."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.domain.facts import (
    Bounds,
    CodedAllergy,
    CodedCondition,
    CodedMedicine,
    ComputedScore,
    Fact,
    NotUsed,
    Record,
    SaidBy,
)
from app.domain.orders.types import Order, PlanOnRecord, Snooze
from app.use_cases.kept_review import (
    facts_of,
    keep_facts,
    keep_orders,
    keep_snoozes,
    orders_of,
    record_of,
    snoozes_of,
)

NOW = datetime(2026, 11, 26, 9, 0, 0, 123456, tzinfo=UTC)
PAIR = (("http://loinc.org", "1"),)
INSTANTS = st.datetimes(timezones=st.just(UTC))
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
VALUES = (
    st.booleans()
    | st.integers(min_value=-(2**53), max_value=2**53)
    | NUMBERS
    | st.text()
    | st.builds(Bounds, NUMBERS, NUMBERS)
    | INSTANTS
)
FACTS = st.builds(
    Fact,
    input=st.text(),
    value=VALUES,
    at=INSTANTS,
    said_by=st.sampled_from(SaidBy),
    source=st.text(),
    preliminary=st.booleans(),
    until=st.none() | INSTANTS,
)


@given(st.lists(FACTS, max_size=5))
def test_facts_come_back_with_their_values_and_types(facts: list[Fact]) -> None:
    record = Record(tuple(facts))

    again = record_of(facts_of(keep_facts(record, (), None)))

    assert again == record
    assert [type(f.value) for f in again.facts] == [type(f.value) for f in facts]


def test_a_whole_record_comes_back() -> None:
    record = Record(
        facts=(),
        conditions=(CodedCondition(PAIR, True, NOW, None, NOW, "Condition/1", NOW),),
        medicines=(CodedMedicine(PAIR, "x", True, NOW, "M/1", Decimal("1.50"), replaces=("M/0",)),),
        allergies=(CodedAllergy(PAIR, "x", True, NOW, "A/1"),),
        complete=frozenset({"Condition", "MedicationRequest"}),
        not_used=(NotUsed("X/1", "why"),),
        scores=(ComputedScore("peg", Decimal("6.33"), (("a", Decimal(1)),), NOW, ("O/1",)),),
    )
    plan = PlanOnRecord("d", NOW, "mixed", None)

    kept = facts_of(keep_facts(record, (), plan))

    assert record_of(kept) == record
    assert kept.plan == plan


def test_orders_and_snoozes_come_back() -> None:
    medicine = CodedMedicine(PAIR, "x", True, NOW, "M/1", Decimal("0.1"), "ug/h")
    orders = (
        Order("M/1", "MedicationRequest", PAIR, "x", NOW, (PAIR,), "why", medicine=medicine),
        Order("S/1", "ServiceRequest", (), "", NOW, supply_days=Decimal("10.5"), stops=True),
    )
    snoozes = (Snooze("R", "imaging", NOW),)

    assert orders_of(keep_orders(orders)) == orders
    assert snoozes_of(keep_snoozes(snoozes)) == snoozes
