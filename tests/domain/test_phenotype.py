"""From grades to a phenotype (stage F): one row of the table at a time, then whole patients."""

import pytest

from app.domain.phenotype import MECHANISMS, Certainty, Grade, Phenotype, assemble
from app.domain.truth import Truth
from tests.patients import Patient, a_patient, screened

SIGNS = (
    "static-mechanical-allodynia",
    "dynamic-mechanical-allodynia",
    "thermal-allodynia",
    "painful-after-sensations",
    "hyperalgesia-in-pain-region",
)


def told(
    neuropathic: str | None = None,
    nociplastic: str | None = None,
    nociceptive: str | None = None,
    *,
    keys: bool = False,
) -> Phenotype:
    grades = zip(MECHANISMS, (neuropathic, nociplastic, nociceptive), strict=True)
    return assemble([Grade(m, g, g and f"rule of {m}") for m, g in grades], are_keys_known=keys)


# One mechanism


@pytest.mark.parametrize(
    ("grades", "mechanism", "certainty"),
    [
        (("possible", None, None), "neuropathic", Certainty.LOW_MODERATE),
        (("probable", None, None), "neuropathic", Certainty.MODERATE),
        (("definite", None, None), "neuropathic", Certainty.HIGH),
        ((None, "possible", None), "nociplastic", Certainty.LOW_MODERATE),
        ((None, "probable", None), "nociplastic", Certainty.MODERATE),
        ((None, None, "supported"), "nociceptive", Certainty.LOW_MODERATE),
    ],
)
def test_one_established_mechanism_is_the_phenotype(
    grades: tuple[str | None, str | None, str | None], mechanism: str, certainty: Certainty
) -> None:
    phenotype = told(*grades)

    assert (phenotype.mechanism, phenotype.certainty) == (mechanism, certainty)
    assert not phenotype.is_suspected
    assert phenotype.rules == (f"rule of {mechanism}",)


@pytest.mark.parametrize(
    ("grades", "mechanism"),
    [
        (("screen-positive", None, None), "neuropathic"),
        ((None, "screen-positive", None), "nociplastic"),
        ((None, "suspected", None), "nociplastic"),
        ((None, None, "suggested"), "nociceptive"),
    ],
)
def test_one_mechanism_below_consensus_is_only_suspected(
    grades: tuple[str | None, str | None, str | None], mechanism: str
) -> None:
    phenotype = told(*grades)

    assert (phenotype.mechanism, phenotype.is_suspected) == (mechanism, True)
    assert phenotype.certainty is Certainty.LOW


def test_a_suspicion_stands_back_behind_an_established_mechanism() -> None:
    phenotype = told("possible", "suspected", "suggested")

    assert (phenotype.mechanism, phenotype.is_suspected) == ("neuropathic", False)
    assert phenotype.rules == ("rule of neuropathic",)


# Mixed


def test_two_mechanisms_are_mixed_and_the_higher_grade_leads() -> None:
    phenotype = told("possible", "probable")

    assert phenotype.mechanism == "mixed"
    assert phenotype.components == ("nociplastic", "neuropathic")
    assert phenotype.is_dominance_known


def test_equal_grades_leave_open_which_one_leads() -> None:
    phenotype = told("possible", None, "supported")

    assert phenotype.components == ("neuropathic", "nociceptive")
    assert not phenotype.is_dominance_known


@pytest.mark.parametrize(
    ("grades", "certainty"),
    [
        (("definite", "probable", None), Certainty.MODERATE),
        (("definite", "probable", "supported"), Certainty.LOW_MODERATE),
        (("probable", "probable", None), Certainty.MODERATE),
    ],
)
def test_a_mixed_pain_is_as_certain_as_its_least_certain_component(
    grades: tuple[str | None, str | None, str | None], certainty: Certainty
) -> None:
    assert told(*grades).certainty is certainty


def test_two_suspicions_are_a_suspected_mixed_pain() -> None:
    phenotype = told("screen-positive", "suspected")

    assert (phenotype.mechanism, phenotype.is_suspected) == ("mixed", True)
    assert phenotype.components == ("neuropathic", "nociplastic")
    assert phenotype.certainty is Certainty.LOW
    assert not phenotype.is_dominance_known


# None


def test_no_mechanism_with_everything_known_is_indeterminate() -> None:
    assert told("none", "excluded", "not-supported", keys=True).mechanism == "indeterminate"


def test_no_mechanism_with_something_open_is_insufficient_data() -> None:
    phenotype = told(None, None, None)

    assert (phenotype.mechanism, phenotype.certainty) == ("insufficient-data", None)
    assert not phenotype.is_suspected


# Whole patients: every phenotype and every grade can be reached


def nerve_pain() -> Patient:
    return (
        screened(a_patient())
        .with_("nerve-lesion-history", True)
        .with_("neuroanatomic-distribution", True)
    )


