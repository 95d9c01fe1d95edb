"""Search over HTTP: what is found, how it is paged, and how a query that is wrong is told."""

import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.acceptance.wire import AS_OF, CANON, bundle, finding, intake, patient, screened

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STRICT = {"Prefer": "handling=strict"}


def _ids(answer: httpx.Response, mode: str = "match") -> list[str]:
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == mode]


def _link(answer: httpx.Response, relation: str) -> str | None:
    found = (link["url"] for link in answer.json()["link"] if link["relation"] == relation)
    return next(found, None)


def _create(service: httpx.Client, resource: dict[str, Any]) -> str:
    answer = service.post(f"/fhir/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def person() -> str:
    """Somebody whom no other test knows."""
    return f"s-{uuid.uuid4()}"


@pytest.fixture
def plan(service: httpx.Client, person: str) -> str:
    """A plan for that person."""
    body = bundle(patient(person), intake(screened(), of=person))
    answer = service.post(f"/fhir/$derive?asOf={AS_OF}", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["entry"][0]["resource"]["id"])


@pytest.mark.parametrize(
    "form",
    [
        "patient={}",
        "subject={}",
        "patient=Patient/{}",
        "subject:Patient={}",
        "patient={}&subject=Patient/{}",
        "patient=http://ehr.example/fhir/Patient/{}",
    ],
)
def test_a_plan_is_found_by_its_patient_in_every_form_of_reference(
    service: httpx.Client, person: str, plan: str, form: str
) -> None:
    assert _ids(service.get(f"/fhir/CarePlan?{form.replace('{}', person)}")) == [plan]


def test_our_own_absolute_reference_finds_it_too(
    service: httpx.Client, person: str, plan: str
) -> None:
    reference = f"{str(service.base_url).rstrip('/')}/fhir/Patient/{person}"

    assert _ids(service.get("/fhir/CarePlan", params={"patient": reference})) == [plan]


@pytest.mark.parametrize(
    ("criteria", "is_found"),
    [
        ("status=draft", True),
        ("status=active", False),
        ("status=active,draft", True),
        ("status:not=active", True),
        ("status:not=draft", False),
        ("status=http://hl7.org/fhir/request-status|draft", True),
        ("status=http://hl7.org/fhir/request-status|", True),
        ("status=http://hl7.org/fhir/request-status|active", False),
        ("status=http://hl7.org/fhir/event-status|draft", False),
        ("status:not=http://hl7.org/fhir/request-status|draft", False),
        ("category=assess-plan", True),
        ("category=http://loinc.org|80764-4", True),
        ("category=http://loinc.org|", True),
        ("category=|assess-plan", False),
        ("category=http://snomed.info/sct|80764-4", False),
        ("category=assess-plan&status=draft", True),
        ("category=assess-plan&status=revoked", False),
        ("date=ge2026-06-01", True),
        ("date=2026-06-01", False),  # the plan's period has no end
        ("date=sa2026-06-01", False),
        ("date=sa2026-05-31", True),
        ("date=lt2026-06-01", False),
        ("date=le2026-06-02", True),
        ("date=eb2027", False),
        ("date:missing=false", True),
        ("date:missing=true", False),
        ("_lastUpdated=gt2020", True),
        ("_lastUpdated=lt2020", False),
        ("_lastUpdated=ap2300", False),
    ],
)
def test_criteria_of_a_plan(
    service: httpx.Client, person: str, plan: str, criteria: str, is_found: bool
) -> None:
    found = _ids(service.get(f"/fhir/CarePlan?patient={person}&{criteria}"))

    assert found == ([plan] if is_found else [])


def test_without_a_patient_the_same_criteria_find_the_same(
    service: httpx.Client, plan: str
) -> None:
    assert plan in _ids(service.get("/fhir/CarePlan?category=assess-plan&status=draft&_count=500"))
    assert plan in _ids(service.get("/fhir/CarePlan?date=ge2026-06-01&_count=500"))
    assert plan in _ids(service.get("/fhir/CarePlan?_lastUpdated=gt2020&_count=500"))
    assert plan in _ids(service.get("/fhir/CarePlan?_count=500"))


def test_by_post_the_form_and_the_address_count_together(
    service: httpx.Client, person: str, plan: str
) -> None:
    url = f"/fhir/CarePlan/_search?patient={person}"

    assert _ids(service.post(url, content="status=draft", headers=FORM)) == [plan]
    assert _ids(service.post(url, content="status=active", headers=FORM)) == []
    assert service.post(url, json={}).status_code == 415


def test_the_derived_observations_are_found_by_code(
    service: httpx.Client, person: str, plan: str
) -> None:
    del plan
    code = f"{CANON}/CodeSystem/derivation|red-flag-gate"

    found = service.get("/fhir/Observation", params={"patient": person, "code": code})

    (gate,) = [e["resource"] for e in found.json()["entry"]]
    assert gate["code"]["coding"][0]["code"] == "red-flag-gate"
    assert found.json()["total"] == 1


def test_a_response_is_found_by_its_questionnaire(
    service: httpx.Client, person: str, plan: str
) -> None:
    del plan
    url = f"/fhir/QuestionnaireResponse?patient={person}&questionnaire={CANON}/Questionnaire/"

    assert _ids(service.get(url + "clbp-intake")) == [f"{person}-intake"]
    assert _ids(service.get(url + "phq-9")) == []


def test_identifiers_are_found_by_system_and_value(service: httpx.Client, person: str) -> None:
    known = {"system": "urn:mrn", "value": person}
    id_ = _create(service, patient(identifier=[known, {"value": f"bare-{person}"}]))

    for token in (person, f"urn:mrn|{person}", f"|bare-{person}", f"nobody,urn:mrn|{person}"):
        assert _ids(service.get("/fhir/Patient", params={"identifier": token})) == [id_], token
    for token in (f"|{person}", f"urn:other|{person}", f"{person}x"):
        assert _ids(service.get("/fhir/Patient", params={"identifier": token})) == [], token


def test_dates_are_spans_of_their_own_precision(service: httpx.Client, person: str) -> None:
    def at(moment: str) -> str:
        return _create(
            service, finding("pain-localised", True, of=person, effectiveDateTime=moment)
        )

    may, day, second = at("2026-05"), at("2026-05-28"), at("2026-05-28T09:00:00+02:00")

    def found(date: str) -> set[str]:
        return set(_ids(service.get("/fhir/Observation", params={"patient": person, "date": date})))

    assert found("2026-05") == {may, day, second}
    assert found("2026-05-28") == {day, second}
    assert found("2026-05-28T07:00:00Z") == {second}
    assert found("2026-05-28T07:00Z") == {second}
    assert found("ne2026-05-28") == {may}
    assert found("gt2026-05-28") == {may}
    assert found("lt2026-05-28") == {may}
    assert found("ge2026-05-28") == {may, day, second}
    assert found("eb2026-05-28T08:00:00Z") == {second}
    assert found("2026-05-27,2026-05-28") == {day, second}


def test_pages_are_stable_while_others_write(service: httpx.Client, person: str) -> None:
    made = [_create(service, finding("pain-localised", True, of=person)) for _ in range(5)]
    url: str | None = f"/fhir/Observation?patient={person}&_count=2&_sort=_lastUpdated"
    found: list[str] = []

    while url is not None:
        page = service.get(url)
        found += _ids(page)
        late = finding("pain-localised", False, of=person)
        _create(service, late)
        service.put(f"/fhir/Observation/{made[-1]}", json={**late, "id": made[-1]})
        url = _link(page, "next")

    assert found == made
    assert len(_ids(service.get(f"/fhir/Observation?patient={person}"))) == 8


def test_orders(service: httpx.Client, person: str) -> None:
    dates = ["2026-03-01", "2026-01-01", "2026-02-01"]
    ids = [
        _create(service, finding("pain-localised", True, of=person, effectiveDateTime=date))
        for date in dates
    ]

    def sorted_by(order: str) -> list[str]:
        found: list[str] = []
        url: str | None = f"/fhir/Observation?patient={person}&_sort={order}&_count=1"
        while url is not None:
            page = service.get(url)
            found += _ids(page)
            url = _link(page, "next")
        return found

    assert sorted_by("date") == [ids[1], ids[2], ids[0]]
    assert sorted_by("-date") == [ids[0], ids[2], ids[1]]
    assert sorted_by("_lastUpdated") == ids
    assert sorted_by("-_lastUpdated") == ids[::-1]
    assert sorted_by("_id") == sorted(ids)


def test_counts(service: httpx.Client, person: str) -> None:
    for _ in range(3):
        _create(service, finding("pain-localised", True, of=person))
    url = f"/fhir/Observation?patient={person}"

    for counting in ("_summary=count", "_count=0"):
        answer = service.get(f"{url}&{counting}").json()
        assert answer["total"] == 3
        assert "entry" not in answer
    assert service.get(f"{url}&_count=2&_total=accurate").json()["total"] == 3
    assert "total" not in service.get(f"{url}&_count=2").json()
    assert "total" not in service.get(f"{url}&_total=none").json()
    most = service.get(f"{url}&_count=100000")
    assert "_count=500" in str(_link(most, "self"))


def test_parts_are_marked_and_valid(service: httpx.Client, person: str, plan: str) -> None:
    url = f"/fhir/CarePlan?_id={plan}&patient={person}"

    def only(part: str) -> dict[str, Any]:
        resource: dict[str, Any] = service.get(f"{url}&{part}").json()["entry"][0]["resource"]
        assert "SUBSETTED" in [tag["code"] for tag in resource["meta"]["tag"]]
        return resource

    assert {"status", "intent", "subject", "period"} <= only("_summary=true").keys()
    assert "activity" not in only("_summary=true")
    assert only("_summary=text").keys() == {
        "resourceType",
        "id",
        "meta",
        "text",
        "status",
        "intent",
        "subject",
    }
    assert "text" not in only("_summary=data")
    assert only("_elements=title,goal").keys() == {
        "resourceType",
        "id",
        "meta",
        "title",
        "goal",
        "status",
        "intent",
        "subject",
    }
    for part in ("_summary=true", "_summary=text", "_summary=data", "_elements=title"):
        assert "profile" not in only(part)["meta"]  # a part keeps none
    whole = service.get(f"{url}&_summary=false").json()["entry"][0]["resource"]
    assert "tag" not in whole["meta"]


def test_a_plan_brings_its_goals_its_patient_and_where_it_comes_from(
    service: httpx.Client, person: str, plan: str
) -> None:
    answer = service.get(
        f"/fhir/CarePlan?_id={plan}&_include=CarePlan:goal&_include=CarePlan:patient"
        "&_revinclude=Provenance:target"
    )

    assert _ids(answer) == [plan]
    entries = answer.json()["entry"][1:]
    kinds = [e["resource"]["resourceType"] for e in entries]
    assert {e["search"]["mode"] for e in entries} == {"include"}
    assert kinds.count("Patient") == 1
    assert kinds.count("Goal") >= 1
    (made,) = [e["resource"] for e in entries if e["resource"]["resourceType"] == "Provenance"]
    assert f"CarePlan/{plan}/_history/1" in [t["reference"] for t in made["target"]]
    assert person in [e["resource"]["id"] for e in entries]
    assert _ids(service.get(f"/fhir/Provenance?target=CarePlan/{plan}")) == [made["id"]]
    assert _ids(service.get(f"/fhir/Provenance?_id={made['id']}")) == [made["id"]]


def test_an_include_may_name_the_type_that_it_leads_to(service: httpx.Client, plan: str) -> None:
    def kinds(include: str) -> set[str]:
        answer = service.get(f"/fhir/CarePlan?_id={plan}&_include={include}")
        assert {e["search"]["mode"] for e in answer.json()["entry"]} <= {"match", "include"}
        return {e["resource"]["resourceType"] for e in answer.json()["entry"]}

    assert kinds("CarePlan:goal:Goal") == {"CarePlan", "Goal"}
    assert kinds("CarePlan:subject:Patient") == {"CarePlan", "Patient"}
    assert kinds("CarePlan:subject:Group") == {"CarePlan"}


def test_what_we_publish_is_found(service: httpx.Client) -> None:
    def found(query: str) -> list[str]:
        return _ids(service.get(f"/fhir/{query}"))

    assert found(f"Questionnaire?url={CANON}/Questionnaire/phq-9") == ["phq-9"]
    assert found("Questionnaire?_id=phq-9,peg") == ["peg", "phq-9"]
    assert "phq-9" in found("Questionnaire?title=PHQ")
    assert "phq-9" not in found("Questionnaire?title=HQ")
    assert found(f"ValueSet?url={CANON}/ValueSet/nobody") == []
    first = service.get("/fhir/CodeSystem?_count=2")
    following = service.get(str(_link(first, "next")))
    assert len({*_ids(first), *_ids(following)}) == 4


def test_an_unknown_parameter_is_ignored_and_told_or_refused_as_the_client_wishes(
    service: httpx.Client, person: str, plan: str
) -> None:
    url = f"/fhir/CarePlan?patient={person}&colour=blue&_include=CarePlan:nobody&_sort=colour"

    lenient = service.get(url)
    strict = service.get(url, headers=STRICT)

    assert _ids(lenient) == [plan]
    self_link = urlsplit(str(_link(lenient, "self")))
    assert self_link.query == f"patient={person}"
    told = lenient.json()["entry"][-1]
    assert told["search"]["mode"] == "outcome"
    assert told["fullUrl"].startswith("urn:uuid:")
    assert {i["severity"] for i in told["resource"]["issue"]} == {"warning"}
    assert [i["expression"] for i in told["resource"]["issue"]] == [
        ["colour"],
        ["_include=CarePlan:nobody"],
        ["_sort=colour"],
    ]
    assert strict.status_code == 400
    assert len(strict.json()["issue"]) == 3


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("date=xx2026", "date"),
        ("date=2026-13", "date"),
        ("date=gt", "date"),
        ("date:exact=2026", "date"),
        ("patient:Group=p1", "patient"),
        ("patient.identifier=1", "patient.identifier"),
        ("_has:Goal:patient:status=x", "_has:Goal:patient:status"),
        ("patient=a b", "patient"),
        (f"_id={'x' * 65}", "_id"),
        ("_count=-1", "_count"),
        ("_count=many", "_count"),
        ("_count=1&_count=2", "_count"),
        ("_summary=all", "_summary"),
        ("_total=some", "_total"),
        ("status:missing=perhaps", "status"),
        ("status:above=draft", "status"),
        ("status=" + ",".join(["draft"] * 101), "status"),
        ("&".join(["status=draft"] * 51), "status"),
        ("_cursor=abc", "_cursor"),
        ("_cursor=%C3%A9", "_cursor"),
    ],
)
def test_what_cannot_be_understood_is_refused_whatever_the_client_wishes(
    service: httpx.Client, query: str, where: str
) -> None:
    answer = service.get(f"/fhir/CarePlan?{query}")

    assert answer.status_code == 400
    (issue,) = answer.json()["issue"]
    assert issue["expression"] == [where]


