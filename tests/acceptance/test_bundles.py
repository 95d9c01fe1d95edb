"""Batch and transaction over HTTP: order, references, and all or nothing (F-20, F-21)."""

import json
import threading
import time
import uuid
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.batches import LARGEST, TOGETHER
from tests.acceptance.wire import finding, patient

Json = dict[str, Any]


def entry(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:
    """One entry; ``fullUrl`` stands beside, the rest in the request."""
    full_url = more.pop("fullUrl", None)
    made: Json = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def send(service: httpx.Client, kind: str, *entries: Json, **headers: str) -> httpx.Response:
    body: Json = {"resourceType": "Bundle", "type": kind}
    if entries:
        body["entry"] = list(entries)
    return service.post("/fhir", json=body, headers=headers)


def nameless(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "id"}


def urn() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def about(reference: str, **more: Any) -> Json:
    return nameless(finding("pain-localised", True, subject={"reference": reference}, **more))


def statuses(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [e["response"]["status"][:3] for e in answer.json()["entry"]]


def total(service: httpx.Client, query: str) -> int:
    return int(service.get(f"/fhir/{query}&_summary=count").json()["total"])


def test_a_transaction_rewrites_what_refers_to_its_entries(service: httpx.Client) -> None:
    person, first = urn(), urn()
    observation = about(person, derivedFrom=[{"reference": first}])
    observation["text"] = {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{person}">who</a></div>',
    }
    observation["identifier"] = [{"system": "urn:ietf:rfc:3986", "value": person}]
    observation["extension"] = [{"url": "http://x.example/u", "valueUri": first}]

    answer = send(
        service,
        "transaction",
        entry("POST", "Observation", observation),
        entry("POST", "Observation", about(person), fullUrl=first),
        entry("POST", "Patient", nameless(patient()), fullUrl=person),
    )

    assert statuses(answer) == ["201"] * 3
    assert answer.json()["type"] == "transaction-response"
    told, one, who = [e["resource"] for e in answer.json()["entry"]]
    assert told["subject"] == {"reference": f"Patient/{who['id']}"}
    assert told["derivedFrom"] == [{"reference": f"Observation/{one['id']}"}]
    assert told["extension"][0]["valueUri"] == f"Observation/{one['id']}"
    assert f'href="Patient/{who["id"]}"' in told["text"]["div"]
    assert told["identifier"][0]["value"] == person
    assert total(service, f"Observation?patient={who['id']}") == 2
    location = answer.json()["entry"][2]["response"]["location"]
    assert location.endswith(f"/fhir/Patient/{who['id']}/_history/1")
    assert answer.json()["entry"][2]["response"]["etag"] == 'W/"1"'


def test_what_refers_in_a_circle_is_stored_like_anything_else(service: httpx.Client) -> None:
    first, second = urn(), urn()

    def observation(other: str) -> Json:
        return about("Patient/p1", derivedFrom=[{"reference": other}])

    answer = send(
        service,
        "transaction",
        entry("POST", "Observation", observation(second), fullUrl=first),
        entry("POST", "Observation", observation(first), fullUrl=second),
    )

    one, two = [e["resource"] for e in answer.json()["entry"]]
    assert one["derivedFrom"] == [{"reference": f"Observation/{two['id']}"}]
    assert two["derivedFrom"] == [{"reference": f"Observation/{one['id']}"}]


def test_numbers_and_odd_letters_keep_their_bytes(service: httpx.Client) -> None:
    person = urn()
    observation = json.dumps(about(person)).replace(
        '"valueBoolean": true', '"valueQuantity": {"value": 1.10, "unit": "\\u00b5g \\"x\\""}'
    )
    body = json.dumps(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                entry("POST", "Patient", nameless(patient()), fullUrl=person),
                entry("POST", "Observation", {"resourceType": "Observation"}),
            ],
        }
    ).replace('{"resourceType": "Observation"}', observation)

    answer = service.post("/fhir", content=body)

    id_ = answer.json()["entry"][1]["resource"]["id"]
    kept = service.get(f"/fhir/Observation/{id_}").text
    assert '{"value": 1.10, "unit": "\\u00b5g \\"x\\""}' in kept


