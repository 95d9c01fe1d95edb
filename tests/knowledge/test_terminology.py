"""The deployer's terminology: read, checked, part of the knowledge, kept for replays."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain.medicines import understood
from app.domain.orders.meaning import kinds_of
from app.knowledge.errors import ContentError
from app.knowledge.library import Library
from app.knowledge.terminology import CLINICAL_DRUGS, VALUE_SETS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "terminology"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def library(folder: Path | None = None) -> Library:
    return Library.of_release(crisis_text="", engine="1", terminology=folder)


def written(folder: Path, **changes: Any) -> Path:
    resource = json.loads((EXAMPLE / "clinical-drugs.json").read_text("utf-8")) | changes
    (folder / "map.json").write_text(json.dumps(resource), "utf-8")
    return folder


def one_drug(*ingredients: str) -> dict[str, Any]:
    targets = [{"code": code, "equivalence": "wider"} for code in ingredients]
    return {"source": RXNORM, "target": RXNORM, "element": [{"code": "EXAMPLE", "target": targets}]}


def classes(made: Library, code: str) -> set[str]:
    return set(understood([(RXNORM, code)], "", made.current.content).classes)


def test_a_clinical_drug_has_the_classes_of_its_ingredients() -> None:
    made = library(EXAMPLE)

    assert classes(made, "EXAMPLE-IBUPROFEN-400") == {"takes-nsaid"}
    assert classes(made, "EXAMPLE-PARACETAMOL-CODEINE") == {
        "takes-paracetamol",
        "takes-opioid",
        "takes-cns-depressant",
    }


def test_without_the_map_it_is_unknown() -> None:
    assert classes(library(), "EXAMPLE-IBUPROFEN-400") == set()


def test_an_ingredient_that_nobody_knows_leaves_the_whole_unknown(tmp_path: Path) -> None:
    made = library(written(tmp_path, group=[one_drug("161", "999999999")]))

    what = understood([(RXNORM, "EXAMPLE")], "", made.current.content)

    assert what.classes == {"takes-paracetamol"}
    assert not what.is_whole


def test_the_map_is_part_of_the_knowledge() -> None:
    assert library().current.digest != library(EXAMPLE).current.digest


def test_an_older_map_is_read_back_from_what_was_kept() -> None:
    kept = library(EXAMPLE).current
    now = library()

    then = now.from_archive(kept.digest, kept.archive)

    assert then.content.clinical_drugs == kept.content.clinical_drugs
    assert then.content.clinical_drugs


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "https://example.org/other"}, CLINICAL_DRUGS),
        ({"group": [{"source": RXNORM, "target": RXNORM, "element": [{"code": "1"}]}]}, "maps to"),
        ({"group": [{"element": [{"code": "1", "target": [{"code": "2"}]}]}]}, "system"),
        ({"resourceType": "ValueSet"}, CLINICAL_DRUGS),
        ({"group": "none"}, "group"),
    ],
)
def test_a_faulty_file_stops_the_start_and_is_named(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ContentError, match=r"map\.json") as refused:
        library(written(tmp_path, **changes))

    assert says in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="PAINPLAN_TERMINOLOGY"):
        library(tmp_path / "none")


CPT = "http://www.ama-assn.org/go/cpt"


def kinds(made: Library, code: str) -> frozenset[str]:
    return kinds_of([(CPT, code)], "", made.current.content)


def value_set(folder: Path, **changes: Any) -> Path:
    resource = json.loads((EXAMPLE / "lumbar-imaging.json").read_text("utf-8")) | changes
    (folder / "set.json").write_text(json.dumps(resource), "utf-8")
    return folder


@pytest.mark.parametrize("code", ["72131", "72132", "72133", "72148", "72149", "72158"])
def test_a_number_of_the_deployers_value_set_is_lumbar_imaging(code: str) -> None:
    assert kinds(library(EXAMPLE), code) == {"order-lumbar-imaging"}
    assert kinds(library(), code) == frozenset()


def test_a_number_that_is_not_listed_is_nothing_known() -> None:
    assert kinds(library(EXAMPLE), "71275") == frozenset()


def test_an_expansion_is_read_and_a_part_names_its_whole(tmp_path: Path) -> None:
    listed = {"contains": [{"contains": [{"system": CPT, "code": "72148"}]}]}
    made = library(value_set(tmp_path, url=f"{VALUE_SETS}lumbar-mr", compose={}, expansion=listed))

    assert kinds(made, "72148") == {"order-lumbar-imaging", "order-lumbar-mr"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": f"{VALUE_SETS}unheard-of"}, "lumbar-imaging"),
        ({"compose": {"include": [{"system": CPT, "filter": [{}]}]}}, "lists no code"),
        ({"compose": {"include": [{"concept": [{"code": "72148"}]}]}}, "no system"),
        ({"compose": {"include": "all"}}, "no FHIR resource"),
        ({"resourceType": "CodeSystem"}, "neither the map"),
    ],
)
def test_a_value_set_that_cannot_be_used_stops_the_start(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ContentError, match=says):
        library(value_set(tmp_path, **changes))


def test_the_example_holds_numbers_only() -> None:
    """No descriptor of CPT ships."""
    text = (EXAMPLE / "lumbar-imaging.json").read_text("utf-8")

    assert '"display"' not in text