@pytest.mark.parametrize("name", ["_id", "patient", "status", "date", "_lastUpdated", "code:not"])
def test_commas_with_nothing_between_are_no_value(service: httpx.Client, name: str) -> None:
    lenient = service.get(f"/fhir/Observation?{name}=,,&_count=1")
    strict = service.get(f"/fhir/Observation?{name}=,,", headers=STRICT)

    assert lenient.status_code == 200
    assert lenient.json()["entry"][-1]["search"]["mode"] == "outcome"
    assert strict.status_code == 400
    assert strict.json()["issue"][0]["expression"] == [name]


def test_a_format_in_the_form_counts_like_one_in_the_address(service: httpx.Client) -> None:
    for form, status in (("_format=xml", 406), ("_format=json", 200)):
        answer = service.post("/fhir/Patient/_search", content=form, headers=FORM)

        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "form",
    ["a&" * 1_000_000, f"identifier={'a' * 4_000_000}", f"identifier={',' * 70_000}"],
    ids=("many", "long", "of nothing"),
)
def test_a_form_of_a_million_parameters_is_refused_before_it_is_read(
    service: httpx.Client, form: str
) -> None:
    """Taken apart, five megabytes would hold up a worker for seconds, and fill its memory."""
    answer = service.post("/fhir/Patient/_search", content=form, headers=FORM)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "too-long"


