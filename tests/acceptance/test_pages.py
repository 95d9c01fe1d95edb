"""Pages: how long one may be, and where what we publish stands among what clients wrote."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.api import included
from app.domain.searching import LONGEST_PAGE
from app.use_cases import read_audit
from tests.acceptance.wire import AS_OF, bundle, finding, intake, patient, screened

Json = dict[str, Any]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LONG = 4 * 1024 * 1024  # two of them fit on a page


def pages(service: httpx.Client, address: str) -> Iterator[Json]:
    """Every page, by the links."""
    following: str | None = address
    while following is not None:
        answer = service.get(following)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < LONGEST_PAGE * 1.1
        page: Json = answer.json()
        yield page
        links = {link["relation"]: link["url"] for link in page["link"]}
        following = links.get("next")


def entries(page: Json, mode: str = "match") -> list[str]:
    """What stands on a page."""
    found = [e for e in page.get("entry", ()) if e.get("search", {}).get("mode", mode) == mode]
    return [e["resource"]["id"] for e in found]


def long(letter: str) -> Json:
    return {"text": {"status": "generated", "div": f"{OPEN}{letter * LONG}</div>"}}


OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


@pytest.fixture(scope="module")
def written(service: httpx.Client) -> str:
    """Somebody with five long findings, each of which takes hardly a byte of the database."""
    person = f"long-{uuid.uuid4()}"
    service.put(f"/fhir/Patient/{person}", json=patient(person)).raise_for_status()
    for number in range(5):
        one = finding("pain-localised", True, of=person, id=f"{person}-{number}", **long("x"))
        service.put(f"/fhir/Observation/{one['id']}", json=one).raise_for_status()
    return person


@pytest.mark.parametrize("more", ["", "&_sort=_id", "&_sort=-date", "&_sort=_lastUpdated"])
def test_a_search_page_ends_before_it_is_too_long(
    service: httpx.Client, written: str, more: str
) -> None:
    found = list(pages(service, f"/fhir/Observation?patient={written}&_count=500{more}"))

    assert [len(entries(page)) for page in found] == [2, 2, 1]
    assert "total" not in found[0]
    names = [id_ for page in found for id_ in entries(page)]
    assert sorted(names) == [f"{written}-{number}" for number in range(5)]


def test_a_page_of_everything_ends_before_it_is_too_long(
    service: httpx.Client, written: str
) -> None:
    found = list(pages(service, f"/fhir/Patient/{written}/$everything?_count=500"))

    assert [len(entries(page)) for page in found] == [3, 2, 1]
    assert found[0]["total"] == 6


def test_a_page_of_a_history_ends_before_it_is_too_long(service: httpx.Client) -> None:
    one = finding("pain-localised", True, of="p1", id=f"many-{uuid.uuid4()}")
    service.put("/fhir/Patient/p1", json=patient()).raise_for_status()
    for letter in "abc":
        changed = {**one, **long(letter)}
        service.put(f"/fhir/Observation/{one['id']}", json=changed).raise_for_status()

    found = list(pages(service, f"/fhir/Observation/{one['id']}/_history?_count=500"))

    assert [len(page["entry"]) for page in found] == [2, 1]
    assert [page["total"] for page in found] == [3, 3]


def test_what_is_included_counts_too(service: httpx.Client) -> None:
    """A plan is short and its patient is not: the page ends before the third patient."""
    names = [f"plan-{uuid.uuid4()}" for _ in range(3)]
    for name in names:
        body = bundle(patient(name, **long("y")), intake(screened(), of=name))
        service.post(f"/fhir/$derive?asOf={AS_OF}", json=body).raise_for_status()
    wanted = ",".join(names)
    address = f"/fhir/CarePlan?patient={wanted}&_include=CarePlan:patient&_include=CarePlan:goal"

    found = list(pages(service, address))

    assert [len(entries(page)) for page in found] == [2, 1]
    for page in found:
        plans = [e["resource"] for e in page["entry"] if e["search"]["mode"] == "match"]
        beside = entries(page, "include")
        assert {p["subject"]["reference"] for p in plans} <= {f"Patient/{id_}" for id_ in beside}
        assert all(goal["reference"].split("/")[1] in beside for p in plans for goal in p["goal"])


def test_of_one_match_that_includes_too_much_some_is_left_out_and_told(
    service: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page holds one match at least; the goals of a plan are all short, so the bound is, too."""
    name = f"goals-{uuid.uuid4()}"
    body = bundle(patient(name), intake(screened(), of=name))
    derived = service.post(f"/fhir/$derive?asOf={AS_OF}", json=body).json()
    plan, goal, *_ = (entry["resource"] for entry in derived["entry"])
    address = f"/fhir/CarePlan?_id={plan['id']}&_include=CarePlan:goal"
    whole = entries(service.get(address).json(), "include")
    room = len(json.dumps(plan, separators=(",", ":"))) + len(json.dumps(goal))
    monkeypatch.setattr(included, "LONGEST_PAGE", room)

    page = service.get(address).json()

    assert 0 < len(entries(page, "include")) < len(whole)
    (told,) = [e["resource"] for e in page["entry"] if e["search"]["mode"] == "outcome"]
    assert [issue["code"] for issue in told["issue"]] == ["too-costly"]


def test_a_page_of_the_audit_ends_before_it_is_too_long(
    service: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was searched for is kept as it was sent, and may be long."""
    person = f"sought-{uuid.uuid4()}"
    form = {"patient": person, "identifier": "x" * 60_000}
    for _ in range(4):
        service.post("/fhir/Observation/_search", data=form, headers=FORM).raise_for_status()
    monkeypatch.setattr(read_audit, "LONGEST_PAGE", 200_000)

    found = list(pages(service, f"/fhir/AuditEvent?patient={person}&_count=500"))

    assert [len(entries(page)) for page in found] == [3, 1]


@pytest.mark.parametrize("order", ["_id", "-_id", "_lastUpdated", "-_lastUpdated"])
@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_our_organization_stands_among_those_that_clients_wrote(
    service: httpx.Client, order: str, count: int
) -> None:
    """Its Device names it, so it is found like any other; it is older than whatever was written."""
    for name in ("beside-a", "pain", "zoo"):
        written = {"resourceType": "Organization", "id": name, "name": name}
        service.put(f"/fhir/Organization/{name}", json=written).raise_for_status()
    by_id = ["beside-a", "pain", "painplan", "zoo"]
    by_time = ["painplan", "beside-a", "pain", "zoo"]
    named = by_id if order.endswith("_id") else by_time
    expected = named[::-1] if order.startswith("-") else named

    address = f"/fhir/Organization?_sort={order}&_count={count}&_total=accurate"
    found = list(pages(service, address))

    assert [id_ for page in found for id_ in entries(page)] == expected
    assert all(len(entries(page)) <= count for page in found)
    assert {page["total"] for page in found} == {len(expected)}


def test_our_organization_is_found_by_what_it_is(service: httpx.Client) -> None:
    by_id = service.get("/fhir/Organization?_id=painplan").json()
    read = service.get("/fhir/Organization/painplan").json()

    assert [e["resource"] for e in by_id["entry"]] == [read]
    assert service.get("/fhir/Organization/painplan/$validate").status_code == 200
    assert by_id["total"] == 1
    assert service.get("/fhir/Organization?_id=painplan&_summary=count").json()["total"] == 1
    for other in ("_lastUpdated=gt2000", "identifier=x", "type=prov", "_id=other"):
        answer = service.get(f"/fhir/Organization?_id=painplan&{other}")
        assert answer.json()["total"] == 0
