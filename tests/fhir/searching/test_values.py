"""What a resource is found by, spans of dates, and parts of resources, without a service."""

import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.searching import Criterion, SearchValue, holds
from app.fhir.searching.dates import PREFIXES, alternatives, span_of, written
from app.fhir.searching.generate import generate
from app.fhir.searching.parameters import AUDIT, PUBLISHED, STORED
from app.fhir.searching.summary import SUMMARIES, part_of
from app.fhir.searching.values import search_values

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ALWAYS = written(datetime(2000, 1, 1, tzinfo=UTC))


def test_values_of_an_observation() -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "urn:c", "code": "survey"}]}, {"text": "only a text"}],
        "code": {"coding": [{"system": "urn:x", "code": "1"}, {"code": "2"}, {"display": "no"}]},
        "subject": {"reference": "Patient/p1"},
        "effectivePeriod": {"start": "2026-05"},
        "identifier": [{"system": "urn:i", "value": "a"}, {"system": "urn:i"}],
    }

    assert search_values(observation) == (
        SearchValue("status", "final"),
        SearchValue("category", "survey", system="urn:c"),
        SearchValue("code", "1", system="urn:x"),
        SearchValue("code", "2"),
        SearchValue("date", "2026-05-01T00:00:00.000000Z", until="9999-12-31T23:59:59.999999Z"),
        SearchValue("identifier", "a", system="urn:i"),
    )


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", "2026-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"),
        ("2026-12", "2026-12-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000000Z", "2024-03-01T00:00:00.000000Z"),
        ("2026-01-01T10:00", "2026-01-01T10:00:00.000000Z", "2026-01-01T10:01:00.000000Z"),
        ("2026-01-01T10:00+02:00", "2026-01-01T08:00:00.000000Z", "2026-01-01T08:01:00.000000Z"),
        ("2026-01-01T10:00:00", "2026-01-01T10:00:00.000000Z", "2026-01-01T10:00:01.000000Z"),
        ("2026-01-01T10:00:00.5Z", "2026-01-01T10:00:00.500000Z", "2026-01-01T10:00:00.600000Z"),
        ("9999", "9999-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_date_spans_what_it_leaves_open(text: str, low: str, high: str) -> None:
    assert span_of(text) == (low, high)


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-02-30", "20260101", "now", "2026-1-1"])
def test_what_is_no_date(text: str) -> None:
    assert span_of(text) is None


INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  (hypothesis wants its bounds naive)
SPANS = st.tuples(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=800))).map(
    lambda pair: (written(pair[0]), written(pair[0] + pair[1]))
)


@given(asked=SPANS, kept=SPANS)
def test_prefixes_are_what_the_standard_says_of_two_spans(
    asked: tuple[str, str], kept: tuple[str, str]
) -> None:
    (low, high), (first, last) = asked, kept
    is_within = low <= first and last <= high
    expected = {
        "eq": is_within,
        "ne": not is_within,
        "gt": last > high,
        "lt": first < low,
        "ge": last > high or is_within,
        "le": first < low or is_within,
        "sa": first >= high,
        "eb": last <= low,
    }

    for prefix in PREFIXES:
        criterion = Criterion("date", alternatives(prefix, asked, NOW))
        answer = holds(criterion, [SearchValue("date", first, until=last)])
        if prefix in expected:
            assert answer is expected[prefix], prefix
        elif is_within and first < last:
            assert answer, "what is the same is about the same"


def test_about_grows_with_the_distance() -> None:
    asked = span_of("2016-06-01")
    assert asked is not None
    about = Criterion("date", alternatives("ap", asked, NOW))

    def answers(text: str) -> bool:
        low, high = span_of(text) or ("", "")
        return holds(about, [SearchValue("date", low, until=high)])

    assert answers("2016-01")
    assert answers("2017-05")
    assert not answers("2015-01")
    assert not answers("2018")


def test_parts_keep_the_bytes_of_what_stays() -> None:
    body = (
        b'{"resourceType":"Observation","id":"a","meta":{"tag":[{"code":"x"}]},"status":"final",'
        b'"code":{"text":"y"},"valueQuantity":{"value":1.10},"note":[{"text":"z"}],"_status":{}}'
    )

    part = part_of(body, "Observation", summary="true", elements=())
    chosen = part_of(body, "Observation", summary="false", elements=("note",))

    assert b'{"value":1.10}' in part
    assert b"note" not in part
    assert b"_status" in part
    assert [tag["code"] for tag in json.loads(part)["meta"]["tag"]] == ["x", "SUBSETTED"]
    assert b"note" in chosen
    assert b"valueQuantity" not in chosen
    assert part_of(body, "Observation", summary="false", elements=()) is body


def test_the_summaries_are_those_of_the_definitions(shared: Path) -> None:
    package = shared / "data" / "fhir" / "hl7.fhir.r4.core-4.0.1.tar.xz"

    assert generate(package) == SUMMARIES.read_text(encoding="utf-8")


def test_the_system_of_a_code_is_that_of_its_value_set(shared: Path) -> None:
    definitions: dict[str, Any] = {}
    with tarfile.open(shared / "data" / "fhir" / "hl7.fhir.r4.core-4.0.1.tar.xz") as package:
        for member in package:
            if member.name.startswith(("package/StructureDefinition-", "package/ValueSet-")):
                file = package.extractfile(member)
                assert file is not None
                definition = json.load(file)
                definitions[definition["url"]] = definition

    def implied(type_: str, path: str) -> str:
        url = f"http://hl7.org/fhir/StructureDefinition/{type_}"
        elements = definitions[url]["snapshot"]["element"]
        (element,) = [e for e in elements if e["path"] == f"{type_}.{path}"]
        if element["type"][0]["code"] != "code":
            return ""
        value_set = definitions[element["binding"]["valueSet"].partition("|")[0]]
        (include,) = value_set["compose"]["include"]
        return str(include["system"])

    everything = {**STORED, **PUBLISHED, "AuditEvent": AUDIT}
    tokens = [
        (type_, parameter)
        for type_, parameters in everything.items()
        for parameter in parameters
        if parameter.kind == "token" and parameter.name != "version"
    ]
    for type_, parameter in tokens:
        paths = [path for path in parameter.paths if "." not in path and "Codeable" not in path]
        for path in paths:
            assert parameter.system == implied(type_, path), (type_, parameter.name)
