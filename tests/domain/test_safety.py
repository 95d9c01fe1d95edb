"""Drug safety: known facts block, missing facts withhold, and nothing passes by not being asked."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.safety import check
from app.domain.safety_types import SafetyResult
from app.domain.standpoint import Standpoint
from tests.patients import CHECKED, Patient, a_patient, checked, knowledge, screened

ATC = "http://www.whocc.no/atc"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
OPTIONS = ("RX-01", "RX-02", "RX-03", "RX-04", "RX-05")


def nociceptive() -> Patient:
    return screened(a_patient()).with_("nociceptive-source-identified", True).with_("pain-nrs", 5)


def neuropathic() -> Patient:
    patient = screened(a_patient()).with_("nerve-lesion-history", True).with_("pain-nrs", 8)
    return patient.with_("neuroanatomic-distribution", True)


def result(patient: Patient, activity: str, safety: str) -> SafetyResult:
    worlds = patient.decide().worlds
    return next(f for f in check(activity, knowledge(), worlds) if f.safety == safety).result


def standpoint(patient: Patient, activity: str, profile: str = "us") -> Standpoint:
    plan = patient.decide(profile=profile).plan
    return next(p for p in plan.catalogue if p.id == activity)


def offered(patient: Patient, profile: str = "us") -> set[str]:
    plan = patient.decide(profile=profile).plan
    return {
        p.id for p in plan.catalogue if p.id in OPTIONS and p.status in ("proposed", "next-step")
    }


# Missing data


def test_without_data_no_option_appears_and_what_is_missing_is_asked_for() -> None:
    for patient in (nociceptive(), neuropathic()):
        decision = patient.decide(profile="us")
        assert offered(patient) == set()
        assert {"pregnancy-status", "breast-feeding"} <= set(decision.open_questions)
        assert "egfr" in decision.open_questions
        assert "MedicationRequest" in decision.lists_wanted


def test_data_added_one_by_one_let_options_appear_one_by_one() -> None:
    patient = nociceptive().with_("gender", "male").complete("Condition", "AllergyIntolerance")
    assert offered(patient) == {"RX-02"}

    patient.complete("MedicationRequest").with_("egfr", 80)
    assert offered(patient) == {"RX-02"}
    patient.with_("systolic-bp", 120).with_("diastolic-bp", 75)

    assert offered(patient) == {"RX-01", "RX-02"}


@pytest.mark.parametrize("missing", ["egfr", "systolic-bp", "gender"])
def test_one_datum_that_is_missing_withholds_the_tablet(missing: str) -> None:
    patient = nociceptive().complete("Condition", "MedicationRequest", "AllergyIntolerance")
    for name, value in CHECKED.items():
        if name != missing:
            patient.with_(name, value)

    assert standpoint(patient, "RX-01").status == "withheld"


def test_what_is_missing_is_named_in_words_and_not_by_its_codes() -> None:
    patient = checked(nociceptive()).with_("breast-feeding", False)
    patient.facts = [f for f in patient.facts if f.input != "gender"]

    (reason,) = standpoint(patient.with_("gender", "female"), "RX-02").reasons

    assert reason.startswith("S-04 cannot be checked without: pregnancy; S-17")


def test_an_old_egfr_is_no_egfr() -> None:
    patient = checked(nociceptive())
    patient.facts = [f for f in patient.facts if f.input != "egfr"]
    patient.with_("egfr", 90, days_ago=400)

    assert "Estimated glomerular filtration rate" in " ".join(standpoint(patient, "RX-01").reasons)


def test_a_medicine_that_nobody_knows_rules_nothing_out() -> None:
    patient = checked(nociceptive()).taking(text="Xyzolimab 40 mg")

    assert standpoint(patient, "RX-01").status == "withheld"
    assert any("rules nothing out" in n.why for n in patient.decide().not_used)


def test_a_statin_does_not_make_everything_unknown() -> None:
    assert "RX-01" in offered(checked(nociceptive()).taking(text="Simvastatin 20 mg tablets"))


@given(st.randoms(use_true_random=False))
def test_what_is_taken_away_never_lets_an_option_appear(choosing: random.Random) -> None:
    for make in (nociceptive, neuropathic):
        whole = checked(make())
        fewer = checked(make())
        fewer.facts = [f for f in fewer.facts if f.input not in CHECKED or choosing.random() < 0.7]
        fewer.lists = {name for name in sorted(fewer.lists) if choosing.random() < 0.7}

        assert offered(fewer) <= offered(whole)


# Known facts


def taking(text: str) -> Callable[[Patient], Patient]:
    return lambda patient: patient.taking(text=text)


def having(code: str, *, current: bool = True) -> Callable[[Patient], Patient]:
    return lambda patient: patient.having(ICD, code, current=current, onset_days_ago=100)


@pytest.mark.parametrize(
    ("safety", "fact"),
    [
        ("S-10", lambda p: p.with_("egfr", 25, days_ago=0.1)),
        ("S-10", having("N18.4")),
        ("S-11", lambda p: p.with_("egfr", 50, days_ago=0.1).taking(text="Ramipril 5 mg")),
        ("S-12", lambda p: p.taking(text="lisinopril").taking(text="furosemide 40 mg")),
        ("S-13", having("K25.9", current=False)),
        ("S-14", lambda p: p.taking(text="aspirin 75 mg").taking(text="clopidogrel")),
        ("S-15", taking("Warfarin")),
        ("S-15", lambda p: p.taking(ATC, "B01AB05")),
        ("S-16", having("I50.9")),
        ("S-16", having("I21.4")),
        ("S-16", having("I25.2")),
        ("S-16", lambda p: p.with_("systolic-bp", 185, days_ago=0.1)),
        ("S-18", taking("lithium carbonate")),
        ("S-18", taking("Methotrexate 10 mg weekly")),
        ("S-19", taking("Naproxen 500 mg")),
        ("S-19", lambda p: p.allergic_to("ibuprofen")),
        ("S-19", having("K50.90")),
        ("S-19", taking("tacrolimus capsules")),
    ],
)
def test_what_blocks_an_anti_inflammatory(safety: str, fact: Callable[[Patient], Patient]) -> None:
    patient = fact(checked(nociceptive()))

    assert result(patient, "RX-01", safety) is SafetyResult.BLOCK
    assert standpoint(patient, "RX-01").status == "withheld"
    assert any(reason.startswith(safety) for reason in standpoint(patient, "RX-01").reasons)


@pytest.mark.parametrize(
    ("safety", "fact"),
    [
        ("S-20", taking("moclobemide")),
        ("S-20", lambda p: p.taking(text="phenelzine", stopped_days_ago=10)),
        ("S-21", having("K74.60")),
        ("S-21", having("K76.6")),
        ("S-21", having("I85.00")),
        ("S-21", lambda p: p.with_("alcohol-heavy", True, days_ago=0.1)),
        ("S-22", lambda p: p.with_("egfr", 20, days_ago=0.1)),
        ("S-23", having("H40.20X0")),
        ("S-23", having("H40.033")),
        ("S-23", having("H40.062")),
        ("S-24", taking("sertraline 50 mg")),
        ("S-24", taking("Tramadol")),
        ("S-25", taking("ciprofloxacin")),
        ("S-26", lambda p: p.with_("systolic-bp", 165, days_ago=0.1)),
        ("S-26", having("F31.9")),
        ("S-02", lambda p: p.with_("phq9-item-9", 1, days_ago=0.1)),
    ],
)
def test_what_blocks_duloxetine(safety: str, fact: Callable[[Patient], Patient]) -> None:
    patient = fact(checked(neuropathic()))

    assert result(patient, "RX-03", safety) is SafetyResult.BLOCK
    assert "RX-03" not in offered(patient)


@pytest.mark.parametrize(
    ("safety", "fact"),
    [
        ("S-27", lambda p: p.aged(70)),
        ("S-28", having("I48.91")),
        ("S-28", taking("haloperidol")),
        ("S-28", having("T14.91XA", current=False)),
        ("S-28", having("X78.9XXA", current=False)),
        ("S-28", having("Z91.5")),
        ("S-28", having("H40.033")),
        ("S-28", having("F03.90")),
        ("S-28", taking("paroxetine")),
        ("S-28", taking("linezolid")),
    ],
)
def test_what_blocks_a_tricyclic(safety: str, fact: Callable[[Patient], Patient]) -> None:
    base = screened(Patient().with_("pain-location-low-back", True)).with_(
        "pain-duration-weeks", 52
    )
    patient = fact(checked(base.aged(46) if safety != "S-27" else base))

    assert result(patient, "RX-04", safety) is SafetyResult.BLOCK


@pytest.mark.parametrize(
    ("safety", "fact"),
    [
        ("S-30", taking("Oxycodone 10 mg")),
        ("S-30", taking("buprenorphine patch")),
        ("S-30", taking("zopiclone")),
        ("S-31", lambda p: p.with_("alcohol-heavy", True, days_ago=0.1)),
    ],
)
def test_what_blocks_a_gabapentinoid(safety: str, fact: Callable[[Patient], Patient]) -> None:
    assert result(fact(checked(neuropathic())), "RX-05", safety) is SafetyResult.BLOCK


@pytest.mark.parametrize(
    ("activity", "safety", "code"),
    [
        ("RX-03", "S-21", "K76.9"),
        ("RX-03", "S-21", "B18.2"),
        ("RX-03", "S-23", "H40.9"),
        ("RX-04", "S-28", "H40.9"),
        ("RX-04", "S-28", "T39.012A"),
        ("RX-04", "S-28", "T50.902D"),
    ],
)
def test_a_code_that_may_or_may_not_mean_it_rules_nothing_out(
    activity: str, safety: str, code: str
) -> None:
    patient = having(code, current=False)(checked(neuropathic()))

    assert result(patient, activity, safety) is SafetyResult.UNKNOWN
    assert activity not in offered(patient)


@pytest.mark.parametrize(
    ("medicines", "expected"),
    [
        (("aspirin", "clopidogrel"), SafetyResult.BLOCK),
        (("aspirin", "dipyridamole"), SafetyResult.BLOCK),
        (("aspirin/dipyridamole 25/200",), SafetyResult.BLOCK),
        (("ticagrelor", "cilostazol"), SafetyResult.BLOCK),
        (("aspirin", "acetylsalicylic acid"), SafetyResult.CAUTION),
        (("dipyridamole",), SafetyResult.CAUTION),
    ],
)
def test_two_antiplatelets_rule_a_tablet_out(
    medicines: tuple[str, ...], expected: SafetyResult
) -> None:
    patient = checked(nociceptive())
    for name in medicines:
        patient.taking(text=name)

    assert result(patient, "RX-01", "S-14") is expected


def test_an_infarction_of_years_ago_asks_for_care_only() -> None:
    patient = checked(nociceptive()).having(ICD, "I25.2", onset_days_ago=800)

    assert result(patient, "RX-01", "S-16") is SafetyResult.CAUTION


@pytest.mark.parametrize("medicine", ["promethazine", "phenobarbital", "mirtazapine"])
def test_what_dulls_asks_for_care_with_a_gabapentinoid(medicine: str) -> None:
    patient = checked(neuropathic()).taking(text=medicine)

    assert result(patient, "RX-05", "S-30") is SafetyResult.CAUTION


@pytest.mark.parametrize("text", ["Losartan/HCTZ 50/12.5 mg", "Losartan + hydrochlorothiazide"])
def test_both_parts_of_a_tablet_count(text: str) -> None:
    patient = checked(nociceptive()).taking(text=text)

    assert result(patient, "RX-01", "S-12") is SafetyResult.BLOCK


def test_a_tablet_with_a_part_that_nobody_knows_rules_nothing_out() -> None:
    patient = checked(nociceptive()).taking(text="Ramipril/Unheardofide 5/25 mg")

    assert result(patient, "RX-01", "S-12") is SafetyResult.UNKNOWN
    assert "RX-01" not in offered(patient)
    hct = checked(nociceptive()).taking(text="Diovan HCT")  # two parts, one of them a brand
    assert result(hct, "RX-01", "S-12") is SafetyResult.UNKNOWN
    whole = checked(nociceptive()).taking(text="Insulin glargine 100 units/mL")
    assert "RX-01" in offered(whole)


def test_no_medicine_and_no_change_of_an_opioid_before_the_talk_about_self_harm() -> None:
    patient = checked(nociceptive()).taking(text="oxycodone").with_("opioid-weeks", 30)
    assert "RX-02" in offered(patient)
    assert standpoint(patient, "DR-07").status == "proposed"

    patient.with_("phq9-item-9", 1, days_ago=0.1)

    assert offered(patient) == set()
    assert standpoint(patient, "DR-07").status == "withheld"
    assert "self-harm" in " ".join(standpoint(patient, "RX-02").reasons)


@pytest.mark.parametrize(
    ("creatinine", "rule"), [(1.5, ""), (2.5, "S-29"), (4, "S-29-moderate"), (9, "S-29-severe")]
)
def test_the_clearance_gives_a_gabapentinoid_one_dose_and_no_other(
    creatinine: float, rule: str
) -> None:
    patient = checked(neuropathic()).with_("creatinine", creatinine, days_ago=0.1)

    found = check("RX-05", knowledge(), patient.decide().worlds)

    told = next(f for f in found if f.safety == "S-29")
    assert told.result is (SafetyResult.ADJUST if rule else SafetyResult.PASS)
    assert told.rules == ((rule,) if rule else ())


def test_options_appear_one_by_one_as_pregnancy_kidneys_and_weight_become_known() -> None:
    patient = screened(Patient().aged(46).with_("pain-location-low-back", True))
    patient.with_("pain-duration-weeks", 52).with_("nerve-lesion-history", True)
    patient.with_("neuroanatomic-distribution", True).with_("pain-nrs", 8)
    patient.complete("Condition", "MedicationRequest", "AllergyIntolerance")
    for name, value in CHECKED.items():
        if name not in ("egfr", "creatinine", "weight-kg", "height-cm"):
            patient.with_(name, "female" if name == "gender" else value)
    patient.with_("breast-feeding", False)

    assert not offered(patient)
    asked = set(patient.decide(profile="us").open_questions)
    assert {"pregnancy-status", "egfr", "weight-kg"} <= asked
    assert offered(patient.with_("pregnancy-status", "not-pregnant")) == {"RX-04"}
    assert offered(patient.with_("egfr", 85)) == {"RX-03", "RX-04"}
    assert offered(patient.with_("weight-kg", 70)) == {"RX-03", "RX-04", "RX-05"}


def test_a_sodium_below_130_rules_duloxetine_out_and_none_on_record_does_not() -> None:
    assert result(checked(neuropathic()), "RX-03", "S-26") is SafetyResult.PASS
    low = checked(neuropathic()).with_("sodium", 129)
    assert result(low, "RX-03", "S-26") is SafetyResult.BLOCK


def test_a_sign_of_a_deficit_rules_manipulation_out_also_while_others_were_not_looked_for() -> None:
    unexamined = result(checked(nociceptive()), "MT-01", "S-44")
    assert unexamined is SafetyResult.CAUTION  # examine first: told, not silent
    weak = checked(nociceptive()).with_("motor-power-grade", 4)
    assert result(weak, "MT-01", "S-44") is SafetyResult.BLOCK


def test_pregnancy_blocks_every_medicine_and_whoever_cannot_be_pregnant_is_not_asked() -> None:
    woman = checked(nociceptive())
    woman.facts = [f for f in woman.facts if f.input != "gender"]
    woman.with_("gender", "female").with_("breast-feeding", False)

    assert offered(woman) == set()
    assert offered(woman.with_("pregnancy-status", "not-pregnant")) == {"RX-01", "RX-02"}
    man = checked(nociceptive()).decide()
    assert "pregnancy-status" not in [q for q in man.open_questions if q == "breast-feeding"]


def test_a_caution_leaves_an_option_with_its_reason() -> None:
    patient = checked(nociceptive()).taking(text="sertraline")

    assert "caution S-14" in standpoint(patient, "RX-01").reasons


def test_a_gel_is_no_tablet() -> None:
    gel = checked(nociceptive()).taking(text="Diclofenac gel 1 %")

    assert "RX-01" in offered(gel)


def test_an_allergy_to_food_says_nothing_about_medicines() -> None:
    assert "RX-02" in offered(checked(nociceptive()).allergic_to("Peanut", is_to_medicine=False))
    assert "RX-02" not in offered(checked(nociceptive()).allergic_to("Unheardofamycin"))


# The person as a whole


def test_an_opioid_with_a_sedative_is_told_and_naloxone_is_offered() -> None:
    patient = checked(nociceptive()).taking(text="morphine").taking(text="diazepam")
    plan = patient.decide().plan

    assert ("S-32", SafetyResult.CAUTION) in [(f.safety, f.result) for f in plan.safety]
    assert {"DR-08", "SA-01", "SA-02", "SA-03", "SA-04", "MED-01"} <= {
        a.id for a in plan.activities
    }


def test_three_medicines_on_the_nervous_system_at_65_are_told() -> None:
    patient = screened(Patient().aged(70).with_("pain-location-low-back", True))
    patient.with_("pain-duration-weeks", 60)
    for name in ("sertraline", "pregabalin", "zolpidem"):
        patient.taking(text=name)

    found = patient.decide().plan.safety

    assert ("S-43", SafetyResult.CAUTION) in [(f.safety, f.result) for f in found]


# Manual treatment and needles


@pytest.mark.parametrize("finding", ["osteoporosis-known", "motor-weakness-progressive"])
def test_no_thrust_on_a_spine_that_may_break_or_a_nerve_that_fails(finding: str) -> None:
    patient = checked(nociceptive()).with_(finding, True, days_ago=0.1)

    assert result(patient, "MT-01", "S-44") is SafetyResult.BLOCK
