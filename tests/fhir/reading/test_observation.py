import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.domain.decision import derive
from app.domain.facts import Bounds, SaidBy
from app.domain.problem import NotUnderstood, Refused
from app.fhir.reading.received import received
from app.fhir.reading.record import RecordReader
from tests.fhir.reading.wire import (
    ABSENT,
    ABSENT_REASON,
    FINDING,
    LOINC,
    ODI,
    PATIENT,
    PEG,
    PEG_TOTAL,
    PHQ_9,
    PHQ_9_TOTAL,
    PRESENT,
    SNOMED,
    UCUM,
    bundle,
    coded,
    finding,
    observation,
    quantity,
    record,
    record_of,
    the,
    told,
    why_not_used,
)
from tests.patients import AS_OF, knowledge

FINDING_VALUE = "https://painplan.health/fhir/CodeSystem/finding-value"
SCORE = "https://painplan.health/fhir/CodeSystem/instrument-score"
LOCALISED = "Observation/o-pain-localised"
PERIOD = {"start": "2026-05-01", "end": "2026-05-09"}
POWER_OF_6 = {"code": coded(FINDING, "motor-power-grade"), "valueInteger": 6}
RED_FLAG = "weight-loss-unexplained"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueBoolean": True}, True),
        ({"valueBoolean": False}, False),
        (PRESENT, True),
        (ABSENT, False),
        (
            {
                "valueCodeableConcept": {
                    "coding": [
                        {"system": "http://local", "code": "yes"},
                        {"system": SNOMED, "code": "52101004"},
                    ]
                }
            },
            True,
        ),
    ],
)
def test_a_finding_is_told_as_a_boolean_or_as_present_or_absent(
    value: dict[str, Any], expected: bool
) -> None:
    read = record(finding("pain-localised", **value))

    assert the(read, "pain-localised").value is expected


@pytest.mark.parametrize(
    "value",
    [
        {"valueString": "true"},
        {"valueString": "no"},
        {"valueInteger": 0},
        {"valueInteger": 1},
        {"valueCodeableConcept": {"text": "Absent"}},
        {"valueCodeableConcept": coded(SNOMED, "261665006")},
        {"valueCodeableConcept": coded("http://local", "2667000")},
        {"valueCodeableConcept": {"coding": [{"code": "2667000"}]}},
    ],
)
def test_what_is_neither_yes_nor_no_is_listed_and_never_read_as_no(value: dict[str, Any]) -> None:
    read = record(finding("pain-localised", **value))

    assert told(read, "pain-localised") == []
    assert "pain-localised" in why_not_used(read.not_used, LOCALISED)


@pytest.mark.parametrize(
    "value",
    [
        quantity(12, "{score}"),
        quantity(12),
        quantity(12, "points", "http://local"),
        quantity(12.0, "{score}"),
        quantity(1.2e1, "1"),
        {"valueInteger": 12},
        {"valueString": "12"},
        {"valueString": " 12.0 "},
        {"valueString": "1.2e1"},
    ],
)
def test_a_score_comes_in_any_form_of_a_number(value: dict[str, Any]) -> None:
    read = record(observation(LOINC, PHQ_9_TOTAL, **value))

    assert the(read, "phq9-total").value == Decimal(12)


@pytest.mark.parametrize(
    "text",
    [
        "twelve",
        "12 points",
        "12,5",
        "NaN",
        "Infinity",
        "-sNaN",
        "1_2",
        "١٢",
        "0x0c",
        "9" * 100,
    ],
)
def test_a_text_that_is_no_number_is_reported_and_never_read_as_0(text: str) -> None:
    read = record(observation(LOINC, PHQ_9_TOTAL, valueString=text))

    assert told(read, "phq9-total") == []
    assert "no" in why_not_used(read.not_used, f"Observation/o-{PHQ_9_TOTAL}")
    assert text not in why_not_used(read.not_used, f"Observation/o-{PHQ_9_TOTAL}")


