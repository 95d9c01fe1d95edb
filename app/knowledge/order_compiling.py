"""Compile the records about orders: names of rules become slots, phrases become sets of words."""

from collections.abc import Iterator, Mapping

from app.domain.content_parts import Input
from app.domain.medicines import words
from app.domain.orders.knowledge import (
    CardRule,
    OrderKnowledge,
    OrderName,
    Pair,
    ReasonName,
    Remedy,
    Template,
    Wording,
)
from app.domain.orders.types import ActionKind, Indicator
from app.knowledge.errors import Fault
from app.knowledge.order_records import SuggestionRecord, WordingRecord
from app.knowledge.source import Source

REASON = "order-reason-is-low-back-pain"
Slots = Mapping[str, int]


def order_knowledge(source: Source, inputs: Mapping[str, Input], slots: Slots) -> OrderKnowledge:
    """Build it; what names nothing is a fault of the source."""
    displays = {(c["system"], c["code"]): c["display"] for c in source.codes}
    kinds = tuple(name for name, known in inputs.items() if known.is_kind)
    reasons = [row for row in source.order_names if row["acts_as"] == REASON]
    named = [_name(row) for row in source.order_names if row["acts_as"] != REASON]
    return OrderKnowledge(
        cards=tuple(_cards(source, slots)),
        templates={
            what: Template(
                what=what,
                type=record.type,
                label=record.label,
                codings=tuple((coding[0], coding[1]) for coding in record.codings),
                activity=record.activity,
                priority=record.priority,
                due_in_days=record.due_in_days,
                supply_days=record.supply_days,
                limit_of=record.limit_of,
                displays=tuple(displays.get((c[0], c[1]), "") for c in record.codings),
            )
            for what, record in source.templates.items()
        },
        codes=_codes(source),
        names=tuple(name for name in named if name.acts_as in kinds),
        forms=tuple(name for name in named if name.acts_as not in kinds),
        reasons=tuple(_reason(row) for row in reasons),
        kinds=kinds,
        parts={name: known.part_of for name, known in inputs.items() if known.part_of},
        classes={known.mirrors: name for name, known in inputs.items() if known.mirrors},
        ingredients={known.ingredient: name for name, known in inputs.items() if known.ingredient},
        value_sets={name: known.value_set for name, known in inputs.items() if known.value_set},
        ordered_as={name: known.ordered_as for name, known in inputs.items() if known.ordered_as},
        not_coded_in={name: inputs[name].not_coded_in for name in kinds},
        others=frozenset(pair for known in inputs.values() for pair in known.codings),
    )


def _name(row: Mapping[str, str]) -> OrderName:
    return OrderName(
        frozenset(words(row["words"])), frozenset(words(row["unless"])), row["acts_as"]
    )


def _reason(row: Mapping[str, str]) -> ReasonName:
    return ReasonName(tuple(words(row["words"])), frozenset(words(row["unless"])))


def _codes(source: Source) -> dict[Pair, tuple[str, ...]]:
    found: dict[Pair, tuple[str, ...]] = {}
    for row in source.order_codes:
        pair = row["system"], row["code"]
        found[pair] = (*found.get(pair, ()), row["acts_as"])
    return found


def _cards(source: Source, slots: Slots) -> Iterator[CardRule]:
    for id_, record in source.order_rules.items():
        yield CardRule(
            id=id_,
            label=record.label,
            hooks=frozenset(record.hooks),
            order_class=record.order_class,
            priority=record.priority,
            evidence=tuple(record.evidence),
            overrides=tuple(record.overrides),
            wordings=tuple(_wordings(id_, record.wording, source, slots)),
            once=record.once,
            is_retired=record.retired,
        )


def _wordings(
    id_: str, records: list[WordingRecord], source: Source, slots: Slots
) -> Iterator[Wording]:
    place = source.origin[f"order_rule {id_}"]
    for record in records:
        if record.rule not in slots:
            source.faults.append(Fault(place, id_, f"names {record.rule}, which is no rule"))
            continue
        try:
            indicator = Indicator(record.indicator)
        except ValueError as error:
            source.faults.append(Fault(place, id_, str(error)))
            continue
        yield Wording(
            rule=record.rule,
            indicator=indicator,
            summary=record.summary,
            suggestions=tuple(_remedies(id_, record.suggestions, source, slots)),
            activity=record.activity,
            safety=frozenset(record.safety),
            result=frozenset(record.result),
            is_lowered=record.lowered,
            notes=tuple(_notes(id_, record.notes, source, slots)),
        )


def _notes(id_: str, names: list[str], source: Source, slots: Slots) -> Iterator[str]:
    for name in names:
        if name in slots:
            yield name
        else:
            place = source.origin[f"order_rule {id_}"]
            source.faults.append(Fault(place, id_, f"notes {name}, which is no rule"))


def _remedies(id_: str, names: list[str], source: Source, slots: Slots) -> Iterator[Remedy]:
    place = source.origin[f"order_rule {id_}"]
    for name in names:
        record = source.suggestions.get(name)
        if record is None:
            source.faults.append(Fault(place, id_, f"suggests {name}, which is no suggestion"))
            continue
        if record.when and record.when not in slots:
            fault = f"is offered when {record.when} holds, which is no rule"
            source.faults.append(Fault(place, name, fault))
            continue
        try:
            yield _remedy(name, record, slots)
        except ValueError as error:
            source.faults.append(Fault(place, name, str(error)))


def _remedy(name: str, record: SuggestionRecord, slots: Slots) -> Remedy:
    return Remedy(
        what=name,
        label=record.label,
        actions=tuple((ActionKind(action[0]), "".join(action[1:])) for action in record.actions),
        when=slots[record.when] if record.when else None,
        needs=record.needs,
        is_recommended=record.is_recommended,
    )
