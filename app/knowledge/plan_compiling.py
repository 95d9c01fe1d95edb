"""What a plan is made of, compiled: interventions, placements, goals and drivers."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from app.domain.content_parts import (
    Coding,
    Dose,
    Driver,
    GoalMeasure,
    GoalTemplate,
    Intervention,
    Placement,
)
from app.knowledge.errors import Fault
from app.knowledge.records import InterventionRecord
from app.knowledge.rule_compiling import decimal_of, period_of
from app.knowledge.slots import Slots
from app.knowledge.source import Source

Displays = Mapping[tuple[str, str], str]


def drivers_of(source: Source, slots: Slots) -> dict[str, Driver]:
    """Drivers by id; a level or measure that names nothing is a fault."""
    found: dict[str, Driver] = {}
    for id_, record in source.drivers.items():
        place = source.origin[f"driver {id_}"]
        measured = (name for measure in record.measures for name in measure)
        named = [*record.levels.values(), *measured, *record.absent_when]
        missing = [name for name in named if name not in slots.by_name]
        for name in missing:
            fault = f"names {name}, which is neither a finding nor a rule"
            source.faults.append(Fault(place, id_, fault))
        if missing:
            continue
        found[id_] = Driver(
            id=id_,
            label=record.label,
            levels=tuple(sorted(((int(k), v) for k, v in record.levels.items()), reverse=True)),
            measures=tuple(tuple(slots.by_name[n] for n in m) for m in record.measures),
            absent_when=tuple(slots.by_name[n] for n in record.absent_when),
            counts_from=record.counts_from,
            modifiability=record.modifiability,
        )
    return found


def intervention_of(
    id_: str, record: InterventionRecord, displays: Displays, slots: Slots
) -> Intervention:
    """One item of the catalogue."""
    dose = record.dose
    return Intervention(
        id=id_,
        label=record.label,
        kind=record.kind,
        stage=record.stage,
        family=record.family,
        text=record.text,
        evidence=tuple(record.evidence),
        codings=tuple(coding_of(pair, displays) for pair in record.codings),
        products=tuple(coding_of(pair, displays) for pair in record.products),
        dose=None
        if dose is None
        else Dose(dose.weeks, dose.frequency, dose.frequency_max, dose.period, dose.period_unit),
        goals=tuple(record.goals),
        catalogue=record.catalogue,
        counted=record.counted,
        why_not=record.why_not,
        texts_when=_texts_when(record.texts_when, slots),
        prohibits=tuple(record.prohibits),
        uncounted_by=tuple(record.uncounted_by),
        ordered_as=tuple((pair[0], pair[1]) for pair in record.ordered_as),
        taken_as=tuple(record.taken_as),
        leads_when=tuple(slots.by_name[n] for n in record.leads_when if n in slots.by_name),
        harm=record.harm,
        cost=record.cost,
        fits={} if record.fits is None else msgspec.structs.asdict(record.fits),
        dose_seen=record.dose_seen,
    )


def _texts_when(pairs: Sequence[tuple[str, str]], slots: Slots) -> tuple[tuple[int, str], ...]:
    return tuple((slots.by_name[name], key) for name, key in pairs if name in slots.by_name)


def coding_of(written: Sequence[str], displays: Displays) -> Coding:
    """What is sent carries the display of codes.csv, whether or not one is written beside it."""
    system, code = written[0], written[1]
    return Coding(system, code, displays.get((system, code), ""))


def placements_of(source: Source, slots: Slots) -> Sequence[Placement]:
    """Where each item may stand in a plan, in the order of the table."""
    placements = []
    for record in source.placements:
        named = (*record.when, *record.unless, *record.unless_open, *record.gives_way_when)
        missing = [n for n in named if n not in slots.by_name]
        for name in missing:
            fault = f"names {name}, which is neither a finding nor a rule"
            source.faults.append(Fault("placements.toml", record.activity, fault))
        if missing:
            continue
        placements.append(
            Placement(
                activity=record.activity,
                row=record.row,
                stage=record.stage,
                status=record.status,
                rule=record.rule,
                trigger=record.trigger,
                severity=tuple(record.severity),
                driver=record.driver,
                driver_from=record.driver_from,
                when=tuple(slots.by_name[n] for n in record.when),
                steps=tuple(record.steps),
                unless=tuple(slots.by_name[n] for n in record.unless),
                unless_open=tuple(slots.by_name[n] for n in record.unless_open),
                gives_way_to=record.gives_way_to,
                gives_way_when=tuple(slots.by_name[n] for n in record.gives_way_when),
            )
        )
    return placements


def goals_of(source: Source, displays: Displays, slots: Slots) -> dict[str, GoalTemplate]:
    """Goals by id."""
    return {
        id_: GoalTemplate(
            id=id_,
            label=record.label,
            due=period_of(record.due),
            measures=tuple(
                GoalMeasure(
                    input=m.input,
                    label=m.label,
                    coding=coding_of(m.coding, displays),
                    unit=m.unit,
                    absolute=decimal_of(m.absolute),
                    fraction=Decimal(str(m.fraction)),
                    evidence=tuple(m.evidence),
                    reach=decimal_of(m.reach),
                    no_more_than=decimal_of(m.no_more_than),
                    is_higher_better=m.is_higher_better,
                    when=tuple(slots.by_name[n] for n in m.when if n in slots.by_name),
                )
                for m in record.measure
            ),
            own_words=record.own_words,
            when=tuple(slots.by_name[n] for n in record.when if n in slots.by_name),
            texts_when=_texts_when(record.texts_when, slots),
        )
        for id_, record in source.goals.items()
    }