def test_the_third_entry_that_is_invalid_stops_all_three(service: httpx.Client) -> None:
    mrn = str(uuid.uuid4())
    known = patient(identifier=[{"value": mrn}])

    answer = send(
        service,
        "transaction",
        entry("POST", "Patient", nameless(known)),
        entry("POST", "Observation", about("Patient/p1")),
        entry("POST", "Observation", about("Patient/p1", status="finished")),
    )

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[2].resource.status"]
    assert total(service, f"Patient?identifier={mrn}") == 0


@pytest.mark.parametrize(
    ("last", "status", "where"),
    [
        (entry("DELETE", "Patient/p1"), 405, "Bundle.entry[1].request.method"),
        (entry("PUT", "CarePlan/x", {"resourceType": "CarePlan", "id": "x"}), 405,
         "Bundle.entry[1].request"),
        (entry("PUT", "Patient/a", patient("b")), 400, "Bundle.entry[1].request.url"),
        (entry("PUT", "Patient/a", patient("a"), ifMatch='W/"9"'), 412, "Bundle.entry[1]"),
        (entry("POST", "Patient", patient(), ifNoneExist="colour=blue"), 400,
         "Bundle.entry[1].request.ifNoneExist"),
        (entry("POST", "Nothing", patient()), 404, "Bundle.entry[1].request.url"),
        (entry("POST", "Patient/$validate", patient()), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Patient"), 400, "Bundle.entry[1].resource"),
        (entry("GET", "Patient/nobody-here"), 404, "Bundle.entry[1].request.url"),
        (entry("GET", "Patient?_count=x"), 400, "Bundle.entry[1].request.url"),
        (entry("GET", "https://other.example/fhir/Patient/1"), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Observation", about("urn:uuid:" + "0" * 8 + "-0000-4000-8000-" + "0" * 12)),
         422, "Bundle.entry[1].resource.subject.reference"),
        (entry("GET", "Patient/a%2F_history"), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Observation", about("Patient?identifier=nobody-at-all")), 412,
         "Bundle.entry[1].resource"),
        (entry("POST", "Observation", about("Patient?colour=blue")), 400,
         "Bundle.entry[1].resource"),
        ({"resource": patient()}, 400, None),
        (entry("FETCH", "Patient"), 400, None),
    ],
)  # fmt: skip
def test_one_entry_that_fails_stops_the_transaction(
    service: httpx.Client, last: Json, status: int, where: str | None
) -> None:
    mrn = str(uuid.uuid4())
    first = entry("POST", "Patient", nameless(patient(identifier=[{"value": mrn}])))

    answer = send(service, "transaction", first, last)

    assert answer.status_code == status, answer.text
    issue = answer.json()["issue"][0]
    if where is not None:
        assert issue["expression"] == [where]
    assert total(service, f"Patient?identifier={mrn}") == 0


def test_two_entries_of_one_resource_are_refused(service: httpx.Client) -> None:
    id_ = f"b-{uuid.uuid4()}"
    put = entry("PUT", f"Patient/{id_}", patient(id_))
    condition = {"ifNoneExist": f"identifier={id_}"}
    create = entry("POST", "Patient", nameless(patient()), **condition)

    for pair in ((put, put), (create, create)):
        assert send(service, "transaction", *pair).status_code == 422
    assert service.get(f"/fhir/Patient/{id_}").status_code == 404


def test_one_name_for_two_entries_is_refused(service: httpx.Client) -> None:
    name = urn()
    create = entry("POST", "Patient", nameless(patient()), fullUrl=name)

    answer = send(service, "transaction", create, create)

    assert answer.status_code == 400


def test_an_outcome_that_is_asked_for_stands_beside_and_in_no_resource(
    service: httpx.Client,
) -> None:
    create = entry("POST", "Patient", nameless(patient()))
    body = {"resourceType": "Bundle", "type": "transaction", "entry": [create]}

    answer = service.post(
        "/fhir?_pretty=true", json=body, headers={"Prefer": "return=OperationOutcome"}
    )

    (only,) = answer.json()["entry"]
    assert only["response"]["outcome"]["issue"][0]["severity"] == "information"
    assert "resource" not in only


def test_conditions_and_conditional_references(service: httpx.Client) -> None:
    mrn, other = str(uuid.uuid4()), str(uuid.uuid4())
    stored = service.post("/fhir/Patient", json=patient(identifier=[{"value": mrn}])).json()
    person = urn()

    answer = send(
        service,
        "transaction",
        entry("POST", "Patient", nameless(patient()), fullUrl=person,
              ifNoneExist=f"identifier={mrn}"),
        entry("POST", "Observation", about(person)),
        entry("POST", "Observation", about(f"Patient?identifier={mrn}")),
        entry("POST", "Observation", about(f"Patient?identifier={other}")),
        entry("PUT", f"Patient?identifier={other}",
              nameless(patient(identifier=[{"value": other}]))),
    )  # fmt: skip

    assert statuses(answer) == ["200", "201", "201", "201", "201"]
    found = [e["resource"] for e in answer.json()["entry"]]
    assert found[0]["id"] == stored["id"]
    assert found[0]["meta"]["versionId"] == "1"
    assert found[1]["subject"]["reference"] == f"Patient/{stored['id']}"
    assert found[2]["subject"]["reference"] == f"Patient/{stored['id']}"
    assert found[3]["subject"]["reference"] == f"Patient/{found[4]['id']}"


def test_reads_in_a_transaction_see_what_it_wrote(service: httpx.Client) -> None:
    id_ = f"b-{uuid.uuid4()}"

    answer = send(
        service,
        "transaction",
        entry("GET", f"Patient/{id_}"),
        entry("GET", f"Observation?patient={id_}"),
        entry("GET", f"Patient/{id_}/_history/1"),
        entry("PUT", f"Patient/{id_}", patient(id_)),
        entry("POST", "Observation", about(f"Patient/{id_}")),
    )

    assert statuses(answer) == ["200", "200", "200", "201", "201"]
    found = [e["resource"] for e in answer.json()["entry"]]
    assert found[0]["id"] == id_
    assert found[1]["total"] == 1


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("/_history/7", 404),
        ("?_summary=bogus", 400),
        ("/_history?_count=x", 400),
        ("/nothing", 404),
        ("/$everything?_type=Nothing", 404),
    ],
)
def test_a_read_of_what_it_writes_stops_a_transaction_where_it_cannot_succeed(
    service: httpx.Client, more: str, status: int
) -> None:
    id_ = f"b-{uuid.uuid4()}"
    put = entry("PUT", f"Patient/{id_}", patient(id_))

    answer = send(service, "transaction", put, entry("GET", f"Patient/{id_}{more}"))

    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].request.url"]
    assert service.get(f"/fhir/Patient/{id_}").status_code == 404
    service.put(f"/fhir/Patient/{id_}", json=patient(id_)).raise_for_status()
    second = send(service, "transaction", put, entry("GET", f"Patient/{id_}/_history/2"))
    assert statuses(second) == ["200", "200"]


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    ("read", "status"),
    [
        ("Patient/{}", 200),
        ("Patient/{}/_history", 200),
        ("Patient/{}/_history/{next}", 200),
        ("Patient/{}/$everything", 200),
        ("Patient/{}/$validate", 200),
        ("Patient/{}/_history/99", 404),
        ("Patient/{}/$nonsense", 404),
        ("Patient/{}/_history/1/1", 404),
        ("Patient/{}?_summary=nonsense", 400),
        ("Patient/{}?_format=xml", 400),
    ],
)
def test_a_read_of_what_it_writes_that_cannot_succeed_stops_a_transaction(
    service: httpx.Client, read: str, status: int, is_there: bool
) -> None:
    id_ = f"r-{uuid.uuid4()}"
    if is_there:
        service.put(f"/fhir/Patient/{id_}", json=patient(id_)).raise_for_status()
    url = read.format(id_, next=1 + is_there)

    answer = send(
        service, "transaction", entry("PUT", f"Patient/{id_}", patient(id_)), entry("GET", url)
    )

    assert answer.status_code == status, answer.text
    if status == 200:
        assert statuses(answer)[1] == "200"
    else:
        versions = service.get(f"/fhir/Patient/{id_}/_history")
        assert versions.status_code == (200 if is_there else 404)
        assert versions.json().get("total", 0) == is_there