def test_a_number_that_is_only_a_bound_is_not_taken_for_the_number() -> None:
    value = {"valueQuantity": {"value": 12, "comparator": "<"}}

    read = record(observation(LOINC, PHQ_9_TOTAL, **value))

    assert told(read, "phq9-total") == []
    assert "bound" in why_not_used(read.not_used, f"Observation/o-{PHQ_9_TOTAL}")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("pain-duration-weeks", quantity(14, "wk"), 14),
        ("pain-duration-weeks", quantity(3, "mo"), 13),
        ("pain-duration-weeks", quantity(1, "a"), 52),
        ("pain-duration-weeks", quantity(91, "d"), 13),
        ("pain-duration-weeks", {"valueInteger": 14}, 14),
        ("pain-duration-weeks", {"valueQuantity": {"value": 14, "unit": "wk"}}, 14),
        ("physical-activity-minutes-week", quantity(2.5, "h/wk"), 150),
        ("physical-activity-minutes-week", quantity(20, "min/d"), 140),
        ("post-void-residual-ml", quantity(0.25, "L"), 250),
        ("post-void-residual-ml", quantity(250, "ml"), 250),
        ("age-years", quantity(46, "a"), 46),
    ],
)
def test_a_quantity_is_converted_to_the_unit_of_its_finding(
    name: str, value: dict[str, Any], expected: int
) -> None:
    assert the(record(finding(name, **value)), name).value == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pain-duration-weeks", quantity(14, "fortnight", "http://local")),
        ("pain-duration-weeks", quantity(14, "kg")),
        ("pain-duration-weeks", quantity(14)),
        ("pain-duration-weeks", quantity(14, "min/wk")),
        ("post-void-residual-ml", quantity(250, "mg")),
        ("post-void-residual-ml", quantity(250, "WK")),
    ],
)
def test_a_value_in_an_unknown_unit_is_reported_and_unknown(
    name: str, value: dict[str, Any]
) -> None:
    read = record(finding(name, **value))

    assert told(read, name) == []
    assert "unit" in why_not_used(read.not_used, f"Observation/o-{name}")


def test_a_score_in_a_unit_that_is_none_of_a_score_is_reported() -> None:
    read = record(observation(LOINC, PHQ_9_TOTAL, **quantity(12, "kg")))

    assert told(read, "phq9-total") == []


def test_a_percentage_is_read_as_such() -> None:
    assert the(record(observation(LOINC, ODI, **quantity(42, "%"))), "odi-score").value == 42


@pytest.mark.parametrize(
    "value",
    [
        {
            "valueCodeableConcept": coded(
                "https://painplan.health/fhir/CodeSystem/finding-value", "widespread"
            )
        },
        {"valueCodeableConcept": {"coding": [{"code": "nine"}, {"code": "widespread"}]}},
        {"valueString": "widespread"},
    ],
)
def test_a_coded_finding_takes_one_of_its_codes(value: dict[str, Any]) -> None:
    read = record(finding("pain-distribution", **value))

    assert the(read, "pain-distribution").value == "widespread"


def test_the_same_word_of_another_system_is_another_code() -> None:
    value = {"valueCodeableConcept": coded("http://local", "widespread")}

    read = record(finding("pain-distribution", **value))

    assert told(read, "pain-distribution") == []
    assert "none of the codes" in why_not_used(read.not_used, "Observation/o-pain-distribution")


@pytest.mark.parametrize("text", ["everywhere", "Widespread", ""])
def test_another_code_is_reported(text: str) -> None:
    value = {"valueString": text} if text else {"valueBoolean": True}

    read = record(finding("pain-distribution", **value))

    assert told(read, "pain-distribution") == []
    assert "none of the codes" in why_not_used(read.not_used, "Observation/o-pain-distribution")


def test_a_goal_is_kept_in_the_words_of_the_patient() -> None:
    read = record(finding("goal-in-own-words", valueString="walk to the lake"))

    assert the(read, "goal-in-own-words").value == "walk to the lake"


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_observation_is_ignored_and_listed(status: str) -> None:
    read = record(finding(RED_FLAG, valueBoolean=True, status=status))

    assert told(read, RED_FLAG) == []
    assert status in why_not_used(read.not_used, f"Observation/o-{RED_FLAG}")


@pytest.mark.parametrize("status", ["registered", "preliminary"])
def test_an_observation_that_is_not_final_counts_and_is_marked(status: str) -> None:
    read = record(finding(RED_FLAG, valueBoolean=True, status=status))

    assert the(read, RED_FLAG).value is True
    assert the(read, RED_FLAG).preliminary


@pytest.mark.parametrize("status", ["final", "amended", "corrected", "unknown"])
def test_any_other_observation_counts(status: str) -> None:
    read = record(finding(RED_FLAG, valueBoolean=True, status=status))

    assert the(read, RED_FLAG).value is True
    assert not the(read, RED_FLAG).preliminary


