"""``painplan`` as a person runs it, on HL7's own PHQ-9 examples and on a synthetic patient."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sql.database import is_postgresql
from tests.acceptance.conftest import serving
from tests.acceptance.test_kill import running
from tests.acceptance.wire import activities, derived, gate, of_type, patient
from tests.databases import Kept
from tests.sql.history import write

ROOT = Path(__file__).parents[2]
PAINPLAN = str(Path(sys.executable).with_name("painplan"))
FORMS = "data/interop/questionnaires"
US_CORE = f"{FORMS}/us-core/QuestionnaireResponse-phq-9-example.json"
ADAPTIVE = f"{FORMS}/sdc/QuestionnaireResponse-adaptive-questionnaireresponse-sdc-example-phq9.json"
SDC = f"{FORMS}/sdc/QuestionnaireResponse-questionnaireresponse-sdc-profile-example-PHQ9.json"
BRENDA = "data/interop/patients/brenda_jackson.json"
PHQ9, ITEM_9 = "44261-6", "44260-8"
ANSWERS = {0: "LA6568-5", 1: "LA6569-3", 2: "LA6570-1", 3: "LA6571-9"}


def painplan(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PAINPLAN, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def derive(file: Path, patient: str, as_of: str) -> dict[str, Any]:
    done = painplan("derive", str(file), "--patient", patient, "--as-of", as_of)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def item_9(score: dict[str, Any]) -> int:
    """The points of item 9 in a score Observation."""
    return next(
        int(part["valueQuantity"]["value"])
        for part in score["component"]
        if part["code"]["coding"][0]["code"] == ITEM_9
    )


def answered(shared: Path, folder: Path, points: int) -> Path:
    """The US Core example with another answer to item 9."""
    response = json.loads((shared / US_CORE).read_text("utf-8"))
    stack = list(response["item"])
    while stack:
        item = stack.pop()
        stack.extend(item.get("item", ()))
        if item["linkId"].endswith(ITEM_9):
            coding = {"system": "http://loinc.org", "code": ANSWERS[points]}
            item["answer"] = [{"valueCoding": coding}]
    file = folder / f"phq-9-{points}.json"
    file.write_text(json.dumps(response), "utf-8")
    return file


def self_harm(answer: dict[str, Any]) -> dict[str, Any]:
    """What the gate says of self-harm."""
    flags: list[dict[str, Any]] = derived(answer, "red-flag-gate")["component"]
    return next(f for f in flags if f["code"]["coding"][0]["code"] == "self-harm")


def test_the_us_core_example_totals_12_with_item_9_at_0(shared: Path) -> None:
    answer = derive(shared / US_CORE, "example", "2022-12-01")

    score = derived(answer, PHQ9)
    assert score["valueQuantity"]["value"] == 12
    assert item_9(score) == 0
    assert score["effectiveDateTime"].startswith("2022-11-29")
    assert self_harm(answer)["valueBoolean"] is False


def test_a_negative_item_9_of_years_ago_is_not_known_any_more(shared: Path) -> None:
    answer = derive(shared / US_CORE, "example", "2026-06-01")

    assert derived(answer, PHQ9)["valueQuantity"]["value"] == 12
    assert "dataAbsentReason" in self_harm(answer)


@pytest.mark.parametrize("points", [2, 3])
def test_item_9_of_2_or_more_gives_the_suicide_risk_plan_and_nothing_else(
    shared: Path, tmp_path: Path, points: int
) -> None:
    answer = derive(answered(shared, tmp_path, points), "example", "2022-12-01")

    assert activities(of_type(answer, "CarePlan")[0]) == ["ESC-03"]
    assert gate(answer) == "urgent"
    assert item_9(derived(answer, PHQ9)) == points


def test_item_9_of_1_comes_first_and_the_plan_after_it(shared: Path, tmp_path: Path) -> None:
    answer = derive(answered(shared, tmp_path, 1), "example", "2022-12-01")

    ids = activities(of_type(answer, "CarePlan")[0])
    assert ids[0] == "ESC-03"
    assert {"ED-01", "EX-01", "RV-01"} <= set(ids)
    assert gate(answer) == "refer"


@pytest.mark.parametrize("example", [SDC, ADAPTIVE])
def test_the_sdc_examples_list_item_9_as_not_understood_and_never_as_0(
    shared: Path, example: str
) -> None:
    answer = derive(shared / example, "proband", "2019-08-22")

    guidance = of_type(answer, "GuidanceResponse")[0]
    said = [issue["diagnostics"] for issue in guidance["contained"][0]["issue"]]
    assert any("Q9" in line and "not understood" in line for line in said), said
    assert "dataAbsentReason" in self_harm(answer)
    codes = [o["code"]["coding"][0]["code"] for o in of_type(answer, "Observation")]
    assert PHQ9 not in codes


def test_a_patient_of_synthea_is_read_by_issued_dates(shared: Path, tmp_path: Path) -> None:
    bundle = json.loads((shared / BRENDA).read_text("utf-8"))
    observations = of_type(bundle, "Observation")
    assert not any("effectiveDateTime" in o for o in observations)
    earliest = min(o["issued"] for o in observations)
    newest = max(o["issued"] for o in observations)
    file = tmp_path / "brenda.json"
    file.write_text(json.dumps(bundle), "utf-8")

    late = painplan("derive", str(file), "--as-of", newest)
    early = painplan("derive", str(file), "--as-of", earliest)

    assert late.returncode == 0, late.stderr
    assert "after asOf" not in late.stdout
    ahead = [
        issue
        for issue in of_type(json.loads(early.stdout), "GuidanceResponse")[0]["contained"][0][
            "issue"
        ]
        if "after asOf" in issue["diagnostics"]
    ]
    assert ahead, "what was issued after asOf is listed"


def test_standard_input_and_a_plan_for_a_person() -> None:
    example = ROOT / "examples" / "chronic-low-back-pain.json"

    done = subprocess.run(
        [PAINPLAN, "derive", "-", "--plan", "--as-of", "2026-06-01"],
        input=example.read_bytes(),
        capture_output=True,
        check=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "120"},
    )

    printed = done.stdout.decode()
    assert "EX-01" in printed
    assert "What not to do" in printed
    assert "What would change this plan" in printed
    assert "could change: " in printed


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "JSON"),
        (b'{"resourceType":"Patient","birthDate":"1980-02-30"}', "Patient.birthDate"),
        (b'{"resourceType":"Bundle","type":"collection"}', "patient"),
    ],
)
def test_bad_input_is_told_on_standard_error(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)

    done = painplan("derive", str(file))

    assert done.returncode == 1
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = painplan("derive", str(tmp_path / "none.json"))

    assert done.returncode == 2
    assert "No such file" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
@pytest.mark.parametrize("options", [(), ("--plan",)])
def test_a_disk_that_is_full_is_told_in_words(options: tuple[str, ...]) -> None:
    example = str(ROOT / "examples" / "chronic-low-back-pain.json")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PAINPLAN, "derive", example, *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )

    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["", "garbage", "sqlite:///", "sqlite:////", "mysql://x/y"])
def test_an_address_that_names_no_database_is_told_in_words(url: str) -> None:
    done = painplan("migrate", PAINPLAN_DATABASE_URL=url)

    assert done.returncode == 1
    assert done.stderr.startswith("PAINPLAN_DATABASE_URL names neither")


def test_deriving_from_a_file_leaves_no_database(tmp_path: Path) -> None:
    example = ROOT / "examples" / "chronic-low-back-pain.json"
    url = f"sqlite:///{tmp_path}/none.db"

    done = painplan("derive", str(example), PAINPLAN_DATABASE_URL=url)

    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_migrate_and_verify_an_empty_history(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"

    assert painplan("migrate", PAINPLAN_DATABASE_URL=url).returncode == 0
    verified = painplan("audit", "verify", PAINPLAN_DATABASE_URL=url)

    assert verified.returncode == 0
    assert "0 entries: intact" in verified.stdout


def test_search_values_are_compared_and_made_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/painplan.db"
    write(tmp_path / "painplan.db", 1)
    with sqlite3.connect(tmp_path / "painplan.db") as connection:
        connection.execute("DELETE FROM search_value WHERE value = 'assess-plan'")

    plain = painplan("audit", "verify", PAINPLAN_DATABASE_URL=url)
    derived_too = painplan("audit", "verify", "--derived", PAINPLAN_DATABASE_URL=url)
    again = painplan("reindex", PAINPLAN_DATABASE_URL=url)
    afterwards = painplan("audit", "verify", "--derived", PAINPLAN_DATABASE_URL=url)

    assert plain.returncode == 0, plain.stderr
    assert derived_too.returncode == 1
    assert "search_value CarePlan/" in derived_too.stderr
    assert again.returncode == 0, again.stderr
    assert afterwards.returncode == 0, afterwards.stderr


def test_reindex_beside_a_running_service_changes_nothing_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    database = tmp_path / "painplan.db"
    with serving(database) as service:
        service.put("/fhir/Patient/p1", json=patient("p1")).raise_for_status()
        done = painplan("reindex", PAINPLAN_DATABASE_URL=f"sqlite:///{database}")
        found = service.get("/fhir/Patient?_id=p1").json()["total"]

    assert done.returncode == 1
    assert "Stop that service first" in done.stderr
    assert "Traceback" not in done.stderr
    assert found == 1


def test_serve_refuses_an_open_address_while_authentication_is_off() -> None:
    done = painplan("serve", "--host", "0.0.0.0", "--port", "1")  # noqa: S104  (it is refused)

    assert done.returncode == 2
    assert "loopback" in done.stderr


def test_links_lead_to_the_port_that_is_served(fresh: Kept) -> None:
    """Unless the address is set: then that, whatever the port."""
    options = ("--workers", "2") if is_postgresql(fresh.url) else ()
    with running(fresh, *options, environment={"PAINPLAN_PUBLIC_URL": None}) as (url, _):
        link = httpx.get(f"{url}/fhir/Patient").json()["link"][0]["url"]
    named = {"PAINPLAN_PUBLIC_URL": "https://painplan.example"}
    with running(fresh, *options, environment=named) as (other, _):
        told = httpx.get(f"{other}/fhir/metadata").json()["implementation"]["url"]

    assert link == f"{url}/fhir/Patient"
    assert told == "https://painplan.example/fhir"


def test_serve_refuses_what_is_not_built() -> None:
    workers = painplan("serve", "--workers", "2", "--port", "1")

    assert workers.returncode == 2
    assert "PostgreSQL" in workers.stderr


def test_the_content_is_sound() -> None:
    done = painplan("check-content")

    assert done.returncode == 0, done.stderr