def test_a_batch_answers_each_entry_for_itself(service: httpx.Client) -> None:
    id_ = f"b-{uuid.uuid4()}"

    answer = send(
        service,
        "batch",
        entry("PUT", f"Patient/{id_}", patient(id_)),
        entry("POST", "Observation", about("Patient/p1", status="finished")),
        entry("GET", f"Patient/{id_}"),
        entry("GET", f"Patient/{id_}", ifNoneMatch='W/"1"'),
        entry("DELETE", f"Patient/{id_}"),
        entry("GET", "Nothing/1"),
        entry("GET", "a/b/c/d/e"),
        entry("GET", f"Patient?_id={id_}"),
        entry("PUT", f"Patient/{id_}", patient(id_), ifMatch='W/"7"'),
        entry("POST", "Patient", patient(), ifNoneExist=f"_id={id_}"),
        entry("POST", "Patient/$validate", patient()),
    )

    assert answer.json()["type"] == "batch-response"
    assert statuses(answer) == [
        "201", "400", "200", "304", "405", "404", "404", "200", "412", "200", "200",
    ]  # fmt: skip
    entries = answer.json()["entry"]
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert "resource" not in entries[1]
    assert entries[0]["fullUrl"].endswith(f"/fhir/Patient/{id_}")
    assert entries[7]["resource"]["total"] == 1


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_search_by_post_is_answered_in_a_bundle_too(service: httpx.Client, kind: str) -> None:
    of = f"by-post-{kind}"
    service.put(f"/fhir/Patient/{of}", json=patient(of))
    searched = entry("POST", f"Patient/_search?_id={of}")
    observed = entry("POST", "Observation", about(f"Patient/{of}"))
    counted = entry("POST", f"/fhir/Observation/_search?patient={of}&_summary=count")

    answer = send(service, kind, searched, observed, counted)

    assert statuses(answer) == ["200", "201", "200"]
    found, _, number = [e["resource"] for e in answer.json()["entry"]]
    assert [e["resource"]["id"] for e in found["entry"]] == [of]
    assert number["total"] == 1


