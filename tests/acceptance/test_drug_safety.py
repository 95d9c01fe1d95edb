"""Medicines, allergies and laboratory values over the wire: options appear, issues are told."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema_rs import Draft202012Validator

from tests.acceptance.wire import AS_OF, bundle, finding, intake, of_type, patient, screened

LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


def measured(code: str, value: float, unit: str, number: int = 0, **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"m-{code}-{number}",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "effectiveDateTime": "2026-05-28",
        "valueQuantity": {
            "value": value,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
        **more,
    }


def pressure(systolic: float, diastolic: float) -> Json:
    panel = measured("85354-9", 0, "mm[Hg]")
    del panel["valueQuantity"]
    panel["component"] = [
        {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {
                "value": value,
                "unit": "mmHg",
                "system": "http://unitsofmeasure.org",
                "code": "mm[Hg]",
            },
        }
        for code, value in (("8480-6", systolic), ("8462-4", diastolic))
    ]
    return panel


def medicine(text: str, **more: Any) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "id": f"med-{abs(hash(text)) % 10_000}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": text},
        **more,
    }


def person(*more: Json, **changes: Any) -> list[Json]:
    """A man with mechanical pain of 5, his pressure and kidneys in order."""
    return [
        patient(gender="male", **changes),
        intake(screened(pain_localised=True, mechanical_pattern_proportionate=True)),
        finding("nociceptive-source-identified", True),
        measured("72514-3", 5, "{score}"),
        pressure(125, 80),
        measured("98979-8", 85, "mL/min/{1.73_m2}"),
        *more,
    ]


def derive(service: httpx.Client, resources: list[Json], **params: str) -> Json:
    complete = "Condition,MedicationRequest,AllergyIntolerance"
    answer = service.post(
        "/fhir/$derive",
        params={"asOf": AS_OF, "complete": complete, "persist": "false", **params},
        json=bundle(*resources),
    )
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def activities(answer: Json) -> dict[str, Json]:
    plan = of_type(answer, "CarePlan")[0]
    return {a["detail"]["code"]["coding"][0]["code"]: a["detail"] for a in plan["activity"]}


def not_used(answer: Json) -> str:
    guidance = of_type(answer, "GuidanceResponse")[0]
    return " | ".join(
        issue["diagnostics"]
        for outcome in guidance.get("contained", ())
        for issue in outcome["issue"]
    )


def issues(answer: Json) -> dict[str, Json]:
    return {i["code"]["coding"][0]["code"]: i for i in of_type(answer, "DetectedIssue")}


def test_with_everything_known_an_option_appears_beside_no_medicine(service: httpx.Client) -> None:
    found = activities(derive(service, person()))

    assert found["RX-02"]["kind"] == "MedicationRequest"
    assert "productCodeableConcept" not in found["RX-02"]  # its route makes it, amendment 18
    assert "no medicine" in found["ASK-03"]["description"]


def test_without_the_lists_none_appears_and_they_are_asked_for(service: httpx.Client) -> None:
    sent = service.post(
        "/fhir/$derive", params={"asOf": AS_OF, "persist": "false"}, json=bundle(*person())
    ).json()

    assert not {"RX-01", "RX-02"} & activities(sent).keys()
    wanted = {d["type"] for d in of_type(sent, "GuidanceResponse")[0]["dataRequirement"]}
    assert {"MedicationRequest", "AllergyIntolerance", "Condition"} <= wanted


def test_a_rule_says_that_the_members_of_its_class_are_recalled(service: httpx.Client) -> None:
    told = json.dumps(bundle(*person(medicine("Ibuprofen 400 mg"))))
    # It is kept: under ids of its own, so that the other tests know nothing of it.
    other = told.replace('"id": "', '"id": "kept-').replace("Patient/p1", "Patient/kept-p1")
    answer = service.post("/fhir/$derive", params={"asOf": AS_OF}, content=other)
    decision = service.get(f"/decisions/{answer.headers['x-decision-id']}").json()

    facts = [f for rule in decision["rules"] for f in rule["facts"]]
    assert {f.get("classMembers") for f in facts if f["input"] == "takes-nsaid"} == {"R"}
    assert {f.get("classMembers") for f in facts if f["input"] == "egfr"} == {None}
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    promised = {"$ref": "#/components/schemas/DecisionFact", "components": document["components"]}
    for fact in facts:
        Draft202012Validator(promised).validate(fact)


def without(*codes: str) -> list[Json]:
    """The person, without what is measured by these codes."""
    gone = {f"m-{code}-0" for code in codes}
    return [r for r in person() if r["id"] not in gone]


def notes(answer: Json) -> list[str]:
    return [n["text"] for n in of_type(answer, "GuidanceResponse")[0].get("note", ())]


def test_what_only_two_answers_make_possible_is_told_as_a_pair(service: httpx.Client) -> None:
    only_diastolic = pressure(125, 80)
    only_diastolic["component"] = only_diastolic["component"][1:]
    two = derive(service, [*without("98979-8", "85354-9"), only_diastolic])
    one = derive(service, without("98979-8"))

    pair = "RX-01 is possible only when egfr and systolic-bp are both known."
    assert pair in notes(two)
    assert pair not in notes(one)
    assert any("(egfr) could change:" in n and "whether RX-01 is safe" in n for n in notes(one))
    assert (
        "Together they would make an option possible" in of_type(two, "CarePlan")[0]["text"]["div"]
    )


def test_a_question_says_what_it_could_change(service: httpx.Client) -> None:
    answer = derive(service, [patient()])

    (said,) = [n for n in notes(answer) if "(saddle-sensory-change)" in n]
    assert said.endswith("could change: the red flag cauda-equina.")


def test_options_appear_one_by_one_as_what_they_need_is_learnt(service: httpx.Client) -> None:
    """With no eGFR, weight or pregnancy status none is there, and each is asked for."""
    woman = [
        patient(gender="female", birthDate="1990-03-14"),
        intake(screened()),
        finding("nerve-lesion-history", True),
        finding("neuroanatomic-distribution", True),
        measured("72514-3", 8, "{score}"),
        measured("44260-8", 0, "{score}"),
        pressure(125, 80),
        *(finding(name, False) for name in ("alcohol-heavy", "falls-history", "breast-feeding")),
    ]
    steps = (
        finding("pregnancy-status", "not-pregnant"),
        measured("98979-8", 85, "mL/min/{1.73_m2}"),
        measured("29463-7", 70, "kg"),
    )

    def offered(resources: list[Json]) -> set[str]:
        found = derive(service, resources, guidelineProfile="us")
        decided = activities(found).items()
        return {id_ for id_, a in decided if a["kind"] == "MedicationRequest" and id_[:2] == "RX"}

    answer = derive(service, woman, guidelineProfile="us")
    asked = {
        d["codeFilter"][0]["code"][0].get("code")
        for d in of_type(answer, "GuidanceResponse")[0]["dataRequirement"]
        if "codeFilter" in d
    }
    seen = [offered([*woman, *steps[:n]]) for n in range(len(steps) + 1)]

    assert {"82810-3", "98979-8", "29463-7"} <= asked
    assert seen == [set(), {"RX-04"}, {"RX-03", "RX-04"}, {"RX-03", "RX-04", "RX-05"}]


def test_a_block_is_told_as_an_issue_with_its_facts(service: httpx.Client) -> None:
    answer = derive(service, person(medicine("Apixaban 5 mg")))

    issue = issues(answer)["S-15"]
    assert issue["severity"] == "high"
    assert issue["evidence"][0]["detail"][0]["reference"].startswith("MedicationRequest/")
    assert "RX-01" not in activities(answer)


def test_creatinine_in_any_unit_is_understood(service: httpx.Client) -> None:
    resources = [r for r in person() if r["id"] != "m-98979-8-0"]
    weight, height = measured("29463-7", 80, "kg"), measured("8302-2", 180, "cm")
    answer = derive(service, [*resources, weight, height, measured("2160-0", 88.4, "umol/L")])

    assert "not understood" not in not_used(answer)
    assert "has the unit" not in not_used(answer)


# Bad input: named in the answer, and the plan stays safe


def test_a_unit_that_cannot_be_converted_is_named(service: httpx.Client) -> None:
    resources = [r for r in person() if r["id"] != "m-98979-8-0"]
    answer = derive(service, [*resources, measured("98979-8", 85, "furlong")])

    assert "furlong" in not_used(answer)
    assert "RX-01" not in activities(answer)


def test_a_medication_without_code_or_name_rules_nothing_out(service: httpx.Client) -> None:
    nameless = medicine("x")
    del nameless["medicationCodeableConcept"]
    nameless["medicationReference"] = {"display": "see the chart"}
    answer = derive(service, person(nameless))

    assert "rules nothing out" in not_used(answer)
    assert "RX-01" not in activities(answer)


def test_two_values_of_one_day_that_differ_are_no_value(service: httpx.Client) -> None:
    answer = derive(service, person(measured("98979-8", 25, "mL/min/{1.73_m2}", 1)))
    plan = of_type(answer, "CarePlan")[0]

    assert "egfr" in plan["text"]["div"]
    assert "RX-01" not in activities(answer)


@pytest.mark.parametrize("born", ["2030-01-01", "1815-01-01"])
def test_an_impossible_birth_date_is_named(service: httpx.Client, born: str) -> None:
    answer = derive(service, person(birthDate=born))

    assert "birthDate" in not_used(answer)
    assert "RX-02" not in activities(answer)


def test_items_that_contradict_their_total_are_named(service: httpx.Client) -> None:
    form = {
        "resourceType": "QuestionnaireResponse",
        "id": "phq",
        "status": "completed",
        "questionnaire": "https://painplan.health/fhir/Questionnaire/phq-9",
        "subject": {"reference": "Patient/p1"},
        "authored": "2026-05-28T09:00:00Z",
        "item": [
            {"linkId": item, "answer": [{"valueInteger": 1 if item != "44260-8" else 0}]}
            for item in (
                "44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8".split()
            )
        ]
        + [{"linkId": "44261-6", "answer": [{"valueInteger": 20}]}],
    }
    answer = derive(service, person(form))

    assert "states a total of 20, its items make 8" in not_used(answer)


def test_a_total_out_of_its_range_is_refused_with_its_place(service: httpx.Client) -> None:
    answer = service.post(
        "/fhir/$derive",
        params={"asOf": AS_OF},
        json=bundle(*person(measured("44261-6", 40, "{score}"))),
    )

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[6].resource.value"]


def test_a_refusal_of_everything_leaves_what_is_safe(service: httpx.Client) -> None:
    refusals = [
        {**finding("declined-activity", code), "id": f"no-{code}"}
        for code in ("ED-01", "EX-01", "EX-04", "PT-01", "MT-01", "RX-01", "RX-02")
    ]
    found = activities(derive(service, person(*refusals)))

    assert {"SN-01", "FL-01", "RV-01", "ASK-03"} <= found.keys()
    assert not {"ED-01", "EX-01", "EX-04", "PT-01", "MT-01", "RX-01", "RX-02"} & found.keys()


@pytest.mark.parametrize(("profile", "offered"), [("who", False), ("uk", True), ("us", True)])
def test_the_guideline_profile_decides(service: httpx.Client, profile: str, offered: bool) -> None:
    resources = [r for r in person() if r["id"] != "p1-nociceptive-source-identified"]
    resources += [
        finding("nerve-lesion-history", True),
        finding("neuroanatomic-distribution", True),
        measured("44260-8", 0, "{score}"),
        *(finding(name, False) for name in ("alcohol-heavy", "falls-history")),
    ]
    found = activities(derive(service, resources, guidelineProfile=profile))

    assert ("RX-03" in found) is offered
    if offered:
        product = found["RX-03"]["productCodeableConcept"]
        assert [(c["system"], c["code"]) for c in product["coding"]] == [(RXNORM, "72625")]
        urls = [e["url"].rpartition("/")[2] for e in found["RX-03"]["extension"]]
        assert "activity-dissent" in urls
