import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.fhir.validation import Validator
from tests.fhir.validation.bases import Json

EXAMPLES = "data/fhir/hl7.fhir.r4.examples-4.0.1-subset.tar.xz"
# HL7's own example of this name has items without linkId, which R4 requires.
INVALID = "Questionnaire-qs1.json"
READ = """
    AllergyIntolerance Bundle Condition DiagnosticReport Encounter MedicationRequest
    MedicationStatement Observation Organization Patient Practitioner PractitionerRole Procedure
    Questionnaire QuestionnaireResponse ServiceRequest
""".split()


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load()


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, Json]:
    """HL7's examples by file name."""
    found: dict[str, Json] = {}
    with tarfile.open(shared / EXAMPLES) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                found[member.name.rpartition("/")[2]] = json.load(file)
    return found


def test_no_official_example_of_our_types_is_refused_but_the_invalid_one(
    examples: dict[str, Json], validator: Validator
) -> None:
    ours = {name: e for name, e in examples.items() if e["resourceType"] in validator.types}

    refused = {name: validator.problems(example) for name, example in ours.items()}

    assert {name: found for name, found in refused.items() if found and name != INVALID} == {}


def test_the_invalid_official_example_is_refused_at_every_item_without_link_id(
    examples: dict[str, Json], validator: Validator
) -> None:
    problems = validator.problems(examples[INVALID])

    assert [p.where for p in problems] == list(_without_link_id(examples[INVALID], "Questionnaire"))
    assert {p.code for p in problems} == {"required"}


def test_the_examples_are_enough_to_say_so(examples: dict[str, Json], validator: Validator) -> None:
    met = Counter(e["resourceType"] for e in examples.values())

    assert met["Observation"] > 50
    assert met["MedicationRequest"] > 30
    assert sum(met[type_] for type_ in validator.types) > 300
    assert set(READ) <= validator.types


@pytest.mark.parametrize("name", ["Observation-bmi.json", "Patient-example.json"])
def test_an_example_is_not_changed_by_being_checked(
    name: str, examples: dict[str, Json], validator: Validator
) -> None:
    before = json.dumps(examples[name])

    validator.problems(examples[name])

    assert json.dumps(examples[name]) == before


def _without_link_id(holder: Json, path: str) -> Iterator[str]:
    for number, item in enumerate(holder.get("item", ())):
        where = f"{path}.item[{number}]"
        if "linkId" not in item:
            yield f"{where}.linkId"
        yield from _without_link_id(item, where)
