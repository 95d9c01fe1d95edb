"""The Parameters of $respond: what is understood, and which element is named when it is not."""

from contextlib import suppress
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.problem import NotUnderstood, Refusal, Refused
from app.domain.response import ActivityAnswer, Outcome, Reason
from app.fhir.reading.answer import ReadAnswer, read_answer
from app.fhir.validation import Validator

Json = dict[str, Any]
ACCEPTED: Json = {"name": "outcome", "valueCode": "accepted"}


@cache
def validator() -> Validator:
    return Validator.load()


def read(*parameters: Json) -> ReadAnswer:
    body = {"resourceType": "Parameters", "parameter": list(parameters)}
    return read_answer(orjson.dumps(body), validator=validator())


def activity(**parts: Any) -> Json:
    """An activity with its parts, each a string unless it says its type itself."""
    return {
        "name": "activity",
        "part": [
            {"name": name, **(value if isinstance(value, dict) else {"valueString": value})}
            for name, value in parts.items()
        ],
    }


def test_a_whole_answer() -> None:
    found = read(
        {"name": "outcome", "valueCode": "changed"},
        activity(id="EX-01", outcome="declined", reason="No way to get there."),
        activity(id={"valueCode": "ED-01"}, outcome={"valueCode": "accepted"}),
        {"name": "practitioner", "valueReference": {"reference": "Practitioner/x"}},
        {"name": "note", "valueString": "In spring again."},
    )

    assert found.warnings == ()
    assert found.response.outcome is Outcome.CHANGED
    assert found.response.activities == (
        ActivityAnswer("EX-01", Outcome.DECLINED, Reason("No way to get there.")),
        ActivityAnswer("ED-01", Outcome.ACCEPTED),
    )
    assert found.response.activities[0].where == "Parameters.parameter[1].part[0]"
    assert found.response.practitioner == "Practitioner/x"
    assert found.response.note == "In spring again."


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"valueString": "Too far"}, Reason("Too far")),
        (
            {"valueCoding": {"system": "http://x", "code": "c", "display": "Too far"}},
            Reason(codings=(("http://x", "c", "Too far"),)),
        ),
        (
            {"valueCodeableConcept": {"text": "Too far", "coding": [{"code": "c"}]}},
            Reason("Too far", (("", "c", ""),)),
        ),
        ({"valueCodeableConcept": {"text": "Too far"}}, Reason("Too far")),
    ],
)
def test_a_reason_comes_in_words_or_codes(value: Json, reason: Reason) -> None:
    found = read(ACCEPTED, activity(id="EX-01", outcome="declined", reason=value))

    assert found.response.activities[0].reason == reason


def test_an_activity_may_come_as_the_coding_of_the_plan() -> None:
    coding = {"system": "https://painplan.health/fhir/CodeSystem/activity", "code": "EX-01"}

    found = read(ACCEPTED, activity(id={"valueCoding": coding}, outcome="declined"))

    assert found.response.activities[0].activity == "EX-01"


def test_what_nobody_reads_is_a_warning() -> None:
    found = read(
        ACCEPTED,
        {"name": "colour", "valueString": "red"},
        activity(id="A", outcome="accepted", mood="x"),
    )

    assert [w.where for w in found.warnings] == [
        "Parameters.parameter[1]",
        "Parameters.parameter[2].part[2]",
    ]


@pytest.mark.parametrize(
    ("parameters", "kind", "where"),
    [
        ([], NotUnderstood, "Parameters.parameter"),
        ([{"name": "outcome", "valueBoolean": True}], NotUnderstood, "Parameters.parameter[0]"),
        ([{"name": "outcome", "valueCode": "perhaps"}], Refused, "Parameters.parameter[0]"),
        ([ACCEPTED, ACCEPTED], NotUnderstood, "Parameters.parameter[1]"),
        ([ACCEPTED, activity(outcome="declined")], NotUnderstood, "Parameters.parameter[1].part"),
        ([ACCEPTED, activity(id="EX-01")], NotUnderstood, "Parameters.parameter[1].part"),
        (
            [ACCEPTED, activity(id="EX-01", outcome="later")],
            Refused,
            "Parameters.parameter[1].part[1]",
        ),
        (
            [ACCEPTED, {**activity(id="EX-01"), "part": [{"name": "id", "valueCode": "A"}] * 2}],
            NotUnderstood,
            "Parameters.parameter[1].part[1]",
        ),
        (
            [ACCEPTED, {"name": "practitioner", "valueString": "Patient/p1"}],
            NotUnderstood,
            "Parameters.parameter[1]",
        ),
        (
            [ACCEPTED, {"name": "note", "valueString": "a\u0001b"}],
            NotUnderstood,
            "Parameters.parameter[1]",
        ),
        (
            [ACCEPTED, {"name": "note", "valueInteger": 1}],
            NotUnderstood,
            "Parameters.parameter[1]",
        ),
        ([{"name": "outcome", "valueDate": "31.12."}], NotUnderstood, "Parameters.parameter[0]"),
    ],
)
def test_what_cannot_be_read_names_its_element(
    parameters: list[Json], kind: type[Refusal], where: str
) -> None:
    if not parameters:
        parameters = [{"name": "note", "valueString": "x"}]

    with pytest.raises(kind) as refused:
        read(*parameters)

    assert refused.value.problems[0].where.startswith(where)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["name", "part", "valueString", "valueCode", "valueCoding", "code"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_comes_is_read_or_refused(anything: Any) -> None:
    body = {"resourceType": "Parameters", "parameter": anything}

    with suppress(Refusal):
        found = read_answer(orjson.dumps(body), validator=validator())
        assert found.response.outcome in Outcome
