"""``check-content``, and with it ``make check``, sees whatever an author forgets."""

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.knowledge import load_from
from app.knowledge.check import check_content
from app.knowledge.errors import ContentError
from app.knowledge.files import FOLDER, read_folder

CASES = Path(__file__).parent / "cases"
PAINPLAN = str(Path(sys.executable).with_name("painplan"))
SNOMED = "http://snomed.info/sct"


def without(file: Path, pattern: str) -> None:
    """Take the first match away; it has to be there."""
    text = file.read_text(encoding="utf-8")
    shorter = re.sub(pattern, "", text, count=1, flags=re.DOTALL | re.MULTILINE)
    assert shorter != text, pattern
    file.write_text(shorter, encoding="utf-8")


def an_evidence_record(content: Path, _: Path) -> str:
    without(content / "evidence" / "derivation.toml", r"^\[evidence\.neupsig-2016\].*?(?=^\[)")
    return "neupsig-2016, which is no evidence record"


def a_case_file(_: Path, cases: Path) -> str:
    (cases / "C2.toml").unlink()
    return "C2.toml: C2: has no case file"


def a_case(_: Path, cases: Path) -> str:
    file = cases / "C2.toml"
    file.write_text(file.read_text().replace('expect = "unknown"', 'expect = "false"'))
    return "C2.toml: C2: has no case that is unknown"


def a_patient_text(content: Path, _: Path) -> str:
    written = content / "interventions" / "interventions.toml"
    without(written, r'^text = "Choose an exercise[^\n]*\n')
    return "EX-01: stands in a plan without a text for the patient"


def a_text_of_the_plan(content: Path, _: Path) -> str:
    without(content / "texts.toml", r'^\[text\."gate\.clear"\].*?(?=^\[)')
    return "gate.clear: the engine needs this text, and it is not there"


def a_code(content: Path, _: Path) -> str:
    without(content / "codes.csv", rf"^{SNOMED},229065009,[^\n]*\n")
    return f"EX-01: {SNOMED}|229065009 is not a verified code"


def a_stance(content: Path, _: Path) -> str:
    without(content / "stances.csv", r"^uk,EX-01,[^\n]*\n")
    return "EX-01"


def a_flag(content: Path, _: Path) -> str:
    without(content / "flags.toml", r"^\[flag\.malignancy\].*?(?=^\[)")
    return "flag malignancy is not in flags.toml"


