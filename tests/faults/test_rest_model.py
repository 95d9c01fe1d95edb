"""Any order of requests against a simple model of what is kept (hypothesis state machine)."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.sql.erasure import erase
from tests.acceptance.conftest import serving
from tests.acceptance.wire import AS_OF, bundle, finding, intake, patient, screened
from tests.databases import Kept
from tests.faults.kept import IS_THOROUGH, Tried, assert_intact, name_of

Json = dict[str, Any]
STEPS = 500 if IS_THOROUGH else 50
# The first is the simplest there is: the same request all along.
RUNS = 10
# Decisions that a list holds, the newest first.
LISTED = 100
GENDERS = ("female", "male", "other")
STATUS = {"accepted": "active", "declined": "revoked"}
SOMEBODY = st.integers(0, 3)
GENDER = st.sampled_from(GENDERS)
YES = st.booleans()


@dataclass(slots=True)
class Person:
    """What the model knows of one Patient: its versions, the oldest first."""

    id: str
    versions: list[Json] = field(default_factory=list)
    observations: int = 0


@dataclass(slots=True)
class Course:
    """What the model knows of one patient's derivations."""

    decided: dict[str, bytes] = field(default_factory=dict)
    last: int | None = None
    minute: int = 0
    plan: str = ""
    answer: str = ""


@dataclass(slots=True)
class Run:
    """One example: how many steps it took, and every request with the status of its answer."""

    steps: int = 0
    asked: list[str] = field(default_factory=list)


