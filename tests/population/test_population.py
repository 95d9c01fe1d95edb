"""A population decides as the service does, in any number of processes, killed or not."""

import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
from rich.console import Console

from app.domain.problem import Refused
from app.population import population
from app.population.deciding import How
from app.population.running import Job, run
from benchmarks.patients import patients
from tests.acceptance.conftest import serving
from tests.acceptance.wire import AS_OF
from tests.population.told import AT, PEOPLE, WHO, rows, written

PAINPLAN = str(Path(sys.executable).with_name("painplan"))
SMALL = 30_000  # bytes: three patients, so that a small file is many ranges


class StoppedError(Exception):
    """The run was interrupted."""


def stop(_done: int, _patients: int) -> None:
    raise StoppedError


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some patients as NDJSON."""
    return written(tmp_path_factory.mktemp("people") / "in.ndjson", list(patients(PEOPLE)))


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of them."""
    target = tmp_path_factory.mktemp("whole") / "out.ndjson"
    run(Job(source, target, WHO))
    return target


def test_a_line_is_decided_about_as_the_service_would_to_the_bit(
    source: Path, whole: Path, tmp_path: Path
) -> None:
    database = tmp_path / "painplan.db"
    lines = source.read_bytes().splitlines()[:12]
    with serving(database) as service:
        answers = [
            service.post("/fhir/$derive", params={"asOf": AS_OF}, content=line) for line in lines
        ]
    told = rows(whole)[: len(lines)]

    assert [a.headers["X-Decision-Id"] for a in answers] == [row["decision"] for row in told]
    with sqlite3.connect(database) as connection:
        stored = {
            (type_, id_): f"sha256:{digest.hex()}"
            for type_, id_, digest in connection.execute(
                "SELECT type, id, sha256 FROM resource_version WHERE origin = 'derived'"
            )
        }
    assert stored == {(t, i): digest for row in told for t, i, digest in row["outputs"]}