@pytest.mark.parametrize("url", ["_search", "Patient/p1/_search", "Nothing/_search?_id=p1"])
def test_a_search_where_there_is_none_is_not_found_in_a_batch(
    service: httpx.Client, url: str
) -> None:
    assert statuses(send(service, "batch", entry("POST", url))) == ["404"]


def test_the_form_of_a_search_has_no_place_in_a_bundle(service: httpx.Client) -> None:
    """R4 gives an entry a resource and no form; what was asked for would be guessed."""
    asked = {"resourceType": "Parameters"}

    answer = send(service, "batch", entry("POST", "Patient/_search", asked))

    (refused,) = answer.json()["entry"]
    assert refused["response"]["status"].startswith("400")
    (issue,) = refused["response"]["outcome"]["issue"]
    assert issue["expression"] == ["Bundle.entry[0].resource"]
    assert "parameters into the url" in issue["details"]["text"]


def test_what_is_written_together_in_a_batch_is_answered_in_its_order(
    service: httpx.Client,
) -> None:
    id_ = f"b-{uuid.uuid4()}"
    many = [about(f"Patient/{id_}", note=[{"text": str(n)}]) for n in range(120)]

    answer = send(
        service,
        "batch",
        entry("PUT", f"Patient/{id_}", patient(id_)),
        *(entry("POST", "Observation", one) for one in many),
        entry("GET", f"Observation?patient={id_}&_summary=count"),
        entry("PUT", f"Patient/{id_}", patient(id_, gender="male")),
        entry("PUT", f"Patient/{id_}", patient(id_, gender="female")),
    )

    assert statuses(answer) == ["201"] * 121 + ["200"] * 3
    found = [e["resource"] for e in answer.json()["entry"]]
    assert [one["note"] for one in found[1:121]] == [one["note"] for one in many]
    assert found[121]["total"] == 120
    assert [one["meta"]["versionId"] for one in found[122:]] == ["2", "3"]


