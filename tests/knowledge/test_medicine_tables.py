"""The tables of medicines and problem codes: every fault of an author stops the start."""

import csv
import re

import pytest

from app.knowledge import load_from
from app.knowledge.errors import ContentError
from app.knowledge.files import read_folder
from tests.patients import knowledge

ATC, RXNORM = "http://www.whocc.no/atc", "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
WANTED = """
nsaid topical-nsaid aspirin antiplatelet p2y12 heparin raas diuretic lithium methotrexate ssri
snri tca clomipramine maoi linezolid-methylene-blue triptan tramadol pethidine fentanyl methadone
tapentadol buprenorphine opioid benzodiazepine z-drug gabapentinoid gabapentin pregabalin
duloxetine muscle-relaxant tizanidine cyclobenzaprine antipsychotic antiepileptic antidepressant
systemic-steroid cyp1a2-inhibitor cyp2d6-substrate thioridazine enoxacin buspirone trazodone
st-johns-wort bupropion fluoxetine paroxetine qt-drug calcineurin-inhibitor clopidogrel
paracetamol naloxone laxative ppi immunosuppressant cns-depressant serotonergic capsaicin
"""


def faults(file: str, row: str = "", *, instead_of: str = "") -> str:
    """What the loader says once a row was added to a file, or put in the place of another."""
    files = read_folder()
    text = files[file]
    if instead_of:
        assert re.search(instead_of, text, re.MULTILINE), instead_of
        text = re.sub(instead_of, row, text, count=1, flags=re.MULTILINE)
    else:
        text += row + "\n"
    with pytest.raises(ContentError) as refused:
        load_from({**files, file: text})
    return str(refused.value)


@pytest.mark.parametrize(
    ("file", "row", "says"),
    [
        ("medicine-names.csv", "newpill,miracle", "takes-miracle is no input"),
        ("medicine-names.csv", "newpill,nsaid miracle?", "takes-miracle is no input"),
        ("medicine-names.csv", "newpill,", "has no class"),
        ("medicine-names.csv", "newpill,other nsaid", "is other and something else"),
        ("medicine-names.csv", "a b c d e f g,nsaid", "has not 1 to 6 words"),
        ("medicine-names.csv", "Ibuprof\u00e8n,other", "is matched as ibuprofen"),
        ("medicine-codes.csv", f"{RXNORM},1,takes-nsaid", "is not a verified code"),
        ("medicine-codes.csv", f"{RXNORM},5640,takes-opioid", "has not the classes that ibuprofen"),
        ("medicine-codes.csv", f"{ATC},Z99*,takes-miracle", "takes-miracle is no input"),
        ("mme-factors.csv", "newpill,1,mg,R", "is no name in medicine-names.csv"),
        ("mme-factors.csv", "opium,much,mg,R", "its factor is no number"),
        ("mme-factors.csv", "opium,1,drops,R", "unit drops is none of"),
        (
            "record-codes.csv",
            f"{SNOMED},1,has-bipolar,true,,yes,no",
            "not a verified code of SNOMED",
        ),
        (
            "record-codes.csv",
            f"{ICD},F99,has-miracle,true,,yes,no",
            "has-miracle, which is no input",
        ),
        ("record-codes.csv", f"{ICD},F99,has-bipolar,maybe,,yes,no", "says maybe"),
        ("record-codes.csv", f"{ICD},Z33.1,pregnancy-status,true,,yes,no", "says true"),
    ],
)
def test_a_fault_of_an_author_is_named(file: str, row: str, says: str) -> None:
    assert says in faults(file, row)


def test_a_verified_medicine_without_a_name_is_named() -> None:
    assert "display is no name" in faults("medicine-names.csv", instead_of=r"^melatonin,other\n")


def test_every_class_that_a_rule_may_name_is_an_input_with_members() -> None:
    have = {c for classes in knowledge().medicine_names.values() for c in classes.sure}

    assert {f"takes-{name}" for name in WANTED.split()} <= have
    assert "anticoagulant-current" in have


def test_every_verified_ingredient_is_known() -> None:
    rows = csv.DictReader(read_folder()["codes.csv"].splitlines())
    codes = {(r["system"], r["code"]) for r in rows if r["system"] in (RXNORM, ATC)}

    assert codes
    assert codes <= {*knowledge().ingredients, *knowledge().medicine_codes}
