"""The course of care: since when, from which scores, at which step (``interventions.md`` §6.6)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import GoalMeasure
from app.domain.goals import change_that_matters, is_to_keep, latest_number
from app.domain.period import whole_weeks
from app.domain.standing import Standings

FUNCTION, LESS_PAIN, PAIN = "G-1", "G-2", "pain-nrs"
STEPS = range(5)
MAINTAIN, FIRST, SECOND, THIRD, SPECIALIST = STEPS
# Weeks of care after which no change that matters leads to the next step.
ENDS = ((FIRST, 6), (SECOND, 12), (THIRD, 26))
WORSE_BY = 2


class Course(NamedTuple):
    """``scores`` are the first score of each measure since ``started``; ``why`` says the step."""

    started: datetime
    scores: Mapping[str, Decimal]
    step: int
    why: str


class Before(NamedTuple):
    """The plan before this one: its decision, its course, and the red flags it knew of."""

    decision: str
    course: Course
    pain: Decimal | None
    flags: tuple[str, ...]


def course(
    content: Content,
    standings: Standings,
    flags: tuple[str, ...],
    before: Before | None,
    as_of: datetime,
) -> Course:
    """Where care stands. A first plan, and one after a turn for the worse, begins at step 1."""
    now = _scores(content, standings)
    if before is None:
        return Course(as_of, now, FIRST, "the first plan")
    worse = _worse(before, standings, flags)
    if worse:
        return Course(as_of, now, FIRST, worse)
    scores = {**now, **before.course.scores}
    step, why = _step(content, standings, before.course, as_of)
    return Course(before.course.started, scores, step, why)


def _scores(content: Content, standings: Standings) -> dict[str, Decimal]:
    found = {}
    for name in (*(m.input for m in content.goals[FUNCTION].measures), PAIN):
        score = score_of(standings, name)
        if score is not None:
            found[name] = score
    return found


def score_of(standings: Standings, name: str) -> Decimal | None:
    """The newest score of an input, None when there is none."""
    fact = latest_number(standings, name)
    if fact is None or not isinstance(fact.value, int | Decimal):
        return None
    return Decimal(fact.value)


def _worse(before: Before, standings: Standings, flags: tuple[str, ...]) -> str:
    new = [flag for flag in flags if flag not in before.flags]
    if new:
        return f"a new red flag ({', '.join(new)}): care begins again"
    pain = score_of(standings, PAIN)
    if pain is not None and before.pain is not None and pain - before.pain >= WORSE_BY:
        return f"pain rose from {before.pain} to {pain}: care begins again"
    return ""


def _step(
    content: Content, standings: Standings, course: Course, as_of: datetime
) -> tuple[int, str]:
    weeks = whole_weeks(course.started, as_of)
    told = _measured(content, standings, course)
    if told is None:
        return max(course.step, FIRST), "no score of function since: the step is kept"
    measure, baseline, now = told
    change = change_that_matters(measure, baseline)
    said = f"{measure.label} {baseline} to {now} in {weeks} weeks"
    if baseline - now >= change:
        return MAINTAIN, f"{said}: the change that matters is reached"
    if now - baseline < change and _is_little_to_gain(content, standings, measure, baseline):
        return max(course.step, FIRST), f"{said}: kept, and there is little to gain"
    for step, end in ENDS:
        if weeks < end:
            return step, f"{said}: not yet the change that matters"
    return SPECIALIST, f"{said}: no change that matters"


def _is_little_to_gain(
    content: Content, standings: Standings, measure: GoalMeasure, baseline: Decimal
) -> bool:
    """The goal is to keep what is there, of function and, where it is known, of pain (§1.4)."""
    pain = score_of(standings, PAIN)
    of_pain = content.goals[LESS_PAIN].measures
    is_pain_low = pain is None or all(is_to_keep(m, pain) for m in of_pain)
    return is_pain_low and is_to_keep(measure, baseline)


def _measured(
    content: Content, standings: Standings, course: Course
) -> tuple[GoalMeasure, Decimal, Decimal] | None:
    """The first measure of function with a score from the start and a newer one."""
    for measure in content.goals[FUNCTION].measures:
        baseline = course.scores.get(measure.input)
        fact = latest_number(standings, measure.input)
        if baseline is None or fact is None or fact.at <= course.started:
            continue
        now = score_of(standings, measure.input)
        if now is not None:
            return measure, baseline, now
    return None
