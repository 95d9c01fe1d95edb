"""The plan as XHTML that a person can read without any program: what, why, what not, what next."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from html import escape
from typing import Any, NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Intervention
from app.domain.decision import Decision
from app.domain.frame import Frame
from app.domain.placing import LISTS
from app.domain.plan_types import DO_NOT, NEXT_STEP, Activity
from app.domain.stakes import together
from app.fhir.characters import without_barred

OPENING = '<div xmlns="http://www.w3.org/1999/xhtml">'
ASKED_IN_WORDS = 5


class Row(NamedTuple):
    """What is told of every activity alike, escaped: before and after what is told of this one.

    ``told`` are the texts that it may have, each with what comes after.
    """

    before: str
    after: str
    told: Mapping[str, str]


def row_of(item: Intervention, content: Content) -> Row:
    """Its name, and its evidence."""
    marks = ", ".join(
        f"{content.citations[e].reference} [{content.citations[e].mark}]" for e in item.evidence
    )
    after = _escaped(f" Evidence: {marks}.")
    texts = [item.text, *(content.texts[key] for _, key in item.texts_when)]
    texts += filter(None, (content.texts.get(f"{item.id}.refer"),))
    told = {text: f"{_escaped(f'. {text}')}{after}" for text in texts}
    return Row(_escaped(f"{item.id} {item.label}"), after, told)


def narrative(
    decision: Decision, content: Content, frame: Frame, constants: Mapping[str, Mapping[str, Any]]
) -> str:
    """Everything that comes from outside is escaped."""
    return OPENING + "".join(_parts(decision, content, frame, constants)) + "</div>"


def conclusion(decision: Decision) -> str:
    """The phenotype in one sentence."""
    phenotype = decision.phenotype
    match phenotype.mechanism:
        case "withheld":
            return "The pain mechanism is not judged while a red flag is open."
        case "not-applicable":
            return "The rules for the pain mechanism do not apply."
        case "insufficient-data":
            return "There is not enough data to judge the pain mechanism."
        case "indeterminate":
            return "Everything was asked, and no mechanism is established."
        case mechanism:
            parts = f" ({', '.join(phenotype.components)})" if phenotype.components else ""
            kind = "Suspected" if phenotype.is_suspected else "Working hypothesis:"
            certainty = phenotype.certainty.value if phenotype.certainty else "unknown"
            rules = ", ".join(phenotype.rules)
            return f"{kind} {mechanism} pain{parts}, certainty {certainty} (rules {rules})."


def _parts(
    decision: Decision, content: Content, frame: Frame, constants: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    texts = content.texts
    yield _p(conclusion(decision))
    yield _p(texts["hypothesis"])
    yield _p(texts[f"gate.{decision.gate.level.value}"])
    for raised in decision.gate.raised:
        yield _p(f"Red flag {raised.flag}: {raised.level.value} (rules {', '.join(raised.rules)}).")
    if decision.plan.scope:
        yield _p(texts[decision.plan.scope])
    yield _list("What keeps the pain going", _led_by(decision, content))
    plan = decision.plan.activities
    done = [a for a in plan if a.status not in (NEXT_STEP, DO_NOT)]
    yield _items("Plan", [_row(a, constants[a.id]["row"]) for a in done])
    waiting = [a for a in plan if a.status == NEXT_STEP]
    yield _items("Next steps", [_row(a, constants[a.id]["row"]) for a in waiting])
    barred = [a for a in plan if a.status == DO_NOT]
    yield _items("What not to do", [_row(a, constants[a.id]["row"]) for a in barred])
    yield _list("Goals", (f"{g.id} {g.label}{_by(g.due)}" for g in decision.plan.goals))
    if decision.plan.reviews:
        yield _p(f"Review: {', '.join(d.isoformat() for d in decision.plan.reviews)}.")
    yield _list("Worth asking next", _asked(decision, content))
    yield _list("Together they would make an option possible", _together(decision, content))
    yield _list("Lists wanted in full", (LISTS[name] for name in decision.lists_wanted))
    yield _list("Disagreements", decision.disagreements)
    yield _list("Not used", (f"{n.reference}: {n.why}" for n in decision.not_used))
    if not content.signed:
        yield _p(texts["unsigned"])
    if not frame.is_kept:
        yield _p(texts["not-kept"])


def _led_by(decision: Decision, content: Content) -> Iterator[str]:
    """The drivers that act on the plan, with the rule of their level."""
    for grade in decision.drivers:
        if grade.counts(content):
            label = content.drivers[grade.driver].label
            yield f"{label}: {grade.at_least} of 3 (rule {grade.rule})"


def _together(decision: Decision, content: Content) -> Iterator[str]:
    """What no single answer makes possible and two do."""
    for activity, names in together(decision.unlocks):
        labels = " and ".join(content.inputs[name].label for name in names)
        yield f"{activity} {content.interventions[activity].label}: {labels}"


def _asked(decision: Decision, content: Content) -> list[str]:
    asked = [content.inputs[name].label for name in decision.open_questions]
    more = len(asked) - ASKED_IN_WORDS
    return asked[:ASKED_IN_WORDS] + ([f"and {more} more"] if more > 0 else [])


def _by(due: date | None) -> str:
    return "" if due is None else f", by {due.isoformat()}"


def _row(activity: Activity, constant: Row) -> str:
    told = constant.told.get(activity.text)
    if told is None:
        told = f"{_escaped(f'. {activity.text}')}{constant.after}"
    reasons = _escaped(f" ({'; '.join(activity.reasons)})") if activity.reasons else ""
    return f"{constant.before}{reasons}{told}"


def _list(title: str, rows: Iterable[str]) -> str:
    return _items(title, map(_escaped, rows))


def _items(title: str, escaped: Iterable[str]) -> str:
    items = "</li><li>".join(escaped)
    return f"<p><b>{title}</b></p><ul><li>{items}</li></ul>" if items else ""


def _p(text: str) -> str:
    return f"<p>{_escaped(text)}</p>"


def _escaped(text: str) -> str:
    return escape(without_barred(text), quote=False)
