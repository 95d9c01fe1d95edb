"""Answers to the items of instruments, and the totals that the answers of one sitting make."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from app.domain.content_parts import Instrument, Item, ValueType
from app.domain.facts import Bounds, ComputedScore, Fact
from app.domain.problem import Problem, Refused
from app.domain.scoring import SCORING, Score
from app.fhir.canon import FINDING
from app.fhir.reading.gathered import Gathered, Sitting, Source
from app.fhir.reading.terms import Terms, ordinals_of
from app.fhir.reading.values import NotRead, boolean_of, number_of

Answers = dict[str, tuple[Decimal, Source]]

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


def keep_totals(sitting: Sitting, gathered: Gathered) -> None:
    """The totals of all instruments that the sitting attempts, and of their subscales."""
    if not sitting.answers:
        return
    answers = _agreed(sitting, gathered)
    if not answers:
        return
    for whole in _attempted(answers, sitting, gathered.terms):
        for instrument in (whole, *gathered.terms.parts.get(whole.id, ())):
            _keep_total(instrument, answers, sitting, gathered)


def _agreed(sitting: Sitting, gathered: Gathered) -> Answers:
    """One answer an item; one given twice and differently is listed and unknown."""
    agreed: Answers = {}
    for code, given in sitting.answers.items():
        if len({points for points, _ in given}) == 1:
            agreed[code] = min(given, key=lambda answer: answer[1].reference)
            continue
        for reference in sorted({source.reference for _, source in given}):
            gathered.skip(reference, f"item {code} is answered twice and differently: unknown")
    return agreed


def _attempted(given: Answers, sitting: Sitting, terms: Terms) -> Iterator[Instrument]:
    """The instruments whose answers these are, where several share an item.

    Those named come first, then those with more answers, then those with fewer missing; what
    adds no answer of its own is only a part of one before it (PHQ-2 of PHQ-9, PHQ-4 of both).
    """
    answers = given.keys()

    def fit(instrument: Instrument) -> tuple[bool, int, int]:
        answered = len(instrument.items.keys() & answers)
        is_named = instrument.id in sitting.preferred
        return (not is_named, -answered, len(instrument.items) - answered)

    covered: set[str] = set()
    touched = (i for i in terms.instruments if not i.items.keys().isdisjoint(answers))
    for instrument in sorted(touched, key=fit):
        own = instrument.items.keys() & answers
        is_attempt = len(own) > 1 or len(instrument.items) <= ONE_ITEM_IS_AN_ATTEMPT
        if is_attempt and not own <= covered:
            covered |= own
            yield instrument


def _keep_total(
    instrument: Instrument, answers: Answers, sitting: Sitting, gathered: Gathered
) -> None:
    """A total from items; a stated total that they contradict is listed.

    Where both came as one, a complete set of items wins; a total of its own stands.
    """
    answered = {code: answers[code] for code in instrument.items if code in answers}
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
    fact = _fact(instrument, total.value, sources, gathered.terms)
    gathered.facts.append(fact)
    if isinstance(total.value, Decimal):
        gathered.scores.append(
            ComputedScore(
                instrument=instrument.id,
                value=total.value,
                items=tuple(points.items()),
                at=fact.at,
                sources=tuple(dict.fromkeys(source.reference for source in sources)),
                note=total.note,
                preliminary=fact.preliminary,
            )
        )


def _fact(
    instrument: Instrument, value: Decimal | Bounds | int, sources: Sequence[Source], terms: Terms
) -> Fact:
    """The total, dated as the last of its answers; a count is a whole number."""
    known = terms.inputs[(FINDING, instrument.total)]
    if known.value_type is ValueType.INTEGER and isinstance(value, Decimal):
        value = int(value)
    return Fact(
        instrument.total,
        value,
        max(source.at for source in sources),
        sources[0].said_by,
        sources[0].reference,
        preliminary=any(source.preliminary for source in sources),
        until=max(source.until or source.at for source in sources),
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
