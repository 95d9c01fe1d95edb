"""Value sets of standard codes that rules speak of (contract §1): only codes verified for us."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import NamedTuple

from app.domain.content import Content
from app.fhir.publishing.resource import Json, pascal, published

CODES, MEDICINES, RECORD = "codes.csv", "medicine-codes.csv", "record-codes.csv"
BELOW = "*"  # ends a code that stands for all that begin with it
Code = tuple[str, str]


class Named(NamedTuple):
    """A value set: its title, what it is for, and by which words the tables know its codes."""

    title: str
    description: str
    table: str
    words: tuple[str, ...]


def _medicine(title: str, *classes: str) -> Named:
    text = f"{title}, by RxNorm ingredient and by ATC class, which stands for all below it."
    return Named(title, text, MEDICINES, classes)


def _problem(title: str, description: str, *inputs: str) -> Named:
    more = "A code of a category stands for all below it."
    return Named(title, f"{description} {more}", RECORD, inputs)


SETS = {
    "nsaid": _medicine("Anti-inflammatory medicines", "takes-nsaid", "takes-topical-nsaid"),
    "opioid": _medicine("Opioids", "takes-opioid"),
    "benzodiazepine": _medicine("Benzodiazepines", "takes-benzodiazepine"),
    "gabapentinoid": _medicine("Gabapentinoids", "takes-gabapentinoid"),
    "snri": _medicine("Serotonin and noradrenaline reuptake inhibitors", "takes-snri"),
    "tca": _medicine("Tricyclic antidepressants", "takes-tca"),
    "muscle-relaxant": _medicine("Muscle relaxants", "takes-muscle-relaxant"),
    "serotonergic": _medicine("Serotonergic medicines", "takes-serotonergic"),
    "anticoagulant": _medicine("Anticoagulants", "anticoagulant-current"),
    "raas": _medicine("Inhibitors of the renin-angiotensin system", "takes-raas"),
    "diuretic": _medicine("Diuretics", "takes-diuretic"),
    "maoi": _medicine("Monoamine oxidase inhibitors", "takes-maoi"),
    "ppi": _medicine("Proton pump inhibitors", "takes-ppi"),
    "clbp-conditions": _problem(
        "Low back pain",
        "Problems that say that the pain is in the low back.",
        "low-back-pain-on-problem-list",
        "chronic-low-back-pain-on-problem-list",
    ),
    "radicular": _problem(
        "Radicular pain and radiculopathy",
        "Problems of a nerve root in the low back.",
        "radicular-on-problem-list",
    ),
    "red-flag-conditions": _problem(
        "Red-flag conditions",
        "Problems that raise a red flag, or a risk that lasts.",
        "aneurysm-on-problem-list",
        "aortic-on-problem-list",
        "cancer-current",
        "cancer-history",
        "cauda-equina-on-problem-list",
        "fracture-on-problem-list",
        "infection-on-problem-list",
        "inflammatory-on-problem-list",
        "malignancy-on-problem-list",
        "myelopathy-on-problem-list",
        "osteoporosis-known",
        "self-harm-on-problem-list",
    ),
    "hepatic": _problem(
        "Liver disease",
        "Problems of the liver that bear on medicines.",
        "has-liver-disease",
        "has-cirrhosis-or-severe-liver",
    ),
    "ckd": _problem(
        "Kidney disease, stage 4 or 5",
        "Problems of the kidney that bear on medicines.",
        "has-kidney-disease-stage-4-5",
    ),
    "gi-bleed": _problem(
        "Peptic ulcer or bleeding",
        "Problems of stomach and gut that bear on anti-inflammatory medicines.",
        "has-ulcer-or-gi-bleed",
    ),
    "cvd": _problem(
        "Cardiovascular disease",
        "Problems of heart and vessels that bear on anti-inflammatory medicines.",
        "cardiovascular-disease-on-problem-list",
        "has-heart-failure",
        "has-infarction-within-12-months",
        "has-ischaemic-heart-disease",
        "has-peripheral-artery-disease",
        "has-stroke-tia",
    ),
}


def value_sets(content: Content) -> list[Json]:
    """One ValueSet for each name, with the displays that were verified."""
    verified = {(r["system"], r["code"]): r["display"] for r in _rows(content, CODES)}
    return [_value_set(content, id_, named, verified) for id_, named in SETS.items()]


def _value_set(content: Content, id_: str, named: Named, verified: dict[Code, str]) -> Json:
    made = published(
        content,
        "ValueSet",
        id_,
        name=f"{pascal(id_)}Set",
        title=named.title,
        description=named.description,
    )
    include = list(_includes(sorted(set(_members(content, named))), verified))
    if not include:
        message = f"ValueSet/{id_} holds no verified code"
        raise ValueError(message)
    return {**made, "compose": {"include": include}}


def _members(content: Content, named: Named) -> Iterator[Code]:
    for row in _rows(content, named.table):
        if row["acts_as"] in named.words:
            yield row["system"], row["code"]


def _includes(codes: Iterable[Code], verified: dict[Code, str]) -> Iterator[Json]:
    """The verified codes by system; a code that stands for all below it is named itself."""
    concepts: dict[str, dict[str, str]] = {}
    for system, code in codes:
        stem = code.removesuffix(BELOW)
        if (system, stem) in verified:
            concepts.setdefault(system, {})[stem] = verified[system, stem]
    for system, found in concepts.items():
        listed = [{"code": code, "display": display} for code, display in found.items()]
        yield {"system": system, "concept": listed}


def _rows(content: Content, name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(StringIO(content.files.get(name, "")))
