"""QuestionnaireResponses as facts: which item means what, and which answer is which number.

An item is matched by the first of: our own questionnaire's linkId; a LOINC item code in the
linkId; the item's code in a Questionnaire that is contained or registered (contract §2).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.content import Input, Instrument
from app.domain.facts import ComputedScore, Fact, SaidBy
from app.domain.problem import Problem, Refused
from app.domain.scoring import SCORING, Score
from app.fhir.canon import EXAMINATION, FINDING, INTAKE, LOINC, QUESTIONNAIRE
from app.fhir.reading.observation import Gathered
from app.fhir.reading.terms import Terms, codings_of
from app.fhir.reading.times import instant, last_updated
from app.fhir.reading.values import NotRead, number_of, value_of, weight

COUNTS = frozenset({"completed", "amended"})
_LOINC_LINK = re.compile(r"(?:.*/)?(\d{1,7}-\d)\Z")
Questionnaires = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What surrounds the items of one response."""

    reference: str
    at: datetime
    said_by: SaidBy
    canonical: str
    definition: Mapping[str, dict[str, Any]]


def read_response(
    resource: dict[str, Any], reference: str, gathered: Gathered, questionnaires: Questionnaires
) -> None:
    """Every fact that one response states; items that match nothing are listed back."""
    status = resource.get("status", "unknown")  # R4 allows an extension in its place
    if status not in COUNTS:
        gathered.skip(reference, f"its status is {status}")
        return
    at = instant(resource.get("authored")) or last_updated(resource) or gathered.as_of
    canonical = str(resource.get("questionnaire", ""))
    frame = _Frame(
        reference,
        at,
        _said_by(resource, canonical, gathered),
        canonical.partition("|")[0],
        _definition(resource, canonical, questionnaires),
    )
    items: dict[str, dict[str, Decimal]] = {}
    where = "QuestionnaireResponse"
    for item, path in _answered(resource.get("item", ()), where):
        _read_item(item, path, frame, gathered, items)
    _score(items, frame, gathered)


def _said_by(resource: dict[str, Any], canonical: str, gathered: Gathered) -> SaidBy:
    if canonical.startswith(EXAMINATION):
        return SaidBy.CLINICIAN
    if canonical.startswith(INTAKE):
        return SaidBy.PATIENT
    reference = gathered.named(resource.get("source") or resource.get("author"))
    is_professional = "Practitioner" in reference or "Organization/" in reference
    return SaidBy.CLINICIAN if is_professional else SaidBy.PATIENT


def _definition(
    resource: dict[str, Any], canonical: str, questionnaires: Questionnaires
) -> dict[str, dict[str, Any]]:
    """The Questionnaire's items by linkId, when the Questionnaire is to be had.

    Our own are read by their linkIds alone.
    """
    found: dict[str, Any] | None = None
    if canonical.startswith("#"):
        found = next(
            (
                c
                for c in resource.get("contained", ())
                if c.get("id") == canonical[1:] and c["resourceType"] == "Questionnaire"
            ),
            None,
        )
    else:
        found = questionnaires.get(canonical.partition("|")[0])
    if found is None or canonical.startswith(QUESTIONNAIRE):
        return {}
    return dict(_by_link(found.get("item", ())))


