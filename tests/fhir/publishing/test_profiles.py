import json
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.api.capability import capability_statement
from app.domain.frame import Frame, InputVersion
from app.fhir.writing import ResourceWriter
from tests.fhir.publishing.conformance import violations
from tests.fhir.publishing.published import codes_of, nodes, shipped
from tests.patients import Patient, a_patient, knowledge, screened

CANON = "https://painplan.health/fhir"
DECISION = "6a3f0f5e-3c3b-5d0e-9a51-0d9f5a1b2c3d"
US_CORE = "package/StructureDefinition-us-core-careplan.json"


def _nociceptive() -> Patient:
    patient = screened(a_patient()).with_("pain-distribution", "discrete")
    for name in ("pain-localised", "mechanical-pattern-proportionate"):
        patient.with_(name, True)
    for name in ("nerve-lesion-history", "neuroanatomic-distribution", "pain-disproportionate"):
        patient.with_(name, False)
    return patient.with_("odi-score", 42).with_("goal-in-own-words", "Walk to the lake.")


PATIENTS: dict[str, Callable[[], Patient]] = {
    "nothing known": Patient,
    "not screened": a_patient,
    "screened": lambda: screened(a_patient()),
    "nociceptive": _nociceptive,
    "refer": lambda: screened(a_patient()).with_("cancer-history", True, days_ago=0.5),
    "emergency": lambda: screened(a_patient()).with_("saddle-sensory-change", True, days_ago=0.5),
    "self-harm": lambda: screened(a_patient()).with_("phq9-item-9", 1),
    "elsewhere": lambda: Patient().aged(46).with_("pain-location-low-back", False),
    "child": lambda: screened(Patient().aged(15).with_("pain-location-low-back", True)),
}


@cache
def written(name: str) -> tuple[dict[str, Any], ...]:
    """What the service writes for one patient."""
    frame = Frame(
        decision_id=DECISION,
        patient="p1",
        inputs=(InputVersion("QuestionnaireResponse", "q1", 1, b"-"),),
        knowledge_version=knowledge().version,
        knowledge_digest=knowledge().digest,
        engine="1.0.0",
        replaces="c0",
        conditions=("Condition/lbp",),
    )
    outputs = ResourceWriter().write(PATIENTS[name]().decide(), knowledge(), frame)
    return tuple(orjson.loads(output.body) for output in outputs)


def _ours(resource: dict[str, Any]) -> list[str]:
    profiles = resource["meta"].get("profile", ())
    return [p.rpartition("/")[2] for p in profiles if p.startswith(CANON)]


@pytest.mark.parametrize("name", PATIENTS)
def test_what_we_write_keeps_the_profiles_it_claims(name: str) -> None:
    claimed = 0
    for resource in written(name):
        for profile in _ours(resource):
            claimed += 1
            assert violations(resource, shipped()["StructureDefinition", profile]) == []
    assert claimed >= 3


@pytest.mark.parametrize("name", PATIENTS)
def test_every_plan_keeps_us_core_careplan_too(name: str, shared: Path) -> None:
    package = shared / "data/interop/fhir-packages/hl7.fhir.us.core-7.0.0.tgz"
    with tarfile.open(package) as archive:
        file = archive.extractfile(US_CORE)
        assert file is not None
        us_core = json.load(file)
    plan = written(name)[0]

    assert us_core["url"] in plan["meta"]["profile"]
    assert violations(plan, us_core) == []


@pytest.mark.parametrize("name", PATIENTS)
def test_every_extension_that_we_write_is_published(name: str) -> None:
    urls = {
        extension["url"]
        for resource in written(name)
        for node in nodes(resource)
        for extension in node.get("extension", ())
        if extension["url"].startswith("http")
    }

    assert all(("StructureDefinition", url.rpartition("/")[2]) in shipped() for url in urls)
    for url in urls:
        definition = shipped()["StructureDefinition", url.rpartition("/")[2]]
        assert definition["url"] == url
        assert definition["context"] == [
            {"type": "element", "expression": "CarePlan.activity.detail"}
        ]


