"""Rows of an earlier release say more than those of today: they verify, and are read the same."""

import pytest

from app.fhir.searching.values import VERSION, values_in
from app.sql import rows
from app.sql.bodies import LEVEL, RESOURCES, packed
from app.sql.reindex import Extraction, differences
from app.sql.verify import verify
from tests.acceptance.conftest import serving
from tests.databases import Kept
from tests.sql.history import write, write_as_before


def test_versions_with_a_code_and_a_date_of_their_own_verify_beside_those_without(
    fresh: Kept,
) -> None:
    write_as_before(fresh, 1)
    write(fresh, 2)

    told = dict(fresh.rows("SELECT date IS NULL, count(*) FROM resource_version GROUP BY 1"))
    assert len(told) == 2, told
    assert verify(fresh.url).is_intact
    assert differences(fresh.url, Extraction(VERSION, values_in)) == []


def test_a_decision_that_names_digests_of_what_it_made_is_read_and_replayed(
    fresh: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_before(body: bytes, dictionary: str = RESOURCES, level: int = LEVEL) -> bytes:
        if body.startswith(b'[["CarePlan"'):
            body = body.replace(b'",1]', b'",1,"%s"]' % (b"0" * 64))
        return packed(body, dictionary, level)

    with monkeypatch.context() as earlier:
        earlier.setattr(rows, "packed", as_before)
        write(fresh, 1)
    ((decision,),) = fresh.rows(
        "SELECT id FROM decision WHERE kind = 'derive' AND patient = 'gone'"
    )

    with serving(fresh) as service:
        told = service.get(f"/decisions/{decision}").raise_for_status().json()
        replayed = service.get(f"/decisions/{decision}/replay").raise_for_status().json()
        made = service.get(f"/fhir/Provenance/{decision}").raise_for_status().json()

    assert len(told["outputs"]) == len(made["target"]) > 5
    assert all(reference.endswith("/_history/1") for reference in told["outputs"])
    assert replayed["identical"] is True
    assert verify(fresh.url).is_intact