def test_more_processes_write_the_same_lines_in_the_same_order(
    source: Path, whole: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.ndjson"
    tally = run(Job(source, target, WHO, workers=2, range_size=SMALL))

    assert target.read_bytes() == whole.read_bytes()
    assert tally.patients == PEOPLE
    assert not (tmp_path / "out.ndjson.progress").exists()


def test_a_killed_run_that_goes_on_writes_what_an_uninterrupted_one_writes(
    source: Path, tmp_path: Path
) -> None:
    many = written(tmp_path / "many.ndjson", source.read_bytes().splitlines() * 8)
    through, target = tmp_path / "through.ndjson", tmp_path / "out.ndjson"
    run(Job(many, through, WHO))
    command = [PAINPLAN, "population", str(many), str(target), "--as-of", AS_OF, "--workers", "2"]
    killed = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _wait_for(tmp_path / "out.ndjson.progress", killed)
    workers = psutil.Process(killed.pid).children(recursive=True)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert len(workers) >= 2
    assert not psutil.wait_procs(workers, timeout=60)[1], "workers outlive a killed run"
    assert target.stat().st_size < through.stat().st_size
    with target.open("ab") as file:
        file.write(b'{"patient":"half a li')  # what was written after the last state

    done = subprocess.run(
        [PAINPLAN, "population", str(many), str(target), "--resume"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    assert target.read_bytes() == through.read_bytes()
    assert f"{PEOPLE * 8} patients decided about, 0 lines rejected." in done.stderr


def _wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 240
    while not path.exists():
        assert process.poll() is None, "it was done before it could be killed"
        assert time.monotonic() < until, "no state was ever written"
        time.sleep(0.01)


def test_a_bad_line_is_told_by_its_number_and_the_others_are_decided_about(
    source: Path, tmp_path: Path
) -> None:
    first, second, *_ = source.read_bytes().splitlines()
    two = orjson.loads(first)
    two["entry"].append({"resource": {"resourceType": "Patient", "id": "other"}})
    lines = [first, b"", b'{"resourceType": "Bundle", "na', orjson.dumps(two), second]
    target = tmp_path / "out.ndjson"
    tally = run(Job(written(tmp_path / "in.ndjson", lines), target, WHO, range_size=SMALL))

    assert [row["patient"] for row in rows(target)] == ["Patient/s-0", "Patient/s-1"]
    assert (tally.patients, tally.rejected) == (2, 2)
    broken, crowded = rows(tmp_path / "out.ndjson.rejects")
    assert (broken["line"], broken["offset"]) == (3, len(first) + 2)
    assert "JSON" in broken["problems"][0]["what"]
    assert crowded["line"] == 4
    assert crowded["problems"][0]["what"] == "There is more than one patient."


@pytest.mark.parametrize("begins", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_file_of_windows_holds_the_same_patients(
    source: Path, tmp_path: Path, begins: bytes, ends: bytes
) -> None:
    lines = source.read_bytes().splitlines()[:2]
    target = tmp_path / "out.ndjson"
    (tmp_path / "in.ndjson").write_bytes(begins + ends.join(lines))

    tally = run(Job(tmp_path / "in.ndjson", target, WHO, range_size=SMALL))

    assert [row["patient"] for row in rows(target)] == ["Patient/s-0", "Patient/s-1"]
    assert tally.rejected == 0


def test_who_is_rejected_is_named_where_that_can_be_read(source: Path, tmp_path: Path) -> None:
    """Nobody else keeps the line, least of all where files were joined."""
    first = orjson.loads(source.read_bytes().splitlines()[0])
    first["entry"][0]["resource"]["gender"] = "blue"
    nobody = {**first, "entry": first["entry"][1:]}
    no_json, target = b'{"resourceType', tmp_path / "out.ndjson"
    lines = [orjson.dumps(first), orjson.dumps(nobody), no_json, b"[]", b"1"]

    run(Job(written(tmp_path / "in.ndjson", lines), target, WHO))

    rejected = rows(tmp_path / "out.ndjson.rejects")
    assert [row["patient"] for row in rejected] == ["Patient/s-0", "Patient/s-0", None, None, None]


def test_a_fault_of_ours_in_one_line_stops_no_other(source: Path, tmp_path: Path) -> None:
    """An instant without zone is a fault of who calls; whatever it is, it is told by its kind."""
    target = tmp_path / "out.ndjson"
    tally = run(Job(source, target, How(AT.replace(tzinfo=None), "who")))

    assert tally.rejected == PEOPLE
    (problem,) = rows(tmp_path / "out.ndjson.rejects")[0]["problems"]
    assert problem["what"] == "Something went wrong on our side (TypeError)."


def test_a_person_sees_how_far_it_is_how_fast_and_how_long_it_will_take(
    source: Path, tmp_path: Path
) -> None:
    seen = io.StringIO()
    population(
        source,
        tmp_path / "out.ndjson",
        workers=1,
        resume=False,
        as_of=AT,
        profile="who",
        with_resources=False,
        console=Console(file=seen, force_terminal=True, width=100, color_system=None),
    )

    told = seen.getvalue()
    assert re.search(r"deciding \S+ +100% [1-9]\d* patients/s \d:\d\d:\d\d 0:00:00", told), told


def test_a_run_goes_on_only_as_it_began(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.ndjson"
    with pytest.raises(Refused, match=r"no out\.ndjson\.progress"):
        run(Job(source, target, WHO, resume=True))

    with pytest.raises(StoppedError):
        run(Job(source, target, WHO, range_size=SMALL, told=stop))
    with pytest.raises(Refused, match="guideline_profile"):
        run(Job(source, target, How(AT, "uk"), resume=True))
    other = written(tmp_path / "other.ndjson", list(patients(2)))
    with pytest.raises(Refused, match="input"):
        run(Job(other, target, WHO, resume=True))


def test_a_run_goes_on_only_with_every_byte_as_it_was(source: Path, tmp_path: Path) -> None:
    """The length is the same, and so is the beginning."""
    people = written(tmp_path / "in.ndjson", source.read_bytes().splitlines())
    with pytest.raises(StoppedError):
        run(Job(people, tmp_path / "out.ndjson", WHO, range_size=SMALL, told=stop))
    *same, last = source.read_bytes().splitlines()
    written(people, [*same, last.replace(b'"male"', b'"MALE"').replace(b'"female"', b'"FEMALE"')])

    with pytest.raises(Refused, match="input"):
        run(Job(people, tmp_path / "out.ndjson", WHO, resume=True))


def test_a_run_that_loses_a_process_says_so_and_can_go_on(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.ndjson"
    many = written(tmp_path / "many.ndjson", source.read_bytes().splitlines() * 8)
    command = [PAINPLAN, "population", str(many), str(target), "--as-of", AS_OF, "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        _wait_for(tmp_path / "out.ndjson.progress", running)
        workers = psutil.Process(running.pid).children(recursive=True)
        next(w for w in workers if "spawn_main" in " ".join(w.cmdline())).kill()
        _, told = running.communicate(timeout=120)

    assert running.returncode == 1
    assert told.decode().strip().endswith("perhaps for want of memory. Go on with --resume.")
    assert b"Traceback" not in told
    assert (tmp_path / "out.ndjson.progress").exists()


def test_a_run_that_begins_anew_leaves_no_state_of_the_one_before(
    source: Path, tmp_path: Path
) -> None:
    """It ends before it has come to a state of its own: there is nothing to go on from."""
    target, rejects = tmp_path / "out.ndjson", tmp_path / "out.ndjson.rejects"
    with pytest.raises(StoppedError):
        run(Job(source, target, WHO, range_size=SMALL, told=stop))
    rejects.unlink()
    rejects.mkdir()
    with pytest.raises(IsADirectoryError):
        run(Job(source, target, WHO, range_size=SMALL))
    rejects.rmdir()

    with pytest.raises(Refused, match=r"no out\.ndjson\.progress"):
        run(Job(source, target, WHO, resume=True))


@pytest.mark.parametrize("left", [None, b"", b"{"])
def test_a_run_goes_on_only_from_what_it_had_written(
    source: Path, tmp_path: Path, left: bytes | None
) -> None:
    target = tmp_path / "out.ndjson"
    with pytest.raises(StoppedError):
        run(Job(source, target, WHO, range_size=SMALL, told=stop))
    target.unlink()
    if left is not None:
        target.write_bytes(left)

    with pytest.raises(Refused, match=r"out\.ndjson holds \d bytes of the \d+"):
        run(Job(source, target, WHO, resume=True))


def test_a_run_that_was_stopped_before_its_summary_goes_on_to_it(
    source: Path, whole: Path, tmp_path: Path
) -> None:
    target, summary = tmp_path / "out.ndjson", tmp_path / "out.ndjson.summary.json"
    summary.mkdir()
    with pytest.raises(IsADirectoryError):
        run_of(source, target)
    summary.rmdir()

    run_of(source, target, resume=True)

    assert target.read_bytes() == whole.read_bytes()
    assert orjson.loads(summary.read_bytes())["patients"] == PEOPLE
    assert (tmp_path / "out.ndjson.svg").exists()


def test_files_by_type_are_joined_by_patient(source: Path, whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for type_, lines in by_type(source, PEOPLE).items():
        half = len(lines) // 2
        written(folder / f"1.{type_}.ndjson", lines[half:])
        written(folder / f"2.{type_}.ndjson", lines[:half])

    target = tmp_path / "out.ndjson"
    run_of(folder, target)

    assert by_patient(rows(target)) == by_patient(rows(whole))
    assert not (tmp_path / "out.ndjson.bundles").exists()


def test_what_of_an_export_cannot_be_joined_is_told_by_file_and_line(
    source: Path, tmp_path: Path
) -> None:
    """And stops nothing: what is about nobody is left out, as an export has its practitioners."""
    folder = export(source, tmp_path, PEOPLE)
    whole = tmp_path / "whole.ndjson"
    run_of(folder, whole)
    observations = folder / "Observation.ndjson"
    with observations.open("ab") as file:
        file.write(b'\n{"resourceType": "Observation", "sub\n')
        file.write(b'{"resourceType": "Observation", "id": "\xff"}\n')
        file.write(b'{"resourceType": "Observation", "id": "o1"}\n')
    with (folder / "Patient.ndjson").open("ab") as file:
        file.write(b'{"resourceType": "Patient"}\n')
    written(folder / "Practitioner.ndjson", [b'{"resourceType": "Practitioner", "id": "d"}'])

    target = tmp_path / "out.ndjson"
    run_of(folder, target)

    assert target.read_bytes() == whole.read_bytes()
    last = len(observations.read_bytes().splitlines())
    told = [(r["file"], r["line"], r["problems"][0]) for r in rows(tmp_path / "out.ndjson.rejects")]
    assert told == [
        ("Patient.ndjson", PEOPLE + 1, {"where": "Patient.id", "what": "It has no id."}),
        ("Observation.ndjson", last - 2, {"where": "", "what": "The line is not JSON."}),
        ("Observation.ndjson", last - 1, {"where": "", "what": "The line is not JSON."}),
        (
            "Observation.ndjson",
            last,
            {"where": "Observation.subject", "what": "It names no patient."},
        ),
    ]
    summary = orjson.loads((tmp_path / "out.ndjson.summary.json").read_bytes())
    assert (summary["patients"], summary["rejected"]) == (PEOPLE, len(told))


def test_the_input_is_never_written_over(source: Path, tmp_path: Path) -> None:
    """Nor by one of the files beside the decisions."""
    people = written(tmp_path / "in.ndjson.rejects", source.read_bytes().splitlines())
    (tmp_path / "same.ndjson").symlink_to(people)

    for target in (people, tmp_path / "same.ndjson", tmp_path / "in.ndjson"):
        with pytest.raises(Refused, match="is the input itself"):
            run(Job(people, target, WHO))
    assert people.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("name", ["Patient.ndjson", "out.ndjson"])
def test_no_decision_is_written_among_the_files_of_an_export(
    source: Path, tmp_path: Path, name: str
) -> None:
    folder = export(source, tmp_path, 2)
    before = (folder / "Patient.ndjson").read_bytes()

    with pytest.raises(Refused, match="lies among the input"):
        run_of(folder, folder / name)
    (tmp_path / "linked.ndjson").hardlink_to(folder / "Patient.ndjson")
    with pytest.raises(Refused, match="is the input itself"):
        run_of(folder, tmp_path / "linked.ndjson")
    assert (folder / "Patient.ndjson").read_bytes() == before


def test_a_pipe_is_refused_and_not_taken_for_an_empty_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(Refused, match="is no file that can be read from any place"):
        run(Job(pipe, tmp_path / "out.ndjson", WHO))


def test_there_has_to_be_a_run_before_a_folder_is_joined_to_go_on(
    source: Path, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=r"no out\.ndjson\.progress"):
        run_of(export(source, tmp_path, 2), tmp_path / "out.ndjson", resume=True)
    assert not (tmp_path / "out.ndjson.bundles").exists()


def test_a_file_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [PAINPLAN, "population", str(tmp_path / "none.ndjson"), str(tmp_path / "out.ndjson")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 2
    assert done.stderr.strip().endswith("none.ndjson: No such file or directory")
    assert "Traceback" not in done.stderr


def test_a_folder_without_patients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Patient\.ndjson"):
        run_of(tmp_path, tmp_path / "out.ndjson")


def run_of(source: Path, target: Path, *, resume: bool = False) -> None:
    population(
        source,
        target,
        workers=1,
        resume=resume,
        as_of=AT,
        profile="who",
        with_resources=False,
        console=Console(quiet=True),
    )


def by_type(source: Path, people: int) -> dict[str, list[bytes]]:
    """The lines of a Bulk Data export."""
    found: dict[str, list[bytes]] = {}
    for line in source.read_bytes().splitlines()[:people]:
        for entry in orjson.loads(line)["entry"]:
            resource = entry["resource"]
            found.setdefault(resource["resourceType"], []).append(orjson.dumps(resource))
    return found


def export(source: Path, tmp_path: Path, people: int) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    for type_, lines in by_type(source, people).items():
        written(folder / f"{type_}.ndjson", lines)
    return folder


def by_patient(told: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["patient"]: row for row in told}


def test_the_summary_counts_what_the_lines_say(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.ndjson"
    console = Console(record=True, width=120)
    population(
        source,
        target,
        workers=1,
        resume=False,
        as_of=AT,
        profile="who",
        with_resources=True,
        console=console,
    )
    told = rows(target)
    summary = orjson.loads((tmp_path / "out.ndjson.summary.json").read_bytes())

    for name, key in (("mechanisms", "mechanism"), ("gates", "gate")):
        counted = {code: sum(r[key] == code for r in told) for code in {r[key] for r in told}}
        assert summary[name] == counted
    reasons = [f"{a}: {why}" for r in told for a, all_ in r["withheld"].items() for why in all_]
    assert sum(summary["withheld"].values()) == len(reasons)
    assert summary["grades"] == dict(
        Counter(f"{g}: {c}" for r in told for g, c in r["grades"].items())
    )
    for row in told:
        assert row["grades"] == grades(row["resources"])
    assert any("possible" in row["grades"].values() for row in told)
    assert {c["resourceType"] for row in told for c in row["resources"]} >= {"CarePlan", "Goal"}
    printed = console.export_text()
    assert all(title in printed for title in ("Mechanisms", "Grades", "Drivers", "Withheld"))
    drawing = ET.fromstring((tmp_path / "out.ndjson.svg").read_text("utf-8"))  # noqa: S314
    words = " ".join(drawing.itertext())
    assert f"{PEOPLE} patients" in words
    assert max(summary["mechanisms"], key=summary["mechanisms"].get) in words


def grades(resources: Sequence[dict[str, Any]]) -> dict[str, str]:
    """As the phenotype says them; ``unknown`` where it gives a reason for having none."""
    shape = "painplan-phenotype"
    phenotype = next(r for r in resources if shape in str(r.get("meta", {}).get("profile")))
    found = {c["code"]["coding"][0]["code"]: c for c in phenotype["component"]}
    names = ("neuropathic-grade", "nociplastic-grade", "nociceptive-support")
    return {
        name: found[name]["valueCodeableConcept"]["coding"][0]["code"]
        if "valueCodeableConcept" in found[name]
        else "unknown"
        for name in names
    }
