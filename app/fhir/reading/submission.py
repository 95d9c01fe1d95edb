"""A derivation request as bytes: the patient, the resources as exact slices, and the parameters."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.facts import NotUsed
from app.domain.problem import NotAllowed, Problem, Refused
from app.domain.submission import Received, Submission
from app.fhir.canon import READ_TYPES
from app.fhir.reading.draft import (
    Draft,
    Query,
    Sent,
    Validator,
    entries,
    read_parameters,
    read_query,
)
from app.fhir.reading.parameters import ID, require_valid, wrong
from app.fhir.reading.parsing import parse
from app.fhir.reading.received import SUBJECT, identity, logical_patient, received
from app.fhir.reading.usable import DERIVED, is_derived

OURS = "Organization/painplan"  # of what we publish the only type that is read, too


def read_submission(  # noqa: PLR0913  (a request, and what its address says of it)
    body: bytes,
    *,
    query: Query,
    validator: Validator,
    operation: str,
    plan_is_named: bool = True,
    is_kept: bool = True,
) -> Submission:
    """``$derive`` (Parameters or a Bundle) or ``$apply`` (Parameters); contract §3.

    ``plan_is_named`` says whether the address names the PlanDefinition; else the body has to. What
    is not kept is read without the values by which it would be searched.
    """
    expected = ("Parameters", "Bundle") if operation == "derive" else ("Parameters",)
    document = parse(body, expected)
    draft = Draft()
    read_query(query, draft)
    if document["resourceType"] == "Bundle":
        draft.items.extend(entries(document, body, "Bundle", validator))
    else:
        read_parameters(document, body, draft, validator)
    if not (plan_is_named or draft.names_plan):
        message = "Neither planDefinition nor url says which PlanDefinition to apply."
        raise wrong(message, "Parameters.parameter", code="required")
    return _submission(draft, validator, is_kept=is_kept)


def read_bare(body: bytes, *, patient: str | None, validator: Validator) -> Submission:
    """For the command line: a Bundle, Parameters, or a bare resource of one patient."""
    document = parse(body)
    draft = Draft()
    match document["resourceType"]:
        case "Bundle":
            draft.items.extend(entries(document, body, "Bundle", validator))
        case "Parameters":
            read_parameters(document, body, draft, validator)
        case type_:
            draft.items.append(Sent(document, body, None, type_))
    if patient is not None:
        draft.subject = patient.removeprefix("Patient/")
    elif draft.subject is None and len(draft.items) == 1:
        draft.subject = _owner(draft.items[0].resource)
    return _submission(draft, validator, is_kept=False)


def read_one(body: bytes, *, expected_type: str, validator: Validator) -> Received:
    """A resource that a client creates."""
    document = parse(body, (expected_type,))
    require_valid(validator.problems(document, expected_type=expected_type))
    _refuse_subsetted(Sent(document, body, None, expected_type))
    _refuse_derived(document)
    return received(body, document, full_url=None, references={})


def _refuse_derived(document: dict[str, Any]) -> None:
    """Under an id of its own it would count as evidence for what we concluded."""
    if is_derived(document):
        raise NotAllowed(
            Problem(
                f"This {document['resourceType']} was derived by this service and is only read.",
                where=f"{document['resourceType']}.identifier",
                mend="Send what you found yourself, without our identifier and profile.",
                code="not-supported",
            ),
            allow=("GET", "HEAD"),
        )


def _owner(resource: dict[str, Any]) -> str | None:
    element = SUBJECT.get(str(resource["resourceType"]), "subject")
    subject = resource.get(element)
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return logical_patient(reference, {})


def _submission(draft: Draft, validator: Validator, *, is_kept: bool) -> Submission:
    references = {
        i.full_url: f"{i.resource['resourceType']}/{identity(i.resource, i.full_url, i.body)}"
        for i in draft.items
        if i.full_url is not None and isinstance(i.resource.get("resourceType"), str)
    }
    items = list(_read_types(draft, validator))
    patient = _patient(draft, items, references)
    taken: dict[tuple[str, str], Received] = {}
    for item in items:
        one = received(
            item.body,
            item.resource,
            full_url=item.full_url,
            references=references,
            where=item.where,
            is_kept=is_kept,
        )
        if one.reference == OURS:
            raise _published_by_us(item)
        if not _belongs(one, item, patient, draft):
            continue
        before = taken.setdefault((one.type, one.id), one)
        if before.sha256 != one.sha256:
            raise Refused(
                Problem(
                    f"{one.reference} comes twice with different content.",
                    where=item.where,
                    mend="Send one version of each resource.",
                    code="business-rule",
                )
            )
    return Submission(
        subject=patient,
        resources=tuple(taken.values()),
        as_of=draft.as_of,
        guideline_profile=draft.profile,
        complete=frozenset(draft.complete),
        use_server_data=draft.use_server_data is not False,
        encounter=draft.context.get("encounter"),
        practitioner=draft.context.get("practitioner"),
        organization=draft.context.get("organization"),
        warnings=tuple(draft.warnings),
        not_used=tuple(draft.not_used),
    )


def _read_types(draft: Draft, validator: Validator) -> Iterator[Sent]:
    """The resources of types we read, valid; the others are listed."""
    for item in draft.items:
        resource = item.resource
        type_ = resource.get("resourceType")
        if not isinstance(type_, str):
            raise wrong("There is no resourceType.", f"{item.where}.resourceType")
        if not validator.knows(type_):
            raise wrong(f"R4 has no resource type {type_[:64]!r}.", f"{item.where}.resourceType")
        if type_ not in READ_TYPES:
            reference = f"{type_[:64]}/{identity(resource, item.full_url, item.body)[:64]}"
            draft.not_used.append(NotUsed(reference, "a type that this service does not read"))
            continue
        if is_derived(resource):
            reference = f"{type_}/{identity(resource, item.full_url, item.body)[:64]}"
            draft.not_used.append(NotUsed(reference, DERIVED))
            continue
        require_valid(validator.problems(resource, expected_type=type_, at=item.where))
        _refuse_subsetted(item)
        yield item


def _refuse_subsetted(item: Sent) -> None:
    tags = item.resource.get("meta", {}).get("tag", ())
    if any(tag.get("code") == "SUBSETTED" for tag in tags):
        raise Refused(
            Problem(
                "The resource is only a part of itself (tag SUBSETTED).",
                where=f"{item.where}.meta.tag",
                mend="Send the whole resource.",
                code="business-rule",
            )
        )


def _patient(draft: Draft, items: list[Sent], references: Mapping[str, str]) -> str:
    """The one patient that everything is about."""
    patients = {
        identity(i.resource, i.full_url, i.body): i.where
        for i in items
        if i.resource["resourceType"] == "Patient"
    }
    if draft.subject is not None:
        said = logical_patient(draft.subject, references)
        if said is None and "/" not in draft.subject and ":" not in draft.subject:
            said = draft.subject
        if said is None or not ID.fullmatch(said):
            raise wrong(
                "The subject is no reference to a Patient.", "Parameters.parameter", "value"
            )
        others = [where for id_, where in patients.items() if id_ != said]
        if others:
            raise _two_patients(others)
        return said
    if len(patients) > 1:
        raise _two_patients(list(patients.values()))
    if not patients:
        raise Refused(
            Problem(
                "There is no patient: neither a subject nor a Patient resource.",
                where="Bundle.entry",
                mend="Send the Patient in the Bundle, or Parameters with a subject.",
                code="business-rule",
            )
        )
    return next(iter(patients))


def _published_by_us(item: Sent) -> Refused:
    return Refused(
        Problem(
            f"{OURS} is published by this service and is only read.",
            where=f"{item.where}.id",
            mend="Send yours under an id of its own.",
            code="business-rule",
        )
    )


def _two_patients(places: list[str]) -> Refused:
    return Refused(
        *(
            Problem(
                "There is more than one patient.",
                where=place,
                mend="Send the resources of one patient.",
                code="business-rule",
            )
            for place in places
        )
    )


def _belongs(one: Received, item: Sent, patient: str, draft: Draft) -> bool:
    """Another patient's resource is an error; one that names nobody is listed."""
    if one.type not in SUBJECT or one.patient == patient:
        return True
    element = SUBJECT[one.type]
    if element not in item.resource:
        draft.not_used.append(NotUsed(one.reference, "names no patient"))
        return False
    raise Refused(
        Problem(
            f"{one.reference} belongs to another subject.",
            where=f"{item.where}.{element}",
            mend="Send the resources of one patient.",
            code="business-rule",
        )
    )
