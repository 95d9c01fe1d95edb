"""Draft orders as orders: what is ordered and why, from R4 and from the shapes before it.

A draft may be incomplete or invalid; whatever can be read of it is, and nothing is guessed.
DSTU2 and STU3 had other names for the same: ProcedureRequest, DiagnosticRequest, ReferralRequest,
MedicationOrder, DeviceUseRequest (CH-27).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from app.domain.facts import CodedMedicine
from app.domain.orders.call import Draft, Unread
from app.domain.orders.types import Order
from app.domain.submission import Received
from app.fhir.reading.dosage import MG, daily_dose
from app.fhir.reading.lenient import Json, Pair, child, objects, pairs, reference, text, words
from app.fhir.reading.times import instant, last_instant
from app.fhir.validation import Validator

SERVICE, MEDICATION, DEVICE = "ServiceRequest", "MedicationRequest", "DeviceRequest"
TASK, NUTRITION = "Task", "NutritionOrder"
TYPES = {
    SERVICE: SERVICE,
    "ProcedureRequest": SERVICE,
    "DiagnosticRequest": SERVICE,
    "DiagnosticOrder": SERVICE,
    "ReferralRequest": SERVICE,
    "Appointment": SERVICE,
    "CommunicationRequest": TASK,
    MEDICATION: MEDICATION,
    "MedicationOrder": MEDICATION,
    "MedicationPrescription": MEDICATION,
    DEVICE: DEVICE,
    "DeviceUseRequest": DEVICE,
    "SupplyRequest": DEVICE,
    TASK: TASK,
    NUTRITION: NUTRITION,
}
WRONG = "entered-in-error"
STOPPED = frozenset({"stopped", "cancelled", "revoked"})
WRITTEN = ("authoredOn", "orderedOn", "dateWritten", "dateTime", "requestedOn", "date", "created")
WHAT: Mapping[str, tuple[str, ...]] = {
    SERVICE: ("code", "type", "serviceRequested", "serviceType", "orderDetail"),
    MEDICATION: ("medicationCodeableConcept", "medication"),
    DEVICE: ("codeCodeableConcept", "code", "deviceCodeableConcept", "itemCodeableConcept"),
    TASK: ("code", "reasonCode"),
    NUTRITION: (),
}
SAID: Mapping[str, tuple[str, ...]] = {
    SERVICE: ("bodySite", "patientInstruction", "description"),
    MEDICATION: (),
    DEVICE: (),
    TASK: ("description",),
    NUTRITION: (),
}
REASONS = ("reasonCode", "reasonCodeableConcept", "reason", "indication")
REASON_REFERENCES = ("reasonReference", "reason")
OTHERWISE = ("supportingInformation",)  # where a draft of older shapes has no place for a reason
DENIED = frozenset({"refuted", "entered-in-error"})
MEDICATIONS = ("medicationReference", "medication")
REFERRED = frozenset({"Condition", "Medication"})
NOT_AT_HAND: Json = {}  # a reason that is referred to and was not sent: there is one, unknown which
DAYS = {
    "d": 1,
    "day": 1,
    "days": 1,
    "wk": 7,
    "week": 7,
    "weeks": 7,
    "mo": 30,
    "month": 30,
    "months": 30,
    "a": 365,
}
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OrderReader:
    """Reads drafts; the validator tells whether an instruction is one that can be computed with."""

    validator: Validator

    def orders(
        self, drafts: Sequence[Draft], known: Iterable[Received], *, as_of: datetime
    ) -> tuple[tuple[Order, ...], tuple[Unread, ...]]:
        """Every draft is an order, what an order refers to, or named as unread.

        ``known`` may hold what they refer to, too.
        """
        referred = [r for r in known if r.type in REFERRED]
        around = {r.source: _object(r.parsed) for r in referred if r.source is not None}
        around |= {r.reference: _object(r.parsed) for r in referred}
        parsed = {draft.reference: _object(draft.parsed) for draft in drafts}
        by_url = {draft.full_url: _object(draft.parsed) for draft in drafts if draft.full_url}
        reachable = {**around, **by_url, **parsed}
        beside = {
            id(found)
            for resource in parsed.values()
            for _, found in _pointed_at(resource, (*MEDICATIONS, *REASON_REFERENCES), reachable)
        }
        orders: list[Order] = []
        unread: list[Unread] = []
        for draft in drafts:
            resource = parsed[draft.reference]
            if resource["resourceType"] not in TYPES and id(resource) in beside:
                continue
            why = _why_unread(resource)
            if why:
                unread.append(Unread(draft.reference, why))
            else:
                orders.append(self._order(draft, resource, reachable, as_of))
        return tuple(orders), tuple(unread)

    def _order(
        self, draft: Draft, resource: Json, known: Mapping[str, Json], as_of: datetime
    ) -> Order:
        type_ = TYPES[resource["resourceType"]]
        named = [*_concepts(resource, WHAT[type_]), *_elsewhere(resource, type_, known)]
        codings = tuple(dict.fromkeys(pair for one in named for pair in pairs(one)))
        said = _joined(words(one) for one in (*named, *(resource.get(n) for n in SAID[type_])))
        at = next((at for n in WRITTEN if (at := instant(resource.get(n)))), as_of)
        reasons = list(_reasons(resource, known))
        status = text(resource.get("status")) or "draft"
        medicine = None
        if type_ == MEDICATION:
            medicine = self._medicine(draft.reference, resource, codings, said, min(at, as_of))
            parts = tuple(_parts(resource, known))
            medicine = replace(medicine, manner=_manner(resource, known), parts=parts)
        return Order(
            reference=draft.reference,
            type=type_,
            codings=codings,
            text=said,
            at=min(at, as_of),
            reasons=tuple(pairs(one) for one in reasons),
            reason_text=_joined(words(one) for one in reasons),
            status=status,
            is_selected=draft.is_selected,
            stops=status in STOPPED or resource.get("doNotPerform") is True,
            medicine=medicine,
            supply_days=supply_days(resource),
        )

    def _medicine(
        self, name: str, resource: Json, codings: tuple[Pair, ...], said: str, at: datetime
    ) -> CodedMedicine:
        amount, unit = self._dose(resource)
        return CodedMedicine(
            system_codes=codings,
            text=said,
            current=True,
            at=at,
            source=name,
            daily_dose=amount,
            dose_unit=unit,
            began=at,
            replaces=_replaced(resource),
        )

    def _dose(self, resource: Json) -> tuple[Decimal | None, str]:
        """Of an instruction that is valid R4; any other has no dose that could be known."""
        stand_in = {
            "resourceType": MEDICATION,
            "status": "draft",
            "intent": "order",
            "subject": {"display": "-"},
            "medicationCodeableConcept": {"text": "-"},
            "dosageInstruction": resource.get("dosageInstruction"),
        }
        if not stand_in["dosageInstruction"] or self.validator.problems(stand_in):
            return None, MG
        dose = daily_dose(stand_in)
        return (None, MG) if dose is None else (dose.amount, dose.unit)


def _manner(resource: Json, known: Mapping[str, Json]) -> str:
    """The words of its route and its form."""
    routes = [one.get("route") for one in objects(resource.get("dosageInstruction"))]
    forms = [one.get("form") for _, one in _pointed_at(resource, MEDICATIONS, known)]
    return _joined(words(one) for one in (*routes, *forms))


def supply_days(resource: Json) -> Decimal | None:
    """How long all dispensings together last, in days; None where the draft does not say.

    The expected duration of one supply times one more than its repeats, else the bounds of the
    instruction.
    """
    dispense = child(resource, "dispenseRequest")
    once = days_of(child(dispense, "expectedSupplyDuration"))
    if once is None:
        return bounded_days(child(resource, "dosageInstruction", "timing", "repeat"))
    repeats = dispense.get("numberOfRepeatsAllowed")
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 0:
        return once
    return once * (1 + repeats)


def bounded_days(repeat: Json) -> Decimal | None:
    """How long an instruction is followed at most: its duration, its range or its period."""
    told = days_of(child(repeat, "boundsDuration"))
    if told is None:
        told = days_of(child(repeat, "boundsRange", "high"))
    period = child(repeat, "boundsPeriod")
    begins, ends = instant(period.get("start")), last_instant(period.get("end"))
    if told is not None or begins is None or ends is None or ends < begins:
        return told
    return Decimal(ceil((ends - begins) / A_DAY))


def days_of(duration: Json) -> Decimal | None:
    """A Duration in days; None where it has no number, or a unit that is none of time."""
    value = duration.get("value")
    unit = text(duration.get("code")) or text(duration.get("unit")).lower()
    days = DAYS.get(unit)
    if days is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value)) * days


def _why_unread(resource: Json) -> str:
    type_ = resource["resourceType"]
    if type_ not in TYPES:
        return f"a {type_[:64]} is no order that a rule of this version reads"
    if resource.get("status") == WRONG:
        return "its status is entered-in-error"
    if resource.get("implicitRules"):
        return "it follows implicitRules that are not known here"
    return ""


def _replaced(resource: Json) -> tuple[str, ...]:
    """The request that this one renews, by type and id: they are counted once (S-35)."""
    prior = reference(resource.get("priorPrescription")).partition("/_history/")[0]
    return ("/".join(prior.split("/")[-2:]),) if prior else ()


def _concepts(resource: Json, names: Iterable[str]) -> Iterator[Json]:
    """CodeableConcepts under these names; R5 puts them one level deeper (``code.concept``)."""
    for name in names:
        for one in objects(resource.get(name)):
            yield child(one, "concept") or one


def _elsewhere(resource: Json, type_: str, known: Mapping[str, Json]) -> Iterator[Json]:
    """What is ordered where it is not a concept of the draft itself."""
    match type_:
        case "MedicationRequest":
            yield from _referred(resource, MEDICATIONS, known)
        case "DeviceRequest":
            yield from _referred(resource, ("codeReference", "device", "deviceReference"), known)
        case "NutritionOrder":
            for name in ("oralDiet", "supplement", "enteralFormula"):
                for part in objects(resource.get(name)):
                    yield from _concepts(part, ("type", "baseFormulaType"))
                    yield {"text": text(part.get("instruction"))}
            yield {"text": text(resource.get("instruction"))}
        case "ServiceRequest":
            for item in objects(resource.get("item")):  # DiagnosticOrder of DSTU2
                yield from _concepts(item, ("code",))
        case _:
            for payload in objects(resource.get("payload")):
                yield {"text": text(payload.get("contentString"))}


def _referred(resource: Json, names: Iterable[str], known: Mapping[str, Json]) -> Iterator[Json]:
    """The concept of a resource referred to, and the display of the reference."""
    for one, found in _pointed_at(resource, names, known):
        yield from _concepts(found, ("code", "type"))
        yield from _ingredients(found)
        yield {"text": text(one.get("display"))}


def _ingredients(medication: Json) -> Iterator[Json]:
    """One for each, where no code says what it is; empty for one that says nothing of itself."""
    if not pairs(medication.get("code")):
        for part in objects(medication.get("ingredient")):
            told = next(_concepts(part, ("itemCodeableConcept", "item")), {})
            yield told or {"text": text(child(part, "itemReference").get("display"))}


def _parts(resource: Json, known: Mapping[str, Json]) -> Iterator[tuple[tuple[Pair, ...], str]]:
    """The ingredients as codes and words, each for itself: all have to be known."""
    for _, found in _pointed_at(resource, MEDICATIONS, known):
        yield from ((pairs(one), words(one)) for one in _ingredients(found))


def _pointed_at(
    resource: Json, names: Iterable[str], known: Mapping[str, Json]
) -> Iterator[tuple[Json, Json]]:
    """Each reference with what it points to: contained, or among what came with the draft."""
    contained = _contained(resource)
    for name in names:
        for one in objects(resource.get(name)):
            one = child(one, "reference") or one  # noqa: PLW2901  (R5 has it one level deeper)
            yield one, _found(one, contained, known)


def _reasons(resource: Json, known: Mapping[str, Json]) -> Iterator[Json]:
    """Each reason as a concept: coded on the draft, or the code of a Condition it refers to."""
    said = [
        one
        for one in (
            *_concepts(resource, REASONS),
            *_conditions(resource, REASON_REFERENCES, known),
        )
        if one is NOT_AT_HAND or pairs(one) or words(one)
    ]
    yield from said or _conditions(resource, OTHERWISE, known)


def _conditions(resource: Json, names: Iterable[str], known: Mapping[str, Json]) -> Iterator[Json]:
    for name in names:
        for one, condition in _pointed_at(resource, (name,), known):
            if condition.get("resourceType") == "Condition":
                if not _is_denied(condition):
                    yield child(condition, "code")
            elif name not in OTHERWISE and text(one.get("display")):
                yield {"text": one["display"]}
            elif name not in OTHERWISE and reference(one):
                yield NOT_AT_HAND


def _is_denied(condition: Json) -> bool:
    """Refuted, or entered in error: coded in R4, a bare code before."""
    status = condition.get("verificationStatus")
    codes = {code for one in objects(status) for _, code in pairs(one)} | {text(status)}
    return bool(codes & DENIED)


def _contained(resource: Json) -> dict[str, Json]:
    return {f"#{text(c.get('id'))}": c for c in objects(resource.get("contained"))}


def _found(one: Json, contained: Mapping[str, Json], known: Mapping[str, Json]) -> Json:
    """What a reference points to: contained, by its full URL, or by type and id."""
    told = reference(one).partition("/_history/")[0]
    relative = "/".join(told.split("/")[-2:])
    return contained.get(told) or known.get(told) or known.get(relative) or {}


def _joined(said: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(filter(None, said)))


def _object(parsed: object) -> dict[str, Any]:
    assert isinstance(parsed, dict)  # noqa: S101  (checked when the drafts were read)
    return parsed
