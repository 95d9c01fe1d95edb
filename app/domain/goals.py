"""Goals of a plan: the first instrument that is there, its baseline, and a change that matters.

Target by the MIC rule (``interventions.md`` §1.4): improve by the larger of the minimal important
change and 30 % of the baseline; a baseline below twice that change is to be kept, not lowered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal

from app.domain.content import Content, GoalMeasure, GoalTemplate
from app.domain.facts import Bounds, Fact
from app.domain.standing import Standings

OWN_WORDS = "goal-in-own-words"
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Goal:
    """``baseline`` and ``target`` are scores of ``measure`` (lower is better), None if unknown."""

    id: str
    label: str
    due: date
    measure: GoalMeasure | None = None
    baseline: Decimal | None = None
    target: Decimal | None = None
    is_to_keep: bool = False
    source: str | None = None
    own_words: str = ""


def goals(content: Content, standings: Standings, as_of: datetime) -> tuple[Goal, ...]:
    """Every goal of the content, measured as far as the facts allow."""
    return tuple(
        goal for template in content.goals.values() for goal in _goal(template, standings, as_of)
    )


def _goal(template: GoalTemplate, standings: Standings, as_of: datetime) -> Iterator[Goal]:
    due = template.due.after(as_of.date())
    if template.own_words:
        words = standings.facts.get(OWN_WORDS, ())
        said = str(words[-1].value) if words else ""
        source = words[-1].source if words else None
        yield Goal(template.id, template.label, due, own_words=said, source=source)
        return
    for measure in template.measures:
        fact = _latest_number(standings, measure.input)
        if fact is not None and isinstance(fact.value, int | Decimal):
            yield _measured(template, measure, fact, Decimal(fact.value), due)
            return
    yield Goal(template.id, template.label, due)


def _latest_number(standings: Standings, name: str) -> Fact | None:
    known = [
        fact
        for fact in standings.facts.get(name, ())
        if not isinstance(fact.value, bool | Bounds) and isinstance(fact.value, int | Decimal)
    ]
    return known[-1] if known else None


def _measured(
    template: GoalTemplate, measure: GoalMeasure, fact: Fact, baseline: Decimal, due: date
) -> Goal:
    by_fraction = baseline * measure.fraction
    change = max(by_fraction, measure.absolute) if measure.absolute is not None else by_fraction
    is_to_keep = measure.absolute is not None and baseline < 2 * measure.absolute
    target = baseline if is_to_keep else baseline - change
    return Goal(
        id=template.id,
        label=template.label,
        due=due,
        measure=measure,
        baseline=baseline,
        target=target.quantize(_TENTH, rounding=ROUND_FLOOR),
        is_to_keep=is_to_keep,
        source=fact.source,
    )