def localised_pain() -> Patient:
    patient = (
        screened(a_patient())
        .with_("pain-localised", True)
        .with_("mechanical-pattern-proportionate", True)
        .with_("nerve-lesion-history", False)
        .with_("neuroanatomic-distribution", False)
    )
    for item in ("pain-disproportionate", "aggravation-unpredictable", "provocation-inconsistent"):
        patient.with_(item, False)
    return patient


def sensitised_pain() -> Patient:
    return (
        screened(a_patient())
        .with_("pain-distribution", "widespread")
        .with_("not-entirely-explained", True)
        .with_("dynamic-mechanical-allodynia", True)
    )


def grade(patient: Patient, mechanism: str) -> str | None:
    return next(g.grade for g in patient.decide().grades if g.mechanism == mechanism)


def phenotype(patient: Patient) -> str:
    found = patient.decide().phenotype
    return f"suspected {found.mechanism}" if found.is_suspected else found.mechanism


def test_neuropathic_none_when_the_distribution_fits_no_nerve() -> None:
    patient = screened(a_patient()).with_("neuroanatomic-distribution", False)

    assert grade(patient, "neuropathic") == "none"
    assert phenotype(patient) == "insufficient-data"


def test_neuropathic_screen_positive_when_only_a_questionnaire_speaks() -> None:
    patient = screened(a_patient()).with_("dn4-interview-total", 4)

    assert grade(patient, "neuropathic") == "screen-positive"
    assert phenotype(patient) == "suspected neuropathic"


def test_neuropathic_possible_from_history_and_distribution() -> None:
    assert grade(nerve_pain(), "neuropathic") == "possible"
    assert phenotype(nerve_pain()) == "neuropathic"


@pytest.mark.parametrize("finding", ["sensory-signs-in-distribution", "lesion-confirmed-by-test"])
def test_neuropathic_probable_with_signs_or_a_test(finding: str) -> None:
    assert grade(nerve_pain().with_(finding, True), "neuropathic") == "probable"


def test_neuropathic_definite_with_signs_and_a_test() -> None:
    patient = (
        nerve_pain()
        .with_("sensory-signs-in-distribution", True)
        .with_("lesion-confirmed-by-test", True)
    )

    assert grade(patient, "neuropathic") == "definite"
    assert patient.decide().phenotype.certainty is Certainty.HIGH


def test_nociplastic_excluded_when_the_pain_keeps_to_one_small_area() -> None:
    patient = screened(a_patient()).with_("pain-distribution", "discrete")

    assert grade(patient, "nociplastic") == "excluded"


def test_nociplastic_excluded_when_everything_was_examined_and_nothing_hurts_too_much() -> None:
    patient = screened(a_patient()).with_("pain-distribution", "widespread")
    for sign in SIGNS:
        patient.with_(sign, False)
    assert grade(patient, "nociplastic") is None

    assert grade(patient.with_("diffuse-tenderness", False), "nociplastic") == "excluded"


def test_nociplastic_screen_positive_with_two_other_regions() -> None:
    patient = screened(a_patient()).with_("pain-region-count-non-lumbar", 2)

    assert grade(patient, "nociplastic") == "screen-positive"
    assert phenotype(patient) == "suspected nociplastic"


def test_nociplastic_suspected_while_evoked_signs_were_not_examined() -> None:
    patient = (
        screened(a_patient())
        .with_("pain-distribution", "regional")
        .with_("pain-disproportionate", True)
    )

    assert grade(patient, "nociplastic") == "suspected"


def test_suspected_is_shown_where_the_screen_is_positive_too() -> None:
    patient = (
        screened(a_patient())
        .with_("pain-distribution", "regional")
        .with_("pain-disproportionate", True)
        .with_("copc-count", 3)
    )

    assert grade(patient, "nociplastic") == "suspected"


def test_nociplastic_possible_with_an_evoked_sign() -> None:
    assert grade(sensitised_pain(), "nociplastic") == "possible"
    assert phenotype(sensitised_pain()) == "nociplastic"


def test_nociplastic_probable_with_hypersensitivity_and_a_comorbidity() -> None:
    patient = sensitised_pain().with_("hypersensitivity-history", True)
    assert grade(patient, "nociplastic") == "possible"

    assert grade(patient.with_("fatigue-persistent", True), "nociplastic") == "probable"


def test_nociceptive_supported_by_pattern() -> None:
    assert grade(localised_pain(), "nociceptive") == "supported"
    assert phenotype(localised_pain()) == "nociceptive"


def test_nociceptive_supported_by_a_source_found() -> None:
    patient = screened(a_patient()).with_("nociceptive-source-identified", True)

    assert grade(patient, "nociceptive") == "supported"


