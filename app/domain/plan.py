"""The plan: which activities, in which order, by which rule, and why the others are not there.

A red flag that is urgent replaces the plan. Otherwise: safety, foundation, mechanism row, drivers,
options, next steps, what not to do, review (``interventions.md`` §6; gate effects as
``phenotyping.md`` §5).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from app.domain.applicability import Applicability
from app.domain.choosing import DRUG, cap, choose
from app.domain.content import Content
from app.domain.content_parts import Input, Intervention
from app.domain.course import MAINTAIN
from app.domain.doubt import Unsettled
from app.domain.gate import REPLACES_THE_PLAN, SELF_HARM, GateLevel
from app.domain.goals import goals
from app.domain.placing import (
    LISTS,
    candidates,
    is_limited,
    missing_inputs,
    place,
    removed_by_flags,
    settles,
    text_of,
)
from app.domain.plan_types import (
    DO_NOT,
    NOT_INDICATED,
    PROPOSED,
    STAGE_ORDER,
    WITHHELD,
    Activity,
    Draft,
    Plan,
    Situation,
)
from app.domain.safety import NOT_KNOWN, PERSON, check
from app.domain.safety_types import SafetyFinding
from app.domain.severity import Severity
from app.domain.standpoint import Standpoint
from app.domain.worlds import Worlds

EMERGENCY, URGENT, SUICIDE_RISK = "ESC-01", "ESC-02", "ESC-03"
ESCALATIONS = frozenset({EMERGENCY, URGENT, SUICIDE_RISK})
REFERRAL, ASK_SCREEN, ASK_MISSING, DECIDE_TOGETHER = "REF-01", "ASK-01", "ASK-02", "ASK-03"
NEEDS_A_SAFETY_CHECK = frozenset({"manual", "drug", "interventional", "surgical"})
FOUNDATION = "foundation"


def make_plan(situation: Situation) -> Plan:
    """The plan for one situation; the same situation always gives the same plan."""
    if situation.gate.level in REPLACES_THE_PLAN:
        return _escalation_only(situation)
    if situation.applicability is Applicability.ELSEWHERE:
        return _scope_only(situation)
    draft = Draft(removed=removed_by_flags(situation.content, situation.gate))
    draft.activities.extend(_red_flag_activities(situation))
    by_gate = len(draft.activities)
    for placement in candidates(situation):
        place(placement, situation, draft)
    if situation.is_worth_asking or _is_something_unchecked(draft):
        draft.activities.insert(by_gate, _activity(situation, ASK_MISSING, "safety", ("P-10",)))
    choose(draft, situation)
    cap(draft, situation)
    draft.activities.extend(_decide_together(draft, situation))
    person = check(PERSON, situation.content, situation.worlds)
    return Plan(
        activities=_ranked(draft.activities),
        goals=goals(
            situation.content,
            situation.standings,
            situation.worlds,
            situation.as_of,
            activities=frozenset(a.id for a in draft.activities if a.status != DO_NOT),
        ),
        catalogue=_catalogue(situation, draft),
        reviews=_reviews(draft, situation),
        scope="scope.limited" if is_limited(situation) else "",
        considered=tuple(draft.considered),
        safety=(*person, *_told(draft)),
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
    """Pain that is not in the low back: the two flags that run there, and the scope."""
    reason = "A2: the pain is not in the low back"
    return Plan(
        activities=_ranked(list(_red_flag_activities(situation))),
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


def _told(draft: Draft) -> Iterator[SafetyFinding]:
    """What was said of the safety of every activity."""
    for found in draft.safety.values():
        yield from found


def _is_something_unchecked(draft: Draft) -> bool:
    """An option was left out because a fact is missing."""
    return any(
        finding.result is NOT_KNOWN
        for activity, found in draft.safety.items()
        if activity in draft.left_out
        for finding in found
    )


def lists_wanted(
    plan: Plan, content: Content, worlds: Worlds, unsettled: Unsettled
) -> tuple[str, ...]:
    """The lists of the record whose completeness some option waits for."""
    found = {about.listed_in for about in _waited_for(plan, content, worlds)}
    return tuple(name for name in LISTS if name in found - unsettled.complete)


def entries_wanted(
    plan: Plan, content: Content, worlds: Worlds, unsettled: Unsettled
) -> tuple[str, ...]:
    """What some option waits for of lists that are complete and still leave something open."""
    found = (
        settles(about, unsettled)
        for about in _waited_for(plan, content, worlds)
        if about.listed_in in LISTS and about.listed_in in unsettled.complete
    )
    return tuple(dict.fromkeys(found))


def _waited_for(plan: Plan, content: Content, worlds: Worlds) -> Iterator[Input]:
    """The inputs that are not known and for which an option is withheld."""
    waiting = {p.id for p in plan.catalogue if p.status == WITHHELD}
    for finding in plan.safety:
        if finding.result is NOT_KNOWN and finding.activity in waiting:
            yield from (content.inputs[n] for n in missing_inputs(finding, content, worlds))


def _decide_together(draft: Draft, situation: Situation) -> Iterator[Activity]:
    """A medicine is a choice, "no medicine" among them; a refused foundation is talked about."""
    items = situation.content.interventions
    options = [
        a.id for a in draft.activities if a.status == PROPOSED and items[a.id].family == DRUG
    ]
    refused = [
        p.activity
        for p in (situation.content.placements if situation.declined else ())
        if p.stage == FOUNDATION and p.activity in situation.declined
    ]
    reasons = [f"{', '.join(options)} or no medicine"] if options else []
    if refused:
        reasons.append(f"{', '.join(dict.fromkeys(refused))} was declined")
    if reasons:
        row = _activity(situation, DECIDE_TOGETHER, "safety", ("P-13",))
        yield Activity(row.id, row.stage, row.status, row.rules, row.text, tuple(reasons))


def _activity(situation: Situation, activity: str, stage: str, rules: Sequence[str]) -> Activity:
    text = text_of(situation, activity)
    return Activity(activity, stage, PROPOSED, tuple(dict.fromkeys(rules)), text, ())


def _ranked(activities: Iterable[Activity]) -> tuple[Activity, ...]:
    ordered = sorted(activities, key=lambda a: STAGE_ORDER[a.stage])
    return tuple(
        [
            Activity(a.id, a.stage, a.status, a.rules, a.text, a.reasons, rank)
            for rank, a in enumerate(ordered, start=1)
        ]
    )


def _reviews(draft: Draft, situation: Situation) -> tuple[date, ...]:
    """Two weeks after a new medicine, then as the content says; once while the pain is mild."""
    content, today = situation.content, situation.as_of.date()
    periods = content.review_after
    if situation.severity is Severity.MILD and situation.course.step != MAINTAIN:
        periods = periods[:1]
    if any(_is_new_medicine(a, situation) for a in draft.activities):
        periods = (content.review_after_drug, *periods)
    return tuple(period.after(today) for period in periods)


def _is_new_medicine(activity: Activity, situation: Situation) -> bool:
    """Proposed, and not taken already."""
    is_medicine = situation.content.interventions[activity.id].family == DRUG
    is_proposed = activity.status == PROPOSED
    return is_medicine and is_proposed and activity.id not in situation.under_way


def _catalogue(situation: Situation, draft: Draft) -> tuple[Standpoint, ...]:
    placed = {a.id: a for a in draft.activities}
    left_out = draft.left_out
    nobody_asks = f"no row of {situation.phenotype.mechanism} pain and no driver asks for it"
    points: list[Standpoint] = []
    for id_, not_placed, not_read in situation.content.tables.catalogue:
        if id_ in placed:
            activity = placed[id_]
            reasons = (activity.stage, *activity.rules, *activity.reasons, *not_read)
            points.append(Standpoint(id_, activity.status, reasons))
        elif id_ in left_out:
            status, reasons = left_out[id_]
            points.append(Standpoint(id_, status, (*reasons, *not_read)))
        elif not_placed is not None:
            points.append(not_placed)
        else:
            points.append(Standpoint(id_, NOT_INDICATED, (nobody_asks, *not_read)))
    return tuple(points)


def unplaced(item: Intervention, not_read: Sequence[str]) -> Standpoint | None:
    """An item with a reason of its own for being in no plan that does not ask for it."""
    if not item.why_not:
        return None
    status = WITHHELD if item.family in NEEDS_A_SAFETY_CHECK else NOT_INDICATED
    return Standpoint(item.id, status, (item.why_not, *not_read))


def _all_catalogue(content: Content, status: str, reason: str) -> tuple[Standpoint, ...]:
    return tuple(
        Standpoint(item.id, status, (reason,))
        for item in content.interventions.values()
        if item.catalogue
    )
