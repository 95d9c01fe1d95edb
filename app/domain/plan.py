"""The plan: which activities, in which order, by which rule, and why the others are not there.

A red flag that is urgent replaces the plan. Otherwise: safety, foundation, mechanism row, next
steps, what not to do, review (``interventions.md`` §6; gate effects as ``phenotyping.md`` §5).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from app.domain.applicability import OUT_OF_SCOPE, Applicability
from app.domain.content import Content, Intervention, Placement
from app.domain.gate import REPLACES_THE_PLAN, SELF_HARM, Gate, GateLevel
from app.domain.goals import Goal, goals
from app.domain.phenotype import Grade, Phenotype
from app.domain.standing import Standings
from app.domain.worlds import Worlds

EMERGENCY, URGENT, SUICIDE_RISK = "ESC-01", "ESC-02", "ESC-03"
ESCALATIONS = frozenset({EMERGENCY, URGENT, SUICIDE_RISK})
REFERRAL, ASK_SCREEN, ASK_MISSING = "REF-01", "ASK-01", "ASK-02"
NO_IMAGING, EDUCATION, EDUCATION_REFER = "DN-01", "ED-01", "ED-01.refer"
BY_HAND_OR_DRUG = frozenset({"manual", "drug", "interventional"})
NEEDS_A_SAFETY_CHECK = BY_HAND_OR_DRUG | {"surgical"}
STAGES = (
    "safety",
    "foundation",
    "mechanism",
    "driver",
    "symptom-option",
    "escalation",
    "next-step",
    "do-not",
    "review",
)
UNCOUNTED_STAGES = frozenset({"safety", "next-step", "do-not", "review"})
PROPOSED, NEXT_STEP, DO_NOT = "proposed", "next-step", "do-not"
WITHHELD, NOT_INDICATED = "withheld", "not-indicated"
CRISIS = "{crisis}"


@dataclass(frozen=True, slots=True)
class Activity:
    """One row of the plan. ``rank`` counts from 1; ``rules`` are why it is here."""

    id: str
    stage: str
    status: str
    rules: tuple[str, ...]
    text: str
    reasons: tuple[str, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Standpoint:
    """What became of one catalogue item, and why."""

    id: str
    status: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Activities in order, goals, the state of every catalogue item, and when to look again.

    ``scope`` is the key of a text that says what limits the plan, empty for none.
    """

    activities: tuple[Activity, ...]
    goals: tuple[Goal, ...]
    catalogue: tuple[Standpoint, ...]
    reviews: tuple[date, ...]
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the plan depends on, each decided before it."""

    content: Content
    worlds: Worlds
    standings: Standings
    applicability: Applicability
    gate: Gate
    grades: tuple[Grade, ...]
    phenotype: Phenotype
    open_questions: tuple[str, ...]
    crisis_text: str
    as_of: datetime


@dataclass(slots=True)
class _Draft:
    """The plan in the making: what is in, and why something is out."""

    activities: list[Activity] = field(default_factory=list)
    left_out: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def has(self, activity: str) -> bool:
        return any(a.id == activity for a in self.activities)

    def leave_out(self, activity: str, status: str, reason: str) -> None:
        _, reasons = self.left_out.get(activity, (status, ()))
        self.left_out[activity] = (status, (*reasons, reason))


def make_plan(situation: Situation) -> Plan:
    """The plan for one situation; the same situation always gives the same plan."""
    if situation.gate.level in REPLACES_THE_PLAN:
        return _escalation_only(situation)
    if situation.applicability is Applicability.ELSEWHERE:
        return _scope_only(situation)
    draft = _Draft()
    draft.activities.extend(_red_flag_activities(situation))
    if _is_worth_asking(situation):
        draft.activities.append(_activity(situation, ASK_MISSING, "safety", ("P-10",)))
    rows = _rows(situation)
    for placement in situation.content.placements:
        if placement.row in rows:
            _place(placement, situation, draft)
    _cap(draft, situation.content)
    reviews = tuple(p.after(situation.as_of.date()) for p in situation.content.review_after)
    return Plan(
        activities=_ranked(draft.activities),
        goals=goals(situation.content, situation.standings, situation.as_of),
        catalogue=_catalogue(situation, draft),
        reviews=reviews,
        scope="scope.limited" if _is_limited(situation) else "",
    )


def _escalation_only(situation: Situation) -> Plan:
    """Every escalation that applies, highest level first, and nothing else."""
    rows: dict[str, list[str]] = {}
    for raised in situation.gate.raised:
        activity = _escalation_for(raised.flag, raised.level)
        if activity in ESCALATIONS:
            rows.setdefault(activity, []).extend(raised.rules)
    activities = [
        _activity(situation, activity, "escalation", ("P-12", *rules))
        for activity, rules in rows.items()
    ]
    reason = f"red flag ({situation.gate.level.value}): {_flag_names(situation)}"
    return Plan(
        activities=_ranked(activities),
        goals=(),
        catalogue=_all_catalogue(situation.content, WITHHELD, reason),
        reviews=(),
        scope="scope.red-flag",
    )


def _escalation_for(flag: str, level: GateLevel) -> str:
    if level is GateLevel.WATCH:
        return ""
    if flag == SELF_HARM:
        return SUICIDE_RISK
    match level:
        case GateLevel.EMERGENCY:
            return EMERGENCY
        case GateLevel.URGENT:
            return URGENT
        case _:
            return REFERRAL


def _flag_names(situation: Situation) -> str:
    return ", ".join(r.flag for r in situation.gate.raised)


def _scope_only(situation: Situation) -> Plan:
    """Pain that is not in the low back: nothing but the statement of scope."""
    activities = [
        _activity(situation, _escalation_for(r.flag, r.level), "safety", ("P-11", *r.rules))
        for r in situation.gate.raises(GateLevel.REFER)
    ]
    reason = "A2: the pain is not in the low back"
    return Plan(
        activities=_ranked(activities),
        goals=(),
        catalogue=_all_catalogue(situation.content, NOT_INDICATED, reason),
        reviews=(),
        scope="scope.not-low-back",
    )


def _red_flag_activities(situation: Situation) -> Iterator[Activity]:
    """REFER first (self-harm before all), then the screen that was never finished."""
    rows: dict[str, list[str]] = {}
    for raised in situation.gate.raises(GateLevel.REFER):
        rows.setdefault(_escalation_for(raised.flag, raised.level), []).extend(raised.rules)
    for activity in (SUICIDE_RISK, REFERRAL):
        if activity in rows:
            yield _activity(situation, activity, "safety", ("P-11", *rows[activity]))
    if not situation.gate.is_screened:
        yield _activity(situation, ASK_SCREEN, "safety", ("P-09",))


def _is_worth_asking(situation: Situation) -> bool:
    """Missing data are asked for while no mechanism is established and an answer would tell."""
    is_open = situation.phenotype.is_suspected or not any(
        g.is_established for g in situation.grades
    )
    inputs = situation.content.inputs
    return is_open and any(not inputs[n].gate_question for n in situation.open_questions)


def _is_limited(situation: Situation) -> bool:
    rule = situation.content.rule_by_id.get(OUT_OF_SCOPE)
    return situation.applicability is Applicability.OUTSIDE or (
        rule is not None and situation.worlds.is_true(rule.slot)
    )


def _rows(situation: Situation) -> frozenset[str]:
    if _is_limited(situation):
        return frozenset({"always", "limited", "do-not", "review"})
    return frozenset({"always", "foundation", "do-not", "review", *_mechanism_rows(situation)})


def _mechanism_rows(situation: Situation) -> tuple[str, ...]:
    """The established mechanism; of a mixed pain the dominant one, or all while none dominates."""
    phenotype = situation.phenotype
    if phenotype.is_suspected or situation.applicability is not Applicability.APPLIES:
        return ()
    if phenotype.mechanism != "mixed":
        return (phenotype.mechanism,)
    return phenotype.components[:1] if phenotype.is_dominance_known else phenotype.components


def _place(placement: Placement, situation: Situation, draft: _Draft) -> None:
    item = situation.content.interventions[placement.activity]
    if draft.has(item.id):
        return
    obstacle = _obstacle(placement, item, situation)
    if obstacle is not None:
        draft.leave_out(item.id, *obstacle)
        return
    rules = (placement.rule, *_why(placement, situation))
    reasons = (placement.trigger,) if placement.trigger else ()
    text = _text(situation, item.id)
    stage, status = placement.stage, placement.status
    draft.activities.append(Activity(item.id, stage, status, _once(rules), text, reasons))


def _obstacle(
    placement: Placement, item: Intervention, situation: Situation
) -> tuple[str, str] | None:
    """Why this cannot stand in the plan: (status, reason); None when nothing stands against it."""
    if placement.status == DO_NOT:
        return _no_prohibition(placement, situation)
    gate = situation.gate
    for raised in gate.raises(GateLevel.REFER):
        flag = next(f for f in situation.content.flags if f.id == raised.flag)
        if item.id in flag.removes:
            return WITHHELD, f"until the red flag {raised.flag} is cleared ({raised.rules[0]})"
    if item.family in BY_HAND_OR_DRUG and not gate.is_screened:
        return WITHHELD, "the red-flag screen is not complete"
    if item.family in NEEDS_A_SAFETY_CHECK and item.why_not:
        return WITHHELD, item.why_not
    return _excluded(placement, situation, NOT_INDICATED)


def _no_prohibition(placement: Placement, situation: Situation) -> tuple[str, str] | None:
    if placement.activity == NO_IMAGING and not _is_imaging_ruled_out(situation):
        return NOT_INDICATED, "a red flag or an unfinished screen may need imaging"
    return _excluded(placement, situation, NOT_INDICATED)


def _is_imaging_ruled_out(situation: Situation) -> bool:
    return situation.gate.level in (GateLevel.WATCH, GateLevel.CLEAR)


def _excluded(placement: Placement, situation: Situation, status: str) -> tuple[str, str] | None:
    worlds = situation.worlds
    names = situation.content.slot_names
    for slot in placement.unless:
        if worlds.is_true(slot):
            return status, f"{names[slot]} holds"
    for slot in placement.unless_open:
        if worlds.is_true(slot) or worlds.is_unknown(slot):
            return WITHHELD, f"{names[slot]} holds or is not known"
    return None


def _why(placement: Placement, situation: Situation) -> tuple[str, ...]:
    """The grade rules behind a mechanism row."""
    return tuple(
        g.rule for g in situation.grades if g.mechanism == placement.row and g.rule is not None
    )


def _activity(situation: Situation, activity: str, stage: str, rules: Sequence[str]) -> Activity:
    return Activity(activity, stage, PROPOSED, _once(rules), _text(situation, activity), ())


def _once(rules: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rules))


def _text(situation: Situation, activity: str) -> str:
    """What the patient reads."""
    content = situation.content
    text = content.interventions[activity].text
    if activity == EDUCATION and not _is_imaging_ruled_out(situation):
        text = content.texts[EDUCATION_REFER]
    return text.replace(CRISIS, situation.crisis_text)


def _cap(draft: _Draft, content: Content) -> None:
    """At most ``content.cap`` counted activities; the rest wait as next steps."""
    kept: list[Activity] = []
    counted = 0
    for activity in sorted(draft.activities, key=lambda a: STAGES.index(a.stage)):
        if activity.stage in UNCOUNTED_STAGES or not content.interventions[activity.id].counted:
            kept.append(activity)
            continue
        counted += 1
        if counted <= content.cap:
            kept.append(activity)
            continue
        trigger = (*activity.reasons, "when another activity is finished")
        kept.append(
            Activity(activity.id, "next-step", NEXT_STEP, activity.rules, activity.text, trigger)
        )
    draft.activities = kept


def _ranked(activities: Iterable[Activity]) -> tuple[Activity, ...]:
    ordered = sorted(activities, key=lambda a: STAGES.index(a.stage))
    return tuple(
        Activity(a.id, a.stage, a.status, a.rules, a.text, a.reasons, rank)
        for rank, a in enumerate(ordered, start=1)
    )


def _catalogue(situation: Situation, draft: _Draft) -> tuple[Standpoint, ...]:
    placed = {a.id: a for a in draft.activities}
    points = []
    for item in situation.content.interventions.values():
        if not item.catalogue:
            continue
        activity = placed.get(item.id)
        if activity is not None:
            reasons = (activity.stage, *activity.rules, *activity.reasons)
            points.append(Standpoint(item.id, activity.status, reasons))
        elif item.id in draft.left_out:
            points.append(Standpoint(item.id, *draft.left_out[item.id]))
        else:
            points.append(_not_placed(item, situation))
    return tuple(points)


def _not_placed(item: Intervention, situation: Situation) -> Standpoint:
    if item.why_not:
        status = WITHHELD if item.family in NEEDS_A_SAFETY_CHECK else NOT_INDICATED
        return Standpoint(item.id, status, (item.why_not,))
    mechanism = situation.phenotype.mechanism
    return Standpoint(item.id, NOT_INDICATED, (f"not in the row of {mechanism}",))


def _all_catalogue(content: Content, status: str, reason: str) -> tuple[Standpoint, ...]:
    return tuple(
        Standpoint(item.id, status, (reason,))
        for item in content.interventions.values()
        if item.catalogue
    )