def test_one_resource_in_many_spellings_is_written_in_the_order_of_the_batch(
    service: httpx.Client,
) -> None:
    id_ = f"s-{uuid.uuid4()}"
    urls = [f"Patient/{id_[:n]}%{ord(id_[n]):02x}{id_[n + 1 :]}" for n in range(20)]

    answer = send(service, "batch", *(entry("PUT", url, patient(id_)) for url in urls))

    assert statuses(answer) == ["201"] + ["200"] * 19


def test_an_entry_of_a_batch_that_cannot_be_read_refuses_itself_alone(
    service: httpx.Client,
) -> None:
    answer = send(
        service,
        "batch",
        entry("GET", "https://elsewhere.example/fhir/Patient/1"),
        entry("GET", "Patient/../../decisions"),
        {"request": {"method": "POST", "url": "Patient"}},
        entry("POST", "Patient", nameless(patient())),
    )

    assert statuses(answer) == ["400", "400", "400", "201"]
    outcomes = [e["response"]["outcome"] for e in answer.json()["entry"][:3]]
    assert [o["issue"][0]["expression"] for o in outcomes] == [
        ["Bundle.entry[0].request.url"],
        ["Bundle.entry[1].request.url"],
        ["Bundle.entry[2].resource"],
    ]


def test_an_address_longer_than_a_head_is_refused_in_a_bundle_too(service: httpx.Client) -> None:
    long = f"Patient?identifier={'a,' * 40_000}"
    answer = send(service, "batch", entry("GET", long), entry("GET", "Patient?_count=0"))

    assert statuses(answer) == ["400", "200"]
    (issue,) = answer.json()["entry"][0]["response"]["outcome"]["issue"]
    assert (issue["code"], issue["expression"]) == ("too-long", ["Bundle.entry[0].request.url"])


def test_a_batch_finds_what_is_named_in_any_letters(service: httpx.Client) -> None:
    mrn = f"Łódź-痛-{uuid.uuid4()}"
    new = nameless(patient(identifier=[{"value": mrn}]))

    answer = send(
        service,
        "batch",
        entry("POST", "Patient", new, ifNoneExist=f"identifier={mrn}"),
        entry("POST", "Patient", new, ifNoneExist=f"identifier={mrn}"),
        entry("GET", f"Patient?identifier={mrn}"),
        entry("PUT", f"Patient?identifier={mrn}", new),
    )

    assert statuses(answer) == ["201", "200", "200", "200"]
    assert answer.json()["entry"][2]["resource"]["total"] == 1


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        (("POST", "Observation", {"resourceType": "Patient"}), "resource.resourceType"),
        (("PUT", "Patient/x1", {"resourceType": "Patient", "id": "x1"}), "request.ifMatch"),
    ],
)
def test_what_stops_a_transaction_is_told_by_its_element(
    service: httpx.Client, bad: tuple[str, str, Json], place: str
) -> None:
    conditions: Json = {"ifMatch": "1"} if place.endswith("ifMatch") else {}

    answer = send(service, "transaction", entry(*bad, **conditions))

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == [f"Bundle.entry[0].{place}"]


