"""Answers to the items of instruments, and the totals that the answers of one sitting make."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from app.domain.content import Instrument, Item, ValueType
from app.domain.facts import Bounds, ComputedScore, Fact
from app.domain.problem import Problem, Refused
from app.domain.scoring import SCORING, Score
from app.fhir.canon import FINDING
from app.fhir.reading.gathered import Gathered, Sitting, Source
from app.fhir.reading.terms import Terms, ordinals_of
from app.fhir.reading.values import NotRead, boolean_of, number_of

ONE_ITEM_IS_AN_ATTEMPT = 2  # items of an instrument; a rating shared with a longer one is none


def points_of(holder: dict[str, Any], item: Item, where: str) -> Decimal | NotRead:
    """The points of one answer. Raises Refused when they lie outside the range of the item."""
    if (item.low, item.high) == (0, 1):
        said = boolean_of(holder)
        if isinstance(said, bool):
            return Decimal(int(said))
    points = number_of(holder, item.unit, ordinals_of(item))
    if isinstance(points, NotRead) or item.low <= points <= item.high:
        return points
    raise Refused(
        Problem(
            f"The answer to item {item.code} is {points}; allowed is {item.low} to {item.high}.",
            where=where,
            mend="Send an answer in that range, or leave it out.",
            code="business-rule",
        )
    )


def keep_answer(
    sitting: Sitting, code: str, points: Decimal, source: Source, gathered: Gathered
) -> None:
    """Add an answer; one given twice and differently is listed and unknown, in any order."""
    if code in sitting.contradicted:
        gathered.skip(source.reference, f"item {code} is answered differently elsewhere: unknown")
        return
    if code not in sitting.answers:
        sitting.answers[code] = (points, source)
        return
    before, first = sitting.answers[code]
    if before == points:
        sitting.answers[code] = (points, min(first, source, key=lambda s: s.reference))
        return
    del sitting.answers[code]
    sitting.contradicted.add(code)
    for reference in dict.fromkeys((first.reference, source.reference)):
        gathered.skip(reference, f"item {code} is answered differently elsewhere: unknown")


def keep_totals(sitting: Sitting, gathered: Gathered) -> None:
    """The totals of all instruments that the sitting attempts, and of their subscales."""
    for whole in _attempted(sitting, gathered.terms):
        for instrument in (whole, *gathered.terms.parts.get(whole.id, ())):
            _keep_total(instrument, sitting, gathered)


def _attempted(sitting: Sitting, terms: Terms) -> Iterator[Instrument]:
    """The instruments whose answers these are, where several share an item.

    Those named come first, then those with more answers, then those with fewer missing; what
    adds no answer of its own is only a part of one before it (PHQ-2 of PHQ-9, PHQ-4 of both).
    """
    answers = sitting.answers.keys()

    def fit(instrument: Instrument) -> tuple[bool, int, int]:
        answered = len(instrument.items.keys() & answers)
        is_named = instrument.id in sitting.preferred
        return (not is_named, -answered, len(instrument.items) - answered)

    covered: set[str] = set()
    for instrument in sorted(terms.instruments, key=fit):
        own = instrument.items.keys() & answers
        is_attempt = len(own) > 1 or len(instrument.items) <= ONE_ITEM_IS_AN_ATTEMPT
        if is_attempt and not own <= covered:
            covered |= own
            yield instrument


def _keep_total(instrument: Instrument, sitting: Sitting, gathered: Gathered) -> None:
    """A total from items; a stated total that they contradict is listed.

    Where both came as one, a complete set of items wins; a total of its own stands.
    """
    answered = {c: sitting.answers[c] for c in instrument.items if c in sitting.answers}
    points = {code: number for code, (number, _) in answered.items()}
    total = SCORING[instrument.scoring](points, instrument)
    if total.value is None:
        return
    sources = [source for _, source in answered.values()]
    stated = _stated(instrument, sitting, sources[0], gathered)
    for fact in stated:
        if sitting.sources or fact.at == sources[0].at:
            _list_contradiction(instrument, total, fact, gathered)
    if stated and not (sitting.sources and total.answered == total.expected):
        return
    for fact in stated:
        gathered.facts.remove(fact)
    known = gathered.terms.inputs[(FINDING, instrument.total)]
    value = total.value
    is_whole = known.value_type is ValueType.INTEGER and isinstance(value, Decimal)
    at = max(source.at for source in sources)
    preliminary = any(source.preliminary for source in sources)
    gathered.facts.append(
        Fact(
            instrument.total,
            int(value) if is_whole and isinstance(value, Decimal) else value,
            at,
            sources[0].said_by,
            sources[0].reference,
            preliminary=preliminary,
        )
    )
    if isinstance(value, Decimal):
        gathered.scores.append(
            ComputedScore(
                instrument=instrument.id,
                value=value,
                items=tuple(points.items()),
                at=at,
                sources=tuple(dict.fromkeys(source.reference for source in sources)),
                note=total.note,
                preliminary=preliminary,
            )
        )


def _stated(
    instrument: Instrument, sitting: Sitting, source: Source, gathered: Gathered
) -> list[Fact]:
    """The totals that were sent with the items: in the same group, or loose on the same day."""
    return [
        fact
        for fact in gathered.facts
        if fact.input == instrument.total
        and (
            fact.source in sitting.sources
            if sitting.sources
            else fact.at.date() == source.at.date()
        )
    ]


def _list_contradiction(
    instrument: Instrument, total: Score, stated: Fact, gathered: Gathered
) -> None:
    match total.value:
        case Bounds(low, high) if isinstance(stated.value, int | Decimal):
            if low <= stated.value <= high:
                return
            made = f"allow {low} to {high}"
        case Decimal() as value if total.answered == total.expected and value != stated.value:
            made = f"make {value}"
        case _:
            return
    why = f"states a total of {stated.value}, its items {made}"
    gathered.skip(stated.source, f"{instrument.label}: {why}")
