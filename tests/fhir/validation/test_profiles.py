"""Our own profiles as schemas: what we write keeps them, and nothing that they ask goes unseen."""

import copy
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from app.fhir.canon import CANON
from app.fhir.validation.constraints import SCHEMAS
from app.fhir.validation.profiles import Profiles, profiles_in
from tests.fhir.publishing.published import shipped
from tests.fhir.publishing.test_profiles import PATIENTS, written

Json = dict[str, Any]
Fault = Callable[[Json, Json], object]
OURS = [
    r["url"]
    for (type_, _), r in shipped().items()
    if type_ == "StructureDefinition" and r["type"] != "Extension"
]


@cache
def profiles() -> Profiles:
    return profiles_in(shipped())


def made(profile: str) -> list[Json]:
    """Everything that claims the profile, of every patient."""
    return [
        resource
        for name in PATIENTS
        for resource in written(name)
        if profile in resource["meta"].get("profile", ())
    ]


def elements() -> Iterator[Json]:
    for profile in profiles().definitions.values():
        yield from profile["differential"]["element"]


def required(profile: str) -> list[str]:
    """The ids of the elements that the profile itself asks for, slices aside."""
    asked = profiles().definitions[profile]["differential"]["element"]
    return [e["id"] for e in asked if e.get("min") and ":" not in e["id"] and "." in e["id"]]


def holders(node: Any, steps: list[str]) -> Iterator[Json]:
    """The objects at a path."""
    if isinstance(node, list):
        for one in node:
            yield from holders(one, steps)
    elif isinstance(node, dict):
        if not steps:
            yield node
        elif steps[0] in node:
            yield from holders(node[steps[0]], steps[1:])


def without(resource: Json, element: str) -> Json | None:
    """A copy without the element, wherever it stands; None where it stands nowhere."""
    changed = copy.deepcopy(resource)
    _, *steps, last = element.split(".")
    stem = last.removesuffix("[x]")
    gone = 0
    for holder in list(holders(changed, steps)):
        names = [n for n in holder if n == last or (stem != last and n.startswith(stem))]
        for name in names:
            del holder[name]
        gone += len(names)
    return changed if gone else None


@pytest.mark.parametrize("profile", OURS)
def test_what_we_write_keeps_it(profile: str) -> None:
    for resource in made(profile):
        assert profiles().problems(resource, profile, resource["resourceType"]) == ()


@pytest.mark.parametrize("profile", OURS)
def test_each_element_that_it_asks_for_is_missed(profile: str) -> None:
    tried = 0
    for resource in made(profile)[:3]:
        for element in required(profile):
            changed = without(resource, element)
            if changed is None:
                continue
            tried += 1
            problems = profiles().problems(changed, profile, resource["resourceType"])
            assert any(element in p.what for p in problems), element
    assert tried or not made(profile)


FAULTS: dict[str, tuple[Fault, str]] = {
    "no mark": (
        lambda plan, _: plan["meta"]["security"][0].update(code="REPRESENT"),
        "security:algorithm",
    ),
    "another category": (
        lambda plan, _: plan["category"][0]["coding"][0].update(code="other"),
        "category:AssessPlan",
    ),
    "a category twice": (
        lambda plan, _: plan["category"].append(plan["category"][0]),
        "category:AssessPlan",
    ),
    "no rank": (lambda _, detail: detail["extension"].pop(0), "extension:activity-rank"),
    "no such stage": (
        lambda _, detail: [
            e.update(valueCode="never") for e in detail["extension"] if "valueCode" in e
        ],
        "ValueSet/activity-stage",
    ),
    "no such activity": (
        lambda _, detail: detail["code"]["coding"][0].update(code="XX-99"),
        "ValueSet/activity",
    ),
    "an order": (lambda plan, _: plan.update(intent="order"), "painplan-careplan-1"),
    "prohibited": (lambda _, detail: detail.update(doNotPerform=True), "painplan-careplan-2"),
    "allowed": (
        lambda plan, _: [a["detail"].update(doNotPerform=False) for a in plan["activity"]],
        "painplan-careplan-2",
    ),
    "cancelled": (lambda _, detail: detail.update(status="cancelled"), "painplan-careplan-3"),
    "by the patient": (
        lambda plan, _: plan["author"].update(reference="Patient/p1"),
        "author refers to Device",
    ),
    "now and then": (
        lambda _, detail: detail.update(scheduledString="now and then"),
        "scheduled[x] is Timing or Period",
    ),
    "elsewhere": (
        lambda plan, _: plan["activity"][0].update(reference={"reference": "Task/1"}),
        "activity.reference (at most 0)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_kind_of_rule_is_seen(name: str) -> None:
    fault, told = FAULTS[name]
    plan = copy.deepcopy(written("nociceptive")[0])
    fault(plan, plan["activity"][0]["detail"])

    profile = f"{CANON}/StructureDefinition/painplan-careplan"
    problems = profiles().problems(plan, profile, "CarePlan")

    assert any(told in p.what for p in problems), [p.what for p in problems]


def test_every_invariant_of_a_profile_has_its_schema() -> None:
    keys = {constraint["key"] for e in elements() for constraint in e.get("constraint", ())}

    assert keys == SCHEMAS.keys()


def test_every_value_set_that_a_profile_requires_is_known() -> None:
    bindings = [e["binding"] for e in elements() if "binding" in e]
    asked = {b["valueSet"] for b in bindings if b["strength"] == "required"}

    assert asked
    assert asked <= profiles().codes.keys()
