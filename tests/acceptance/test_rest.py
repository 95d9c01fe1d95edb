"""Create, update, read and history over HTTP, with the headers that rule them (F-03 to F-19)."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.acceptance.wire import AS_OF, bundle, finding, intake, patient, screened

Json = dict[str, Any]


@pytest.fixture
def person(service: httpx.Client) -> str:
    """A Patient who is stored under an id of the client's."""
    id_ = f"r-{uuid.uuid4()}"
    assert service.put(f"/fhir/Patient/{id_}", json=patient(id_)).status_code == 201
    return id_


def outcome(answer: httpx.Response, status: int) -> Json:
    """The first issue of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    issue: Json = answer.json()["issue"][0]
    assert issue["severity"] == "error"
    assert issue["expression"]
    return issue


def test_an_update_of_what_is_not_there_creates_it_under_the_id_of_the_client(
    service: httpx.Client,
) -> None:
    id_ = f"r-{uuid.uuid4()}"

    first = service.put(f"/fhir/Patient/{id_}", json=patient(id_))
    second = service.put(f"/fhir/Patient/{id_}", json=patient(id_, birthDate="1980-01-02"))

    assert first.status_code == 201
    assert first.headers["location"].endswith(f"/fhir/Patient/{id_}/_history/1")
    assert first.json()["id"] == id_
    assert second.status_code == 200
    assert second.headers["etag"] == 'W/"2"'
    assert second.headers["location"].endswith(f"/fhir/Patient/{id_}/_history/2")
    assert service.get(f"/fhir/Patient/{id_}").json()["birthDate"] == "1980-01-02"
    assert service.get(f"/fhir/Patient/{id_}/_history/1").json()["birthDate"] == "1980-01-01"


def test_numbers_keep_their_digits(service: httpx.Client, person: str) -> None:
    weight = {
        **finding("pain-localised", True, of=person),
        "id": f"weight-{person}",
        "code": {"text": "weight"},
    }
    body = json.dumps(weight).replace('"valueBoolean": true', '"valueQuantity": {"value": 70.10}')

    service.put(f"/fhir/Observation/weight-{person}", content=body)

    for query in ("", "?_pretty=true", "?_elements=value"):
        assert '"value": 70.10' in service.get(f"/fhir/Observation/weight-{person}{query}").text


@pytest.mark.parametrize(
    ("url", "body", "where"),
    [
        ("Patient/a", patient("b"), "Patient.id"),
        ("Patient/a", {"resourceType": "Patient"}, "Patient.id"),
        (f"Patient/{'x' * 65}", patient("x" * 65), "Patient.id"),
        ("Patient/a", {"resourceType": "Practitioner", "id": "a"}, "resourceType"),
        ("Patient", patient(), ""),
        ("Patient?identifier=", patient(), ""),
        ("Patient?colour=blue", patient(), "colour"),
        ("Patient?_count=1", patient(), "_count"),
    ],
)
def test_an_update_that_names_nothing_or_two_things_is_not_understood(
    service: httpx.Client, url: str, body: Json, where: str
) -> None:
    issue = outcome(service.put(f"/fhir/{url}", json=body), 400)

    if where:
        assert issue["expression"] == [where]


def test_a_stale_if_match_changes_nothing(service: httpx.Client, person: str) -> None:
    url, changed = f"/fhir/Patient/{person}", patient(person, gender="female")

    stale = service.put(url, json=changed, headers={"If-Match": 'W/"7"'})
    no_tag = service.put(url, json=changed, headers={"If-Match": "1"})
    right = service.put(url, json=changed, headers={"If-Match": 'W/"1"'})
    again = service.put(url, json=changed, headers={"If-Match": 'W/"1"'})
    nobody = f"r-{uuid.uuid4()}"
    absent = service.put(
        f"/fhir/Patient/{nobody}", json=patient(nobody), headers={"If-Match": 'W/"1"'}
    )

    outcome(stale, 412)
    outcome(no_tag, 400)
    assert right.status_code == 200
    outcome(again, 412)
    outcome(absent, 412)
    assert service.get(f"/fhir/Patient/{person}/_history").json()["total"] == 2


def test_a_write_that_must_create_changes_nothing_that_is_there(
    service: httpx.Client, person: str
) -> None:
    url, changed = f"/fhir/Patient/{person}", patient(person, gender="female")
    nobody = f"r-{uuid.uuid4()}"
    new_only = {"If-None-Match": "*"}

    outcome(service.put(url, json=changed, headers=new_only), 412)
    outcome(service.put(url, json=changed, headers={"If-None-Match": 'W/"1"'}), 412)
    created = service.put(f"/fhir/Patient/{nobody}", json=patient(nobody), headers=new_only)
    other = service.put(url, json=changed, headers={"If-None-Match": 'W/"7"'})
    put = {"method": "PUT", "url": f"Patient/{person}", "ifNoneMatch": "*"}
    entry = {"request": put, "resource": patient(person)}
    bundle_ = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    assert created.status_code == 201
    assert other.status_code == 200
    outcome(service.post("/fhir", json=bundle_), 412)
    assert service.get(f"{url}/_history").json()["total"] == 2


def test_an_id_belongs_to_one_patient(service: httpx.Client, person: str) -> None:
    id_ = f"o-{person}"
    service.put(f"/fhir/Observation/{id_}", json={**finding("pain-localised", True), "id": id_})
    other = {**finding("pain-localised", True, of=person), "id": id_}

    issue = outcome(service.put(f"/fhir/Observation/{id_}", json=other), 409)

    assert issue["expression"] == ["Observation.id"]


def test_whose_it_is_may_be_learnt_later_and_never_lost(service: httpx.Client, person: str) -> None:
    id_ = f"n-{person}"
    of_nobody = {**finding("pain-localised", True), "id": id_}
    del of_nobody["subject"]
    of_somebody = {**finding("pain-localised", True, of=person), "id": id_}
    url = f"/fhir/Observation/{id_}"

    assert service.put(url, json=of_nobody).status_code == 201
    assert service.put(url, json=of_somebody).status_code == 200
    outcome(service.put(url, json=of_nobody), 409)
    assert service.get(f"/fhir/Observation?patient={person}").json()["total"] == 1


def test_what_we_derive_is_only_read(service: httpx.Client, person: str) -> None:
    body = bundle(patient(person), intake(screened(), of=person))
    answer = service.post(f"/fhir/$derive?asOf={AS_OF}", json=body).json()
    made = {e["resource"]["resourceType"]: e["resource"] for e in answer["entry"]}
    observation = made["Observation"]["id"]

    for url in (f"CarePlan/{made['CarePlan']['id']}", "Questionnaire/phq-9"):
        refused = service.put(f"/fhir/{url}", json={})
        outcome(refused, 405)
        assert refused.headers["allow"] == "GET, HEAD"
    plain = {**finding("pain-localised", True, of=person), "id": observation}
    outcome(service.put(f"/fhir/Observation/{observation}", json=plain), 405)
    outcome(
        service.put(
            "/fhir/Organization/painplan",
            json={"resourceType": "Organization", "id": "painplan", "name": "x"},
        ),
        405,
    )


@pytest.mark.parametrize(
    ("method", "url", "allow"),
    [
        ("DELETE", "Patient/p", "GET, HEAD, PUT"),
        ("PATCH", "Patient/p", "GET, HEAD, PUT"),
        ("POST", "Patient/p", "GET, HEAD, PUT"),
        ("DELETE", "Patient?identifier=1", "GET, HEAD, POST, PUT"),
        ("POST", "CarePlan", "GET, HEAD"),
        ("PUT", "CarePlan?identifier=1", "GET, HEAD"),
        ("DELETE", "Patient/p/_history", "GET, HEAD"),
        ("PUT", "Patient/_history", "GET, HEAD"),
        ("DELETE", "Patient/p/_history/1", "GET, HEAD"),
        ("GET", "Patient/_search", "POST"),
        ("OPTIONS", "Patient", "GET, HEAD, POST, PUT"),
        ("TRACE", "Patient/p/_history", "GET, HEAD"),
        ("PUT", "Patient/p/$everything", "GET, HEAD, POST"),
        ("PUT", "Patient/p/$validate", "GET, HEAD, POST"),
        ("PROPFIND", "Patient", "GET, HEAD, POST, PUT"),
        ("PROPFIND", "Patient/p", "GET, HEAD, PUT"),
        ("PROPFIND", "$derive", "POST"),
        ("PROPFIND", "metadata", "GET, HEAD"),
    ],
)
def test_what_is_not_offered_says_what_is(
    service: httpx.Client, method: str, url: str, allow: str
) -> None:
    answer = service.request(method, f"/fhir/{url}", json=patient("p"))

    outcome(answer, 405)
    assert answer.headers["allow"] == allow


def test_a_conditional_create_creates_once(service: httpx.Client) -> None:
    mrn = str(uuid.uuid4())
    body = patient(identifier=[{"system": "urn:mrn", "value": mrn}])
    condition = {"If-None-Exist": f"identifier=urn:mrn|{mrn}"}

    first = service.post("/fhir/Patient", json=body, headers=condition)
    again = service.post("/fhir/Patient", json=body, headers=condition)
    service.post("/fhir/Patient", json=body)
    twice = service.post("/fhir/Patient", json=body, headers=condition)

    assert first.status_code == 201
    assert again.status_code == 200
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == 'W/"1"'
    assert outcome(twice, 412)["code"] == "multiple-matches"


def test_a_condition_in_a_header_is_read_in_utf_8(service: httpx.Client) -> None:
    mrn = f"Łódź-{uuid.uuid4()}"
    headers = {b"If-None-Exist": f"identifier={mrn}".encode()}
    body = {"resourceType": "Patient", "identifier": [{"value": mrn}]}

    answers = [service.post("/fhir/Patient", json=body, headers=headers) for _ in range(2)]

    assert [a.status_code for a in answers] == [201, 200]


def test_many_at_once_with_the_same_condition_create_once(service: httpx.Client) -> None:
    mrn = str(uuid.uuid4())
    body = patient(identifier=[{"system": "urn:mrn", "value": mrn}])

    def create(_: int) -> int:
        condition = {"If-None-Exist": f"identifier=urn:mrn|{mrn}"}
        return service.post("/fhir/Patient", json=body, headers=condition).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(create, range(24)))

    assert sorted(statuses) == [200] * 23 + [201]
    assert service.get(f"/fhir/Patient?identifier=urn:mrn|{mrn}").json()["total"] == 1


def test_a_conditional_update_creates_or_changes_the_one_that_matches(
    service: httpx.Client,
) -> None:
    mrn = str(uuid.uuid4())
    url = f"/fhir/Patient?identifier=urn:mrn|{mrn}"
    known: Json = {"identifier": [{"system": "urn:mrn", "value": mrn}]}
    nameless = {k: v for k, v in patient(**known).items() if k != "id"}

    first = service.put(url, json=nameless)
    second = service.put(url, json={**nameless, "gender": "male"})
    other_id = service.put(url, json=patient("somebody", **known))
    service.post("/fhir/Patient", json=nameless)

    assert first.status_code == 201
    assert second.status_code == 200
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["meta"]["versionId"] == "2"
    outcome(other_id, 400)
    outcome(service.put(url, json=nameless), 412)


def test_a_conditional_update_that_matches_nothing_leaves_another_resource_alone(
    service: httpx.Client, person: str
) -> None:
    url = f"/fhir/Patient?identifier=urn:mrn|{uuid.uuid4()}"

    outcome(service.put(url, json=patient(person)), 409)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_prefer_says_how_much_comes_back(service: httpx.Client, method: str) -> None:
    def write(wish: str) -> httpx.Response:
        id_ = f"r-{uuid.uuid4()}"
        url = "/fhir/Patient" if method == "POST" else f"/fhir/Patient/{id_}"
        return service.request(method, url, json=patient(id_), headers={"Prefer": wish})

    minimal = write("respond-async, return=minimal")
    outcome_ = write("return=OperationOutcome")

    assert minimal.status_code == 201
    assert minimal.content == b""
    assert minimal.headers["location"]
    assert minimal.headers["etag"]
    assert outcome_.json()["resourceType"] == "OperationOutcome"
    assert outcome_.json()["issue"][0]["severity"] == "information"
    assert write("return=representation").json()["resourceType"] == "Patient"
    assert write("return=everything").json()["resourceType"] == "Patient"


def test_what_the_client_has_is_not_sent_again(service: httpx.Client, person: str) -> None:
    url = f"/fhir/Patient/{person}"
    whole = service.get(url)
    etag, modified = whole.headers["etag"], whole.headers["last-modified"]

    for known in (etag, '"1"', f'W/"9", {etag}', "*"):
        answer = service.get(url, headers={"If-None-Match": known})
        assert answer.status_code == 304, known
        assert answer.content == b""
    assert service.get(url, headers={"If-Modified-Since": modified}).status_code == 304
    old = {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}
    assert service.get(url, headers=old).status_code == 200
    both = {"If-Modified-Since": modified, "If-None-Match": 'W/"9"'}
    assert service.get(url, headers=both).status_code == 200
    for no_date in ("yesterday", f"Fri, 31 Dec {'9' * 20} 00:00:00 GMT"):
        assert service.get(url, headers={"If-Modified-Since": no_date}).status_code == 200


@pytest.mark.parametrize(
    "url", ["Patient/{id}", "Patient?_id={id}", "Patient/{id}/_history", "metadata",
            "Questionnaire/phq-9", "Patient/{id}/_history/1"],
)  # fmt: skip
def test_head_is_get_without_a_body(service: httpx.Client, person: str, url: str) -> None:
    path = f"/fhir/{url.replace('{id}', person)}"

    head, get = service.head(path), service.get(path)

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(get.content))
    assert head.headers.get("etag") == get.headers.get("etag")


@pytest.mark.parametrize(
    ("headers", "query", "status", "media"),
    [
        ({"Accept": "application/fhir+json"}, "", 200, "application/fhir+json"),
        ({"Accept": "application/fhir+json; fhirVersion=4.0"}, "", 200, "application/fhir+json"),
        ({"Accept": "application/fhir+json; fhirVersion=3.0"}, "", 406, "application/fhir+json"),
        ({"Accept": "application/json+fhir"}, "", 200, "application/fhir+json"),
        ({"Accept": "application/json"}, "", 200, "application/json"),
        ({"Accept": "text/json"}, "", 200, "text/json"),
        ({"Accept": "application/fhir+xml"}, "", 406, "application/fhir+json"),
        ({"Accept": "text/html"}, "", 406, "application/fhir+json"),
        ({"Accept": "application/fhir+xml"}, "?_format=json", 200, "application/fhir+json"),
        ({}, "?_format=application/fhir%2Bjson", 200, "application/fhir+json"),
        ({}, "?_format=xml", 406, "application/fhir+json"),
        ({}, "?_format=Application/FHIR%2BJSON", 200, "application/fhir+json"),
        ({}, "?_format=application/fhir%2Bjson;fhirVersion=4.0", 200, "application/fhir+json"),
        ({}, "?_format=application/fhir%2Bjson;fhirVersion=5.0", 406, "application/fhir+json"),
        (
            {"Accept": "application/json;q=0.1, application/fhir+json"},
            "",
            200,
            "application/fhir+json",
        ),
    ],
)
def test_media_types_of_answers(  # noqa: PLR0913  (a row of the table)
    service: httpx.Client,
    person: str,
    headers: dict[str, str],
    query: str,
    status: int,
    media: str,
) -> None:
    for url in (f"/fhir/Patient/{person}", "/fhir/Patient", f"/fhir/Patient/{person}/_history"):
        answer = service.get(url + query, headers=headers)

        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].partition(";")[0] == media


def test_several_lines_of_accept_are_one_list(service: httpx.Client, person: str) -> None:
    lines = [("Accept", "application/fhir+xml"), ("Accept", "application/json;q=0.9")]

    answer = service.get(f"/fhir/Patient/{person}", headers=lines)

    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("application/fhir+json; fhirVersion=4.0", 201),
        ("application/json+fhir", 201),
        ("application/fhir+json; fhirVersion=5.0", 415),
        ("application/fhir+xml", 415),
        ("application/xml", 415),
        ("text/plain", 415),
    ],
)
def test_media_types_of_bodies(service: httpx.Client, media: str, status: int) -> None:
    answer = service.post(
        "/fhir/Patient?_format=json", json=patient(), headers={"Content-Type": media}
    )

    assert answer.status_code == status


def test_the_history_of_one_resource(service: httpx.Client, person: str) -> None:
    for gender in ("female", "male", "unknown"):
        service.put(f"/fhir/Patient/{person}", json=patient(person, gender=gender))

    whole = service.get(f"/fhir/Patient/{person}/_history").json()
    first = service.get(f"/fhir/Patient/{person}/_history?_count=3").json()
    service.put(f"/fhir/Patient/{person}", json=patient(person, gender="other"))
    url = next(link["url"] for link in first["link"] if link["relation"] == "next")
    second = service.get(url).json()

    assert whole["type"] == "history"
    assert whole["total"] == 4
    versions = [e["resource"]["meta"]["versionId"] for e in whole["entry"]]
    assert versions == ["4", "3", "2", "1"]
    assert whole["entry"][0]["request"] == {"method": "PUT", "url": f"Patient/{person}"}
    assert whole["entry"][0]["response"]["etag"] == 'W/"4"'
    assert whole["entry"][3]["request"] == {"method": "POST", "url": "Patient"}
    assert whole["entry"][3]["response"]["status"] == "201"
    assert [e["resource"]["meta"]["versionId"] for e in second["entry"]] == ["1"]
    assert not [link for link in second["link"] if link["relation"] == "next"]


def test_the_history_in_time(service: httpx.Client, person: str) -> None:
    made = service.get(f"/fhir/Patient/{person}").json()["meta"]["lastUpdated"]
    service.put(f"/fhir/Patient/{person}", json=patient(person, gender="female"))
    url = f"/fhir/Patient/{person}/_history"

    assert service.get(f"{url}?_since={made}").json()["total"] == 2
    assert service.get(f"{url}?_since=2999-01-01").json()["total"] == 0
    assert service.get(f"{url}?_at=2999-01-01").json()["total"] == 1
    assert service.get(f"{url}?_at=2020-01-01").json()["total"] == 0
    assert service.get(f"{url}?_at={made[:10]}").json()["total"] == 2
    assert service.get(f"{url}?_at={made[:4]}").json()["total"] == 2
    outcome(service.get(f"{url}?_at=yesterday"), 400)
    outcome(service.get(f"{url}?_since=yesterday"), 400)
    outcome(service.get(f"{url}?_since=2020&_since=2021"), 400)
    outcome(service.get(f"{url}?colour=blue", headers={"Prefer": "handling=strict"}), 400)
    outcome(service.get(f"{url}?_count=x"), 400)
    outcome(service.get("/fhir/Patient/nobody/_history"), 404)


def test_the_history_of_a_type_holds_every_version_once(service: httpx.Client, person: str) -> None:
    service.put(f"/fhir/Patient/{person}", json=patient(person, gender="female"))
    page = service.get("/fhir/Patient/_history?_count=3").json()
    pages = [page]
    while url := next((li["url"] for li in page["link"] if li["relation"] == "next"), None):
        page = service.get(url).json()
        pages.append(page)

    entries = [e["resource"] for page in pages for e in page["entry"]]
    found = [(e["id"], e["meta"]["versionId"]) for e in entries]
    assert found[:2] == [(person, "2"), (person, "1")]
    assert len(set(found)) == len(found) == page["total"]


def test_a_version_has_one_spelling(service: httpx.Client, person: str) -> None:
    url = f"/fhir/Patient/{person}/_history"

    assert service.get(f"{url}/1").status_code == 200
    for other in ("01", "0", "+1"):
        outcome(service.get(f"{url}/{other}"), 404)


def test_if_match_of_any_version_needs_one(service: httpx.Client, person: str) -> None:
    nobody = f"r-{uuid.uuid4()}"
    any_ = {"If-Match": "*"}

    outcome(service.put(f"/fhir/Patient/{nobody}", json=patient(nobody), headers=any_), 412)
    assert service.get(f"/fhir/Patient/{nobody}").status_code == 404
    there = service.put(f"/fhir/Patient/{person}", json=patient(person), headers=any_)
    assert there.status_code == 200


@pytest.mark.parametrize("criteria", ["_id=,", "identifier=,", "_lastUpdated=,", "_id=,&_id=,,"])
def test_a_condition_of_commas_matches_nothing_and_writes_nothing(
    service: httpx.Client, criteria: str
) -> None:
    """It would match the one resource of its type, whichever that is, and replace it."""
    before = service.get("/fhir/Practitioner/_history?_count=0").json()["total"]
    body = {"resourceType": "Practitioner"}

    outcome(service.put(f"/fhir/Practitioner?{criteria}", json=body), 400)
    headers = {"If-None-Exist": criteria}
    outcome(service.post("/fhir/Practitioner", json=body, headers=headers), 400)

    assert service.get("/fhir/Practitioner/_history?_count=0").json()["total"] == before


def test_a_part_of_one_resource(service: httpx.Client, person: str) -> None:
    part = service.get(f"/fhir/Patient/{person}?_elements=gender").json()

    assert part.keys() == {"resourceType", "id", "meta"}
    outcome(service.get(f"/fhir/Patient/{person}?_summary=all"), 400)


def test_one_request_id_may_write_twice(service: httpx.Client, person: str) -> None:
    for gender in ("female", "male"):
        answer = service.put(
            f"/fhir/Patient/{person}",
            json=patient(person, gender=gender),
            headers={"X-Request-Id": f"same-{person}"},
        )
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("url", "about"),
    [
        ("Patient/nobody", "Patient"),
        ("Patient/nobody/_history/7", "Patient"),
        ("Nothing/1", "Nothing"),
        ("CarePlan/nobody?_format=xml", "CarePlan"),
        ("a/b/c/d", "Bundle"),
        ("metadata?_format=xml", "CapabilityStatement"),
    ],
)
def test_every_error_says_what_it_is_about(service: httpx.Client, url: str, about: str) -> None:
    answer = service.get(f"/fhir/{url}")

    assert answer.is_client_error
    assert [i["expression"] for i in answer.json()["issue"]] == [[about]]


def test_a_slash_at_the_end_changes_nothing(service: httpx.Client, person: str) -> None:
    empty = {"resourceType": "Bundle", "type": "batch"}

    assert service.post("/fhir/", json=empty).json()["type"] == "batch-response"
    assert service.post("/fhir/Patient/", json=patient()).status_code == 201
    assert service.get(f"/fhir/Patient/?_id={person}").json()["total"] == 1
    for url in (f"Patient/{person}", f"Patient/{person}/_history/1", "metadata"):
        with_slash = service.get(f"/fhir/{url}/")
        assert with_slash.content == service.get(f"/fhir/{url}").content, url


def test_an_encoded_slash_divides_nothing(service: httpx.Client, person: str) -> None:
    for url in (f"Patient%2F{person}", f"Patient/{person}%2f_history", f"Patient/{person}%2F"):
        assert outcome(service.get(f"/fhir/{url}"), 404)["code"] == "not-found"


@pytest.mark.parametrize("hidden", ["urn:uuid:", "\\u0075rn:uuid:"])
def test_a_reference_to_an_entry_of_a_bundle_is_not_stored_alone(
    service: httpx.Client, hidden: str
) -> None:
    urn = str(uuid.uuid4())
    observation = finding("pain-localised", True, subject={"reference": "HERE"})
    body = json.dumps(observation).replace("HERE", f"{hidden}{urn}")

    issue = outcome(service.post("/fhir/Observation", content=body), 422)

    assert issue["code"] == "not-found"
    assert issue["expression"] == ["Observation.subject.reference"]
    checked = service.post("/fhir/Observation/$validate?mode=create", content=body)
    assert checked.json()["issue"][0]["expression"] == ["Observation.subject.reference"]


@pytest.mark.parametrize("element", ["subject", "encounter"])
def test_a_reference_that_is_a_search_is_not_stored_alone(
    service: httpx.Client, person: str, element: str
) -> None:
    type_ = {"subject": "Patient", "encounter": "Encounter"}[element]
    searched = {element: {"reference": f"{type_}?identifier=https://ehr.example/mrn|4711"}}
    observation = {**finding("pain-localised", True, of=person), **searched}
    del observation["id"]
    sent = {"resource": observation, "request": {"method": "POST", "url": "Observation"}}

    issue = outcome(service.post("/fhir/Observation", json=observation), 422)

    assert issue["expression"] == [f"Observation.{element}.reference"]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [sent]}
    (entry,) = service.post("/fhir", json=batch).json()["entry"]
    assert entry["response"]["status"].startswith("422")
