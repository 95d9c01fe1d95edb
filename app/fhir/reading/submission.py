"""A derivation request as bytes: the patient, the resources as exact slices, and the parameters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from app.domain.facts import NotUsed
from app.domain.problem import NotAllowed, Problem, Refused
from app.domain.submission import Received, Submission
from app.fhir.canon import PLAN_DEFINITION, READ_TYPES
from app.fhir.reading.parameters import ID, named, require_valid, text_of, unknown, wrong
from app.fhir.reading.parsing import parse
from app.fhir.reading.received import SUBJECT, identity, logical_patient, received
from app.fhir.reading.times import DATE_TIME, instant
from app.fhir.reading.usable import DERIVED, is_derived

PROFILES = ("who", "uk", "us")
COMPLETE = ("Condition", "MedicationRequest", "AllergyIntolerance")
PLACEHOLDER = {"resourceType": "Basic", "code": {"text": "-"}}
OURS = "Organization/painplan"  # of what we publish the only type that is read, too
QUERY = frozenset({"asOf", "guidelineProfile", "complete", "persist", "_format"})
T = TypeVar("T")
Query = Mapping[str, Sequence[str]]


class Validator(Protocol):
    """Strict R4 (``app/fhir/validation``)."""

    def problems(
        self, resource: object, *, expected_type: str | None = None, at: str | None = None
    ) -> tuple[Problem, ...]:
        """Empty when valid; ``at`` is where the resource stands in what came."""
        ...

    def knows(self, type_: str) -> bool:
        """Whether R4 has a resource type of this name."""
        ...


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []


class _Parameter(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Parameters(msgspec.Struct):
    parameter: list[_Parameter] = []


_BUNDLE = msgspec.json.Decoder(_Bundle)
_PARAMETERS = msgspec.json.Decoder(_Parameters)


@dataclass(frozen=True, slots=True)
class _Item:
    """One resource with its exact bytes and where it stands."""

    resource: dict[str, Any]
    body: bytes
    full_url: str | None
    where: str


@dataclass(slots=True)
class _Draft:
    """The submission in the making."""

    items: list[_Item] = field(default_factory=list)
    subject: str | None = None
    as_of: datetime | None = None
    profile: str | None = None
    complete: list[str] = field(default_factory=list)
    use_server_data: bool | None = None
    names_plan: bool = False
    context: dict[str, str] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    not_used: list[NotUsed] = field(default_factory=list)


def read_submission(
    body: bytes, *, query: Query, validator: Validator, operation: str, plan_is_named: bool = True
) -> Submission:
    """``$derive`` (Parameters or a Bundle) or ``$apply`` (Parameters); contract §3.

    ``plan_is_named`` says whether the address names the PlanDefinition; else the body has to.
    """
    expected = ("Parameters", "Bundle") if operation == "derive" else ("Parameters",)
    document = parse(body, expected)
    draft = _Draft()
    _read_query(query, draft)
    if document["resourceType"] == "Bundle":
        draft.items.extend(_entries(document, body, "Bundle", validator))
    else:
        _read_parameters(document, body, draft, validator)
    if not (plan_is_named or draft.names_plan):
        message = "Neither planDefinition nor url says which PlanDefinition to apply."
        raise wrong(message, "Parameters.parameter", code="required")
    return _submission(draft, validator)


def read_bare(body: bytes, *, patient: str | None, validator: Validator) -> Submission:
    """For the command line: a Bundle, Parameters, or a bare resource of one patient."""
    document = parse(body)
    draft = _Draft()
    match document["resourceType"]:
        case "Bundle":
            draft.items.extend(_entries(document, body, "Bundle", validator))
        case "Parameters":
            _read_parameters(document, body, draft, validator)
        case type_:
            draft.items.append(_Item(document, body, None, type_))
    if patient is not None:
        draft.subject = patient.removeprefix("Patient/")
    elif draft.subject is None and len(draft.items) == 1:
        draft.subject = _owner(draft.items[0].resource)
    return _submission(draft, validator)


def read_one(body: bytes, *, expected_type: str, validator: Validator) -> Received:
    """A resource that a client creates."""
    document = parse(body, (expected_type,))
    require_valid(validator.problems(document, expected_type=expected_type))
    _refuse_subsetted(_Item(document, body, None, expected_type))
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


def _entries(
    bundle: dict[str, Any], body: bytes, where: str, validator: Validator
) -> Iterator[_Item]:
    envelope = _envelope(bundle, "entry")
    if isinstance(bundle.get("id"), str):
        del envelope["id"]  # the Bundle is not kept, and public test patients have ids with "_"
    require_valid(validator.problems(envelope, expected_type="Bundle", at=where))
    slices = _BUNDLE.decode(body).entry
    for number, entry in enumerate(bundle.get("entry", ())):
        if "resource" in entry:
            place = f"{where}.entry[{number}].resource"
            if not isinstance(entry["resource"], dict):
                raise wrong("The entry holds no resource.", place)
            raw = bytes(slices[number].resource)
            yield _Item(entry["resource"], raw, entry.get("fullUrl"), place)


def _envelope(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The document with a stand-in for each resource inside: those are validated one by one."""
    parts = document.get(name)
    if not isinstance(parts, list):
        return dict(document)
    emptied = [
        {**part, "resource": PLACEHOLDER} if isinstance(part, dict) and "resource" in part else part
        for part in parts
    ]
    return {**document, name: emptied}


def _read_query(query: Query, draft: _Draft) -> None:
    for value in query.get("asOf", ()):
        plain = value.replace(" ", "+")  # the plus of a zone that was not escaped
        draft.as_of = _once(draft.as_of, _as_of(plain, "asOf"), "asOf", "asOf")
    for value in query.get("guidelineProfile", ()):
        profile = _profile(value, "guidelineProfile")
        draft.profile = _once(draft.profile, profile, "guidelineProfile", "guidelineProfile")
    for values in query.get("complete", ()):
        draft.complete.extend(_complete(v, "complete") for v in values.split(","))
    draft.warnings.extend(unknown(name, "") for name in query if name not in QUERY)


