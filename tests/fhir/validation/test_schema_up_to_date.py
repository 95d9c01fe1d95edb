from pathlib import Path

import pytest

from app.fhir.canon import READ_TYPES
from app.fhir.validation.generate import OUTPUT, Generator, Package, generate
from app.fhir.validation.validator import Validator

CORE = "data/fhir/hl7.fhir.r4.core-4.0.1.tar.xz"


@pytest.fixture(scope="module")
def core(shared: Path) -> Path:
    """HL7's package hl7.fhir.r4.core 4.0.1, from which the schema is made."""
    return shared / CORE


def test_the_committed_schema_is_what_the_generator_makes_of_the_official_package(
    core: Path,
) -> None:
    # Compared as a bool: a failing comparison of 900 KB would print both.
    is_same = OUTPUT.read_text(encoding="utf-8") == generate(core) + "\n"

    assert is_same, f"run: python -m app.fhir.validation.generate {core}"


def test_every_reference_in_the_schema_leads_somewhere(core: Path) -> None:
    schema = Generator(Package(core)).schema()

    referred = set(_references(schema["$defs"]))

    assert len(referred) > 100
    assert referred <= schema["$defs"].keys()


def test_every_type_that_is_read_has_a_schema() -> None:
    validator = Validator.load()

    assert {*READ_TYPES, "Bundle", "Parameters", "Questionnaire"} <= validator.types
    assert len(validator.resources) == 146  # R4's 148 without Resource and DomainResource


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"].rpartition("/")[2]] if "$ref" in node else []
        return own + [name for child in node.values() for name in _references(child)]
    if isinstance(node, list):
        return [name for child in node for name in _references(child)]
    return []
