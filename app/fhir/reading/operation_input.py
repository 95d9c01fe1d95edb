"""The input of a small operation: a bare resource, or Parameters that hold it beside settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.fhir.reading.draft import Validator
from app.fhir.reading.parameters import require_valid, text_of, wrong
from app.fhir.reading.parsing import parse

PLACEHOLDER = {"resourceType": "Basic", "code": {"text": "-"}}


class _Parameter(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Parameters(msgspec.Struct):
    parameter: list[_Parameter] = []


_PARAMETERS = msgspec.json.Decoder(_Parameters)


@dataclass(frozen=True, slots=True)
class OperationInput:
    """The resource with its exact bytes (None: none came) and its place, and what stands beside.

    What is given more than once stands there with commas between, as in an address.
    """

    resource: dict[str, Any] | None
    body: bytes
    where: str
    settings: Mapping[str, str]


def read_input(body: bytes, *, name: str, validator: Validator) -> OperationInput:
    """Read a body whose resource, in Parameters, is the parameter ``name``.

    NotUnderstood when it is no JSON, no resource, or Parameters that are not valid R4; what the
    resource itself holds is not looked at.
    """
    document = parse(body)
    if document["resourceType"] != "Parameters":
        return OperationInput(document, body, document["resourceType"], {})
    parameters = document.get("parameter")
    given = parameters if isinstance(parameters, list) else []
    emptied = [
        {**one, "resource": PLACEHOLDER} if isinstance(one, dict) and "resource" in one else one
        for one in given
    ]
    envelope = {**document, "parameter": emptied} if parameters is not None else document
    require_valid(validator.problems(envelope, expected_type="Parameters"))
    slices = _PARAMETERS.decode(body).parameter
    found = OperationInput(None, b"", "", {})
    settings: dict[str, str] = {}
    for number, one in enumerate(given):
        where = f"Parameters.parameter[{number}]"
        if one.get("name") == name and isinstance(one.get("resource"), dict):
            place = f"{where}.resource"
            if found.resource is not None:
                raise wrong(f"{name} comes twice; one is answered for.", place, "value")
            found = OperationInput(one["resource"], bytes(slices[number].resource), place, {})
        elif any(key.startswith("value") for key in one):
            key = str(one.get("name"))
            before = f"{settings[key]}," if key in settings else ""
            settings[key] = before + _text(one, where)
    return OperationInput(found.resource, found.body, found.where, settings)


def _text(parameter: dict[str, Any], where: str) -> str:
    """As it would stand in an address: whole numbers have their digits."""
    for name, value in parameter.items():
        if name.startswith("value") and type(value) is int:
            return str(value)
    return text_of(parameter, where)
