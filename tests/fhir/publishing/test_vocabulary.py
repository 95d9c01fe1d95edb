import csv
import re
from pathlib import Path

import pytest

from tests.fhir.publishing.published import codes_of, shipped
from tests.patients import knowledge

CANON = "https://painplan.health/fhir"
SYSTEMS = sorted(id_ for type_, id_ in shipped() if type_ == "CodeSystem")
ENUMERATED = (
    "finding-value",
    "instrument-score",
    "mechanism",
    "grade",
    "certainty",
    "gate-level",
    "red-flag",
    "driver",
    "activity-stage",
)


def _row(shared: Path, system: str) -> str:
    """What contract §1 says about one code system."""
    for line in (shared / "design/contract.md").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"| `CANON/CodeSystem/{system}` |"):
            return line.split("|", 2)[2]
    raise AssertionError(system)


def _quoted(text: str) -> list[str]:
    return [code for quoted in re.findall(r"`([^`]+)`", text) for code in quoted.split()]


def test_every_code_system_of_the_contract_is_published(shared: Path) -> None:
    contract = (shared / "design/contract.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `CANON/CodeSystem/([a-z-]+)` \|", contract, re.MULTILINE))

    assert len(named) > 10
    assert named <= set(SYSTEMS)
    assert set(SYSTEMS) - named == {"evidence-grade", "evidence-mark"}


@pytest.mark.parametrize("system", ENUMERATED)
def test_the_codes_are_exactly_those_of_the_contract(system: str, shared: Path) -> None:
    assert sorted(codes_of(system)) == sorted(_quoted(_row(shared, system)))


def test_findings_are_exactly_those_of_the_table(shared: Path) -> None:
    with (shared / "design/findings.csv").open(encoding="utf-8", newline="") as file:
        assert sorted(codes_of("finding")) == sorted(row["code"] for row in csv.DictReader(file))


def test_activities_are_the_catalogue_and_those_of_the_contract(shared: Path) -> None:
    text = (shared / "clinical/interventions.md").read_text(encoding="utf-8")
    section = text.partition("### 1.2")[2].partition("### 1.3")[0]
    catalogue = set(re.findall(r"^\| ([A-Z]{2}-\d{2}) \|", section, re.MULTILINE))
    prohibitions = {f"DN-{number:02}" for number in range(1, 13)}
    further = set(re.findall(r"`([A-Z]{2,3}-\d{2})`", _row(shared, "activity")))

    assert len(catalogue) > 30
    assert set(codes_of("activity")) == catalogue | prohibitions | further


def test_goals_are_g1_to_g8(shared: Path) -> None:
    assert _quoted(_row(shared, "goal"))[:2] == ["G-1", "G-8"]
    assert codes_of("goal") == [f"G-{number}" for number in range(1, 9)]


def test_derived_codes_are_the_observations_and_their_components(shared: Path) -> None:
    contract = (shared / "design/contract.md").read_text(encoding="utf-8")
    paragraph = contract.partition("**Observations.**")[2].partition("\n")[0]
    phenotype = paragraph.partition("components ")[2].partition("(valueBoolean)")[0]
    components = [c for c in _quoted(phenotype) if c.islower()]

    assert set(codes_of("derivation")) == {*_quoted(_row(shared, "derivation")), *components}
    assert "nociceptive-features" in components


def test_override_reasons_are_those_of_the_order_rules(shared: Path) -> None:
    text = (shared / "clinical/interventions.md").read_text(encoding="utf-8")
    section = text.partition("### 3.2")[2].partition("### 3.3")[0]
    said = set()
    for line in section.splitlines():
        if line.startswith("| CDS-"):
            last = line.strip().strip("|").rpartition("|")[2]
            said |= {reason.strip() for reason in re.split(r"[,+]", last)}
    reasons = {r.lower().replace("/", "-").replace("\u2264", "") for r in said - {"-", "same", ""}}

    assert len(reasons) > 40
    assert set(codes_of("override-reason")) == reasons


def test_every_rule_of_the_content_has_a_code() -> None:
    assert codes_of("rule") == [rule.id for rule in knowledge().rules]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_code_system_is_complete_and_counts_right(system: str) -> None:
    resource = shipped()["CodeSystem", system]
    concepts = resource["concept"]

    assert resource["content"] == "complete"
    assert resource["caseSensitive"] is True
    assert resource["count"] == len(concepts) == len({c["code"] for c in concepts})
    assert all(c["display"] and c["definition"] for c in concepts)
    declared = {p["code"] for p in resource.get("property", ())}
    assert {p["code"] for c in concepts for p in c.get("property", ())} == declared


@pytest.mark.parametrize("system", SYSTEMS)
def test_its_value_set_holds_all_of_it(system: str) -> None:
    value_set = shipped()["ValueSet", system]

    assert shipped()["CodeSystem", system]["valueSet"] == value_set["url"]
    assert value_set["compose"] == {"include": [{"system": f"{CANON}/CodeSystem/{system}"}]}


def test_labels_of_the_content_are_the_displays() -> None:
    displays = {
        system: {c["code"]: c["display"] for c in shipped()["CodeSystem", system]["concept"]}
        for system in ("activity", "red-flag", "goal", "finding")
    }
    content = knowledge()

    assert all(displays["activity"][i.id] == i.label for i in content.interventions.values())
    assert all(displays["red-flag"][flag.id] == flag.label for flag in content.flags)
    assert all(displays["goal"][goal.id] == goal.label for goal in content.goals.values())
    assert all(displays["finding"][n] == content.inputs[n].label for n in displays["finding"])


def test_no_definition_shows_a_placeholder() -> None:
    for system in SYSTEMS:
        for concept in shipped()["CodeSystem", system]["concept"]:
            assert "{" not in concept["definition"], concept["code"]
