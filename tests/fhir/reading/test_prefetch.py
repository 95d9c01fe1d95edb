"""One prefetch key in three values, and the EHR's answer in the same."""

from typing import Any

import orjson
import pytest

from app.domain.orders.call import Part
from app.domain.orders.ehr import Looked, Outcome
from app.domain.problem import Refused
from app.fhir.hooks import PREFETCH
from app.fhir.reading.prefetch import read_outcome, read_prefetch
from app.fhir.validation import Validator
from tests.acceptance.hooks import problem, searchset

VALIDATOR = Validator.load()
KEY = "conditions"
Json = dict[str, Any]


def sent(value: Any) -> Part:
    body = orjson.dumps({KEY: value})
    return read_prefetch(orjson.loads(body), body, "p1", VALIDATOR)[KEY]


def fetched(state: Looked, *pages: Any) -> Part:
    outcome = Outcome(state, tuple(orjson.dumps(page) for page in pages))
    return read_outcome(KEY, outcome, "p1", VALIDATOR)


def test_without_prefetch_nothing_was_looked_up() -> None:
    parts = read_prefetch(None, b"", "p1", VALIDATOR)

    assert set(parts) == set(PREFETCH)
    assert {part.state for part in parts.values()} == {Looked.NOT}


@pytest.mark.parametrize("value", [None, searchset(), {"resourceType": "Bundle"}])
def test_nothing_found_is_known(value: Any) -> None:
    part = sent(value)

    assert part.state is Looked.ALL
    assert part.resources == ()


def test_what_was_found_keeps_the_digest_of_its_bytes() -> None:
    part = sent(searchset(problem()))

    assert part.state is Looked.ALL
    assert [r.reference for r in part.resources] == ["Condition/p1-c1"]
    assert orjson.loads(part.resources[0].body) == problem()


def test_what_is_not_valid_r4_is_named_and_the_list_is_not_whole() -> None:
    part = sent(searchset(problem(), {**problem(), "id": "c2", "onsetDateTime": "yesterday"}))

    assert part.state is Looked.SOME
    assert len(part.resources) == 1
    assert part.not_used[0].reference == "Condition/c2"


@pytest.mark.parametrize("whose", ["Patient/{}/_history/3", "https://ehr.example/fhir/Patient/{}"])
def test_whose_it_is_counts_in_any_spelling_also_where_it_is_not_valid(whose: str) -> None:
    def invalid(of: str) -> Json:
        subject = {"reference": whose.format(of)}
        return {**problem(), "subject": subject, "onsetDateTime": "yesterday"}

    assert sent(searchset(invalid("p1"))).state is Looked.SOME
    with pytest.raises(Refused):
        sent(searchset(invalid("p2")))


def test_what_is_subsetted_is_no_whole_resource() -> None:
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"}
    part = sent(searchset({**problem(), "meta": {"tag": [{**tag, "code": "SUBSETTED"}]}}))

    assert (part.state, part.resources) == (Looked.SOME, ())


def test_a_search_that_had_errors_is_not_whole() -> None:
    issue = {"severity": "error", "code": "incomplete"}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}

    assert sent(searchset(problem(), outcome)).state is Looked.SOME


@pytest.mark.parametrize(
    "value",
    [
        problem("p2"),
        searchset(problem("p2")),
        searchset({**problem("p2"), "onsetDateTime": "yesterday"}),
        searchset({"resourceType": "Patient", "id": "p1"}),
        {"resourceType": "Bundle", "entry": {}},
        {"resourceType": "Bundle", "entry": [{}]},
        {"resourceType": "Patient", "id": "p1"},
        {},
        7,
    ],
)
def test_what_is_not_asked_for_or_somebody_elses_is_refused(value: Any) -> None:
    with pytest.raises(Refused):
        sent(value)


def test_the_ehr_is_read_page_by_page() -> None:
    part = fetched(Looked.ALL, searchset(problem()), searchset({**problem(), "id": "c2"}))

    assert part.state is Looked.ALL
    assert [r.id for r in part.resources] == ["p1-c1", "c2"]


@pytest.mark.parametrize(
    "page", [searchset(problem("p2")), {"resourceType": "OperationOutcome"}, [], 7, {}]
)
def test_an_ehr_that_answers_otherwise_has_failed(page: Any) -> None:
    assert fetched(Looked.ALL, page).state is Looked.FAILED


def test_an_ehr_that_gave_a_part_gave_a_part() -> None:
    assert fetched(Looked.SOME, searchset(problem())).state is Looked.SOME
    assert fetched(Looked.FAILED).state is Looked.FAILED
    assert fetched(Looked.NOT).state is Looked.NOT
