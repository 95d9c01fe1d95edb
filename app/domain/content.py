"""The clinical content, compiled: what the knowledge folder says, in the engine's own words.

``app/knowledge`` reads, checks and builds this; the domain only uses it. Nothing here holds a
number of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.content_parts import (
    Citation,
    Driver,
    Finding,
    Flag,
    GoalTemplate,
    Input,
    Instrument,
    Intervention,
    MedicineClasses,
    OpioidFactor,
    Placement,
    Reading,
    RecordCode,
    Rule,
    Stance,
)
from app.domain.content_tables import NOTHING_COMPILED, Baseline, Effect, Tables, WhatIf
from app.domain.orders.knowledge import OrderKnowledge
from app.domain.period import Period


@dataclass(frozen=True, slots=True)
class Content:
    """Everything the engine knows, compiled once at load and never changed.

    ``conclusions`` are the rules whose change is worth a question, ``gate_rules`` those with a
    level, ``grade_rules`` those of each mechanism by grade, ``home_flags`` the flags that are
    screened by an input, ``screens`` a slot for each question that a flag is screened by,
    ``counting`` the inputs that count entries of a list, ``after_stopping`` those about medicines
    that were stopped, ``shown_by`` those that a class of medicine makes true, ``placements_of``
    those of an activity, ``stances_on`` those of a profile on an activity, ``effects`` the answers
    of ``what_if`` once more, by slot, ``safety_rules`` those that concern an activity ("" : the
    person), by their number, and ``safety_slots`` the slots of these, ``driver_by_rule`` the name
    of the driver that a rule grades, ``plan_rules`` all but those about orders. ``not_read`` is
    what no input tells about an activity, ``tells_all`` that a row says every reason for it (a
    content from before 5.0.0 does not), ``asks_of_each_part`` that a medicine told as "a/b" is
    known only when both are, ``baseline`` the patient of whom nothing is known by these,
    ``baseline_of_orders`` by all rules. ``record_prefixes`` are by what codes begin with; codes in
    ``medicine_codes`` may end in ``*``; ``ingredients`` gives the name that a verified code has in
    ``medicine_names``.
    """

    version: str
    digest: str
    released_on: str
    intended_use: str
    signed: bool
    inputs: Mapping[str, Input]
    findings: Mapping[str, Finding]
    slot_names: tuple[str, ...]
    readings: Mapping[str, tuple[Reading, ...]]
    rules: tuple[Rule, ...]
    rule_by_id: Mapping[str, Rule]
    rule_by_slot: Mapping[int, Rule]
    what_if: Mapping[str, tuple[WhatIf, ...]]
    ask_order: tuple[str, ...]
    flags: tuple[Flag, ...]
    drivers: Mapping[str, Driver]
    record_codes: Mapping[tuple[str, str], tuple[RecordCode, ...]]
    record_prefixes: Mapping[tuple[str, str], tuple[RecordCode, ...]]
    medicine_codes: Mapping[tuple[str, str], MedicineClasses]
    medicine_names: Mapping[str, MedicineClasses]
    ingredients: Mapping[tuple[str, str], str]
    opioid_factors: Mapping[str, OpioidFactor]
    known_conditions: frozenset[tuple[str, str]]
    clinical_drugs: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
    citations: Mapping[str, Citation]
    interventions: Mapping[str, Intervention]
    placements: tuple[Placement, ...]
    stances: tuple[Stance, ...]
    goals: Mapping[str, GoalTemplate]
    instruments: Mapping[str, Instrument]
    texts: Mapping[str, str]
    review_after: tuple[Period, ...]
    review_after_drug: Period
    cap: int
    cap_mild: int
    files: Mapping[str, str]
    conclusions: tuple[Rule, ...] = ()
    gate_rules: tuple[Rule, ...] = ()
    grade_rules: Mapping[str, Mapping[str, Rule]] = field(default_factory=dict)
    home_flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    screens: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    counting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after_stopping: tuple[str, ...] = ()
    shown_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    placements_of: Mapping[str, tuple[Placement, ...]] = field(default_factory=dict)
    stances_on: Mapping[tuple[str, str], tuple[Stance, ...]] = field(default_factory=dict)
    effects: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)
    safety_rules: Mapping[str, tuple[tuple[str, tuple[Rule, ...]], ...]] = field(
        default_factory=dict
    )
    safety_slots: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    driver_by_rule: Mapping[str, str] = field(default_factory=dict)
    plan_rules: tuple[Rule, ...] = ()
    baseline: Baseline = NOTHING_COMPILED
    baseline_of_orders: Baseline = NOTHING_COMPILED
    tables: Tables = field(default_factory=Tables)
    not_read: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tells_all: bool = False
    asks_of_each_part: bool = False
    orders: OrderKnowledge = field(default_factory=OrderKnowledge)

    def slot(self, finding: str) -> int:
        """The slot of a finding outside of any flag's rules."""
        readings = self.readings[self.findings[finding].input]
        return next(r.slot for r in readings if r.finding.name == finding and not r.flag)
