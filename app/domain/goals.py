"""Goals of a plan: the first instrument that is an occasion for it, its baseline, and the change.

Target by the MIC rule (``interventions.md`` §1.4): improve by the larger of the minimal important
change and 30 % of the baseline, and to no more than the table names (pain 4, PEG 3.9); a baseline
below twice that change is to be kept, not lowered.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import GoalMeasure, GoalTemplate
from app.domain.facts import Fact
from app.domain.standing import Standings
from app.domain.worlds import Worlds

OWN_WORDS = "goal-in-own-words"
_TENTH = Decimal("0.1")


class Goal(NamedTuple):
    """``baseline`` and ``target`` are scores of ``measure``; ``due`` None says ongoing."""

    id: str
    label: str
    due: date | None
    measure: GoalMeasure | None = None
    baseline: Decimal | None = None
    target: Decimal | None = None
    is_to_keep: bool = False
    source: str | None = None
    own_words: str = ""


def goals(
    content: Content,
    standings: Standings,
    worlds: Worlds,
    as_of: datetime,
    *,
    activities: frozenset[str],
) -> tuple[Goal, ...]:
    """Every goal that has an occasion, measured as far as the facts allow.

    ``activities`` are what the plan does now or next: a goal that all its activities have left
    (refused, unsafe, replaced) goes with them, for nobody would work towards it.
    """
    return tuple(
        goal
        for template in content.goals.values()
        if not template.when
        or (
            any(worlds.is_true(s) for s in template.when)
            and _is_served(template, content, activities)
        )
        for goal in _goal(template, _label(template, content, worlds), standings, worlds, as_of)
    )


def _is_served(template: GoalTemplate, content: Content, activities: frozenset[str]) -> bool:
    """Something in the plan serves it; what the content ties to no activity all of them serve."""
    serving = content.tables.serving.get(template.id)
    return serving is None or not serving.isdisjoint(activities)


def _label(template: GoalTemplate, content: Content, worlds: Worlds) -> str:
    for slot, key in template.texts_when:
        if worlds.is_true(slot):
            return content.texts[key]
    return template.label


def _goal(
    template: GoalTemplate, label: str, standings: Standings, worlds: Worlds, as_of: datetime
) -> Iterator[Goal]:
    due = template.due.after(as_of.date()) if template.due is not None else None
    if template.own_words:
        words = standings.facts.get(OWN_WORDS, ())
        said = str(words[-1].value) if words else ""
        source = words[-1].source if words else None
        yield Goal(template.id, label, due, own_words=said, source=source)
        return
    for measure in template.measures:
        if measure.when and not any(worlds.is_true(slot) for slot in measure.when):
            continue
        fact = latest_number(standings, measure.input)
        if fact is not None and isinstance(fact.value, int | Decimal):
            yield _measured(template.id, label, measure, fact, Decimal(fact.value), due)
            return
    yield Goal(template.id, label, due)


def latest_number(standings: Standings, name: str) -> Fact | None:
    """The newest whole score of an input; a partial one is no baseline.

    None where two of the newest moment contradict each other: which one counts is unknown.
    """
    if name in standings.conflicts:
        return None
    for fact in reversed(standings.facts.get(name, ())):
        if isinstance(fact.value, int | Decimal) and not isinstance(fact.value, bool):
            return fact
    return None


def change_that_matters(measure: GoalMeasure, baseline: Decimal) -> Decimal:
    """The larger of the minimal important change and the fraction of the baseline."""
    by_fraction = baseline * measure.fraction
    return by_fraction if measure.absolute is None else max(by_fraction, measure.absolute)


def is_to_keep(measure: GoalMeasure, baseline: Decimal) -> bool:
    """A baseline below twice the change that matters has no room for it: what is there is kept."""
    is_small = measure.absolute is not None and baseline < 2 * measure.absolute
    return is_small and measure.reach is None and not measure.is_higher_better


def _measured(  # noqa: PLR0913  (one goal: what it is called, how it is measured, from where)
    id_: str, label: str, measure: GoalMeasure, fact: Fact, baseline: Decimal, due: date | None
) -> Goal:
    change = change_that_matters(measure, baseline)
    is_kept = is_to_keep(measure, baseline)
    target = baseline if is_kept else _target(measure, baseline, change)
    rounding = ROUND_CEILING if measure.is_higher_better else ROUND_FLOOR
    return Goal(
        id=id_,
        label=label,
        due=due,
        measure=measure,
        baseline=baseline,
        target=target.quantize(_TENTH, rounding=rounding),
        is_to_keep=is_kept,
        source=fact.source,
    )


def _target(measure: GoalMeasure, baseline: Decimal, change: Decimal) -> Decimal:
    """What is good enough, or the change that matters: whichever is reached first.

    With ``no_more_than`` both: the change that matters, and a score that is no higher.
    """
    if measure.is_higher_better:
        return baseline + change if measure.reach is None else measure.reach
    wanted = baseline - change
    if measure.no_more_than is not None:
        wanted = min(wanted, measure.no_more_than)
    return wanted if measure.reach is None else max(wanted, measure.reach)
