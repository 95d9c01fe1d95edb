import csv
import json
import tarfile
from pathlib import Path
from typing import Any

from app.fhir.publishing import EXAMPLES, pack
from tests.fhir.publishing.published import FOLDER, nodes, shipped
from tests.patients import knowledge

CANON = "https://painplan.health/fhir"
# interventions.md §4, without its prefix.
NAMED = """
    clbp-conditions radicular lumbar-imaging nsaid opioid benzodiazepine gabapentinoid snri tca
    muscle-relaxant serotonergic anticoagulant raas diuretic maoi ppi red-flag-conditions hepatic
    ckd gi-bleed cvd
""".split()


def members(archive: Path) -> dict[str, Any]:
    """The files of a package by name, read."""
    with tarfile.open(archive) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = json.load(file)
        return found


def test_the_package_holds_everything_published_and_says_so(tmp_path: Path) -> None:
    pack(knowledge(), FOLDER, tmp_path / "painplan.tgz")

    files = members(tmp_path / "painplan.tgz")

    manifest = files["package/package.json"]
    assert (manifest["name"], manifest["version"]) == ("health.painplan", knowledge().version)
    assert manifest["fhirVersions"] == ["4.0.1"]
    index = {f["filename"]: f for f in files["package/.index.json"]["files"]}
    assert {(f["resourceType"], f["id"]) for f in index.values()} == set(shipped())
    assert all(f"package/{name}" in files for name in index)
    examples = files[f"package/{EXAMPLES}/.index.json"]["files"]
    assert {e["resourceType"] for e in examples} >= {
        "Bundle",
        "CarePlan",
        "DetectedIssue",
        "Goal",
        "GuidanceResponse",
        "Observation",
        "Provenance",
    }


def test_packing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.tgz", "two.tgz"):
        pack(knowledge(), FOLDER, tmp_path / name)

    assert (tmp_path / "one.tgz").read_bytes() == (tmp_path / "two.tgz").read_bytes()


def test_every_profile_has_an_example_that_claims_it() -> None:
    claimed = {
        profile
        for file in (FOLDER / EXAMPLES).glob("*.json")
        for node in nodes(json.loads(file.read_bytes()))
        for profile in node.get("meta", {}).get("profile", ())
    }
    profiles = {
        resource["url"]
        for (type_, _), resource in shipped().items()
        if type_ == "StructureDefinition" and resource["type"] != "Extension"
    }

    assert profiles <= claimed


def test_every_value_set_that_is_named_is_published_with_verified_codes_only() -> None:
    verified = {
        (row["system"], row["code"])
        for row in _rows("codes.csv")
        if row["verified_in"].startswith("VERIFIED")
    }
    for name in NAMED:
        includes = shipped()["ValueSet", name]["compose"]["include"]
        codes = [(i["system"], c["code"]) for i in includes for c in i["concept"]]
        assert codes
        assert set(codes) <= verified
        assert len(codes) == len(set(codes))


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(knowledge().files[name].splitlines()))


def test_every_activity_of_the_protocol_has_a_definition() -> None:
    plan = shipped()["PlanDefinition", "clbp-care"]
    named = [n["definitionCanonical"] for n in nodes(plan) if "definitionCanonical" in n]

    assert named
    for canonical in named:
        _, type_, id_ = canonical.rsplit("/", 2)
        definition = shipped()[type_, id_]
        assert definition["url"] == canonical
        assert definition["code"]["coding"][0]["code"] == id_
    advised_against = shipped()["ActivityDefinition", "DN-01"]
    assert advised_against["doNotPerform"] is True


def test_the_guide_lists_everything_but_itself() -> None:
    guide = shipped()["ImplementationGuide", "painplan"]
    listed = [
        r["reference"]["reference"]
        for r in guide["definition"]["resource"]
        if r.get("exampleBoolean") is False
    ]

    others = [f"{t}/{i}" for t, i in shipped() if t != "ImplementationGuide"]
    assert sorted(listed) == sorted(others)
