"""How a search value is kept in few bytes, and that nothing is lost or mixed up by it."""

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fhir.searching.dates import EARLIEST, LATEST, written
from app.fhir.searching.parameters import STORED
from app.fhir.searching.values import VERSION
from app.sql.search_rows import SYSTEMS, key_of, short_instant, short_system

DECLARED = [(type_, p.name) for type_, parameters in STORED.items() for p in parameters]
ROUND = [datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 1, 9, tzinfo=UTC)]
INSTANTS = st.one_of(st.datetimes(timezones=st.just(UTC)), st.sampled_from(ROUND)).map(written)


@given(one=INSTANTS, other=INSTANTS)
def test_the_order_of_instants_is_kept(one: str, other: str) -> None:
    assert (short_instant(one) < short_instant(other)) is (one < other)
    assert (short_instant(one) == short_instant(other)) is (one == other)


@given(instant=INSTANTS)
def test_what_has_begun_ever_or_never_ends_stays_outside_of_all(instant: str) -> None:
    assert "" < short_instant(EARLIEST) <= short_instant(instant) <= short_instant(LATEST) < "~"


@given(
    one=st.one_of(st.text(max_size=4), st.sampled_from(SYSTEMS)),
    other=st.one_of(st.text(max_size=4), st.sampled_from(SYSTEMS)),
)
def test_no_two_systems_are_kept_alike(one: str, other: str) -> None:
    assert (short_system(one) == short_system(other)) is (one == other)


def test_known_systems_are_short() -> None:
    assert {len(short_system(system)) for system in SYSTEMS} == {2}


@pytest.mark.parametrize("tenant", ["default", "a", "hospital-2"])
def test_no_two_parameters_of_a_tenant_have_the_same_number(tenant: str) -> None:
    """If a new one does: another way to number them, and another VERSION of the extraction."""
    keys = {key_of(tenant, type_, name) for type_, name in DECLARED}

    assert len(keys) == len(DECLARED)
    assert all(-(1 << 15) <= key < 1 << 15 for key in keys)


def test_another_way_to_keep_values_is_another_version_of_them() -> None:
    """What is there would be read wrongly: a new VERSION has every service make it again."""
    keys = [key_of("default", *declared) for declared in sorted(DECLARED)]
    way = hashlib.sha256(repr((SYSTEMS, keys, short_instant(LATEST))).encode()).hexdigest()

    assert (VERSION, way[:16]) == (2, "f13cac40248c8d15")
