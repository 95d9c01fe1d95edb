"""All resources of one patient as one record of facts, before anything is concluded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.content import Content
from app.domain.facts import (
    CodedAllergy,
    CodedCondition,
    CodedMedicine,
    Fact,
    Record,
    SaidBy,
)
from app.domain.history import Stored
from app.domain.period import age_in_years
from app.domain.problem import Problem, Refused
from app.domain.response import PlanVersion
from app.domain.submission import Received
from app.fhir.reading.completeness import closed_list
from app.fhir.reading.condition import read_allergy, read_condition, read_medicine
from app.fhir.reading.gathered import Gathered
from app.fhir.reading.imaging import is_imaging, read_imaging
from app.fhir.reading.items import keep_totals
from app.fhir.reading.observation import members, read_observation
from app.fhir.reading.plan import plan_of
from app.fhir.reading.received import from_history
from app.fhir.reading.response import Forms, Questionnaires, items_by_link, read_response
from app.fhir.reading.service import read_service
from app.fhir.reading.terms import Terms, terms_of
from app.fhir.reading.times import instant, last_updated
from app.fhir.reading.usable import DERIVED, is_derived, why_not_processed

LISTED = frozenset({"Condition", "MedicationRequest", "MedicationStatement", "AllergyIntolerance"})
LIST_OF = {"MedicationStatement": "MedicationRequest"}
OLDEST = 130
BIRTH_DATE, GENDER = "birth-date", "gender"
SERVICE = "ServiceRequest"
MEDICATION = "Medication"
IMAGED = frozenset({"Procedure", SERVICE, "DiagnosticReport"})
NOTHING_READ = frozenset(
    {
        "Encounter",
        "Practitioner",
        "PractitionerRole",
        "Organization",
    }
)


@dataclass(slots=True)
class RecordReader:
    """Reads records; keeps the look-ups of each content version it has met."""

    questionnaires: Questionnaires = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)
    forms: Forms = field(init=False)

    def __post_init__(self) -> None:
        self.forms = {
            canonical: items_by_link(form) for canonical, form in self.questionnaires.items()
        }

    def record(
        self,
        resources: Iterable[Received],
        content: Content,
        *,
        as_of: datetime,
        complete: frozenset[str],
    ) -> Record:
        """Facts from every resource; what is not understood is listed, never read as "no"."""
        terms = self.terms.get(content.digest)
        if terms is None:
            terms = self.terms[content.digest] = terms_of(content)
        closed = set(complete)
        everything = list(resources)
        references = {r.source: r.reference for r in everything if r.source is not None}
        gathered = Gathered(terms, as_of, references=references)
        usable, barred = _usable(everything, gathered)
        gathered.panels = members(_observations(usable), gathered)
        gathered.medications = _medications(usable)
        lists = _Lists(_birth_date(usable))
        for received in usable:
            resource = received.parsed
            assert isinstance(resource, dict)  # noqa: S101  (validated before it is read)
            if received.type == MEDICATION:
                continue  # read where a medicine refers to it
            if received.type in LISTED:
                closed.update(filter(None, (closed_list(resource),)))
            try:
                if received.type == SERVICE and not is_imaging(resource, content):
                    read_service(resource, received.reference, gathered)
                elif received.type in IMAGED:
                    read_imaging(resource, received.reference, gathered, content)
                else:
                    self._read(received, resource, gathered, lists)
            except Refused as refusal:
                raise Refused(*(_placed(p, received) for p in refusal.problems)) from refusal
        for sitting in gathered.sittings.values():
            keep_totals(sitting, gathered)
        closed -= barred
        return Record(
            facts=tuple(gathered.facts),
            conditions=tuple(lists.conditions),
            medicines=tuple(lists.medicines),
            allergies=tuple(lists.allergies),
            complete=frozenset(closed),
            not_used=tuple(gathered.not_used),
            scores=tuple(gathered.scores),
        )

    def stored(self, stored: Stored) -> Received:
        """A version from the history, parsed again."""
        return from_history(stored)

    def plan(self, stored: Stored) -> PlanVersion:
        """A plan of ours from the history."""
        return plan_of(stored)

    def check(self, received: Received, content: Content, *, as_of: datetime) -> None:
        """Refused when a value lies outside its range; nothing else is wrong with a record."""
        self.record((received,), content, as_of=as_of, complete=frozenset())

    def _read(
        self, received: Received, resource: dict[str, Any], gathered: Gathered, lists: "_Lists"
    ) -> None:
        match received.type:
            case "Observation":
                read_observation(resource, received.reference, gathered)
            case "QuestionnaireResponse":
                read_response(resource, received.reference, gathered, self.forms)
            case "Patient":
                _read_patient(resource, received.reference, gathered)
            case type_ if type_ in NOTHING_READ:
                gathered.skip(received.reference, "kept; no rule of this version reads it")
            case type_:
                lists.read(type_, resource, received.reference, gathered)


@dataclass(slots=True)
class _Lists:
    """The lists of a record: problems, medicines, allergies."""

    born: datetime | None
    conditions: list[CodedCondition] = field(default_factory=list)
    medicines: list[CodedMedicine] = field(default_factory=list)
    allergies: list[CodedAllergy] = field(default_factory=list)

    def read(
        self, type_: str, resource: dict[str, Any], reference: str, gathered: Gathered
    ) -> None:
        """One entry; what does not count was listed as not used."""
        match type_:
            case "Condition":
                condition = read_condition(resource, reference, gathered, self.born)
                self.conditions.extend(filter(None, (condition,)))
            case "MedicationRequest" | "MedicationStatement":
                medicine = read_medicine(resource, reference, gathered)
                self.medicines.extend(filter(None, (medicine,)))
            case "AllergyIntolerance":
                allergy = read_allergy(resource, reference, gathered)
                self.allergies.extend(filter(None, (allergy,)))
            case _:
                gathered.skip(reference, "a type that no list holds")


def _usable(
    resources: Iterable[Received], gathered: Gathered
) -> tuple[list[Received], frozenset[str]]:
    """What may be read, the rest is listed; and the lists that are not known in full for it."""
    usable: list[Received] = []
    barred: set[str] = set()
    for received in resources:
        resource = received.parsed
        assert isinstance(resource, dict)  # noqa: S101  (validated before it is read)
        why = DERIVED if is_derived(resource) else why_not_processed(received, resource)
        if why:
            gathered.skip(received.reference, why)
            barred.add(LIST_OF.get(received.type, received.type))
        else:
            usable.append(received)
    return usable, frozenset(barred)


def _placed(problem: Problem, received: Received) -> Problem:
    """A problem found inside one resource, told by its place in what came in."""
    if not received.where or not problem.where.startswith(received.type):
        return problem
    return problem._replace(where=received.where + problem.where.removeprefix(received.type))


def _observations(resources: Iterable[Received]) -> Iterator[tuple[str, dict[str, Any]]]:
    for received in resources:
        if received.type == "Observation" and isinstance(received.parsed, dict):
            yield received.reference, received.parsed


def _medications(resources: Iterable[Received]) -> dict[str, dict[str, Any]]:
    """What medicines may refer to; one entered in error says nothing of them."""
    return {
        received.reference: received.parsed
        for received in resources
        if received.type == MEDICATION
        and isinstance(received.parsed, dict)
        and received.status != "entered-in-error"
    }


def _birth_date(resources: Iterable[Received]) -> datetime | None:
    for received in resources:
        if received.type == "Patient":
            return instant(received.birth_date)
    return None


def _read_patient(resource: Mapping[str, Any], reference: str, gathered: Gathered) -> None:
    born = instant(resource.get("birthDate"))
    at = last_updated(dict(resource)) or gathered.as_of
    at = min(at, gathered.as_of)
    if born is not None and not 0 <= age_in_years(born, gathered.as_of) <= OLDEST:
        gathered.skip(reference, f"its birthDate is no age between 0 and {OLDEST} at asOf")
    elif born is not None:
        gathered.facts.append(Fact(BIRTH_DATE, born, at, SaidBy.CLINICIAN, reference))
    gender = resource.get("gender")
    if isinstance(gender, str):
        gathered.facts.append(Fact(GENDER, gender, at, SaidBy.CLINICIAN, reference))
