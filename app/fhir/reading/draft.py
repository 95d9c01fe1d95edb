"""A submission in the making: the resources of its envelope, and what its parameters say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from app.domain.facts import NotUsed
from app.domain.problem import Problem, Refused
from app.fhir.canon import PLAN_DEFINITION
from app.fhir.reading.parameters import named, require_valid, text_of, unknown, wrong
from app.fhir.reading.times import DATE_TIME, instant

PROFILES = ("who", "uk", "us")
COMPLETE = ("Condition", "MedicationRequest", "AllergyIntolerance")
PLACEHOLDER = {"resourceType": "Basic", "code": {"text": "-"}}
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


class Sent(NamedTuple):
    """One resource with its exact bytes and where it stands."""

    resource: dict[str, Any]
    body: bytes
    full_url: str | None
    where: str


@dataclass(slots=True)
class Draft:
    """The submission in the making."""

    items: list[Sent] = field(default_factory=list)
    subject: str | None = None
    as_of: datetime | None = None
    profile: str | None = None
    complete: list[str] = field(default_factory=list)
    use_server_data: bool | None = None
    names_plan: bool = False
    context: dict[str, str] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    not_used: list[NotUsed] = field(default_factory=list)


def entries(
    bundle: dict[str, Any], body: bytes, where: str, validator: Validator
) -> Iterator[Sent]:
    """The resources of a Bundle, whose envelope is validated here and they are not yet."""
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
            yield Sent(entry["resource"], raw, entry.get("fullUrl"), place)


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


def read_query(query: Query, draft: Draft) -> None:
    """What the address says."""
    for value in query.get("asOf", ()):
        plain = value.replace(" ", "+")  # the plus of a zone that was not escaped
        draft.as_of = _once(draft.as_of, _as_of(plain, "asOf"), "asOf", "asOf")
    for value in query.get("guidelineProfile", ()):
        profile = _profile(value, "guidelineProfile")
        draft.profile = _once(draft.profile, profile, "guidelineProfile", "guidelineProfile")
    for values in query.get("complete", ()):
        draft.complete.extend(_complete(v, "complete") for v in values.split(","))
    draft.warnings.extend(unknown(name, "") for name in query if name not in QUERY)


def read_parameters(
    document: dict[str, Any], body: bytes, draft: Draft, validator: Validator
) -> None:
    """What a Parameters resource says, and the resources in it."""
    envelope = _envelope(document, "parameter")
    require_valid(validator.problems(envelope, expected_type="Parameters"))
    slices = _PARAMETERS.decode(body).parameter
    for number, parameter in enumerate(document.get("parameter", ())):
        where = f"Parameters.parameter[{number}]"
        raw = bytes(slices[number].resource)
        _read_parameter(parameter, raw, where, draft, validator)


def _read_parameter(
    parameter: dict[str, Any], raw: bytes, where: str, draft: Draft, validator: Validator
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
            _require_ours(_plan(parameter, where), where)
            draft.names_plan = True
        case "version":
            pass
        case "parameters":
            _read_settings(parameter, where, draft, validator)
        case "asOf" | "guidelineProfile" as name:
            _read_setting(name, parameter, where, draft)
        case other:
            draft.warnings.append(unknown(other, where))


def _plan(parameter: dict[str, Any], where: str) -> str:
    """Which PlanDefinition is named; R4's own $apply takes the resource itself."""
    resource = parameter.get("resource")
    if isinstance(resource, dict) and resource.get("resourceType") == "PlanDefinition":
        return str(resource.get("url", ""))
    return text_of(parameter, where)


def _data(
    parameter: dict[str, Any], raw: bytes, where: str, validator: Validator
) -> Iterator[Sent]:
    resource = parameter.get("resource")
    if not isinstance(resource, dict):
        raise wrong("data must hold a resource (a Bundle).", f"{where}.resource")
    if resource.get("resourceType") == "Bundle":
        yield from entries(resource, raw, f"{where}.resource", validator)
    else:
        yield Sent(resource, raw, None, f"{where}.resource")


def _read_settings(
    parameter: dict[str, Any], where: str, draft: Draft, validator: Validator
) -> None:
    resource = parameter.get("resource")
    if not isinstance(resource, dict) or resource.get("resourceType") != "Parameters":
        raise wrong("parameters must hold a Parameters resource.", f"{where}.resource")
    at = f"{where}.resource"
    require_valid(validator.problems(resource, expected_type="Parameters", at=at))
    for number, setting in enumerate(resource.get("parameter", ())):
        _read_setting(setting.get("name", ""), setting, f"{at}.parameter[{number}]", draft)


def _read_setting(name: str, setting: dict[str, Any], where: str, draft: Draft) -> None:
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