def test_prefer_counts_inside_too(service: httpx.Client) -> None:
    for kind in ("batch", "transaction"):
        answer = send(
            service, kind, entry("POST", "Patient", nameless(patient())), Prefer="return=minimal"
        )

        (only,) = answer.json()["entry"]
        assert "resource" not in only
        assert only["response"]["location"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_an_empty_bundle_is_answered_with_an_empty_bundle(service: httpx.Client, kind: str) -> None:
    answer = send(service, kind)

    assert answer.status_code == 200
    assert answer.json() == {"resourceType": "Bundle", "type": f"{kind}-response"}


@pytest.mark.parametrize("kind", ["collection", "document", "searchset", "nothing"])
def test_another_kind_of_bundle_is_not_taken(service: httpx.Client, kind: str) -> None:
    answer = send(service, kind)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.type"]


def test_too_many_entries(service: httpx.Client) -> None:
    assert send(service, "batch", *[entry("GET", "Patient/x")] * 1001).status_code == 413


@pytest.mark.parametrize("criteria", ["identifier=nobody-has-it", "birthdate=ge0001", "_id=,"])
def test_a_conditional_reference_that_fails_is_told_by_its_entry(
    service: httpx.Client, criteria: str
) -> None:
    service.post("/fhir/Patient", json=patient())
    service.post("/fhir/Patient", json=patient())

    answer = send(
        service, "transaction", entry("POST", "Observation", about(f"Patient?{criteria}"))
    )

    assert answer.status_code in (400, 412)
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[0].resource"]


def test_other_methods_on_the_base(service: httpx.Client) -> None:
    answer = service.get("/fhir")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_the_result_does_not_depend_on_the_order_of_entries(service: httpx.Client) -> None:
    for turn in (1, -1):
        id_, person = f"b-{uuid.uuid4()}", urn()
        entries = [
            entry("POST", "Observation", about(person)),
            entry("POST", "Patient", nameless(patient()), fullUrl=person),
            entry("PUT", f"Patient/{id_}", patient(id_)),
            entry("GET", f"Patient/{id_}"),
        ]

        answer = send(service, "transaction", *entries[::turn])

        found = [e["resource"] for e in answer.json()["entry"]][::turn]
        assert found[0]["subject"]["reference"] == f"Patient/{found[1]['id']}"
        assert found[3]["id"] == id_


def test_a_head_in_a_batch_has_no_body_found_or_not(service: httpx.Client) -> None:
    answer = send(service, "batch", entry("HEAD", "Patient/nobody"))

    (told,) = answer.json()["entry"]
    assert told["response"]["status"].startswith("404")
    assert set(told) == {"response"}
    assert "outcome" not in told["response"]


URLS = st.sampled_from(
    ["Patient", "Patient/fuzz", "Patient?identifier=x", "Observation", "CarePlan/1", "metadata", "",
     "/", "..", "Patient/../x", "Patient/%2e%2e", "$derive", "Patient/$validate", "a b", "é", "?x",
     "Patient?", "http://127.0.0.1/fhir/Patient", "//x/Patient", "Patient/fuzz/_history",
     "Patient/_search", "Bundle", "Patient#x", "Patient/%00"]
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5))
RESOURCES = st.one_of(
    st.sampled_from([patient("fuzz"), about("Patient?identifier=x"), about("urn:uuid:1"), {}]),
    st.dictionaries(st.sampled_from(["resourceType", "id", "subject", "meta"]), SCALARS),
    st.just({"resourceType": "Observation"}),
)
HEADERS = st.sampled_from(['W/"1"', "1", "identifier=x", "identifier=", "2026", "é", "x\ny"])
ASKED = st.fixed_dictionaries(
    {"method": st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]), "url": URLS},
    optional=dict.fromkeys(("ifMatch", "ifNoneExist", "ifNoneMatch"), HEADERS),
)
ENTRIES = st.fixed_dictionaries(
    {"request": st.one_of(ASKED, ASKED, ASKED, SCALARS), "resource": RESOURCES},
    optional={"fullUrl": st.one_of(st.just("urn:uuid:1"), SCALARS)},
)