@pytest.mark.parametrize(
    "url", ["Patient?{}", "Patient/_history?{}", "Patient/p1/$everything?{}", "$derive?{}"]
)
def test_more_parameters_than_anything_takes_are_refused_everywhere(
    service: httpx.Client, url: str
) -> None:
    service.put("/fhir/Patient/p1", json=patient()).raise_for_status()
    address = f"/fhir/{url.format('a&' * 1001)}"

    if "derive" in url:
        answer = service.post(address, json=bundle(patient()))
    else:
        answer = service.get(address)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "too-long"


def test_an_empty_answer_is_a_searchset_without_entries(service: httpx.Client) -> None:
    answer = service.get("/fhir/CarePlan?patient=nobody").json()

    assert answer["type"] == "searchset"
    assert answer["total"] == 0
    assert "entry" not in answer


def test_escaped_separators_are_text(service: httpx.Client, person: str) -> None:
    value = f"a,b|c\\{person}"
    id_ = _create(service, patient(identifier=[{"value": value}]))
    escaped = value.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|")

    assert _ids(service.get("/fhir/Patient", params={"identifier": escaped})) == [id_]


NAMES = st.sampled_from(
    "_id _lastUpdated patient subject status category date code identifier _sort _count _summary"
    " _elements _total _include _revinclude _cursor _format _pretty colour".split()
)
MODIFIERS = st.sampled_from(["", "", "", ":missing", ":not", ":Patient", ":exact", ":", ".name"])
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "true",
            "a|b",
            "|",
            "a|",
            "|a",
            "\\",
            "\\,",
            ",",
            "ge2026",
            "2026-05-28",
            "ap0001",
            "sa9999",
            "Patient/p1",
            "-date",
            "_id",
            "count",
            "0",
            "CarePlan:goal",
            "Provenance:target",
            "json",
            "WzEsIiIsMSwxXQ",
            "lt0001-01-01T00:00:00+14:00",
            "ap9999-12-31",
        ]
    ),
)
PAIRS = st.lists(st.tuples(st.builds("".join, st.tuples(NAMES, MODIFIERS)), VALUES), max_size=5)


@example(pairs=[("_lastUpdated", ",")], type_="CarePlan")
@example(pairs=[("status", "\0")], type_="CarePlan")
@given(pairs=PAIRS, type_=st.sampled_from(["CarePlan", "Observation", "Questionnaire", "Goal"]))
@settings(max_examples=300)
def test_whatever_is_asked_is_answered_or_refused(
    service: httpx.Client, pairs: list[tuple[str, str]], type_: str
) -> None:
    answer = service.get(f"/fhir/{type_}", params=[*pairs])
    posted = service.post(
        f"/fhir/{type_}/_search",
        content=str(httpx.QueryParams([*pairs])),
        headers=FORM,
    )

    assert answer.status_code in (200, 400, 406), answer.text
    assert posted.status_code in (200, 400, 406), posted.text
    if answer.status_code == 200:
        following = _link(answer, "self")
        assert service.get(str(following)).status_code == 200
