"""An audit row as FHIR: an AuditEvent after IHE's Basic Audit Log Patterns (BALP 1.1).

https://profiles.ihe.net/ITI/BALP/. Client and server swap their roles where data flows outwards
(read), and stand as they are where it flows inwards or a question does (create, update, query).
"""

import base64
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import orjson

from app.domain.history import AuditRecord
from app.fhir.canon import DECISION
from app.fhir.writing.elements import DEVICE, Json
from app.fhir.writing.meta import with_meta

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
BALP_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
SOURCE = ("110153", "Source Role ID")
DESTINATION = ("110152", "Destination Role ID")
RECIPIENT = ("IRCP", "information recipient")
AUTHOR = ("AUT", "author (originator)")
REST = {"system": f"{TERMINOLOGY}/audit-event-type", "code": "rest", "display": "RESTful Operation"}
ALERT = {"system": DICOM, "code": "110113", "display": "Security Alert"}
NODE_AUTHENTICATION = {"system": DICOM, "code": "110126", "display": "Node Authentication"}
LOGIN = "login"
OUTWARDS = frozenset({"read", "vread", "history-instance", "history-type"})
MACHINE_NAME, IP_ADDRESS = "1", "2"
FAILED = {"4": "Minor failure", "8": "Serious failure"}
NOWHERE = "unknown"
# A token may be named by any letters; an address may not hold a space.
TOKEN, IN_A_URN = "urn:ietf:params:oauth:jti:", "!$&'()*+,;=:@/"


def audit_event(record: AuditRecord, committed_at: datetime, public_url: str) -> bytes:
    """The AuditEvent of a row; ``public_url`` is where the service is reached."""
    event: Json = {
        "resourceType": "AuditEvent",
        "id": record.id,
        "type": ALERT if record.interaction == LOGIN else REST,
    }
    subtypes = _subtypes(record)
    if subtypes:
        event["subtype"] = subtypes
    event["action"] = record.action
    event["recorded"] = record.recorded.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event["outcome"] = record.outcome
    if record.outcome in FAILED:
        event["outcomeDesc"] = _described(record)
    event["agent"] = _agents(record, public_url)
    event["source"] = {
        "observer": DEVICE,
        "type": [
            {
                "system": f"{TERMINOLOGY}/security-source-type",
                "code": "4",
                "display": "Application Server",
            }
        ],
    }
    entities = list(_entities(record))
    if entities:
        event["entity"] = entities
    return with_meta(orjson.dumps(event), version=1, last_updated=committed_at)


def _subtypes(record: AuditRecord) -> list[Json]:
    """FHIR's interaction, and for an operation its own name beside it."""
    if record.interaction == LOGIN:
        return [NODE_AUTHENTICATION]
    found: list[Json] = []
    if record.interaction:
        code = record.interaction
        found.append({"system": INTERACTION, "code": code, "display": code})
    if record.operation:
        found.append({"display": record.operation})
    return found


def _described(record: AuditRecord) -> str:
    said = f"{FAILED[record.outcome]}: answered with {record.status}"
    return said if record.count == 1 else f"{said}, {record.count} times within a minute"


def _agents(record: AuditRecord, public_url: str) -> list[Json]:
    is_outwards = record.interaction in OUTWARDS
    client, server = (DESTINATION, SOURCE) if is_outwards else (SOURCE, DESTINATION)
    agents: list[Json] = [
        {
            "type": _concept(DICOM, *client),
            "who": _client(record),
            "name": record.who,
            "requestor": record.user is None,
            "network": _address(record.origin),
        },
        {
            "type": _concept(DICOM, *server),
            "who": DEVICE,
            "requestor": False,
            "network": {"address": urlsplit(public_url).netloc or public_url, "type": MACHINE_NAME},
        },
    ]
    if record.user is not None:
        is_author = record.action in ("C", "U")
        kind = AUTHOR if is_author else RECIPIENT
        who: Json = {"reference": record.user}
        agents.append(
            {
                "type": _concept(f"{TERMINOLOGY}/v3-ParticipationType", *kind),
                "who": who,
                "requestor": True,
            }
        )
    if record.token is not None:
        agents[0]["policy"] = [TOKEN + quote(record.token, safe=IN_A_URN)]
    return agents


def _client(record: AuditRecord) -> Json:
    """A client is no resource of ours: its name in the file of trusted clients."""
    return {"identifier": {"value": record.who}, "display": record.who}


def _address(origin: str) -> Json:
    """As the connection says it."""
    try:
        ip_address(origin)
    except ValueError:
        return {"address": origin or NOWHERE, "type": MACHINE_NAME}
    return {"address": origin, "type": IP_ADDRESS}


def _entities(record: AuditRecord) -> list[Json]:
    found: list[Json] = []
    if record.what:
        found.append(
            {
                "what": _what(record.what),
                "type": _coding("audit-entity-type", "2", "System Object"),
                "role": _coding("object-role", "4", "Domain Resource"),
            }
        )
    if record.query is not None:
        found.append(
            {
                "type": _coding("audit-entity-type", "2", "System Object"),
                "role": _coding("object-role", "24", "Query"),
                "query": base64.b64encode(record.query).decode(),
            }
        )
    if record.patient is not None:
        found.append(
            {
                "what": {"reference": f"Patient/{record.patient}"},
                "type": _coding("audit-entity-type", "1", "Person"),
                "role": _coding("object-role", "1", "Patient"),
            }
        )
    if record.request_id:
        found.append(
            {
                "what": {"identifier": {"value": record.request_id}},
                "type": {"system": BALP_ENTITY, "code": "XrequestId"},
            }
        )
    return found


def _what(what: str) -> Json:
    """A decision is no resource of FHIR: it is named by its identifier."""
    kind, _, id_ = what.partition("/")
    if kind == "decision":
        return {"identifier": {"system": DECISION, "value": id_}}
    return {"reference": what}


def _coding(system: str, code: str, display: str) -> Json:
    return {"system": f"{TERMINOLOGY}/{system}", "code": code, "display": display}


def _concept(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}