@pytest.mark.parametrize(
    "take_away",
    [
        an_evidence_record,
        a_case_file,
        a_case,
        a_patient_text,
        a_text_of_the_plan,
        a_code,
        a_stance,
        a_flag,
    ],
)
def test_what_is_taken_away_is_missed(
    tmp_path: Path, take_away: Callable[[Path, Path], str]
) -> None:
    content, cases = tmp_path / "content", tmp_path / "cases"
    shutil.copytree(FOLDER, content)
    shutil.copytree(CASES, cases)

    named = take_away(content, cases)

    done = subprocess.run(
        [PAINPLAN, "check-content", str(content), "--cases", str(cases)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_the_whole_content_is_sound() -> None:
    assert check_content(FOLDER, CASES) == []


def test_no_cases_at_all_are_missed(tmp_path: Path) -> None:
    missing = check_content(FOLDER, tmp_path / "none")

    assert len(missing) == len(list(CASES.glob("*.toml")))


def test_a_case_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    cases = tmp_path / "cases"
    shutil.copytree(CASES, cases)
    (cases / "C2.toml").write_text("[[case]\n")

    (fault,) = check_content(FOLDER, cases)

    assert fault.startswith("C2.toml: C2: not TOML")


def faults(name: str, was: str, now: str) -> list[str]:
    """What is said of the shipped content with one thing written otherwise."""
    files = read_folder()
    assert was in files[name], was
    with pytest.raises(ContentError) as refused:
        load_from({**files, name: files[name].replace(was, now, 1)})
    return [str(fault) for fault in refused.value.faults]


INTERVENTIONS = "interventions/interventions.toml"
EXERCISE = f'[["{SNOMED}", "229065009"]]'


def test_a_display_beside_a_code_is_that_of_the_code_list() -> None:
    files = read_folder()
    rows = csv.DictReader(files["codes.csv"].splitlines())
    display = next(r["display"] for r in rows if r["code"] == "229065009")
    right = f'[["{SNOMED}", "229065009", "{display}"]]'

    load_from({**files, INTERVENTIONS: files[INTERVENTIONS].replace(EXERCISE, right)})
    said = faults(INTERVENTIONS, EXERCISE, f'[["{SNOMED}", "229065009", "Surgery"]]')

    assert said == [f'codes.csv: EX-01: {SNOMED}|229065009 is "{display}", not "Surgery"']


def test_a_display_beside_an_answer_is_that_of_the_code_list() -> None:
    said = faults(
        "instruments/mood_and_beliefs.toml", '"LA6568-5",', '"LA6568-5", display = "Never",'
    )

    assert 'codes.csv: phq-9: http://loinc.org|LA6568-5 is "Not at all", not "Never"' in said


def test_a_coding_is_a_system_and_a_code_and_at_most_a_display() -> None:
    said = faults(INTERVENTIONS, EXERCISE, f'[["{SNOMED}"]]')

    assert len(said) == 1
    assert said[0].startswith(f"{INTERVENTIONS}: EX-01: ")


@pytest.mark.parametrize(
    ("name", "was", "now", "says"),
    [
        (INTERVENTIONS, "229065009", "111", f"EX-01: {SNOMED}|111 is not a verified code"),
        ("inputs/scores.toml", "44261-6", "1-1", "phq9-total: http://loinc.org|1-1 is not a"),
        ("goals.toml", "97909-6", "1-1", "G-1: http://loinc.org|1-1 is not a verified code"),
        (
            "instruments/mood_and_beliefs.toml",
            '"44250-9", "44255-8"',
            '"1-1", "44255-8"',
            "phq-9: http://loinc.org|1-1 is not a verified code",
        ),
        (
            "instruments/mood_and_beliefs.toml",
            "LA6568-5",
            "LA0-0",
            "phq-9: http://loinc.org|LA0-0 is not a verified code",
        ),
        (
            "instruments/strata.toml",
            '{ code = "box-1"',
            '{ system = "http://loinc.org", code = "LA0-0"',
            "start-back: http://loinc.org|LA0-0 is not a verified code",
        ),
        (
            "medicine-codes.csv",
            "rxnorm,11289,",
            "rxnorm,1,",
            "rxnorm|1 is not a verified code",
        ),
        ("codes.csv", "VERIFIED", "UNVERIFIED", "is not verified and may not ship"),
    ],
)
def test_a_code_that_is_not_verified_is_refused(name: str, was: str, now: str, says: str) -> None:
    assert any(says in fault for fault in faults(name, was, now))


@pytest.mark.parametrize(
    ("name", "was", "now", "says"),
    [
        (
            INTERVENTIONS,
            '["P-disc", "ED',
            '["P-dics", "ED',
            "ED-01: names P-dics, which is neither",
        ),
        (INTERVENTIONS, '"ED-01.disc"', '"ED-01.dics"', "ED-01: names the text ED-01.dics, which"),
        (INTERVENTIONS, '["G-disability-2"]', '["G-dis"]', "EX-02: names G-dis, which is neither"),
        (INTERVENTIONS, '["takes-tca"]', '["takes-tac"]', "RX-04: is taken as takes-tac, which"),
        ("goals.toml", '["nrs-4-or-more"]', '["nrs-4"]', "G-2: names nrs-4, which is neither"),
        ("gaps.toml", '"RX-07", "S-38"', '"RX-07", "S-99"', "names S-99, which is neither"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name: str, was: str, now: str, says: str) -> None:
    assert any(says in fault for fault in faults(name, was, now))


def test_an_item_that_does_not_say_what_it_fits_is_missed() -> None:
    said = faults(
        INTERVENTIONS,
        'fits = { nociceptive = "+", neuropathic = "0", nociplastic = "++", mixed = "++" }',
        "",
    )

    assert said == ["interventions: PT-02: does not say which mechanism it fits"]


def test_a_row_never_holds_what_is_to_be_avoided_there() -> None:
    fits = 'fits = { nociceptive = "+", neuropathic = "-", nociplastic = "-", mixed = "+" }'
    said = faults(INTERVENTIONS, fits, fits.replace('nociceptive = "+"', 'nociceptive = "-"'))

    assert said == [
        "placements.toml: RX-01: stands in the row nociceptive, where its fits say to avoid it"
    ]


def test_a_measure_of_a_goal_that_waits_for_nothing_known_is_refused() -> None:
    said = faults("goals.toml", 'when = ["gad7-10-or-more"]', 'when = ["gad7-10"]')

    assert any("G-5: names gad7-10, which is neither" in fault for fault in said)


def test_a_text_of_a_goal_that_leads_nowhere_is_refused() -> None:
    said = faults("goals.toml", "when = [", 'texts_when = [["nrs-4", "G-2.no"]]\nwhen = [')

    assert any("G-2: names nrs-4, which is neither" in fault for fault in said)
    assert any("G-2: names the text G-2.no, which is not there" in fault for fault in said)


def test_a_code_stands_in_the_list_once() -> None:
    row = next(line for line in read_folder()["codes.csv"].splitlines() if "229065009" in line)

    said = faults("codes.csv", row, f"{row}\n{row.replace('Exercise', 'Another')}")

    assert said == ["codes.csv: 229065009: stands here twice"]


def test_our_codes_are_those_of_the_clinical_documents(shared: Path) -> None:
    with (shared / "clinical" / "codes.csv").open(encoding="utf-8", newline="") as file:
        theirs = {(row["system"], row["code"]): row for row in csv.DictReader(file)}
    for row in csv.DictReader(read_folder()["codes.csv"].splitlines()):
        assert theirs[row["system"], row["code"]] == row
