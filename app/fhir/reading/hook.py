"""A request to a CDS service: required fields are checked, everything else is read leniently.

Sources: CDS Hooks 2.0, "HTTP Request", and the context of each hook (CH-17 to CH-30). What cannot
be parsed is NotUnderstood (400), what is no such request or another patient's is Refused (422).
"""

from typing import Any

import msgspec

from app.domain.orders.call import HookCall
from app.domain.problem import Problem, Refused
from app.fhir.hooks import ORDER_SELECT, PATIENT_VIEW, Service
from app.fhir.reading.drafts import read_drafts
from app.fhir.reading.parameters import ID
from app.fhir.reading.parsing import parse_json
from app.fhir.reading.prefetch import read_prefetch
from app.fhir.validation import Validator

LONGEST = 512
Json = dict[str, Any]


class _Raw(msgspec.Struct):
    context: msgspec.Raw = msgspec.Raw()
    prefetch: msgspec.Raw = msgspec.Raw()


def read_call(body: bytes, service: Service, validator: Validator) -> HookCall:
    """The whole request; unknown fields and extensions are ignored (CH-19)."""
    document = parse_json(body, "Send a CDS Hooks request as JSON in UTF-8.")
    if not isinstance(document, dict):
        raise refused("The body is no CDS Hooks request: it is not an object.", "")
    hook = _required(document, "hook", "")
    if hook != service.hook:
        what = f"The service {service.id} is for the hook {service.hook}, not {hook[:64]}."
        raise refused(what, "hook", "Send each hook to the service that announces it.")
    instance = _required(document, "hookInstance", "")
    context = document.get("context")
    if not isinstance(context, dict):
        raise refused("context is required: an object.", "context", code="required")
    patient = _patient(context)
    user = _required(context, "userId", "context.")
    server, token = _access(document, patient)
    raw = msgspec.json.decode(body, type=_Raw)
    is_select = hook == ORDER_SELECT
    return HookCall(
        service=service.id,
        hook=hook,
        instance=instance,
        patient=patient,
        user=user,
        encounter=_optional(context, "encounterId", "context."),
        context=bytes(raw.context),
        drafts=() if hook == PATIENT_VIEW else read_drafts(context, patient, is_select=is_select),
        parts=read_prefetch(document.get("prefetch"), bytes(raw.prefetch), patient, validator),
        server=server,
        token=token,
    )


def _patient(context: Json) -> str:
    """The logical id; some clients write the reference."""
    said = _required(context, "patientId", "context.").removeprefix("Patient/")
    if not ID.fullmatch(said):
        raise refused("patientId is not the id of a Patient.", "context.patientId")
    return said


def _access(document: Json, patient: str) -> tuple[str, str]:
    """The FHIR server and the token for it. One not as specified is not used (CH-25)."""
    server = _optional(document, "fhirServer", "")
    authorization = document.get("fhirAuthorization")
    if authorization is None:
        return server, ""
    if not server:
        what = "fhirAuthorization is sent without the fhirServer that it is for."
        raise refused(what, "fhirServer")
    if not isinstance(authorization, dict):
        raise refused("fhirAuthorization is not an object.", "fhirAuthorization")
    named = authorization.get("patient")
    if isinstance(named, str) and named.removeprefix("Patient/") != patient:
        what = "fhirAuthorization is for another patient than the context."
        raise refused(what, "fhirAuthorization.patient")
    token, kind = authorization.get("access_token"), authorization.get("token_type")
    is_bearer = isinstance(kind, str) and kind.lower() == "bearer"
    return server, token if isinstance(token, str) and is_bearer else ""


def _required(node: Json, name: str, where: str) -> str:
    value = node.get(name)
    if not isinstance(value, str) or not value.strip():
        what = f"{name} is required: a string that is not empty."
        raise refused(what, where + name, code="required")
    if len(value) > LONGEST:
        raise refused(f"{name} is longer than {LONGEST} characters.", where + name)
    if not value.isprintable():
        raise refused(f"{name} holds characters that cannot be printed.", where + name)
    return value


def _optional(node: Json, name: str, where: str) -> str:
    """Some clients send an empty text for what they have not."""
    return "" if node.get(name) in (None, "") else _required(node, name, where)


def refused(what: str, where: str, mend: str = "", code: str = "invalid") -> Refused:
    """A request that can be parsed and is not as CDS Hooks has it (422)."""
    return Refused(Problem(what, where=where, mend=mend, code=code))
