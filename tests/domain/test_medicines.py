"""What a medicine is: classes by code, else by name, else unknown."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.medicines import Understood, understood, what_is, words
from tests.patients import Patient, knowledge

RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"


def named(text: str, *, manner: str = "") -> Understood:
    return understood((), text, knowledge(), manner=manner)


def coded(system: str, code: str, text: str = "") -> Understood:
    return understood([(system, code)], text, knowledge())


def test_there_are_names_enough() -> None:
    assert len(knowledge().medicine_names) >= 300


# Names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ibuprofen 400 mg tablet", "takes-nsaid"),
        ("IBUPROFEN", "takes-nsaid"),
        ("Voltaren (diclofenac) 50 mg", "takes-nsaid"),
        ("St John's wort extract", "takes-st-johns-wort"),
        ("St John\u2019s wort", "takes-st-johns-wort"),
        ("Codéine", "takes-opioid"),
        ("mycophenolic acid", "takes-immunosuppressant"),
        ("Dabigatran 150", "anticoagulant-current"),
        ("Enoxaparin 40 mg", "takes-heparin"),
        ("magnesium salicylate", "takes-nsaid"),
        ("Pregabalin 75 mg", "takes-pregabalin"),
        ("Gabapentin", "takes-gabapentin"),
        ("zopiclone 7.5", "takes-cns-depressant"),
        ("Sumatriptan 50 mg", "takes-serotonergic"),
        ("Vitamin K antagonist", "anticoagulant-current"),
        ("factor Xa inhibitor", "anticoagulant-current"),
        ("calcium carbasalate 100 mg", "takes-aspirin"),
        ("MAO-B inhibitor", "takes-maoi"),
    ],
)
def test_a_name_is_known_in_any_case_and_among_other_words(text: str, expected: str) -> None:
    assert expected in named(text).classes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paracetamol 500 mg / codeine 30 mg", {"takes-paracetamol", "takes-opioid"}),
        ("hydrocodone-acetaminophen 5-325 mg", {"takes-paracetamol", "takes-opioid"}),
        ("lisinopril-hydrochlorothiazide", {"takes-raas", "takes-diuretic"}),
        ("co-codamol 30/500", {"takes-paracetamol", "takes-opioid"}),
    ],
)
def test_a_combination_has_the_classes_of_all(text: str, expected: set[str]) -> None:
    assert expected <= named(text).classes


@pytest.mark.parametrize("text", ["Atorvastatin 20 mg", "Calcium 600 mg", "levothyroxine"])
def test_a_common_medicine_of_no_class_is_known(text: str) -> None:
    what = named(text)

    assert what.is_whole
    assert what.classes == frozenset()


@pytest.mark.parametrize(
    "text",
    ["Nonaspirinol", "", "see the chart", "Xyzzol calcium", "Headache powder with caffeine", "500"],
)
def test_what_matches_nothing_is_unknown(text: str) -> None:
    what = named(text)

    assert not what.is_whole
    assert not what.ingredients


def test_each_part_of_a_combination_is_asked_for_where_the_content_asks() -> None:
    content = knowledge()
    patient = (
        Patient().taking(text="Ramipril / Unheardofide 5/25 mg").taking(text="Co-codamol 30/500")
    )
    patient.taking(text="Insulin glargine 100 units/mL").taking(text="Amoxicillin/clavulanate")

    now = [what_is(m, content).is_whole for m in patient.medicines]
    before = [
        what_is(m, replace(content, asks_of_each_part=False)).is_whole for m in patient.medicines
    ]

    assert now == [False, True, True, True]
    assert before == [True, True, True, True]


def is_known(text: str) -> bool:
    patient = Patient().taking(text=text)
    return what_is(patient.medicines[0], knowledge()).is_whole


@pytest.mark.parametrize(
    "text",
    [
        "Losartan-Hydrochlorothiazid 50/12,5 mg",
        "Ramipril-comp",
        "Ibuprofen-Unheardofide 200 mg",
        "Unheardofide-ibuprofen",
        "ramipril\u2011unheardofide",
        "amlodipine-valsartan-unheardofide",
        "Clopidogrel-ASS 75",
        "insulin glargine-lixisomething",
    ],
)
def test_a_stranger_that_a_hyphen_joins_to_a_name_is_not_known(text: str) -> None:
    assert not is_known(text)


@pytest.mark.parametrize(
    "text",
    [
        "co-codamol 30/500",
        "Tramadol-Paracetamol 37.5/325",
        "lisinopril-hydrochlorothiazide",
        "hydrocodone-acetaminophen 5-325 mg",
        "paracetamol-caffeine",
        "St-John's wort",
        "insulin glargine-yfgn",
        "adalimumab-atto 40 mg",
        "omega-3-acid ethyl esters",
        "vitamin-D3",
        "non-aspirin",
        "L-thyroxine levothyroxine",
        "diclofenac-sodium 50 mg",
        "Metoprolol-Succinat",
        "ibuprofen-ratiopharm 400",
        "Metformin-ER 500",
        "low-dose-aspirin 81 mg",
        "slow-release morphine",
        "5-HTP",
        "Tramadol-Tropfen",
        "Losartan - film-coated tablet",
    ],
)
def test_a_hyphen_inside_a_name_tears_nothing_apart(text: str) -> None:
    assert is_known(text)


def test_the_longest_name_counts() -> None:
    assert named("non-aspirin pain reliever").classes == {"takes-paracetamol"}
    assert named("lithium carbonate").ingredients.keys() == {"lithium carbonate"}


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(word.isascii() for word in words(text))
    named(text)


# Codes


def test_a_code_beats_the_text() -> None:
    assert coded(RXNORM, "5640", "something").classes == {"takes-nsaid"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("M01AE01", {"takes-nsaid"}),
        ("M01AX05", set()),
        ("M02AA15", {"takes-topical-nsaid"}),
        ("N02AA05", {"takes-opioid"}),
        ("N07BC02", {"takes-opioid"}),
        ("N02AX02", {"takes-opioid", "takes-tramadol"}),
        ("N05CD07", {"takes-benzodiazepine"}),
        ("N05CF01", {"takes-z-drug"}),
        ("N03AX16", {"takes-gabapentinoid", "takes-antiepileptic", "takes-pregabalin"}),
        ("B01AF02", {"anticoagulant-current"}),
        ("B01AB05", {"anticoagulant-current", "takes-heparin"}),
    ],
)
def test_atc_by_its_first_letters(code: str, expected: set[str]) -> None:
    what = coded(ATC, code)

    assert what.is_whole
    assert what.classes - {"takes-cns-depressant", "takes-serotonergic"} == expected


@pytest.mark.parametrize(("system", "code"), [(ATC, "C10AA01"), (RXNORM, "1"), ("", "M01A")])
def test_an_unknown_code_without_a_name_is_unknown(system: str, code: str) -> None:
    assert not coded(system, code).is_whole


def test_a_verified_atc_code_is_the_substance_itself() -> None:
    assert coded(ATC, "N02AA05").ingredients.keys() == {"oxycodone"}
    assert coded(ATC, "N02AA05").possible == frozenset()


# Groups: which member it is stays open


@pytest.mark.parametrize(
    ("code", "open_class"),
    [
        ("N02AB03", "takes-fentanyl"),
        ("N02AB02", "takes-pethidine"),
        ("N02AJ13", "takes-tramadol"),
        ("N02AJ08", "takes-nsaid"),
        ("N07BC02", "takes-methadone"),
        ("N07BC02", "takes-qt-drug"),
        ("N06AA04", "takes-clomipramine"),
        ("M03BX99", "takes-tizanidine"),
    ],
)
def test_a_code_of_a_group_leaves_its_members_open(code: str, open_class: str) -> None:
    what = coded(ATC, code)

    assert open_class in what.possible
    assert open_class not in what.classes


def test_the_name_beside_the_code_says_which_member_it_is() -> None:
    methadone = coded(ATC, "N07BC02", "Methadone 10 mg")
    amitriptyline = coded(ATC, "N06AA09", "amitriptyline")

    assert {"takes-methadone", "takes-qt-drug"} <= methadone.classes
    assert methadone.possible == frozenset()
    assert "takes-clomipramine" not in amitriptyline.classes | amitriptyline.possible


@pytest.mark.parametrize("text", ["opioid painkiller", "Narcotics"])
def test_the_name_of_a_group_leaves_its_members_open(text: str) -> None:
    what = named(text)

    assert "takes-opioid" in what.classes
    assert "takes-tramadol" in what.possible


def test_what_is_named_by_a_vitamin_that_it_acts_against_is_no_vitamin() -> None:
    assert named("vitamin K").classes == frozenset()
    assert "takes-methotrexate" in named("folic acid antagonist").possible


# On the surface or in the whole body


@pytest.mark.parametrize(
    ("text", "manner", "expected"),
    [
        ("Diclofenac 1% gel", "", "takes-topical-nsaid"),
        ("diclofenac", "Topical route", "takes-topical-nsaid"),
        ("Ketorolac eye drops", "", "takes-topical-nsaid"),
        ("Diclofenac patch", "", "takes-topical-nsaid"),
        ("Diclofenac 50 mg", "Oral", "takes-nsaid"),
        ("Ibuprofen 200 mg liquid gel capsule", "", "takes-nsaid"),
        ("Ibuprofen Liqui-Gels", "", "takes-nsaid"),
        ("Ketorolac nasal spray", "", "takes-nsaid"),
    ],
)
def test_where_an_anti_inflammatory_acts(text: str, manner: str, expected: str) -> None:
    assert named(text, manner=manner).classes == {expected}


@pytest.mark.parametrize(
    "text", ["Prednisolone eye drops", "hydrocortisone cream", "Triamcinolone nasal spray"]
)
def test_a_steroid_on_the_surface_is_not_systemic(text: str) -> None:
    assert named(text).classes == frozenset()
    assert named(text).is_whole


def test_a_patch_that_acts_in_the_whole_body_stays_what_it_is() -> None:
    assert {"takes-opioid", "takes-fentanyl"} <= named("Fentanyl patch 25 ug/h").classes