class Requests(RuleBasedStateMachine):
    """Each rule sends one request and compares the answer with the model."""

    def __init__(self, client: httpx.Client, kept: Kept, done: list[str], runs: list[Run]) -> None:
        super().__init__()
        self.client, self.kept, self.done, self.runs = client, kept, done, runs
        self.people: dict[int, Person] = {}
        self.erased: list[Person] = []
        self.courses: dict[int, Course] = {}
        self.number = 0

    @initialize()
    def start(self) -> None:
        """Each run has its own people."""
        self.run = uuid.uuid4().hex[:12]
        self.runs.append(Run())
        self.client.event_hooks = {"response": [self.note]}

    def body(self, who: int, gender: str, id_: str | None = None) -> Json:
        """A Patient unlike any before."""
        self.number += 1
        told = patient(
            gender=gender,
            name=[{"family": f"n{self.number}"}],
            identifier=[{"system": "urn:m", "value": f"{self.run}-{who}"}],
        )
        del told["id"]
        return told if id_ is None else {**told, "id": id_}

    def new_id(self, who: int) -> str:
        return f"{self.run}-{who}-{len(self.erased)}"

    def condition(self, who: int) -> str:
        return f"identifier=urn:m|{self.run}-{who}"

    def written(self, who: int, body: Json, answer: httpx.Response) -> None:
        """The answer to a write that was done, and the model after it."""
        known = self.people.get(who)
        assert answer.status_code == (200 if known else 201), answer.text
        id_ = answer.json()["id"]
        person = self.people.setdefault(who, Person(id_))
        assert person.id == id_
        person.versions.append({**body, "id": id_})
        assert answer.headers["etag"] == f'W/"{len(person.versions)}"'
        assert plain(answer.json()) == person.versions[-1]

    def note(self, answer: httpx.Response) -> None:
        """For who reads a failure: what was asked, and how it was answered."""
        asked = answer.request
        path = asked.url.raw_path.decode()
        run = self.runs[-1]
        run.asked.append(f"{run.steps:4} {answer.status_code} {asked.method} {path}")

    def told(self, name: str) -> None:
        self.done.append(name)
        self.runs[-1].steps += 1

    @rule(who=SOMEBODY, gender=GENDER)
    def update(self, who: int, gender: str) -> None:
        person = self.people.get(who)
        id_ = person.id if person else self.new_id(who)
        body = self.body(who, gender, id_)
        self.written(who, body, self.client.put(f"/fhir/Patient/{id_}", json=body))
        self.told("update")

    @rule(who=SOMEBODY, gender=GENDER, is_right=YES)
    def update_of_a_version(self, who: int, gender: str, *, is_right: bool) -> None:
        person = self.people.get(who)
        id_ = person.id if person else self.new_id(who)
        number = (len(person.versions) if person else 1) + (0 if is_right else 7)
        body = self.body(who, gender, id_)
        headers = {"If-Match": f'W/"{number}"'}
        answer = self.client.put(f"/fhir/Patient/{id_}", json=body, headers=headers)
        if person and is_right:
            self.written(who, body, answer)
        else:
            assert answer.status_code == 412, answer.text
        self.told("If-Match")

    @rule(who=SOMEBODY, gender=GENDER)
    def create_unless_there(self, who: int, gender: str) -> None:
        body = self.body(who, gender)
        headers = {"If-None-Exist": self.condition(who)}
        answer = self.client.post("/fhir/Patient", json=body, headers=headers)
        if person := self.people.get(who):
            assert answer.status_code == 200, answer.text
            assert f"/fhir/Patient/{person.id}/_history/" in answer.headers["location"]
        else:
            self.written(who, body, answer)
        self.told("conditional create")

    @rule(who=SOMEBODY, gender=GENDER)
    def update_by_condition(self, who: int, gender: str) -> None:
        body = self.body(who, gender)
        answer = self.client.put(f"/fhir/Patient?{self.condition(who)}", json=body)
        self.written(who, body, answer)
        self.told("conditional update")

    @rule(who=SOMEBODY)
    def read(self, who: int) -> None:
        person = self.people.get(who)
        answer = self.client.get(f"/fhir/Patient/{person.id if person else self.new_id(who)}")
        if person is None:
            assert answer.status_code == 404
        else:
            assert plain(answer.raise_for_status().json()) == person.versions[-1]
            assert answer.headers["etag"] == f'W/"{len(person.versions)}"'
        self.told("read")

    @rule(who=SOMEBODY, number=st.integers(1, 6))
    def vread(self, who: int, number: int) -> None:
        person = self.people.get(who) or Person(self.new_id(who))
        answer = self.client.get(f"/fhir/Patient/{person.id}/_history/{number}")
        if number > len(person.versions):
            assert answer.status_code == 404
        else:
            assert plain(answer.raise_for_status().json()) == person.versions[number - 1]
        self.told("vread")

    @rule(who=SOMEBODY)
    def history(self, who: int) -> None:
        person = self.people.get(who) or Person(self.new_id(who))
        answer = self.client.get(f"/fhir/Patient/{person.id}/_history?_count=500")
        if not person.versions:
            assert answer.status_code == 404
        else:
            found = answer.raise_for_status().json()
            assert found["total"] == len(person.versions)
            told = [plain(entry["resource"]) for entry in reversed(found["entry"])]
            assert told == person.versions
        self.told("history")

    @precondition(lambda self: self.people)
    @rule(gender=GENDER)
    def search(self, gender: str) -> None:
        ids = ",".join(person.id for person in self.people.values())
        found = self.client.get(f"/fhir/Patient?_id={ids}&gender={gender}").raise_for_status()
        told = {entry["resource"]["id"] for entry in found.json().get("entry", ())}
        now = list(self.people.values())
        assert told == {person.id for person in now if person.versions[-1]["gender"] == gender}
        self.told("search")

    @rule(who=SOMEBODY)
    def search_by_identifier(self, who: int) -> None:
        found = self.client.get(f"/fhir/Patient?{self.condition(who)}").raise_for_status()
        told = [plain(entry["resource"]) for entry in found.json().get("entry", ())]
        assert told == [person.versions[-1]] if (person := self.people.get(who)) else told == []
        self.told("search")

    @rule(one=SOMEBODY, other=SOMEBODY, is_right=YES)
    def transaction(self, one: int, other: int, *, is_right: bool) -> None:
        """Both are written or none is."""
        entries, bodies = [], {}
        for who in {one, other}:
            person = self.people.get(who)
            id_ = person.id if person else self.new_id(who)
            bodies[who] = self.body(who, "other", id_)
            put = {"method": "PUT", "url": f"Patient/{id_}"}
            entries.append({"resource": bodies[who], "request": put})
        if not is_right:
            entries[-1]["request"]["ifMatch"] = 'W/"1000"'
        sent = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = self.client.post("/fhir", json=sent)
        if not is_right:
            assert answer.status_code == 412, answer.text
        else:
            for who, body in bodies.items():
                person = self.people.setdefault(who, Person(body["id"]))
                person.versions.append(body)
            told = [plain(e["resource"]) for e in answer.raise_for_status().json()["entry"]]
            assert told == list(bodies.values())
        self.told("transaction")

    @precondition(lambda self: self.people)
    @rule(who=SOMEBODY)
    def observe(self, who: int) -> None:
        person = self.people.get(who)
        if person is None:
            self.told("nobody")
            return
        sent = finding("pain-localised", True, of=person.id)
        del sent["id"]
        self.client.post("/fhir/Observation", json=sent).raise_for_status()
        person.observations += 1
        found = self.client.get(f"/fhir/Observation?patient={person.id}&_summary=count")
        assert found.json()["total"] == person.observations
        self.told("create")

    @rule(who=SOMEBODY, score=st.integers(3, 4))
    def derive(self, who: int, score: int) -> None:
        """The same again is the same decision, to the byte; a later one replaces the plan."""
        course, id_ = self.courses.setdefault(who, Course()), f"{self.run}-d{who}"
        is_repeated = course.last == score
        course.minute += not is_repeated
        at = datetime.fromisoformat(AS_OF) + timedelta(minutes=course.minute)
        sent = bundle(patient(id_), intake(screened(average_pain=score), of=id_))
        answer = self.client.post("/fhir/$derive", params={"asOf": at.isoformat()}, json=sent)
        decision = answer.raise_for_status().headers["x-decision-id"]
        plan = answer.json()["entry"][0]["resource"]
        assert (decision in course.decided) == is_repeated
        if is_repeated:
            assert answer.content == course.decided[decision]
        else:
            replaced = [one["reference"] for one in plan.get("replaces", ())]
            assert replaced == ([f"CarePlan/{course.plan}"] if course.plan else [])
            course.decided[decision] = answer.content
            course.plan, course.answer = plan["id"], ""
        course.last = score
        kept = self.client.get(f"/decisions?patient={id_}&kind=derive").raise_for_status().json()
        told = [one["id"] for one in kept["decisions"]]
        assert told == list(reversed(course.decided))[:LISTED]
        self.told("derive")

    @rule(who=SOMEBODY, outcome=st.sampled_from(tuple(STATUS)))
    def respond(self, who: int, outcome: str) -> None:
        """Once; the same answer again is the same, and another one changes nothing."""
        course = self.courses.get(who)
        if course is None:
            self.told("nobody")
            return
        said = {"name": "outcome", "valueCode": outcome}
        body = {"resourceType": "Parameters", "parameter": [said]}
        answer = self.client.post(f"/fhir/CarePlan/{course.plan}/$respond", json=body)
        is_refused = course.answer not in {"", outcome}
        assert answer.status_code == (409 if is_refused else 200), answer.text
        course.answer, course.last = course.answer or outcome, None
        now = self.client.get(f"/fhir/CarePlan/{course.plan}").raise_for_status()
        assert (now.json()["status"], now.headers["etag"]) == (STATUS[course.answer], 'W/"2"')
        self.told("respond")

    @precondition(lambda self: self.people and not self.kept.is_sqlite)
    @rule(who=SOMEBODY)
    def erase(self, who: int) -> None:
        """On SQLite it asks to stop the service first."""
        person = self.people.pop(who, None)
        if person is None:
            self.told("nobody")
            return
        erase(self.kept.url, "default", person.id, lambda: datetime.now(UTC))
        self.erased.append(person)
        for gone in self.erased:
            assert self.client.get(f"/fhir/Patient/{gone.id}").status_code == 410
            assert self.client.get(f"/fhir/Patient/{gone.id}/_history/1").status_code == 410
        self.told("erase")