def test_a_status_that_is_only_extended_is_unknown_and_the_red_flag_counts() -> None:
    unknown = {"extension": [{"url": "http://a", "valueCode": "unknown"}]}

    read = record(finding(RED_FLAG, valueBoolean=True, status=None, _status=unknown))

    assert the(read, RED_FLAG).value is True


def test_a_reason_for_absence_is_unknown_not_absent() -> None:
    reason = coded(ABSENT_REASON, "asked-declined")

    read = record(finding(RED_FLAG, dataAbsentReason=reason))

    assert told(read, RED_FLAG) == []
    assert "unknown, not absent" in why_not_used(read.not_used, f"Observation/o-{RED_FLAG}")


def test_no_value_at_all_is_unknown_not_absent() -> None:
    read = record(finding(RED_FLAG))

    assert told(read, RED_FLAG) == []
    assert "unknown, not absent" in why_not_used(read.not_used, f"Observation/o-{RED_FLAG}")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (
            {"effectiveDateTime": "2026-05-20T08:00:00+02:00", "issued": "2026-05-22T08:00:00Z"},
            datetime(2026, 5, 20, 6, tzinfo=UTC),
        ),
        (
            {"effectiveDateTime": None, "issued": "2026-05-22T08:00:00Z"},
            datetime(2026, 5, 22, 8, tzinfo=UTC),
        ),
        (
            {"effectiveDateTime": None, "effectiveInstant": "2026-05-21T08:00:00.250Z"},
            datetime(2026, 5, 21, 8, 0, 0, 250000, tzinfo=UTC),
        ),
        (
            {
                "effectiveDateTime": None,
                "effectivePeriod": PERIOD,
            },
            datetime(2026, 5, 9, tzinfo=UTC),
        ),
        (
            {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-05-01"}},
            datetime(2026, 5, 1, tzinfo=UTC),
        ),
        (
            {"effectiveDateTime": None, "effectiveTiming": {"event": ["2026-05-01", "2026-05-03"]}},
            datetime(2026, 5, 3, tzinfo=UTC),
        ),
        (
            {"effectiveDateTime": None, "meta": {"lastUpdated": "2026-05-25T08:00:00Z"}},
            datetime(2026, 5, 25, 8, tzinfo=UTC),
        ),
        ({"effectiveDateTime": None}, AS_OF),
    ],
)
def test_the_time_is_effective_then_issued_then_last_updated_then_as_of(
    times: dict[str, Any], expected: datetime
) -> None:
    read = record(finding("pain-localised", valueBoolean=True, **times))

    assert the(read, "pain-localised").at == expected


def test_what_lies_after_as_of_is_not_used_and_listed() -> None:
    read = record(finding(RED_FLAG, valueBoolean=True, effectiveDateTime="2026-06-02"))

    decision = derive(read, knowledge(), as_of=AS_OF, guideline_profile="who", crisis_text="-")

    assert "after asOf" in why_not_used(decision.not_used, f"Observation/o-{RED_FLAG}")
    assert RED_FLAG in decision.open_questions


@pytest.mark.parametrize(
    ("system", "code", "name"),
    [
        (LOINC, PHQ_9_TOTAL, "phq9-total"),
        (LOINC, PEG_TOTAL, "peg-score"),
        (SCORE, "paindetect-total", "paindetect-total"),
        (SCORE, "phq9-total", "phq9-total"),
        (FINDING, "pain-region-count-non-lumbar", "pain-region-count-non-lumbar"),
    ],
)
def test_a_value_is_known_by_loinc_or_by_our_own_codes(system: str, code: str, name: str) -> None:
    assert the(record(observation(system, code, valueInteger=4)), name).value == 4


def test_one_coding_of_several_is_enough() -> None:
    code = {
        "coding": [{"system": "http://local", "code": "PHQ9"}, *coded(LOINC, PHQ_9_TOTAL)["coding"]]
    }

    read = record(observation(LOINC, PHQ_9_TOTAL, code=code, valueInteger=4))

    assert the(read, "phq9-total").value == 4


@pytest.mark.parametrize(
    "code",
    [
        coded("http://local", PHQ_9_TOTAL),
        {"coding": [{"code": PHQ_9_TOTAL}]},
        {"text": "PHQ-9 total"},
        coded(SNOMED, "pain-localised"),
        coded(LOINC, "8310-5"),
    ],
)
def test_a_code_of_another_system_is_listed_as_not_understood(code: dict[str, Any]) -> None:
    read = record(observation(LOINC, "o", code=code, valueInteger=4))

    assert "not understood" in why_not_used(read.not_used, "Observation/o-o")
    assert [fact.input for fact in read.facts] == ["birth-date"]


