"""Choosing between rows that compete, and how much is asked of a person at once (§6.2, §6.5)."""

from app.domain.content import Content
from app.domain.plan_types import (
    DO_NOT,
    NEXT_STEP,
    PROPOSED,
    STAGES,
    UNCOUNTED_STAGES,
    WITHHELD,
    Activity,
    Draft,
    Situation,
)
from app.domain.severity import Severity

PREFERENCE = "exercise-preference"
GENERAL_EXERCISE = "EX-01"
EXERCISE, PSYCHOLOGICAL, DRUG = "exercise", "psychological", "drug"
MECHANISM, DRIVER = "mechanism", "driver"
BEFORE_A_PROGRAMME = frozenset({"SL-01", "PS-05"})
BY_OTHERS = frozenset({"manual", "passive"})
ACTIVE = frozenset({"exercise", "walking"})


def choose(draft: Draft, situation: Situation) -> None:
    """One exercise mode, one psychological programme, one class of drug, one passive therapy."""
    _prefer_a_mode(draft, situation)
    content = situation.content
    _keep_one(draft, content, frozenset({PSYCHOLOGICAL}), "when the first programme is finished")
    _keep_one(draft, content, frozenset({DRUG}), "if the first did not help")
    _never_alone(draft, content)
    _keep_one(draft, content, BY_OTHERS, "if the first did not help")


def _prefer_a_mode(draft: Draft, situation: Situation) -> None:
    """The mode that the person prefers takes the place of the general programme."""
    said = situation.standings.facts.get(PREFERENCE, ())
    wanted = draft.of(str(said[-1].value)) if said else None
    general = draft.of(GENERAL_EXERCISE)
    if wanted is None or general is None or wanted.status != NEXT_STEP:
        return
    if situation.content.interventions[wanted.id].family != EXERCISE:
        return
    chosen = _moved(wanted, general.stage, PROPOSED, (f"as preferred ({said[-1].source})",))
    waiting = _moved(general, "next-step", NEXT_STEP, (f"in place of {wanted.id}",))
    for old, new in ((wanted, chosen), (general, waiting)):
        draft.activities[draft.activities.index(old)] = new


def _keep_one(draft: Draft, content: Content, families: frozenset[str], trigger: str) -> None:
    """The first of its kind stays; the others wait."""
    is_taken = False
    for place, activity in enumerate(draft.activities):
        if activity.status != PROPOSED or content.interventions[activity.id].family not in families:
            continue
        if is_taken:
            reasons = (*activity.reasons, trigger)
            draft.activities[place] = _moved(activity, "next-step", NEXT_STEP, reasons)
        is_taken = True


def _never_alone(draft: Draft, content: Content) -> None:
    """What is done to a person stands only beside what the person does."""
    families = {
        content.interventions[a.id].family for a in draft.activities if a.status == PROPOSED
    }
    if families & ACTIVE:
        return
    for activity in list(draft.activities):
        if content.interventions[activity.id].family in BY_OTHERS and activity.status != DO_NOT:
            draft.activities.remove(activity)
            draft.leave_out(activity.id, WITHHELD, "never without exercise")


def cap(draft: Draft, situation: Situation) -> None:
    """At most so many counted activities; the rest wait as next steps (§6.2, burden cap)."""
    content = situation.content
    most = content.cap_mild if situation.severity is Severity.MILD else content.cap
    kept: list[Activity] = []
    counted = 0
    ordered = sorted(draft.activities, key=lambda a: STAGES.index(a.stage))
    if any(a.id in BEFORE_A_PROGRAMME and a.status == PROPOSED for a in ordered):
        ordered.sort(key=lambda a: _turn(a, content))
    for activity in ordered:
        if activity.stage in UNCOUNTED_STAGES or not _is_counted(activity, content):
            kept.append(activity)
            continue
        counted += 1
        if counted <= most:
            kept.append(activity)
            continue
        reasons = (*activity.reasons, "when another activity is finished")
        kept.append(_moved(activity, "next-step", NEXT_STEP, reasons))
    draft.activities = kept


def _turn(activity: Activity, content: Content) -> int:
    """Where sleep or mood needs care, a psychological programme comes after it (§6.5, 8)."""
    is_programme = content.interventions[activity.id].family == PSYCHOLOGICAL
    if is_programme and activity.stage in (MECHANISM, DRIVER):
        return 2 * STAGES.index(DRIVER) + 1
    return 2 * STAGES.index(activity.stage)


def _is_counted(activity: Activity, content: Content) -> bool:
    """Some things never count; others not when a rule says how much they matter."""
    item = content.interventions[activity.id]
    return item.counted and not set(activity.rules) & set(item.uncounted_by)


def _moved(activity: Activity, stage: str, status: str, reasons: tuple[str, ...]) -> Activity:
    return Activity(activity.id, stage, status, activity.rules, activity.text, reasons)