def _by_link(items: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in items:
        if "linkId" in item:
            yield item["linkId"], item
        yield from _by_link(item.get("item", ()))


def _answered(items: Any, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every item with an answer, nested under items and under answers, with its place."""
    for number, item in enumerate(items):
        path = f"{where}.item[{number}]"
        if item.get("answer"):
            yield item, path
        yield from _answered(item.get("item", ()), path)
        for place, answer in enumerate(item.get("answer", ())):
            yield from _answered(answer.get("item", ()), f"{path}.answer[{place}]")


def _read_item(
    item: dict[str, Any],
    path: str,
    frame: _Frame,
    gathered: Gathered,
    items: dict[str, dict[str, Decimal]],
) -> None:
    link = item.get("linkId", "")  # R4 allows an extension in its place
    terms = gathered.terms
    pairs = _meanings(link, frame, terms)
    known = next((terms.inputs[pair] for pair in pairs if pair in terms.inputs), None)
    instruments = [
        (code, instrument)
        for system, code in pairs
        if system == LOINC
        for instrument in terms.items.get(code, ())
    ]
    if known is None and not instruments:
        gathered.skip(frame.reference, f"item {link}: not understood, matches nothing we read")
        return
    for place, answer in enumerate(item["answer"]):
        where = f"{path}.answer[{place}].value"
        told = _with_ordinal(answer, link, frame)
        if known is not None:
            _keep_fact(told, known, link, where, frame, gathered)
        for code, instrument in instruments:
            _keep_item(told, code, instrument, link, frame, gathered, items)


def _meanings(link: str, frame: _Frame, terms: Terms) -> list[tuple[str, str]]:
    if frame.canonical.startswith(QUESTIONNAIRE):
        return [(FINDING, link), (LOINC, link.rpartition("/")[2])]
    match = _LOINC_LINK.match(link)
    # A linkId such as 1-2 may be a mere number: it counts when it is a code that we read.
    if match is not None and (match[1] in terms.items or (LOINC, match[1]) in terms.inputs):
        return [(LOINC, match[1])]
    defined = frame.definition.get(link, {})
    return [pair for code in defined.get("code", ()) for pair in codings_of(code)]


def _with_ordinal(answer: dict[str, Any], link: str, frame: _Frame) -> dict[str, Any]:
    """The answer, with the number that the Questionnaire gives to the option chosen."""
    coding = answer.get("valueCoding")
    if not isinstance(coding, dict) or weight(coding) is not None:
        return answer
    own = weight(answer)
    if own is not None:
        return {"valueDecimal": str(own)}
    for option in frame.definition.get(link, {}).get("answerOption", ()):
        chosen = option.get("valueCoding", {})
        same = chosen.get("code") == coding.get("code") and chosen.get("system") == coding.get(
            "system"
        )
        if same:
            found = weight(option) if weight(option) is not None else weight(chosen)
            if found is not None:
                return {"valueDecimal": str(found)}
    return answer


def _keep_fact(  # noqa: PLR0913  (one answer: what it is, where it stands, where it goes)
    answer: dict[str, Any],
    known: Input,
    link: str,
    where: str,
    frame: _Frame,
    gathered: Gathered,
) -> None:
    value = value_of(answer, known, gathered.terms, where)
    if isinstance(value, NotRead):
        gathered.skip(frame.reference, f"item {link}: its answer {value.why}")
        return
    gathered.facts.append(Fact(known.name, value, frame.at, frame.said_by, frame.reference))


def _keep_item(  # noqa: PLR0913  (one answer of an instrument)
    answer: dict[str, Any],
    code: str,
    instrument: Instrument,
    link: str,
    frame: _Frame,
    gathered: Gathered,
    items: dict[str, dict[str, Decimal]],
) -> None:
    number = number_of(answer, "{score}", gathered.terms)
    if isinstance(number, NotRead):
        if code not in instrument.item_inputs:
            gathered.skip(frame.reference, f"item {link}: its answer {number.why}")
        return
    items.setdefault(instrument.id, {})[code] = number


def _score(items: Mapping[str, Mapping[str, Decimal]], frame: _Frame, gathered: Gathered) -> None:
    """Totals from items; a stated total that differs from a complete one is listed."""
    for instrument in gathered.terms.scores.values():
        answered = items.get(instrument.id)
        if answered is None:
            continue
        stated = [
            f for f in gathered.facts if f.input == instrument.total and f.source == frame.reference
        ]
        total = scored(instrument, answered, "QuestionnaireResponse.item")
        if total.value is None:
            continue
        if stated and total.answered == total.expected:
            if stated[0].value != total.value:
                why = f"states a total of {stated[0].value}, its items make {total.value}"
                gathered.skip(frame.reference, f"{instrument.label}: {why}")
            gathered.facts.remove(stated[0])
        elif stated:
            continue
        fact = Fact(instrument.total, total.value, frame.at, frame.said_by, frame.reference)
        keep_score(instrument, total, answered, fact, (frame.reference,), gathered)


def keep_score(  # noqa: PLR0913  (a total with all that it was made from)
    instrument: Instrument,
    total: Score,
    answered: Mapping[str, Decimal],
    fact: Fact,
    sources: tuple[str, ...],
    gathered: Gathered,
) -> None:
    """A total counts as a fact; one that is more than bounds is told as a score of its own."""
    gathered.facts.append(fact)
    if not isinstance(total.value, Decimal):
        return
    gathered.scores.append(
        ComputedScore(
            instrument=instrument.id,
            value=total.value,
            items=tuple((item, answered[item]) for item in instrument.items if item in answered),
            at=fact.at,
            sources=sources,
            note=total.note,
            preliminary=fact.preliminary,
        )
    )


def scored(instrument: Instrument, answered: Mapping[str, Decimal], where: str) -> Score:
    """The total of the items answered, by the instrument's own rule; no value if it says nothing.

    One item of an instrument that shares it with another (a pain rating) is no attempt at it.
    """
    if len(answered) == 1 and len(instrument.items) > 1:
        return Score(None, 1, len(instrument.items))
    try:
        return SCORING[instrument.scoring](answered, instrument)
    except ValueError as error:
        raise Refused(
            Problem(
                f"Item {error}.",
                where=where,
                mend="Send an answer in that range, or leave it out.",
                code="business-rule",
            )
        ) from error