def test_components_are_read_each_by_its_own_code() -> None:
    panel = observation(
        LOINC,
        "55758-7",
        component=[
            {"code": coded(FINDING, "pain-localised"), "valueBoolean": True},
            {"code": coded("http://local", "a"), "valueBoolean": True},
            {"code": coded(LOINC, ODI), **quantity(40, "%")},
            {"code": coded(FINDING, RED_FLAG), "dataAbsentReason": {"text": "refused"}},
        ],
    )

    read = record(panel)

    assert the(read, "pain-localised").value is True
    assert the(read, "odi-score").value == 40
    assert told(read, RED_FLAG) == []
    assert "unknown, not absent" in why_not_used(read.not_used, "Observation/o-55758-7")


def test_a_group_of_observations_says_nothing_itself_and_is_not_complained_of() -> None:
    panel = observation(LOINC, "44249-1", hasMember=[{"reference": "Observation/a"}])

    assert record(panel).not_used == ()


def test_nine_items_as_components_make_the_total() -> None:
    components = [{"code": coded(LOINC, code), "valueInteger": 2} for code in PHQ_9]

    read = record(observation(LOINC, "44249-1", component=components))

    assert the(read, "phq9-total").value == 18
    assert the(read, "phq9-item-9").value == 2
    (score,) = read.scores
    assert score.instrument == "phq-9"
    assert dict(score.items) == dict.fromkeys(PHQ_9, Decimal(2))


def test_items_as_observations_of_their_own_make_the_total_and_name_their_sources() -> None:
    read = record(*[observation(LOINC, code, valueInteger=n) for n, code in enumerate(PEG)])

    assert the(read, "peg-score").value == 1
    assert read.scores[0].sources == tuple(f"Observation/o-{code}" for code in PEG)


def test_items_of_different_times_are_no_total() -> None:
    days = ("2026-05-01", "2026-05-02", "2026-05-03")

    read = record(
        *[
            observation(LOINC, code, valueInteger=5, effectiveDateTime=day)
            for code, day in zip(PEG, days, strict=True)
        ]
    )

    assert told(read, "peg-score") == []


def test_a_total_of_the_same_day_is_not_made_again_from_items() -> None:
    items = [observation(LOINC, code, valueInteger=5) for code in PEG]

    read = record(*items, observation(LOINC, PEG_TOTAL, valueInteger=6))

    assert the(read, "peg-score").value == 6
    assert read.scores == ()


def test_one_item_that_is_preliminary_makes_the_total_preliminary() -> None:
    statuses = ("final", "preliminary", "final")

    read = record(
        *[
            observation(LOINC, code, valueInteger=5, status=status)
            for code, status in zip(PEG, statuses, strict=True)
        ]
    )

    assert the(read, "peg-score").preliminary


def test_a_total_of_some_items_lies_within_bounds() -> None:
    components = [{"code": coded(LOINC, code), "valueInteger": 3} for code in PHQ_9[:3]]

    read = record(observation(LOINC, "44249-1", component=components))

    value = the(read, "phq9-total").value
    assert isinstance(value, Bounds)
    assert value.low == 9
    assert value.high == 27
    assert read.scores == ()


@pytest.mark.parametrize(
    ("answer", "number"),
    [("LA6568-5", 0), ("LA6569-3", 1), ("LA6570-1", 2), ("LA6571-9", 3)],
)
def test_an_answer_of_loinc_is_its_number(answer: str, number: int) -> None:
    read = record(observation(LOINC, PHQ_9[8], valueCodeableConcept=coded(LOINC, answer)))

    assert the(read, "phq9-item-9").value == number


def test_an_answer_with_an_ordinal_value_is_that_number() -> None:
    weight = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
    coding = {"code": "b", "extension": [{"url": weight, "valueDecimal": 2}]}

    read = record(observation(LOINC, PHQ_9[8], valueCodeableConcept={"coding": [coding]}))

    assert the(read, "phq9-item-9").value == 2


@pytest.mark.parametrize(
    "answer", [coded(LOINC, "LA33-6"), coded("http://local", "LA6568-5"), {"text": "Not at all"}]
)
def test_an_answer_of_no_known_number_is_listed_and_item_9_is_not_0(answer: dict[str, Any]) -> None:
    read = record(observation(LOINC, PHQ_9[8], valueCodeableConcept=answer))

    assert told(read, "phq9-item-9") == []
    assert "number is not known" in why_not_used(read.not_used, f"Observation/o-{PHQ_9[8]}")


