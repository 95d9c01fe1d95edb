"""Alert discipline: merged, snoozed, retired, capped, and every card that was dropped is named.

``interventions.md`` §3.2. A critical card is never snoozed, capped or retired (``amendments.md``
13).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.domain.orders.knowledge import CardRule
from app.domain.orders.types import PATIENT_VIEW, Advice, Indicator, Snooze, Suppressed

MOST, MOST_IN_PATIENT_VIEW = 3, 2
_URGENCY = tuple(Indicator)


def disciplined(
    said: Iterable[Advice],
    cards: Mapping[str, CardRule],
    *,
    hook: str,
    as_of: datetime,
    snoozes: Sequence[Snooze],
) -> tuple[tuple[Advice, ...], tuple[Suppressed, ...]]:
    """What is shown, most urgent first, and what was dropped with the reason."""
    merged = _merged(said)
    merged.sort(key=lambda a: (_URGENCY.index(a.indicator), cards[a.rule].priority))
    most = MOST_IN_PATIENT_VIEW if hook == PATIENT_VIEW else MOST
    shown: list[Advice] = []
    dropped: list[Suppressed] = []
    for advice in merged:
        why = "" if advice.indicator is Indicator.CRITICAL else _why(advice, cards, as_of, snoozes)
        if not why and advice.indicator is not Indicator.CRITICAL and len(shown) >= most:
            why = "capped"
        if why:
            dropped.append(Suppressed(advice.rule, advice.order, why))
        else:
            shown.append(advice)
    return tuple(shown), tuple(dropped)


def _why(
    advice: Advice, cards: Mapping[str, CardRule], as_of: datetime, snoozes: Sequence[Snooze]
) -> str:
    if cards[advice.rule].is_retired:
        return "retired"
    is_snoozed = any(
        snooze.rule == advice.rule
        and snooze.order_class == advice.order_class
        and snooze.until > as_of
        for snooze in snoozes
    )
    return "snoozed" if is_snoozed else ""


def _merged(said: Iterable[Advice]) -> list[Advice]:
    """One card of a rule for an order: the more urgent speaks, the facts of both stand behind."""
    found: dict[tuple[str, str], Advice] = {}
    for advice in said:
        key = (advice.rule, advice.order)
        other = found.get(key)
        found[key] = advice if other is None else _joined(other, advice)
    return list(found.values())


def _joined(one: Advice, other: Advice) -> Advice:
    first, second = sorted((one, other), key=lambda a: _URGENCY.index(a.indicator))
    return first._replace(
        detail=tuple(dict.fromkeys((*first.detail, *second.detail))),
        facts=tuple(dict.fromkeys((*first.facts, *second.facts))),
        rules=tuple(dict.fromkeys((*first.rules, *second.rules))),
        evidence=tuple(dict.fromkeys((*first.evidence, *second.evidence))),
    )
