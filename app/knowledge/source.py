"""From text to records: TOML and CSV read strictly, every fault with its file and record."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import rtoml

from app.knowledge.errors import Fault
from app.knowledge.order_records import OrderRuleRecord, SuggestionRecord, TemplateRecord
from app.knowledge.records import (
    CitationRecord,
    DriverRecord,
    FindingRecord,
    FlagRecord,
    GapRecord,
    GoalRecord,
    InputRecord,
    InstrumentRecord,
    InterventionRecord,
    ManifestRecord,
    PlacementRecord,
    ReviewRecord,
    RuleRecord,
    TextRecord,
)

T = TypeVar("T")

PERIOD = re.compile(r"(P[1-9][0-9]*[DWMY])?")
COLUMNS = {
    "codes.csv": ("system", "code", "display", "use", "verified_in"),
    "record-codes.csv": ("system", "code", "acts_as", "value", "within", "undated", "history"),
    "medicine-codes.csv": ("system", "code", "acts_as"),
    "medicine-names.csv": ("name", "classes"),
    "order-codes.csv": ("system", "code", "acts_as"),
    "order-names.csv": ("words", "unless", "acts_as"),
    "mme-factors.csv": ("name", "factor", "unit", "mark"),
    "stances.csv": (
        "profile",
        "intervention",
        "mechanism",
        "direction",
        "says",
        "source",
        "mark",
    ),
}


@dataclass(slots=True)
class Source:
    """All records of one content version, and where each came from."""

    manifest: ManifestRecord | None = None
    inputs: dict[str, InputRecord] = field(default_factory=dict)
    findings: dict[str, FindingRecord] = field(default_factory=dict)
    rules: list[RuleRecord] = field(default_factory=list)
    flags: dict[str, FlagRecord] = field(default_factory=dict)
    drivers: dict[str, DriverRecord] = field(default_factory=dict)
    citations: dict[str, CitationRecord] = field(default_factory=dict)
    interventions: dict[str, InterventionRecord] = field(default_factory=dict)
    placements: list[PlacementRecord] = field(default_factory=list)
    goals: dict[str, GoalRecord] = field(default_factory=dict)
    instruments: dict[str, InstrumentRecord] = field(default_factory=dict)
    texts: dict[str, TextRecord] = field(default_factory=dict)
    codes: list[dict[str, str]] = field(default_factory=list)
    record_codes: list[dict[str, str]] = field(default_factory=list)
    medicine_codes: list[dict[str, str]] = field(default_factory=list)
    medicine_names: list[dict[str, str]] = field(default_factory=list)
    opioid_factors: list[dict[str, str]] = field(default_factory=list)
    order_codes: list[dict[str, str]] = field(default_factory=list)
    order_names: list[dict[str, str]] = field(default_factory=list)
    order_rules: dict[str, OrderRuleRecord] = field(default_factory=dict)
    suggestions: dict[str, SuggestionRecord] = field(default_factory=dict)
    templates: dict[str, TemplateRecord] = field(default_factory=dict)
    stances: list[dict[str, str]] = field(default_factory=list)
    reviews: dict[str, ReviewRecord] = field(default_factory=dict)
    gaps: dict[str, GapRecord] = field(default_factory=dict)
    retired: dict[str, str] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(files: Mapping[str, str]) -> Source:
    """Read every file; what cannot be read is a fault, and the rest is read all the same."""
    source = Source()
    for name in sorted(files):
        if name.endswith(".csv"):
            _read_csv(name, files[name], source)
            continue
        try:
            document = rtoml.loads(files[name])
        except rtoml.TomlParsingError as error:
            source.faults.append(Fault(name, "file", f"not TOML: {error}"))
            continue
        _read_toml(name, document, source)
    if source.manifest is None:
        source.faults.append(Fault("manifest.toml", "file", "missing or unreadable"))
    return source


def _read_csv(name: str, text: str, source: Source) -> None:
    columns = COLUMNS.get(name)
    if columns is None:
        source.faults.append(Fault(name, "file", "nobody reads a file of this name"))
        return
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != columns:
        source.faults.append(Fault(name, "file", f"its columns are not {', '.join(columns)}"))
        return
    rows = [row for row in reader if _is_whole(name, row, source)]
    match name:
        case "codes.csv":
            source.codes = rows
        case "record-codes.csv":
            source.record_codes = rows
        case "stances.csv":
            source.stances = rows
        case "medicine-names.csv":
            source.medicine_names = rows
        case "order-codes.csv":
            source.order_codes = rows
        case "order-names.csv":
            source.order_names = rows
        case "mme-factors.csv":
            source.opioid_factors = rows
        case _:
            source.medicine_codes = rows


def _is_whole(name: str, row: dict[str, str], source: Source) -> bool:
    """As many fields as columns, and a period where one is meant."""
    fault = ""
    if None in row or None in row.values():
        fault = "has not as many fields as the file has columns"
    elif not PERIOD.fullmatch(row.get("within", "")):
        fault = f"within {row['within']} is not a period like P14D, P12W, P6M or P5Y"
    if fault:
        source.faults.append(Fault(name, row.get("code") or "?", fault))
    return not fault


def _read_toml(name: str, document: dict[str, Any], source: Source) -> None:
    tables: dict[str, tuple[type[Any], dict[str, Any]]] = {
        "input": (InputRecord, source.inputs),
        "finding": (FindingRecord, source.findings),
        "flag": (FlagRecord, source.flags),
        "driver": (DriverRecord, source.drivers),
        "evidence": (CitationRecord, source.citations),
        "intervention": (InterventionRecord, source.interventions),
        "goal": (GoalRecord, source.goals),
        "gap": (GapRecord, source.gaps),
        "instrument": (InstrumentRecord, source.instruments),
        "text": (TextRecord, source.texts),
        "order_rule": (OrderRuleRecord, source.order_rules),
        "suggestion": (SuggestionRecord, source.suggestions),
        "template": (TemplateRecord, source.templates),
    }
    if name == "manifest.toml":
        source.manifest = _convert(name, "manifest", document, ManifestRecord, source)
        return
    for key, value in document.items():
        match value:
            case dict() if key in tables:
                kind, into = tables[key]
                _read_table(name, key, value, kind, into, source)
            case list() if key == "rule":
                _read_list(name, value, RuleRecord, source.rules, source)
            case list() if key == "placement":
                _read_list(name, value, PlacementRecord, source.placements, source)
            case dict() if key == "retired":
                source.retired.update(value)
            case dict() if key == "review":
                review = _convert(name, key, value, ReviewRecord, source)
                if review is not None:
                    source.reviews[name] = review
            case _:
                source.faults.append(Fault(name, key, "unknown kind of record"))


def _read_table(  # noqa: PLR0913  (one table: where it is, what it holds, where it goes)
    name: str,
    key: str,
    value: dict[str, Any],
    kind: type[T],
    into: dict[str, T],
    source: Source,
) -> None:
    for id_, raw in value.items():
        record = _convert(name, id_, raw, kind, source)
        if record is None:
            continue
        if id_ in into:
            place = source.origin[f"{key} {id_}"]
            source.faults.append(Fault(name, id_, f"stands in {place} already"))
            continue
        into[id_] = record
        source.origin[f"{key} {id_}"] = name


def _read_list(name: str, value: list[Any], kind: type[T], into: list[T], source: Source) -> None:
    for number, raw in enumerate(value, start=1):
        named = raw if isinstance(raw, dict) else {}
        id_ = str(named.get("id") or named.get("activity") or f"record {number}")
        record = _convert(name, id_, raw, kind, source)
        if record is not None:
            into.append(record)
            source.origin[f"{kind.__name__} {id_}"] = name


def _convert(name: str, id_: str, raw: object, kind: type[T], source: Source) -> T | None:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        source.faults.append(Fault(name, id_, str(error)))
        return None