def test_the_writer_uses_every_extension_but_dissent_somewhere() -> None:
    text = "".join(json.dumps(r) for name in PATIENTS for r in written(name))
    ours = [id_ for type_, id_ in shipped() if type_ == "StructureDefinition" and "activity" in id_]

    unused = [id_ for id_ in ours if f"{CANON}/StructureDefinition/{id_}" not in text]
    assert len(ours) == 5
    assert unused in ([], ["activity-dissent"])


@pytest.mark.parametrize("name", PATIENTS)
def test_every_extension_has_the_shape_that_is_published(name: str) -> None:
    for resource in written(name):
        for node in nodes(resource):
            for extension in node.get("extension", ()):
                if extension["url"].startswith("http"):
                    id_ = extension["url"].rpartition("/")[2]
                    assert violations(extension, shipped()["StructureDefinition", id_]) == []


@pytest.mark.parametrize("name", PATIENTS)
def test_every_code_of_ours_that_we_write_is_published(name: str) -> None:
    for resource in written(name):
        for node in nodes(resource):
            system = node.get("system", "")
            if system.startswith(f"{CANON}/CodeSystem/") and "code" in node:
                codes = shipped()["CodeSystem", system.rpartition("/")[2]]["concept"]
                found = next((c for c in codes if c["code"] == node["code"]), None)
                assert found is not None, (system, node["code"])
                assert node.get("display", found["display"]) == found["display"]
            if node.get("url", "").endswith("/activity-stage"):
                assert node["valueCode"] in codes_of("activity-stage")
            if node.get("url") in ("grade", "mark"):
                assert node["valueCode"] in codes_of(f"evidence-{node['url']}")


def test_a_plan_without_rules_on_an_activity_breaks_the_profile() -> None:
    plan = json.loads(json.dumps(written("screened")[0]))
    detail = plan["activity"][0]["detail"]
    detail["extension"] = [e for e in detail["extension"] if not e["url"].endswith("-rule")]
    del plan["title"]

    broken = violations(plan, shipped()["StructureDefinition", "painplan-careplan"])

    assert [flaw.partition(":")[0] for flaw in broken] == [
        "CarePlan.title",
        "CarePlan.activity.detail.extension",
    ]


def test_a_phenotype_with_another_code_breaks_the_profile() -> None:
    phenotype = next(r for r in written("screened") if _ours(r) == ["painplan-phenotype"])
    other = json.loads(json.dumps(phenotype).replace("pain-mechanism-phenotype", "pain-drivers"))
    other["component"] = other["component"][1:]
    other["effectivePeriod"] = {"start": other.pop("effectiveDateTime")}

    broken = violations(other, shipped()["StructureDefinition", "painplan-phenotype"])

    assert any(flaw.startswith("Observation.code:") for flaw in broken)
    assert any(flaw.startswith("Observation.component:certainty") for flaw in broken)
    assert any(flaw.endswith("effectivePeriod is not of an allowed type") for flaw in broken)


def test_ids_and_paths_of_a_differential_belong_together() -> None:
    for (type_, _), resource in shipped().items():
        if type_ != "StructureDefinition":
            continue
        elements = resource["differential"]["element"]
        ids = [e["id"] for e in elements]
        assert len(ids) == len(set(ids))
        assert elements[0]["id"] == resource["type"]
        for element in elements:
            steps = [step.partition(":") for step in element["id"].split(".")]
            assert element["path"] == ".".join(name for name, _, _ in steps)
            assert element.get("sliceName", "") == steps[-1][2]


def test_a_slice_stands_below_the_slicing_that_it_belongs_to() -> None:
    for (type_, _), resource in shipped().items():
        sliced: set[str] = set()
        for element in resource.get("differential", {}).get("element", ()):
            assert type_ == "StructureDefinition"
            if "slicing" in element:
                sliced.add(element["id"])
            if "sliceName" in element and element["path"] != "Extension.extension":
                assert element["id"].rpartition(":")[0] in sliced


def test_the_capability_statement_names_operations_that_we_publish() -> None:
    statement = capability_statement(
        public_url="http://localhost:8000", released_on="2026-11-24", version="1.0.0"
    )
    named = (n["definition"] for n in nodes(statement) if "definition" in n)
    definitions = [d for d in named if d.startswith(f"{CANON}/OperationDefinition/")]

    assert len(definitions) == 3
    for definition in definitions:
        _, type_, id_ = definition.rsplit("/", 2)
        assert shipped()[type_, id_]["url"] == definition