def _read_parameters(
    document: dict[str, Any], body: bytes, draft: _Draft, validator: Validator
) -> None:
    envelope = _envelope(document, "parameter")
    require_valid(validator.problems(envelope, expected_type="Parameters"))
    slices = _PARAMETERS.decode(body).parameter
    for number, parameter in enumerate(document.get("parameter", ())):
        where = f"Parameters.parameter[{number}]"
        raw = bytes(slices[number].resource)
        _read_parameter(parameter, raw, where, draft, validator)


def _read_parameter(
    parameter: dict[str, Any], raw: bytes, where: str, draft: _Draft, validator: Validator
) -> None:
    match parameter.get("name", ""):
        case "subject":
            draft.subject = _once(draft.subject, text_of(parameter, where), "subject", where)
        case "data":
            draft.items.extend(_data(parameter, raw, where, validator))
        case "complete":
            draft.complete.append(_complete(text_of(parameter, where), f"{where}.valueCode"))
        case "useServerData":
            counts = _boolean(parameter, where)
            draft.use_server_data = _once(draft.use_server_data, counts, "useServerData", where)
        case "encounter" | "practitioner" | "organization" as name:
            reference = named(name, text_of(parameter, where), where)
            draft.context[name] = _once(draft.context.get(name), reference, name, where)
        case "planDefinition" | "url":
            _require_ours(text_of(parameter, where), where)
            draft.names_plan = True
        case "version":
            pass
        case "parameters":
            _read_settings(parameter, where, draft, validator)
        case "asOf" | "guidelineProfile" as name:
            _read_setting(name, parameter, where, draft)
        case other:
            draft.warnings.append(unknown(other, where))


def _data(
    parameter: dict[str, Any], raw: bytes, where: str, validator: Validator
) -> Iterator[_Item]:
    resource = parameter.get("resource")
    if not isinstance(resource, dict):
        raise wrong("data must hold a resource (a Bundle).", f"{where}.resource")
    if resource.get("resourceType") == "Bundle":
        yield from _entries(resource, raw, f"{where}.resource", validator)
    else:
        yield _Item(resource, raw, None, f"{where}.resource")


def _read_settings(
    parameter: dict[str, Any], where: str, draft: _Draft, validator: Validator
) -> None:
    resource = parameter.get("resource")
    if not isinstance(resource, dict) or resource.get("resourceType") != "Parameters":
        raise wrong("parameters must hold a Parameters resource.", f"{where}.resource")
    at = f"{where}.resource"
    require_valid(validator.problems(resource, expected_type="Parameters", at=at))
    for number, setting in enumerate(resource.get("parameter", ())):
        _read_setting(setting.get("name", ""), setting, f"{at}.parameter[{number}]", draft)


def _read_setting(name: str, setting: dict[str, Any], where: str, draft: _Draft) -> None:
    match name:
        case "asOf":
            as_of = _as_of(text_of(setting, where), where)
            draft.as_of = _once(draft.as_of, as_of, name, where)
        case "guidelineProfile":
            profile = _profile(text_of(setting, where), where)
            draft.profile = _once(draft.profile, profile, name, where)
        case "complete":
            draft.complete.append(_complete(text_of(setting, where), where))
        case _:
            draft.warnings.append(unknown(name, where))


def _boolean(parameter: dict[str, Any], where: str) -> bool:
    value = parameter.get("valueBoolean")
    if isinstance(value, bool):
        return value
    raise wrong(f"{parameter['name'][:64]} must have a valueBoolean.", where)


def _once(before: T | None, value: T, name: str, where: str) -> T:
    """Of two values nobody could say which is meant."""
    if before is None or before == value:
        return value
    raise Refused(
        Problem(
            f"{name} comes twice with different values.",
            where=where,
            mend="Send it once.",
            code="business-rule",
        )
    )


def _as_of(text: str, where: str) -> datetime:
    moment = instant(text) if DATE_TIME.fullmatch(text) else None
    if moment is None:
        raise wrong("asOf is no date or dateTime.", where, code="value")
    return moment


def _profile(text: str, where: str) -> str:
    if text in PROFILES:
        return text
    raise Refused(
        Problem(
            f"There is no guideline profile {text[:32]!r}.",
            where=where,
            mend=f"Send one of {', '.join(PROFILES)}.",
            code="business-rule",
        )
    )


def _complete(text: str, where: str) -> str:
    if text in COMPLETE:
        return text
    raise Refused(
        Problem(
            f"{text[:64]!r} is no list that can be complete.",
            where=where,
            mend=f"Send one of {', '.join(COMPLETE)}.",
            code="business-rule",
        )
    )


def _require_ours(text: str, where: str) -> None:
    if text.partition("|")[0] in (PLAN_DEFINITION, "PlanDefinition/clbp-care", "clbp-care"):
        return
    raise Refused(
        Problem(
            "This service applies one PlanDefinition only.",
            where=where,
            mend=f"Send {PLAN_DEFINITION}.",
            code="business-rule",
        )
    )


def _submission(draft: _Draft, validator: Validator) -> Submission:
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


def _read_types(draft: _Draft, validator: Validator) -> Iterator[_Item]:
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


def _refuse_subsetted(item: _Item) -> None:
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


def _patient(draft: _Draft, items: list[_Item], references: Mapping[str, str]) -> str:
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


def _published_by_us(item: _Item) -> Refused:
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


def _belongs(one: Received, item: _Item, patient: str, draft: _Draft) -> bool:
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
