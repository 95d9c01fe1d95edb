"""Choosing between rows that compete, and how much is asked of a person at once (§6.2, §6.5).

Exercise: what the person prefers, then what the person keeps up already or agreed to, then the
evidence (§6.5, 5). Everywhere: what is left equal goes by fewest harms, then lowest cost (13).
"""

from collections.abc import Mapping

from app.domain.content import Content
from app.domain.content_parts import Intervention
from app.domain.course import THIRD
from app.domain.plan_types import (
    DO_NOT,
    NEXT_STEP,
    PROPOSED,
    STAGE_ORDER,
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
MECHANISM, DRIVER, ESCALATION = "mechanism", "driver", "escalation"
BEFORE_A_PROGRAMME = frozenset({"SL-01", "PS-05"})
BY_OTHERS = frozenset({"manual", "passive"})
ACTIVE = frozenset({"exercise", "walking"})


def choose(draft: Draft, situation: Situation) -> None:
    """One exercise mode, one psychological programme, one class of drug, one passive therapy."""
    _choose_a_mode(draft, situation)
    _order_the_modes(draft, situation)
    _keep_one(draft, situation, frozenset({PSYCHOLOGICAL}), "when the first programme is finished")
    _keep_one(draft, situation, frozenset({DRUG}), "if the first did not help")
    _never_alone(draft, situation.content)
    _keep_one(draft, situation, BY_OTHERS, "if the first did not help")


def _choose_a_mode(draft: Draft, situation: Situation) -> None:
    """The mode preferred, kept up or agreed to takes the place of the general programme."""
    general = draft.of(GENERAL_EXERCISE)
    if general is None:
        return
    found = _preferred(draft, situation) or _kept_up(draft, situation) or _agreed(draft, situation)
    if found is None:
        return
    mode, reason = found
    chosen = _moved(mode, general.stage, PROPOSED, (reason,))
    waiting = _moved(general, "next-step", NEXT_STEP, (f"in place of {mode.id}",))
    for old, new in ((mode, chosen), (general, waiting)):
        draft.activities[draft.activities.index(old)] = new


def _modes(draft: Draft, content: Content) -> list[Activity]:
    """The modes of exercise that wait to be chosen."""
    return [
        a
        for a in draft.activities
        if a.status == NEXT_STEP
        and a.id != GENERAL_EXERCISE
        and content.interventions[a.id].family == EXERCISE
    ]


def _preferred(draft: Draft, situation: Situation) -> tuple[Activity, str] | None:
    said = situation.standings.facts.get(PREFERENCE, ())
    if not said:
        return None
    wanted = str(said[-1].value)
    mode = next((m for m in _modes(draft, situation.content) if m.id == wanted), None)
    return None if mode is None else (mode, f"as preferred ({said[-1].source})")


def _kept_up(draft: Draft, situation: Situation) -> tuple[Activity, str] | None:
    """The first mode that is ordered or taken part in already: adherence as the record knows it."""
    return _first_named(situation.under_way, "kept up already", draft, situation.content)


def _agreed(draft: Draft, situation: Situation) -> tuple[Activity, str] | None:
    """The first mode that a clinician accepted by name in an answer to an earlier plan.

    What the record shows of keeping it up comes before: an agreement is not yet an exercise. That a
    plan was accepted as a whole chooses no mode that only waited in it.
    """
    return _first_named(situation.accepted, "as agreed", draft, situation.content)


def _first_named(
    named: Mapping[str, tuple[str, ...]], said: str, draft: Draft, content: Content
) -> tuple[Activity, str] | None:
    """The first mode among activities that have their sources, and what is said of it."""
    if not named:
        return None
    mode = next((m for m in _modes(draft, content) if m.id in named), None)
    return None if mode is None else (mode, f"{said} ({', '.join(named[mode.id])})")


def _order_the_modes(draft: Draft, situation: Situation) -> None:
    """By the evidence for what this person has; a mode that it puts first names the rule."""
    content, worlds = situation.content, situation.worlds
    modes = _modes(draft, content)
    places = [draft.activities.index(mode) for mode in modes]

    def leads(mode: Activity) -> tuple[int, ...]:
        item = content.interventions[mode.id]
        return tuple(slot for slot in item.leads_when if worlds.is_true(slot))

    modes.sort(key=lambda m: (-len(leads(m)), *_tie(content.interventions[m.id])))
    for place, mode in zip(places, modes, strict=True):
        names = tuple(content.slot_names[slot] for slot in leads(mode))
        rules = tuple(dict.fromkeys((*mode.rules, *names)))
        draft.activities[place] = mode._replace(rules=rules)


def _tie(item: Intervention) -> tuple[int, int]:
    return item.harm, item.cost


def _keep_one(draft: Draft, situation: Situation, families: frozenset[str], trigger: str) -> None:
    """What is under way already stays; else of its kind the one of least harm and cost does.

    Of equals the first; the others wait.
    """
    content = situation.content
    competing = [
        a
        for a in draft.activities
        if a.status == PROPOSED and content.interventions[a.id].family in families
    ]
    if not competing[1:]:
        return
    begun = situation.under_way
    kept = min(competing, key=lambda a: (a.id not in begun, *_tie(content.interventions[a.id])))
    for activity in competing:
        if activity is kept:
            continue
        reasons = (*activity.reasons, trigger)
        waiting = _moved(activity, "next-step", NEXT_STEP, reasons)
        draft.activities[draft.activities.index(activity)] = waiting


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
    programmes_wait = any(
        a.id in BEFORE_A_PROGRAMME and a.status == PROPOSED for a in draft.activities
    )
    is_escalated = situation.course.step >= THIRD

    def turn(activity: Activity) -> int:
        if is_escalated and activity.stage == ESCALATION:
            return _after(MECHANISM)  # what the step of care is about (§6.6): no option before it
        if programmes_wait and _is_programme(activity, content):
            return _after(DRIVER)  # sleep and mood come before it (§6.5, 8)
        return 2 * STAGE_ORDER[activity.stage]

    for activity in sorted(draft.activities, key=turn):
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


def _after(stage: str) -> int:
    """The place between a stage and the next one."""
    return 2 * STAGE_ORDER[stage] + 1


def _is_programme(activity: Activity, content: Content) -> bool:
    """A psychological programme, for the mechanism or for a driver."""
    family = content.interventions[activity.id].family
    return family == PSYCHOLOGICAL and activity.stage in (MECHANISM, DRIVER)


def _is_counted(activity: Activity, content: Content) -> bool:
    """Some things never count; others not when a rule says how much they matter."""
    item = content.interventions[activity.id]
    return item.counted and not any(rule in item.uncounted_by for rule in activity.rules)


def _moved(activity: Activity, stage: str, status: str, reasons: tuple[str, ...]) -> Activity:
    return Activity(activity.id, stage, status, activity.rules, activity.text, reasons)