def test_the_operations_name_every_parameter_of_the_contract() -> None:
    named = {
        id_: {p["name"] for p in shipped()["OperationDefinition", id_]["parameter"]}
        for id_ in ("painplan-apply", "painplan-derive")
    }
    shared_ones = {
        "subject",
        "data",
        "encounter",
        "practitioner",
        "organization",
        "useServerData",
        "complete",
        "parameters",
        "guidelineProfile",
        "asOf",
        "persist",
        "return",
    }

    assert named["painplan-derive"] == shared_ones
    assert named["painplan-apply"] == shared_ones | {"planDefinition", "url", "version"}


def test_respond_names_every_parameter_of_the_contract_and_is_called_on_a_plan() -> None:
    respond = shipped()["OperationDefinition", "painplan-respond"]
    parameters = {p["name"]: p for p in respond["parameter"]}

    assert set(parameters) == {"outcome", "activity", "practitioner", "note", "return"}
    assert [p["name"] for p in parameters["activity"]["part"]] == ["id", "outcome", "reason"]
    assert parameters["activity"]["max"] == "*"
    assert parameters["outcome"]["min"] == 1
    assert parameters["return"]["type"] == "CarePlan"
    assert respond["resource"] == ["CarePlan"]
    assert (respond["system"], respond["type"], respond["instance"]) == (False, False, True)
    assert respond["affectsState"] is True


def test_apply_derives_from_the_core_operation_and_changes_state() -> None:
    apply = shipped()["OperationDefinition", "painplan-apply"]
    derive = shipped()["OperationDefinition", "painplan-derive"]

    assert apply["base"] == "http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply"
    assert (apply["system"], apply["type"], apply["instance"]) == (False, True, True)
    assert (derive["system"], derive["type"], derive["instance"]) == (True, False, False)
    assert apply["affectsState"] is derive["affectsState"] is True
    returned = {o["code"]: o["parameter"][-1]["type"] for o in (apply, derive)}
    assert returned == {"apply": "CarePlan", "derive": "Bundle"}


def test_the_protocol_holds_every_placement_with_its_rule_and_evidence() -> None:
    plan = shipped()["PlanDefinition", "clbp-care"]
    actions = [a for stage in plan["action"] for a in stage["action"] if "code" in a]
    placed = {a["code"][0]["coding"][0]["code"] for a in actions}
    ids = [n["id"] for n in nodes(plan) if "id" in n]

    assert {p.activity for p in knowledge().placements} <= placed
    assert {"ESC-01", "ESC-02", "ESC-03", "REF-01", "ASK-01", "ASK-02"} <= placed
    assert all(a["reason"][0]["coding"][0]["code"] in codes_of("rule") for a in actions)
    assert all(a["documentation"] for a in actions)
    assert len(ids) == len(set(ids))


def test_goals_that_actions_name_are_goals_of_the_protocol() -> None:
    plan = shipped()["PlanDefinition", "clbp-care"]
    goals = {goal["id"] for goal in plan["goal"]}

    assert {g for n in nodes(plan) for g in n.get("goalId", ())} <= goals
    assert goals == {f"goal-{id_}" for id_ in knowledge().goals}


def test_every_citation_carries_its_mark_and_a_doi_its_address() -> None:
    for citation in shipped()["PlanDefinition", "clbp-care"]["relatedArtifact"]:
        known = knowledge().citations[citation["label"]]
        assert citation["citation"].endswith(f"[{known.mark}]")
        if known.reference.startswith("10."):
            assert citation["url"] == f"https://doi.org/{known.reference.split()[0]}"


def test_what_derived_resources_refer_to_as_their_maker_is_published() -> None:
    makers = {
        node["reference"]
        for name in PATIENTS
        for resource in written(name)
        for node in nodes(resource)
        if str(node.get("reference", "")).startswith(("Device/", "Organization/"))
    }

    assert makers == {"Device/painplan"}
    device = shipped()["Device", "painplan"]
    assert device["owner"] == {"reference": "Organization/painplan"}
    assert ("Organization", "painplan") in shipped()
