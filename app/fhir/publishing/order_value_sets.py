"""The codes by which an order is recognised, as ValueSets that a deployer adds to (contract §1)."""

from app.domain.content import Content
from app.fhir.publishing.resource import Json, pascal, published

NOTICE = (
    "Codes of LOINC (copyright Regenstrief Institute, Inc., licence at https://loinc.org/license) "
    "and of SNOMED CT (copyright SNOMED International) are used under their licences."
)


def order_value_sets(content: Content) -> list[Json]:
    """One for each kind of order that has codes."""
    made: list[Json] = []
    for kind, name in content.orders.value_sets.items():
        pairs = sorted(pair for pair, kinds in content.orders.codes.items() if kind in kinds)
        if pairs:
            made.append(_value_set(kind, name, pairs, content))
    return made


def _value_set(kind: str, name: str, pairs: list[tuple[str, str]], content: Content) -> Json:
    label = content.inputs[kind].label
    value_set = published(
        content,
        "ValueSet",
        name,
        name=f"{pascal(name)}Orders",
        title=f"Orders: {name.replace('-', ' ')}",
        description=f"{label}: the codes by which we recognise it.",
    )
    systems = dict.fromkeys(system for system, _ in pairs)
    value_set["copyright"] = NOTICE
    value_set["compose"] = {
        "include": [
            {"system": system, "concept": [{"code": code} for s, code in pairs if s == system]}
            for system in systems
        ]
    }
    return value_set
