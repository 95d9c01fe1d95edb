"""The published resources as files: one pretty JSON file each, the same for the same content."""

import json
from collections.abc import Mapping
from pathlib import Path

from app.domain.content import Content
from app.fhir.publishing.accompanying_profiles import accompanying_profiles
from app.fhir.publishing.activity_definitions import activity_definitions
from app.fhir.publishing.careplan_profile import careplan_profile
from app.fhir.publishing.code_systems import code_systems
from app.fhir.publishing.concept_maps import concept_maps
from app.fhir.publishing.extensions import extensions
from app.fhir.publishing.implementation_guide import implementation_guide
from app.fhir.publishing.instruments import instrument_questionnaires
from app.fhir.publishing.makers import makers
from app.fhir.publishing.operations import operations
from app.fhir.publishing.order_value_sets import order_value_sets
from app.fhir.publishing.package import EXAMPLES, MANIFEST, manifest
from app.fhir.publishing.plan_definition import plan_definition
from app.fhir.publishing.profiles import profiles
from app.fhir.publishing.questionnaires import questionnaires
from app.fhir.publishing.resource import Json
from app.fhir.publishing.value_sets import value_sets


def resources(content: Content, examples: Mapping[str, Json]) -> list[Json]:
    """Everything we publish for this content, in a fixed order; the guide lists the examples."""
    made = [
        *extensions(content),
        careplan_profile(content),
        *profiles(content),
        *accompanying_profiles(content),
        *code_systems(content),
        *order_value_sets(content),
        *value_sets(content),
        *concept_maps(content),
        *questionnaires(content),
        *instrument_questionnaires(content),
        plan_definition(content),
        *activity_definitions(content),
        *operations(content),
        *makers(content),
    ]
    return [*made, implementation_guide(content, made, examples)]


def file_name(resource: Json) -> str:
    """``<Type>-<id>.json``; the id is the last segment of the canonical."""
    return f"{resource['resourceType']}-{resource['id']}.json"


def render(resource: Json) -> str:
    """Two spaces, UTF-8, one newline at the end."""
    return json.dumps(resource, indent=2, ensure_ascii=False) + "\n"


def write(content: Content, folder: Path) -> list[str]:
    """Bring the folder up to date; returns the names of the files written or removed."""
    return write_files(_wanted(content, folder), folder)


def write_files(wanted: Mapping[str, str], folder: Path) -> list[str]:
    """Bring a folder to hold these JSON files and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for file in sorted(folder.glob("*.json")):
        if file.name not in wanted:
            file.unlink()
            changed.append(file.name)
    for name, text in wanted.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def drift(content: Content, folder: Path) -> list[str]:
    """What in the folder differs from what this content publishes; empty when nothing does."""
    return drift_of_files(_wanted(content, folder), folder)


def drift_of_files(wanted: Mapping[str, str], folder: Path) -> list[str]:
    """What in the folder differs from these JSON files."""
    found = {file.name: file for file in sorted(folder.glob("*.json"))}
    differences = [f"{name} is missing" for name in wanted if name not in found]
    differences += [f"{name} is published by nothing" for name in found if name not in wanted]
    differences += [
        f"{name} differs from what the content says"
        for name, file in found.items()
        if name in wanted and file.read_text(encoding="utf-8") != wanted[name]
    ]
    return differences


def examples_in(folder: Path) -> dict[str, Json]:
    """The examples beside what is published, by file name."""
    files = sorted((folder / EXAMPLES).glob("*.json"))
    return {file.name: json.loads(file.read_bytes()) for file in files}


def _wanted(content: Content, folder: Path) -> dict[str, str]:
    wanted = {file_name(r): render(r) for r in resources(content, examples_in(folder))}
    return {MANIFEST: render(manifest(content)), **wanted}
