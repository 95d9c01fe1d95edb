"""Whose plan another content version changes, and by which rule."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.domain.content import Content
from app.domain.facts import Record
from app.domain.problem import NotFound, Refused
from app.impact import (
    Impact,
    as_json,
    impact,
    material,
    population,
    print_impact,
    told_patients,
    version,
)
from app.impact.standpoint import standpoint
from app.knowledge import load_from
from app.knowledge.files import read_folder
from tests.patients import knowledge
from tests.vignettes.test_whole_patients import NAMES, patient_of

ROOT = Path(__file__).parents[2]
CONTENT = ROOT / "app" / "knowledge" / "content"
PAINPLAN = str(Path(sys.executable).with_name("painplan"))
SIZE = 120


def changed(name: str, was: str, now: str) -> Content:
    """The shipped content with one thing written otherwise."""
    files = read_folder()
    assert was in files[name]
    return load_from({**files, name: files[name].replace(was, now, 1)})


def compared(new: Content) -> Impact:
    """The shipped content against another one."""
    old = knowledge()
    people = population(material(old, new), SIZE)
    return impact(old, new, [(name, partial(told, record)) for name, record in people], "who")


def told(record: Record, _: Content) -> Record:
    return record


@cache
def of_thirteen_weeks() -> Impact:
    """Chronic from 13 weeks on instead of 12."""
    return compared(changed("findings/thresholds.toml", "at_least = 12", "at_least = 13"))


def test_the_same_content_changes_nothing() -> None:
    found = compared(knowledge())

    assert found.patients == SIZE
    assert found.changed == ()
    assert found.files == ()


def test_another_threshold_is_named_as_the_cause() -> None:
    found = of_thirteen_weeks()

    assert found.changed
    assert set(found.by_cause()) == {"pain-12-weeks-or-more"}
    causes = {(c.old, c.new) for d in found.changed for c in d.causes}
    assert causes == {("true", "false")}
    assert found.files == ("findings/thresholds.toml",)
    assert {"mechanism", "withheld"} <= set(found.by_aspect())


def test_another_condition_is_named_as_the_cause() -> None:
    rule = 'all_of = ["C-N1", "neuroanatomic-distribution"]'

    found = compared(changed("rules/30_neuropathic.toml", rule, 'all_of = ["C-N1"]'))

    assert found.changed
    assert set(found.by_cause()) == {"C2"}


def test_a_rule_that_is_gone_or_new_is_told_as_such() -> None:
    rule = """
[[rule]]
id = "B-CE-9"
label = "For a test: any chronic pain"
stage = "B"
status = "judgement"
evidence = ["painplan-judgement"]
flag = "cauda-equina"
level = "urgent"
concludes = true
all_of = ["A3"]
why = "For a test."
"""
    files = read_folder()
    name = "rules/20_gate.toml"
    new = load_from({**files, name: files[name] + rule})

    found = compared(new)

    worse = [d for d in found.changed if any(c.aspect == "gate" for c in d.changes)]
    assert worse
    for difference in worse:
        assert [(c.name, c.old, c.new) for c in difference.causes] == [("B-CE-9", "-", "true")]
    back = impact(new, knowledge(), _people(new), "who")
    assert ("B-CE-9", "true", "-") in {
        (c.name, c.old, c.new) for d in back.changed for c in d.causes
    }


def test_what_rules_a_driver_out_is_named_as_the_cause() -> None:
    rule = 'none_of = ["takes-opioid"]'

    found = compared(changed("rules/65_drivers.toml", rule, 'all_of = ["takes-opioid"]'))

    assert found.changed
    assert set(found.by_cause()) == {"G-no-opioid"}


def test_a_new_rule_beside_another_row_of_the_plan_is_not_its_cause() -> None:
    files = read_folder()
    row = """
[[placement]]
activity = "DN-04"
row = "do-not"
stage = "do-not"
status = "do-not"
rule = "P-06"
unless = ["C2"]
"""
    rule = """
