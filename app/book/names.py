"""Who is who in the book: where each record stands, what it is called and which rules use it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import msgspec

from app.book.document import Code, Link, Text, listed
from app.knowledge.records import RuleRecord
from app.knowledge.source import Source

# The word for one record of each list of the Source; a list that is not here keeps its own name.
SINGULAR = {
    "inputs": "input",
    "findings": "finding",
    "rules": "rule",
    "flags": "flag",
    "drivers": "driver",
    "citations": "evidence",
    "interventions": "intervention",
    "goals": "goal",
    "instruments": "instrument",
    "texts": "text",
}
OPERANDS = ("rule", "finding", "input")
BEHIND_THE_BOOK = frozenset({"manifest", "origin", "faults", "reviews"})
NOT_AN_OPERAND = frozenset({"evidence"})
UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def anchor(kind: str, id_: str) -> str:
    """Where a record stands."""
    return UNSAFE.sub("-", f"{kind}-{id_}")


@dataclass(frozen=True, slots=True)
class Names:
    """``labels`` by kind and id; ``users`` are the rules that name a finding, input or rule."""

    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    users: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def link(self, kind: str, id_: str) -> Text:
        """What a record is called, and its id; only the id when there is no such record."""
        label = self.labels.get(kind, {}).get(id_)
        if label is None:
            return (Code(id_),)
        if label == id_:
            return (Link(id_, anchor(kind, id_)),)
        return (Link(label, anchor(kind, id_)), " ", Code(id_))

    def links(self, kind: str, ids: list[str]) -> Text:
        """Several of them in one line."""
        return listed([self.link(kind, id_) for id_ in ids], "; ")

    def operand(self, name: str) -> Text:
        """A finding, a rule or a yes-or-no input, as rules name them."""
        kind = next((k for k in OPERANDS if name in self.labels.get(k, {})), "")
        return self.link(kind, name)

    def anything(self, name: str) -> Text:
        """For fields that nobody told us about: a link where the word is an id, else the word."""
        for kind, labels in self.labels.items():
            if name in labels:
                return self.link(kind, name)
        return (name,)

    def label(self, name: str) -> str:
        """The words for an operand, without a link."""
        found = (self.labels.get(kind, {}).get(name) for kind in OPERANDS)
        return next((label for label in found if label is not None), name)


def names_of(source: Source) -> Names:
    """Every record that has an id."""
    labels: dict[str, dict[str, str]] = {}
    for listed_ in fields(source):
        if listed_.name in BEHIND_THE_BOOK:
            continue
        found = dict(_labelled(getattr(source, listed_.name)))
        if found:
            labels[SINGULAR.get(listed_.name, listed_.name)] = found
    users: dict[str, list[str]] = {}
    for rule in source.rules:
        for name in dict.fromkeys(named_in(rule)):
            users.setdefault(name, []).append(rule.id)
    return Names(labels, {name: tuple(ids) for name, ids in users.items()})


def named_in(rule: RuleRecord) -> Iterator[str]:
    """Every name in the conditions of a rule, whatever its fields are called."""
    for key, value in msgspec.to_builtins(rule).items():
        if key in NOT_AN_OPERAND:
            continue
        parts = value.values() if isinstance(value, dict) else (value,)
        for part in parts:
            if isinstance(part, list):
                yield from (name for name in part if isinstance(name, str))


def _labelled(records: object) -> Iterator[tuple[str, str]]:
    if isinstance(records, dict):
        for id_, record in records.items():
            if isinstance(record, msgspec.Struct):
                yield id_, _label(id_, msgspec.to_builtins(record))
    elif isinstance(records, list):
        for record in records:
            if isinstance(record, msgspec.Struct):
                raw = msgspec.to_builtins(record)
                if "id" in raw:
                    yield str(raw["id"]), _label(str(raw["id"]), raw)


def _label(id_: str, raw: dict[str, object]) -> str:
    return str(raw.get("label") or raw.get("reference") or id_)
