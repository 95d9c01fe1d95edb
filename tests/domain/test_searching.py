"""A resource that has just been written, against a search: as the database would answer."""

import pytest

from app.domain.searching import (
    Column,
    Comparison,
    Criterion,
    Operator,
    Search,
    SearchValue,
    holds,
    matches,
)

LOINC = "http://loinc.org"
VALUES = (
    SearchValue("code", "75893-8", system=LOINC),
    SearchValue("date", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"),
)


def asked(
    name: str, *comparisons: tuple[Column, Operator, str], is_negated: bool = False
) -> Criterion:
    return Criterion(name, (tuple(Comparison(*one) for one in comparisons),), is_negated)


def found(search: Search) -> bool:
    return matches(search, "Observation", "o1", "p1", VALUES)


@pytest.mark.parametrize(
    ("search", "is_found"),
    [
        (Search(()), True),
        (Search(("Observation", "Goal")), True),
        (Search(("Goal",)), False),
        (Search((), ids=(frozenset({"o1", "o2"}), frozenset({"o1"}))), True),
        (Search((), ids=(frozenset({"o1", "o2"}), frozenset({"o2"}))), False),
        (Search((), patients=(frozenset({"p1", "p2"}),)), True),
        (Search((), patients=(frozenset({"p1"}), frozenset())), False),
        (Search((), (asked("code", ("value", "=", "75893-8")),)), True),
        (Search((), (asked("code", ("value", "=", "75893-9")),)), False),
        (Search((), (asked("code", ("value", "=", "75893-8")), asked("status"))), False),
    ],
)
def test_everything_that_is_asked_must_hold(search: Search, *, is_found: bool) -> None:
    assert found(search) is is_found


@pytest.mark.parametrize(("system", "is_found"), [(LOINC, True), ("http://snomed.info/sct", False)])
def test_a_code_is_one_of_its_system(system: str, *, is_found: bool) -> None:
    criterion = asked("code", ("value", "=", "75893-8"), ("system", "=", system))

    assert holds(criterion, VALUES) is is_found


@pytest.mark.parametrize(
    ("column", "operator", "text", "is_found"),
    [
        ("value", ">=", "2026-06-01T00:00:00Z", True),
        ("value", ">", "2026-06-01T00:00:00Z", False),
        ("until", "<=", "2026-06-02T00:00:00Z", True),
        ("until", "<", "2026-06-02T00:00:00Z", False),
        ("until", "=", "2026-06-02T00:00:00Z", True),
    ],
)
def test_an_instant_is_compared_with_the_end_that_is_named(
    column: Column, operator: Operator, text: str, *, is_found: bool
) -> None:
    assert holds(asked("date", (column, operator, text)), VALUES) is is_found


def test_one_alternative_is_enough_and_all_of_its_comparisons_must_hold() -> None:
    wrong, right = Comparison("value", "=", "x"), Comparison("system", "=", LOINC)

    assert holds(Criterion("code", ((wrong,), (right,))), VALUES)
    assert not holds(Criterion("code", ((wrong, right),)), VALUES)


def test_not_is_asked_of_the_resource_and_so_holds_of_one_without_a_value() -> None:
    assert not holds(asked("code", ("value", "=", "75893-8"), is_negated=True), VALUES)
    assert holds(asked("status", ("value", "=", "final"), is_negated=True), VALUES)