def test_nociceptive_suggested_by_one_core_item() -> None:
    patient = screened(a_patient()).with_("pain-localised", True)

    assert grade(patient, "nociceptive") == "suggested"
    assert phenotype(patient) == "suspected nociceptive"


def test_nociceptive_not_supported_when_both_core_items_fail() -> None:
    patient = (
        screened(a_patient())
        .with_("pain-localised", False)
        .with_("mechanical-pattern-proportionate", False)
        .with_("nociceptive-source-identified", False)
    )

    assert grade(patient, "nociceptive") == "not-supported"


def test_mixed_when_a_source_was_found_beside_a_nerve_pain() -> None:
    patient = nerve_pain().with_("nociceptive-source-identified", True)

    assert phenotype(patient) == "mixed"
    assert patient.decide().phenotype.components == ("neuropathic", "nociceptive")


def test_suspected_mixed_when_two_screens_are_positive() -> None:
    patient = screened(a_patient()).with_("s-lanss-total", 15).with_("copc-count", 2)

    assert phenotype(patient) == "suspected mixed"


def test_indeterminate_when_everything_was_asked_and_nothing_fits() -> None:
    patient = (
        localised_pain()
        .with_("pain-localised", False, days_ago=0.5)
        .with_("mechanical-pattern-proportionate", False, days_ago=0.5)
        .with_("pain-distribution", "discrete")
    )

    assert phenotype(patient) == "indeterminate"


def test_not_applicable_to_a_child_and_to_pain_of_a_month() -> None:
    child = screened(Patient().aged(15)).with_("pain-location-low-back", True)
    acute = screened(Patient().aged(46)).with_("pain-location-low-back", True)

    assert phenotype(child.with_("pain-duration-weeks", 52)) == "not-applicable"
    assert phenotype(acute.with_("pain-duration-weeks", 4)) == "not-applicable"


def test_not_applicable_to_pain_that_is_not_in_the_low_back() -> None:
    patient = screened(Patient().aged(46)).with_("pain-location-low-back", False)

    assert phenotype(patient) == "not-applicable"


def test_insufficient_data_while_nobody_knows_how_long_the_pain_has_lasted() -> None:
    patient = localised_pain()
    patient.facts = [f for f in patient.facts if f.input != "pain-duration-weeks"]

    assert grade(patient, "nociceptive") == "supported"
    assert phenotype(patient) == "insufficient-data"


def test_withheld_under_an_urgent_flag() -> None:
    assert phenotype(localised_pain().with_("fever-or-rigors", True, days_ago=0.5)) == "withheld"


# Beside the phenotype


def test_a_negative_screen_never_lowers_a_grade_reached_by_examination() -> None:
    patient = nerve_pain().with_("paindetect-total", 9)

    assert grade(patient, "neuropathic") == "possible"
    assert any("negative screen" in said for said in patient.decide().disagreements)


def test_nociceptive_features_are_told_beside_a_nerve_pain() -> None:
    patient = nerve_pain().with_("pain-localised", True)

    assert patient.decide().has_nociceptive_features is Truth.TRUE
    assert nerve_pain().decide().has_nociceptive_features is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("pain_detect", "regions", "copcs", "opinion"),
    [
        (12, 3, 0, "nociplastic"),
        (12, 0, 2, "nociplastic"),
        (19, 1, 1, "neuropathic"),
        (12, 1, 1, "nociceptive"),
        (15, 1, 1, "mixed"),
        (25, 3, 3, "mixed"),
    ],
)
def test_the_second_opinion_is_the_questionnaire_only_rule(
    pain_detect: int, regions: int, copcs: int, opinion: str
) -> None:
    patient = (
        screened(a_patient())
        .with_("paindetect-total", pain_detect)
        .with_("pain-region-count-non-lumbar", regions)
        .with_("copc-count", copcs)
    )

    assert patient.decide().second_opinion == opinion


@pytest.mark.parametrize(
    "missing", ["paindetect-total", "pain-region-count-non-lumbar", "copc-count"]
)
def test_there_is_no_second_opinion_while_an_input_is_missing(missing: str) -> None:
    patient = screened(a_patient())
    values = {"paindetect-total": 12, "pain-region-count-non-lumbar": 1, "copc-count": 1}
    for name, value in values.items():
        if name != missing:
            patient.with_(name, value)

    assert patient.decide().second_opinion is None


def test_a_second_opinion_that_differs_is_told() -> None:
    patient = (
        localised_pain()
        .with_("paindetect-total", 12)
        .with_("pain-region-count-non-lumbar", 4)
        .with_("copc-count", 0)
    )

    decision = patient.decide()

    assert decision.phenotype.mechanism == "nociceptive"
    assert "the questionnaire-only rule says nociplastic" in decision.disagreements