@pytest.mark.parametrize(
    ("resource", "where"),
    [
        (observation(LOINC, PHQ_9_TOTAL, valueInteger=28), "Bundle.entry[1].resource.value"),
        (observation(LOINC, PHQ_9_TOTAL, valueInteger=-1), "Bundle.entry[1].resource.value"),
        (observation(LOINC, ODI, **quantity(101, "%")), "Bundle.entry[1].resource.value"),
        (observation(LOINC, PHQ_9_TOTAL, valueString="1e999"), "Bundle.entry[1].resource.value"),
        (
            observation(
                LOINC,
                "a",
                component=[POWER_OF_6],
            ),
            "Bundle.entry[1].resource.component[0].value",
        ),
    ],
)
def test_a_number_out_of_range_refuses_the_whole_and_says_where(
    resource: dict[str, Any], where: str
) -> None:
    with pytest.raises(Refused) as refused:
        record(resource)

    assert [p.where for p in refused.value.problems] == [where]


@pytest.mark.parametrize(
    ("performer", "expected"),
    [
        (None, SaidBy.CLINICIAN),
        ([{"reference": "Practitioner/d"}], SaidBy.CLINICIAN),
        ([{"reference": "Patient/p1"}], SaidBy.PATIENT),
        ([{"reference": "https://ehr.example/fhir/Patient/p1"}], SaidBy.PATIENT),
        ([{"type": "Patient", "identifier": {"value": "1"}}], SaidBy.PATIENT),
        ([{"display": "Dr Gregory"}], SaidBy.CLINICIAN),
    ],
)
def test_who_said_it_is_known_by_the_performer(performer: Any, expected: SaidBy) -> None:
    read = record(finding("pain-localised", valueBoolean=True, performer=performer))

    assert the(read, "pain-localised").said_by is expected


def test_a_patient_of_the_same_bundle_is_known_as_the_performer_by_its_full_url() -> None:
    url = "urn:uuid:6c1a0b9e-2f1d-4d43-8a57-6f0e0b8f4a11"
    said = finding(
        RED_FLAG, valueBoolean=False, subject={"reference": url}, performer=[{"reference": url}]
    )
    everything = bundle(PATIENT, said)
    everything["entry"][0]["fullUrl"] = url

    assert the(record_of(everything), RED_FLAG).said_by is SaidBy.PATIENT


def test_an_invalid_observation_refuses_the_whole() -> None:
    with pytest.raises(NotUnderstood) as refused:
        record(finding("pain-localised", valueBoolean="true"))

    assert refused.value.problems[0].where == "Bundle.entry[1].resource.valueBoolean"


def test_a_unit_of_ucum_is_not_needed_for_a_count() -> None:
    read = record(finding("sij-provocation-positive-count", **quantity(3, "{count}", UCUM)))

    assert the(read, "sij-provocation-positive-count").value == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"implicitRules": "https://ehr.example/rules"},
        {"modifierExtension": [{"url": "https://ehr.example/not", "valueBoolean": True}]},
        {
            "component": [
                {
                    "code": coded(FINDING, "pain-disproportionate"),
                    "valueBoolean": True,
                    "modifierExtension": [{"url": "https://ehr.example/not", "valueCode": "x"}],
                }
            ]
        },
        {"identifier": [{"system": "https://painplan.health/fhir/decision", "value": "1"}]},
    ],
)
def test_an_observation_of_unknown_meaning_or_of_ours_is_listed_and_not_used(
    changes: dict[str, Any],
) -> None:
    one = finding("pain-localised", valueBoolean=True, **changes)
    reader = RecordReader()
    stored = received(json.dumps(one).encode(), one, full_url=None, references={})

    read = reader.record((stored,), knowledge(), as_of=AS_OF, complete=frozenset())

    assert read.facts == ()
    assert why_not_used(read.not_used, LOCALISED)


@pytest.mark.parametrize("name", ["activity-accepted", "activity-under-way"])
def test_what_was_accepted_or_ordered_is_never_stated_from_outside(name: str) -> None:
    """The one is read of the answer to a plan, the other of the orders on record."""
    read = record(finding(name, valueString="EX-03"))

    assert told(read, name) == []
    assert why_not_used(read.not_used, f"Observation/o-{name}")