@given(kind=st.sampled_from(["batch", "transaction"]), entries=st.lists(ENTRIES, max_size=3))
@settings(max_examples=100)
def test_no_bundle_breaks_the_service(
    service: httpx.Client, kind: str, entries: list[Json]
) -> None:
    answer = send(service, kind, *entries)

    assert answer.status_code < 500, answer.text
    if answer.status_code == 200:
        for told in answer.json().get("entry", ()):
            assert not told["response"]["status"].startswith("5"), told


def test_a_transaction_of_a_thousand_leaves_the_others_their_turns(service: httpx.Client) -> None:
    person = urn()
    entries = [entry("POST", "Patient", nameless(patient()), fullUrl=person)]
    entries += [entry("POST", "Observation", about(person)) for _ in range(999)]
    waits: list[float] = []
    is_over = threading.Event()

    def others() -> None:
        with httpx.Client(base_url=service.base_url) as another:
            while not is_over.is_set():
                asked = time.monotonic()
                another.get("/healthz")
                waits.append(time.monotonic() - asked)

    thread = threading.Thread(target=others)
    thread.start()
    began = time.monotonic()
    answer = send(service, "transaction", *entries)
    spent = time.monotonic() - began
    is_over.set()
    thread.join()

    assert statuses(answer) == ["201"] * 1000
    assert max(waits) < spent / 2


def large(id_: str) -> Json:
    """A Patient of 3 MB."""
    return patient(id_, name=[{"text": "x" * 1_000_000}] * 3)


def test_a_batch_does_nothing_more_once_its_answer_is_long_enough(service: httpx.Client) -> None:
    id_, other = f"b-{uuid.uuid4()}", f"b-{uuid.uuid4()}"
    service.put(f"/fhir/Patient/{id_}", json=large(id_)).raise_for_status()
    reads = [entry("GET", f"Patient/{id_}")] * 6

    answer = send(service, "batch", *reads, entry("PUT", f"Patient/{other}", patient(other)))

    assert statuses(answer) == ["200"] * 4 + ["413"] * 3
    assert len(answer.content) < LARGEST + 3_500_000
    (issue,) = answer.json()["entry"][6]["response"]["outcome"]["issue"]
    assert issue["code"] == "too-costly"
    assert issue["expression"] == ["Bundle.entry[6]"]
    assert "neither read nor written" in issue["details"]["text"]
    assert service.get(f"/fhir/Patient/{other}").status_code == 404


@pytest.mark.parametrize("is_new", [False, True], ids=["kept", "new"])
def test_a_transaction_whose_answer_would_be_too_long_writes_nothing(
    service: httpx.Client, *, is_new: bool
) -> None:
    id_, other = f"b-{uuid.uuid4()}", f"b-{uuid.uuid4()}"
    writes = [entry("PUT", f"Patient/{other}", patient(other))]
    if is_new:
        writes.append(entry("PUT", f"Patient/{id_}", large(id_)))
    else:
        service.put(f"/fhir/Patient/{id_}", json=large(id_)).raise_for_status()

    answer = send(service, "transaction", *writes, *[entry("GET", f"Patient/{id_}")] * 6)

    assert answer.status_code == 413, answer.text[:200]
    assert answer.json()["issue"][0]["code"] == "too-costly"
    assert service.get(f"/fhir/Patient/{other}").status_code == 404


def test_faults_of_a_thousand_entries_make_no_endless_answer(
    service: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there is room for are told in full; of the rest it is said that they wait."""
    monkeypatch.setattr("app.api.batches.LARGEST", 100_000)
    wrong = about("Patient/p1", category=[{"wrong": True}] * 100)
    alone = len(send(service, "batch", entry("POST", "Observation", wrong)).content)

    answer = send(service, "batch", *[entry("POST", "Observation", wrong)] * 1000)

    told = statuses(answer)
    assert told == sorted(told)
    assert set(told) == {"400", "413"}
    assert len(answer.content) < 100_000 + TOGETHER * alone + 1000 * 600
