"""What the content says, turned to where it is asked for: worked out once, when it is loaded.

Nothing here depends on a patient, and nothing is said here that the content does not say. Slots
that are asked for together become one integer, bit n for slot n (``worlds.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.domain.content import Content
from app.domain.content_parts import Choice, Input, Intervention, Placement, Reading, ValueType
from app.domain.content_tables import (
    CatalogueItem,
    DriverTable,
    PlacementTable,
    Plain,
    Rows,
    SafetyTable,
    Tables,
)
from app.domain.course import STEPS
from app.domain.placing import EVIDENCE_ORDER
from app.domain.plan import unplaced
from app.domain.plan_types import DO_NOT
from app.domain.safety_types import SafetyFinding, SafetyResult
from app.domain.severity import Severity
from app.domain.stakes import subjects_of
from app.domain.standing import compare
from app.domain.subscales import subscales_of
from app.domain.truth import TRUE
from app.domain.worlds import baseline


def laid_out(content: Content) -> Content:
    """The content with its baselines and tables: the last step of compiling it."""
    return replace(
        content,
        baseline=baseline(content, content.plan_rules),
        baseline_of_orders=baseline(content, content.rules),
        tables=_tables(content),
    )


def _tables(content: Content) -> Tables:
    subscales = subscales_of(content.instruments)
    placements = [_placement(placement, content) for placement in content.placements]
    return Tables(
        subjects=subjects_of(content.rules, content.driver_by_rule),
        conclusions=tuple(rule.slot for rule in content.conclusions),
        drivers=_drivers(content),
        gate=bits(rule.slot for rule in content.gate_rules),
        screens={flag: bits(slots) for flag, slots in content.screens.items()},
        safety={activity: _safety(activity, content) for activity in content.safety_rules},
        rows={
            (severity.value, step): _rows(placements, severity.value, step)
            for severity in Severity
            for step in STEPS
        },
        placements_of=_placements_of(placements),
        catalogue=tuple(
            _catalogue_item(item, content.not_read.get(item.id, ()))
            for item in content.interventions.values()
            if item.catalogue
        ),
        subscales=subscales,
        with_subscales=frozenset(name for one in subscales for name in (one.total, one.part)),
        serving=_serving(content.interventions.values()),
        plain={
            name: _plain(known, content.readings.get(name, ()))
            for name, known in content.inputs.items()
            if _is_plain(known, content.readings.get(name, ()))
        },
    )


def bits(slots: Iterable[int]) -> int:
    """The slots as one integer."""
    found = 0
    for slot in slots:
        found |= 1 << slot
    return found


def _drivers(content: Content) -> dict[str, DriverTable]:
    return {
        name: DriverTable(
            levels=tuple((level, content.rule_by_id[r].slot, r) for level, r in driver.levels),
            measures=tuple(bits(measure) for measure in driver.measures),
            absent_when=bits(driver.absent_when),
        )
        for name, driver in content.drivers.items()
        if all(rule in content.rule_by_id for _, rule in driver.levels)
    }


def _safety(activity: str, content: Content) -> SafetyTable:
    groups = tuple(
        (
            SafetyFinding(number, activity, SafetyResult.PASS),
            bits(rule.slot for rule in rules),
            rules,
        )
        for number, rules in content.safety_rules[activity]
    )
    return SafetyTable(
        slots=bits(content.safety_slots[activity]),
        passed=tuple(passed for passed, _, _ in groups),
        groups=groups,
    )


def _placement(placement: Placement, content: Content) -> PlacementTable:
    driver = content.drivers.get(placement.driver)
    item = content.interventions.get(placement.activity)
    table = PlacementTable(
        placement,
        when=bits(placement.when),
        unless=bits(placement.unless),
        unless_open=bits(placement.unless_open),
    )
    if driver is None or item is None:
        return table
    return replace(
        table,
        from_level=max(placement.driver_from, driver.counts_from),
        turn=(-driver.modifiability, _mark(item, content), item.harm, item.cost, item.id),
    )


def _mark(item: Intervention, content: Content) -> int:
    """The best mark of its evidence."""
    marks = [content.citations[e].mark for e in item.evidence if e in content.citations]
    return min(map(EVIDENCE_ORDER.index, marks), default=len(EVIDENCE_ORDER))


def _rows(placements: Iterable[PlacementTable], severity: str, step: int) -> Rows:
    chosen = [
        table
        for table in placements
        if severity in (table.placement.severity or (severity,))
        and step in (table.placement.steps or (step,))
    ]
    return Rows(
        prohibitions=tuple(t for t in chosen if t.placement.status == DO_NOT),
        others=tuple(t for t in chosen if t.placement.status != DO_NOT and not t.placement.driver),
        of_drivers=tuple(t for t in chosen if t.placement.driver),
    )


def _placements_of(tables: Iterable[PlacementTable]) -> dict[str, tuple[PlacementTable, ...]]:
    found: dict[str, tuple[PlacementTable, ...]] = {}
    for table in tables:
        activity = table.placement.activity
        found[activity] = (*found.get(activity, ()), table)
    return found


def _catalogue_item(item: Intervention, not_read: tuple[str, ...]) -> CatalogueItem:
    return CatalogueItem(item.id, unplaced(item, not_read), not_read)


def _serving(interventions: Iterable[Intervention]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for item in interventions:
        for goal in item.goals:
            found[goal] = found.get(goal, frozenset()) | {item.id}
    return found


def _is_plain(known: Input, readings: Sequence[Reading]) -> bool:
    """A yes or no that no statement asks more of: no window, no author, no earlier answer."""
    if known.value_type is not ValueType.BOOLEAN or known.choice is Choice.SCORED:
        return False
    if known.choice is Choice.LATEST and known.repeats:
        return False
    return not any(
        r.finding.within or r.finding.older_than or r.finding.said_by or r.finding.earlier
        for r in readings
    )


def _plain(known: Input, readings: Sequence[Reading]) -> Plain:
    """As ``standing.py`` has it of a single answer, by the way in which an answer is chosen."""
    yes, no = _settled(readings, is_yes=True), _settled(readings, is_yes=False)
    match known.choice:
        case Choice.GATE:
            # A positive acts until it was assessed; a no says no to every statement.
            return Plain(None, ((), tuple(r.slot for r in readings)), known.known_for)
        case Choice.RECORD:
            flagged = {r.slot for r in readings if r.flag}
            return Plain(
                None if flagged.intersection(yes[0]) else yes,
                None if flagged.intersection(no[0]) else no,
                None,
            )
        case Choice.LATEST | Choice.SCORED:
            return Plain(yes, no, known.known_for)


def _settled(
    readings: Sequence[Reading], *, is_yes: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    holding = tuple(r.slot for r in readings if compare(r.finding.test, is_yes) is TRUE)
    return holding, tuple(r.slot for r in readings if r.slot not in holding)
