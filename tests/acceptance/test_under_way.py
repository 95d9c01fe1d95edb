"""What is already ordered is gone on with and not ordered twice (``interventions.md`` §6.5, 11)."""

from typing import Any

import httpx
import pytest

from tests.acceptance.test_drug_safety import activities, derive, not_used, person

Json = dict[str, Any]
SNOMED = "http://snomed.info/sct"


def order(code: str, **more: Any) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": "sr-1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-05-20",
        "code": {"coding": [{"system": SNOMED, "code": code}]},
        **more,
    }


def test_an_active_referral_is_continued(service: httpx.Client) -> None:
    plain = activities(derive(service, person()))["PT-01"]
    found = activities(derive(service, person(order("306170007"))))["PT-01"]

    assert "already ordered" not in plain["description"]
    assert "already ordered (ServiceRequest/sr-1): continue or change it" in found["description"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "completed"},
        {"status": "revoked"},
        {"intent": "proposal"},
        {"doNotPerform": True},
    ],
)
def test_what_is_over_or_not_ordered_is_listed_and_changes_nothing(
    service: httpx.Client, change: Json
) -> None:
    answer = derive(service, person(order("306170007", **change)))

    assert "already ordered" not in activities(answer)["PT-01"]["description"]
    assert "ServiceRequest/sr-1" in not_used(answer)


def test_an_order_of_another_kind_is_listed(service: httpx.Client) -> None:
    answer = derive(service, person(order("12199005")))

    assert "ServiceRequest/sr-1: kept; no activity of a plan" in not_used(answer)
