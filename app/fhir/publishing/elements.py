"""Element definitions of a differential: ids and paths as StructureDefinition asks for them."""

from collections.abc import Sequence
from typing import Any

from app.domain.content import Content
from app.fhir.canon import CANON
from app.fhir.publishing.resource import FHIR_VERSION, Json, canonical, pascal, published

CORE = "http://hl7.org/fhir/StructureDefinition"


def element(id_: str, **rules: Any) -> Json:
    """One element; its path is its id without the names of slices."""
    path = ".".join(part.partition(":")[0] for part in id_.split("."))
    made: Json = {"id": id_, "path": path}
    slice_name = id_.rpartition(".")[2].partition(":")[2]
    if slice_name:
        made["sliceName"] = slice_name
    return {**made, **rules}


def slicing(*discriminators: tuple[str, str]) -> Json:
    """Open slicing; discriminators are (type, path)."""
    return {
        "discriminator": [{"type": t, "path": p} for t, p in discriminators],
        "rules": "open",
    }


def types(*codes: str) -> list[Json]:
    """The types an element may take."""
    return [{"code": code} for code in codes]


def reference(*targets: str) -> list[Json]:
    """A Reference to core types or to canonicals of ours."""
    profiles = [t if t.startswith("http") else f"{CORE}/{t}" for t in targets]
    return [{"code": "Reference", "targetProfile": profiles}]


def bound(value_set: str) -> Json:
    """A required binding to one of our value sets."""
    return {"strength": "required", "valueSet": canonical("ValueSet", value_set)}


def pattern(system: str, code: str) -> Json:
    """A CodeableConcept that holds this coding, whatever else it holds."""
    return {"coding": [{"system": system, "code": code}]}


def of_ours(name: str) -> str:
    """The canonical of one of our code systems."""
    return f"{CANON}/CodeSystem/{name}"


def structure(  # noqa: PLR0913  (what a StructureDefinition says of itself)
    content: Content,
    id_: str,
    type_: str,
    *,
    title: str,
    description: str,
    elements: Sequence[Json],
) -> Json:
    """A constraint on a core type, as a differential."""
    made = published(
        content, "StructureDefinition", id_, name=pascal(id_), title=title, description=description
    )
    made |= {
        "fhirVersion": FHIR_VERSION,
        "kind": "complex-type" if type_ == "Extension" else "resource",
        "abstract": False,
        "type": type_,
        "baseDefinition": f"{CORE}/{type_}",
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    }
    return made