[[rule]]
id = "G-for-a-test"
label = "For a test: nobody asks for it"
stage = "G"
status = "judgement"
evidence = ["painplan-judgement"]
all_of = ["A3"]
why = "For a test."
"""
    placements, rules = "placements.toml", "rules/65_drivers.toml"
    assert row in files[placements]
    without = files[placements].replace(row, "", 1)

    found = compared(load_from({**files, placements: without, rules: files[rules] + rule}))

    assert found.changed
    assert found.by_cause() == {}


def _people(new: Content) -> list[tuple[str, Callable[[Content], Record]]]:
    people = population(material(new, knowledge()), SIZE)
    return [(name, partial(told, record)) for name, record in people]


def test_a_change_without_a_rule_names_the_file() -> None:
    cap = changed("manifest.toml", "cap = 6", "cap = 3")

    found = compared(cap)

    assert found.changed
    assert found.by_cause() == {}
    assert found.without_cause() == len(found.changed)
    assert found.files == ("manifest.toml",)


def test_other_words_change_no_plan() -> None:
    label = 'label = "Adult"'

    assert compared(changed("rules/10_applicability.toml", label, 'label = "Of age"')).changed == ()


def test_the_population_is_fixed_and_a_new_input_moves_nobody() -> None:
    files = read_folder()
    new_input = """
[input.a-new-question]
label = "For a test"
type = "boolean"
asked_of = "patient"
"""
    more = load_from({**files, "inputs/context.toml": files["inputs/context.toml"] + new_input})
    before = population(material(knowledge(), knowledge()), SIZE)
    after = population(material(knowledge(), more), SIZE)

    assert population(material(knowledge(), knowledge()), SIZE) == before
    assert any(f.input == "a-new-question" for _, r in after for f in r.facts)
    for (_, was), (_, now) in zip(before, after, strict=True):
        assert tuple(f for f in now.facts if f.input != "a-new-question") == was.facts
        assert (now.conditions, now.medicines, now.complete) == (
            was.conditions,
            was.medicines,
            was.complete,
        )


def test_the_population_has_people_of_every_kind() -> None:
    people = population(material(knowledge(), knowledge()), SIZE)

    seen = [standpoint(record, knowledge(), "who").seen for _, record in people]

    assert {s["gate"]["level"] for s in seen} >= {"clear", "not-screened", "urgent", "emergency"}
    phenotypes = " ".join(s["mechanism"]["phenotype"] for s in seen)
    for word in ("nociceptive", "neuropathic", "nociplastic", "mixed", "insufficient-data"):
        assert word in phenotypes
    planned = {name for s in seen for name in s["activities"]}
    assert len(planned) > len(knowledge().interventions) / 3
    assert any(record.conditions for _, record in people)
    assert any(record.medicines for _, record in people)


def test_a_patient_that_was_written_down_is_read(tmp_path: Path) -> None:
    (tmp_path / "gardener.toml").write_text(
        """