def plain(resource: Json) -> Json:
    """As it was sent."""
    return {name: value for name, value in resource.items() if name != "meta"}


def test_any_order_of_requests_agrees_with_the_model(database: Kept, tried: list[Tried]) -> None:
    done: list[str] = []
    runs: list[Run] = []
    with serving(database, log_level="ERROR") as client, printed_if_it_fails(runs):
        run_state_machine_as_test(
            lambda: Requests(client, database, done, runs),  # type: ignore[arg-type]  # any factory
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS + 1,  # and one that begins
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
    kinds = {name: done.count(name) for name in sorted(set(done))}
    print([run.steps for run in runs], kinds)
    assert max(run.steps for run in runs[1:]) >= STEPS
    if IS_THOROUGH:
        assert kinds.keys() >= {"update", "If-Match", "transaction", "derive", "respond", "vread"}
    assert_intact(database)
    tried.append(Tried("requests in any order, beside a model", name_of(database), len(done), 0))


@contextmanager
def printed_if_it_fails(runs: list[Run]) -> Iterator[None]:
    """The requests of the run that failed and of its repetition.

    What hypothesis prints is lost where the repetition does not fail, too.
    """
    try:
        yield
    except BaseException:
        for run in runs[-2:]:
            print(f"a run of {run.steps} steps; step, status and request:", *run.asked, sep="\n")
        raise
