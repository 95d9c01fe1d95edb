"""What is offered: the one table that the routes ask and the CapabilityStatement is made from."""

from collections.abc import Mapping
from typing import NamedTuple

from app.api.types import AUDIT, DERIVED, PUBLISHED, WRITABLE
from app.fhir.canon import CANON
from app.fhir.searching.includes import includes_of, revincludes_of
from app.fhir.searching.parameters import Parameter, parameters_of

CORE = "http://hl7.org/fhir/OperationDefinition"
SDC_EXTRACT = "http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract"
KEPT = ("read", "vread", "history-instance", "history-type", "search-type")
WRITTEN = ("create", "update")
RENDERED = ("read", "vread", "search-type")
STATIC = ("read", "search-type")
SYSTEM = ("batch", "transaction")


class Operation(NamedTuple):
    """An operation by its name without ``$``, and the canonical of its definition."""

    name: str
    definition: str


class Offer(NamedTuple):
    """Everything that one resource type offers."""

    interactions: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    includes: tuple[str, ...]
    revincludes: tuple[str, ...]
    operations: tuple[Operation, ...]

    def takes(self, interaction: str) -> bool:
        """Whether it is offered."""
        return interaction in self.interactions

    @property
    def is_validated(self) -> bool:
        """Whether ``$validate`` knows the type."""
        return VALIDATE in self.operations

    @property
    def is_written(self) -> bool:
        """Whether clients create it."""
        return self.takes("create")


VALIDATE = Operation("validate", f"{CORE}/Resource-validate")
DERIVE = Operation("derive", f"{CANON}/OperationDefinition/painplan-derive")
OPERATIONS: Mapping[str, tuple[Operation, ...]] = {
    "PlanDefinition": (Operation("apply", f"{CANON}/OperationDefinition/painplan-apply"),),
    "CarePlan": (Operation("respond", f"{CANON}/OperationDefinition/painplan-respond"),),
    "Patient": (Operation("everything", f"{CORE}/Patient-everything"),),
    "QuestionnaireResponse": (Operation("extract", SDC_EXTRACT),),
}


VALIDATED = (*WRITABLE, *DERIVED)
"""What clients send, and what we derive by profiles of our own."""


def _offer(type_: str, interactions: tuple[str, ...]) -> Offer:
    operations = OPERATIONS.get(type_, ())
    return Offer(
        interactions=interactions,
        parameters=parameters_of(type_),
        includes=includes_of(type_),
        revincludes=revincludes_of(type_),
        operations=(*operations, VALIDATE) if type_ in VALIDATED else operations,
    )


OFFERED: Mapping[str, Offer] = {
    **{type_: _offer(type_, (*WRITTEN, *KEPT)) for type_ in WRITABLE},
    **{type_: _offer(type_, RENDERED if type_ == "Provenance" else KEPT) for type_ in DERIVED},
    **{type_: _offer(type_, STATIC) for type_ in (*PUBLISHED, AUDIT)},
}


def allowed_on_type(offer: Offer) -> tuple[str, ...]:
    """The methods of ``/fhir/{type}``."""
    return ("GET", "HEAD", "POST", "PUT") if offer.is_written else ("GET", "HEAD")


def allowed_on_instance(offer: Offer) -> tuple[str, ...]:
    """The methods of ``/fhir/{type}/{id}``."""
    return ("GET", "HEAD", "PUT") if offer.takes("update") else ("GET", "HEAD")