why = "A gardener"
[patient]
age = 46
complete = ["Condition"]
given.pain-location-low-back = true
given.pain-duration-weeks = { value = 12, days_ago = 3 }
given.pain-most-days-six-months = false
given.an-input-of-another-time = true
[[patient.condition]]
system = "http://hl7.org/fhir/sid/icd-10-cm"
code = "M54.16"
[[patient.medicine]]
text = "naproxen"
"""
    )
    (tmp_path / "notes.toml").write_text('why = "No patient"')
    (name, record), *none = told_patients(tmp_path)
    old, new = knowledge(), changed("findings/thresholds.toml", "at_least = 12", "at_least = 13")

    found = impact(old, new, [(name, record)], "who")

    assert none == []
    assert name == "gardener"
    read = record(knowledge())
    assert {fact.input for fact in read.facts} == {
        "birth-date",
        "pain-location-low-back",
        "pain-duration-weeks",
        "pain-most-days-six-months",
    }
    assert read.complete == {"Condition"}
    assert [m.text for m in read.medicines] == ["naproxen"]
    assert found.by_cause() == {"pain-12-weeks-or-more": 1}


def test_the_vignettes_are_read_as_their_own_tests_read_them() -> None:
    read = {name: record(knowledge()) for name, record in told_patients(ROOT / "tests/vignettes")}

    assert sorted(read) == NAMES
    for name, record in read.items():
        theirs = patient_of(name).record()
        assert said(record) <= said(theirs), name
        assert {f.input for f in record.facts} == {f.input for f in theirs.facts}, name
        assert record.complete == theirs.complete, name
        assert [c.system_codes for c in record.conditions] == [
            c.system_codes for c in theirs.conditions
        ]
        assert [m.text for m in record.medicines] == [m.text for m in theirs.medicines]
        assert [a.text for a in record.allergies] == [a.text for a in theirs.allergies]


def said(record: Record) -> set[tuple[str, str, str, str]]:
    return {(f.input, str(f.value), f.at.isoformat(), f.said_by.value) for f in record.facts}


def test_json_says_what_the_tables_say() -> None:
    found = of_thirteen_weeks()

    answer: dict[str, Any] = json.loads(json.dumps(as_json(found)))

    assert answer["patients"] == SIZE
    assert len(answer["changed"]) == len(found.changed)
    assert answer["byCause"] == found.by_cause()
    assert answer["old"]["version"] == knowledge().version
    assert answer["old"]["digest"] != answer["new"]["digest"]
    first = answer["changed"][0]
    assert {"patient", "changes", "causes"} == set(first)
    assert {"aspect", "name", "old", "new"} == set(first["changes"][0])
    written = StringIO()
    print_impact(found, Console(file=written, width=200))
    assert f"{len(found.changed)} of {SIZE} patients see something else." in written.getvalue()
    assert "pain-12-weeks-or-more: true -> false" in written.getvalue()


def test_a_folder_that_is_not_there_and_one_with_a_fault_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is no folder"):
        version(str(tmp_path / "none"), ROOT)
    broken = tmp_path / "content"
    shutil.copytree(CONTENT, broken)
    (broken / "texts.toml").write_bytes(b"\xff")
    with pytest.raises(Refused, match="is not UTF-8"):
        version(str(broken), ROOT)
    shutil.copy(CONTENT / "texts.toml", broken)
    (broken / "flags.toml").unlink()
    with pytest.raises(Refused, match=r"flag .* is not in flags\.toml"):
        version(str(broken), ROOT)


def test_a_revision_is_read_from_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "app" / "knowledge" / "content"
    shutil.copytree(CONTENT, there)
    if shutil.which("git") is not None:
        for words in (
            ("init", "-q"),
            ("add", "."),
            ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "one"),
        ):
            subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
        (there / "manifest.toml").write_text("not the committed one")

        assert version("rev:HEAD", tmp_path).digest == knowledge().digest
        with pytest.raises(NotFound, match="git does not know"):
            version("rev:HEAD~7", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound, match="git is not there"):
        version("rev:HEAD", tmp_path)


def painplan(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PAINPLAN, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "COLUMNS": "160"},
    )


def test_the_command_compares_and_always_ends_well(tmp_path: Path) -> None:
    new = tmp_path / "content"
    shutil.copytree(CONTENT, new)
    file = new / "manifest.toml"
    file.write_text(file.read_text().replace("cap = 6", "cap = 3"))

    done = painplan("impact", str(CONTENT), str(new), "--patients", "20", "--json")

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["files"] == ["manifest.toml"]
    assert answer["patients"] > 20, "the shipped examples are among them"
    assert any(d["patient"] == "chronic-low-back-pain" for d in answer["changed"])


def test_the_command_names_the_fault_of_content_that_cannot_be_loaded(tmp_path: Path) -> None:
    new = tmp_path / "content"
    shutil.copytree(CONTENT, new)
    file = new / "rules" / "10_applicability.toml"
    file.write_text(file.read_text().replace("age-18-or-more", "age-19-or-more"))

    done = painplan("impact", str(CONTENT), str(new))

    assert done.returncode == 1
    assert "A1: uses age-19-or-more" in done.stderr
    assert "Traceback" not in done.stderr
