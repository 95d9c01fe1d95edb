import csv
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.fhir.publishing import drift, examples_in, file_name, render, resources, write
from app.fhir.validation import Validator
from tests.fhir.publishing.published import FOLDER, nodes, shipped
from tests.patients import knowledge

CANON = "https://painplan.health/fhir"
CODES = FOLDER.parent / "app" / "knowledge" / "content" / "codes.csv"
EVERYTHING = sorted(shipped())
CONFORMANCE = [key for key in EVERYTHING if key[0] not in ("Device", "Organization")]


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load()


def test_the_committed_files_are_what_the_content_says() -> None:
    assert drift(knowledge(), FOLDER) == []


def test_writing_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    assert len(write(knowledge(), tmp_path)) == len(shipped()) + len(["package.json"])
    assert write(knowledge(), tmp_path) == []
    assert drift(knowledge(), tmp_path) == []


def test_a_changed_a_missing_and_a_foreign_file_are_all_named(tmp_path: Path) -> None:
    write(knowledge(), tmp_path)
    (tmp_path / "CodeSystem-grade.json").unlink()
    (tmp_path / "CodeSystem-retired.json").write_text("{}")
    changed = tmp_path / "Device-painplan.json"
    changed.write_text(changed.read_text().replace("active", "inactive"))

    assert drift(knowledge(), tmp_path) == [
        "CodeSystem-grade.json is missing",
        "CodeSystem-retired.json is published by nothing",
        "Device-painplan.json differs from what the content says",
    ]
    assert sorted(write(knowledge(), tmp_path)) == [
        "CodeSystem-grade.json",
        "CodeSystem-retired.json",
        "Device-painplan.json",
    ]
    assert drift(knowledge(), tmp_path) == []


def test_files_are_named_by_type_and_id_and_hold_nothing_but_the_resource() -> None:
    for file in FOLDER.glob("*-*.json"):
        resource = json.loads(file.read_text(encoding="utf-8"))
        assert (
            file.name == file_name(resource) == f"{resource['resourceType']}-{resource['id']}.json"
        )
        assert file.read_text(encoding="utf-8") == render(resource)


@pytest.mark.parametrize("key", CONFORMANCE, ids="/".join)
def test_the_id_is_the_last_segment_of_the_canonical(key: tuple[str, str]) -> None:
    assert shipped()[key]["url"] == f"{CANON}/{key[0]}/{key[1]}"


@pytest.mark.parametrize("key", CONFORMANCE, ids="/".join)
def test_the_head_says_version_date_and_that_nobody_has_signed(key: tuple[str, str]) -> None:
    resource = shipped()[key]

    assert resource["version"] == knowledge().version
    assert resource["date"] == knowledge().released_on
    assert resource["status"] == "active"
    assert resource["publisher"] == "Painplan"
    assert resource["experimental"] is not knowledge().signed
    assert resource["name"].isalnum()
    assert resource["name"][0].isupper()


def test_content_that_a_clinician_signed_is_not_experimental() -> None:
    signed = resources(replace(knowledge(), signed=True), {})

    assert not any(r["experimental"] for r in signed if "experimental" in r)
    device = next(r for r in signed if r["resourceType"] == "Device")
    assert "not been signed" not in render(device)
    assert "not been signed" in render(shipped()["Device", "painplan"])


@pytest.mark.parametrize("key", EVERYTHING, ids="/".join)
def test_every_resource_loads_in_the_models(key: tuple[str, str]) -> None:
    model: Any = getattr(import_module(f"fhir.resources.R4B.{key[0].lower()}"), key[0])
    model.model_validate(shipped()[key])


@pytest.mark.parametrize("key", EVERYTHING, ids="/".join)
def test_every_resource_passes_the_strict_validator(
    key: tuple[str, str], validator: Validator
) -> None:
    assert validator.problems(shipped()[key], expected_type=key[0]) == ()


def test_every_reference_and_canonical_of_ours_resolves() -> None:
    known = {f"{type_}/{id_}" for type_, id_ in shipped()}
    known |= {f"{r['resourceType']}/{r['id']}" for r in examples_in(FOLDER).values()}
    named = set()
    for resource in shipped().values():
        for node in nodes(resource):
            values = [
                v
                for value in node.values()
                for v in (value if isinstance(value, list) else [value])
            ]
            named |= {
                v.removeprefix(f"{CANON}/")
                for v in values
                if isinstance(v, str) and v.startswith(CANON)
            }
            if isinstance(node.get("reference"), str):
                named.add(node["reference"])
    named.discard("decision")  # an identifier system, not a resource
    assert named <= known
    assert {"Organization/painplan", "ValueSet/mechanism"} <= named


def test_the_guide_lists_every_example_under_the_profile_that_it_shows() -> None:
    listed = shipped()["ImplementationGuide", "painplan"]["definition"]["resource"]
    examples = {one["reference"]["reference"]: one for one in listed if one not in _defined(listed)}
    files = examples_in(FOLDER)

    assert {f"{r['resourceType']}/{r['id']}" for r in files.values()} == examples.keys()
    for resource in files.values():
        told = examples[f"{resource['resourceType']}/{resource['id']}"]
        claimed = resource.get("meta", {}).get("profile", [])
        assert told.get("exampleCanonical") in claimed or told.get("exampleBoolean") is True
    shown = {told["exampleCanonical"] for told in examples.values() if "exampleCanonical" in told}
    of_ours = {
        resource["url"]
        for (type_, _), resource in shipped().items()
        if type_ == "StructureDefinition" and resource["type"] != "Extension"
    }
    assert shown == of_ours


def _defined(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in listed if one.get("exampleBoolean") is False]


def test_the_map_of_drugs_holds_verified_codes_only() -> None:
    verified = {
        (row["system"], row["code"])
        for row in csv.DictReader(CODES.read_text("utf-8").splitlines())
        if row["verified_in"].startswith("VERIFIED")
    }
    (group,) = shipped()["ConceptMap", "clinical-drug-to-ingredient"]["group"]

    assert len(group["element"]) >= 20
    for element in group["element"]:
        assert (group["source"], element["code"]) in verified
        for target in element["target"]:
            assert (group["target"], target["code"]) in verified
    of = {e["code"]: [t["code"] for t in e["target"]] for e in group["element"]}
    assert of["N02AX02"] == ["10689"]  # tramadol
