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

from app.domain.content_parts import Input, ValueType
from app.domain.facts import Fact, FactValue, SaidBy
from app.fhir.canon import EXAMINATION, FINDING, INTAKE, LOINC
from app.fhir.reading.gathered import Gathered, Sitting, Source
from app.fhir.reading.items import keep_totals, points_of
from app.fhir.reading.terms import Terms, codings_of, first_input
from app.fhir.reading.times import instant, last_instant, last_updated
from app.fhir.reading.values import NotRead, boolean_of, value_of, weight

COUNTS = frozenset({"completed", "amended"})
BOOLEAN = ValueType.BOOLEAN
_LOINC_LINK = re.compile(r"(?:.*/)?(\d{1,7}-\d)\Z")
Questionnaires = Mapping[str, dict[str, Any]]
# The items of each Questionnaire that is to be had, by canonical and linkId.
Forms = Mapping[str, Mapping[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What surrounds the items of one response."""

    reference: str
    at: datetime
    said_by: SaidBy
    canonical: str
    definition: Mapping[str, dict[str, Any]]
    until: datetime | None


def read_response(
    resource: dict[str, Any], reference: str, gathered: Gathered, forms: Forms
) -> None:
    """Every fact that one response states; items that match nothing are listed back."""
    status = resource.get("status", "unknown")  # R4 allows an extension in its place
    if status not in COUNTS:
        gathered.skip(reference, f"its status is {status}")
        return
    at = instant(resource.get("authored")) or last_updated(resource) or gathered.as_of
    canonical = str(resource.get("questionnaire", "")).partition("|")[0]
    frame = _Frame(
        reference,
        at,
        _said_by(resource, canonical, gathered),
        canonical,
        _definition(resource, canonical, forms),
        last_instant(resource.get("authored")),
    )
    about = gathered.terms.forms.get(frame.canonical, frozenset())
    sitting = Sitting(preferred=about, sources={reference})
    for item, place in _answered(resource.get("item", ()), "QuestionnaireResponse"):
        _read_item(item, place, frame, sitting, gathered)
    keep_totals(sitting, gathered)


def _said_by(resource: dict[str, Any], canonical: str, gathered: Gathered) -> SaidBy:
    if canonical == EXAMINATION:
        return SaidBy.CLINICIAN
    if canonical == INTAKE:
        return SaidBy.PATIENT
    reference = gathered.named(resource.get("source") or resource.get("author"))
    is_professional = "Practitioner" in reference or "Organization/" in reference
    return SaidBy.CLINICIAN if is_professional else SaidBy.PATIENT


def _definition(
    resource: dict[str, Any], canonical: str, forms: Forms
) -> Mapping[str, dict[str, Any]]:
    """The Questionnaire's items by linkId, when the Questionnaire is to be had.

    Our own are read by their linkIds alone, whatever stands here.
    """
    if not canonical.startswith("#"):
        return forms.get(canonical, {})
    for contained in resource.get("contained", ()):
        if contained.get("id") == canonical[1:] and contained["resourceType"] == "Questionnaire":
            return items_by_link(contained)
    return {}


def items_by_link(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every item of a Questionnaire; of two with one linkId the last."""
    return dict(_by_link(form.get("item", ())))


def _by_link(items: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in items:
        if "linkId" in item:
            yield item["linkId"], item
        yield from _by_link(item.get("item", ()))


# Where an item stands: in what, and at which place there. Told as a path only when it is asked for.
_Place = tuple[str, int]


def _path(place: _Place) -> str:
    where, number = place
    return f"{where}.item[{number}]"


def _answered(items: Any, where: str) -> Iterator[tuple[dict[str, Any], _Place]]:
    """Every item with an answer, nested under items and under answers, with its place."""
    for number, item in enumerate(items):
        answers = item.get("answer", ())
        if answers:
            yield item, (where, number)
        if "item" in item:
            yield from _answered(item["item"], _path((where, number)))
        for place, answer in enumerate(answers):
            if "item" in answer:
                yield from _answered(answer["item"], f"{_path((where, number))}.answer[{place}]")


def _read_item(
    item: dict[str, Any], place: _Place, frame: _Frame, sitting: Sitting, gathered: Gathered
) -> None:
    link = item.get("linkId", "")  # R4 allows an extension in its place
    terms = gathered.terms
    known, codes = _meaning(link, frame, terms)
    if known is None and not codes:
        gathered.skip(frame.reference, f"item {link}: not understood, matches nothing we read")
        return
    for number, answer in enumerate(item["answer"]):
        told = _with_ordinal(answer, link, frame)
        if known is not None and known.value_type is BOOLEAN:
            _keep(boolean_of(told), known, link, frame, gathered)
            if not codes:
                continue
        where = f"{_path(place)}.answer[{number}].value"
        if known is not None and known.value_type is not BOOLEAN:
            _keep(value_of(told, known, terms, where), known, link, frame, gathered)
        for code in codes:
            points = points_of(told, terms.items[code], where)
            if isinstance(points, Decimal):
                source = Source(frame.reference, frame.at, frame.said_by, until=frame.until)
                sitting.keep(code, points, source)
            elif known is None:
                gathered.skip(frame.reference, f"item {link}: its answer {points.why}")


def _meaning(link: str, frame: _Frame, terms: Terms) -> tuple[Input | None, tuple[str, ...]]:
    """The input that an item answers, and the items of instruments that it is."""
    if frame.canonical in terms.forms and link in terms.links:
        return terms.links[link]
    pairs = _meanings(link, frame, terms)
    codes = tuple(code for system, code in pairs if system == LOINC and code in terms.items)
    return first_input(pairs, terms), codes


def _meanings(link: str, frame: _Frame, terms: Terms) -> list[tuple[str, str]]:
    """What an item may mean; the items of our own forms that LOINC lacks go by their linkId."""
    if frame.canonical in terms.forms:
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


def _keep(
    value: FactValue | NotRead, known: Input, link: str, frame: _Frame, gathered: Gathered
) -> None:
    if isinstance(value, NotRead):
        gathered.skip(frame.reference, f"item {link}: its answer {value.why}")
        return
    gathered.facts.append(
        Fact(known.name, value, frame.at, frame.said_by, frame.reference, False, frame.until)  # noqa: FBT003
    )
