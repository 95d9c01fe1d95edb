"""The words of a card: its summary with the values filled in, and the sentences behind it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from app.domain.content import Content
from app.domain.content_parts import Input, Rule
from app.domain.facts import Bounds, Fact, FactValue
from app.domain.gate import SELF_HARM
from app.domain.measured import AGE, GENDER
from app.domain.orders.situation import Situation

LONGEST = 139
MOST_TOLD = 8
UNSAID = "not known"
MORE = " and others"


def summary(template: str, situation: Situation, rules: Sequence[str]) -> str:
    """The summary of a wording, shorter than 140 characters; ``rules`` made its result."""
    text = template
    for name, value in VALUES.items():
        placeholder = f"{{{name}}}"
        if placeholder in text:
            text = text.replace(placeholder, value(situation, rules))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\u2026"


def used(rules: Sequence[str], situation: Situation) -> tuple[Fact, ...]:
    """The facts that decided these rules, each once."""
    found: dict[Fact, None] = {}
    for slot in _slots(rules, situation, is_used=True):
        standing = situation.standings.by_slot.get(slot)
        if standing is not None and standing.fact is not None:
            found[standing.fact] = None
    return tuple(found)


def lacking(rules: Sequence[str], situation: Situation) -> tuple[str, ...]:
    """The inputs without which these rules stay open, each once."""
    content = situation.content
    names = (content.slot_names[s] for s in _slots(rules, situation, is_used=False))
    return tuple(dict.fromkeys(content.findings[name.partition("@")[0]].input for name in names))


def _slots(rules: Sequence[str], situation: Situation, *, is_used: bool) -> Iterator[int]:
    for rule in rules:
        told = situation.explained(rule)
        yield from told.used if is_used else told.missing


def detail(
    rules: Sequence[str],
    facts: Sequence[Fact],
    lacks: Sequence[str],
    evidence: Sequence[str],
    situation: Situation,
) -> tuple[str, ...]:
    """Why, what was seen, what is not known, what the sources say."""
    content = situation.content
    return (
        *(_reason(content.rule_by_id[rule]) for rule in dict.fromkeys(rules)),
        *(
            f"On record: {_told(fact, content)}."
            for fact in facts
            if _is_worth_telling(fact, content)
        ),
        *_unknown(lacks, content),
        *_sources(evidence, content),
    )


def _unknown(lacks: Sequence[str], content: Content) -> Iterator[str]:
    """What may make it more than it says; the first of it."""
    by_turn = sorted(lacks, key=lambda name: not content.inputs[name].gate_question)
    labels = [short(content.inputs[name]) for name in by_turn]
    if not labels:
        return
    more = f" and {len(labels) - MOST_TOLD} more" if len(labels) > MOST_TOLD else ""
    yield f"Not on record: {'; '.join(labels[:MOST_TOLD])}{more}."


def _reason(rule: Rule) -> str:
    return f"{rule.label} ({rule.id}): {rule.why}"


def _is_worth_telling(fact: Fact, content: Content) -> bool:
    return content.inputs[fact.input].asked_of != "order"


def _told(fact: Fact, content: Content) -> str:
    known = content.inputs[fact.input]
    day = fact.at.date().isoformat()
    if isinstance(fact.value, bool):
        label = known.label if fact.value else f"not: {known.label}"
        return f"{label} ({day}, {fact.source})"
    unit = "" if known.unit in ("", "{score}") else f" {known.unit}"
    return f"{known.label} {said(fact.value)}{unit} ({day}, {fact.source})"


def _sources(evidence: Sequence[str], content: Content) -> Iterator[str]:
    for id_ in evidence:
        source = content.citations[id_]
        number = f" {source.number}." if source.number else ""
        yield f"{source.claim}{number} [{source.reference}; mark {source.mark}]"


def said(value: FactValue) -> str:
    """A value as it is read: numbers without idle zeros, bounds as "at least"."""
    match value:
        case Bounds():
            return f"at least {said(value.low)}"
        case Decimal():
            plain = f"{value.quantize(Decimal('0.1')):f}"
            return plain.removesuffix(".0")
        case datetime():
            return value.date().isoformat()
        case _:
            return str(value)


def _value_of(name: str) -> Callable[[Situation, Sequence[str]], str]:
    def value(situation: Situation, _: Sequence[str]) -> str:
        facts = situation.standings.facts.get(name, ())
        return said(facts[-1].value) if facts else UNSAID

    return value


def _flag(situation: Situation, _: Sequence[str]) -> str:
    """The red flag that is highest; the gate puts self-harm first, which asks for no image."""
    named = [in_words(r.flag) for r in situation.gate().raised if r.flag != SELF_HARM]
    return named[0] if named else UNSAID


def in_words(flag: str) -> str:
    """The id of a flag as it is read: its label is too long for a card."""
    return flag.replace("-", " ")


def _first_reason(situation: Situation, rules: Sequence[str]) -> str:
    """The first thing on record that made a rule hold, and that there is more."""
    content = situation.content
    seen = [f for f in used(rules, situation) if _is_worth_telling(f, content)]
    # Age and sex narrow a rule down (who could be pregnant); alone they are the reason themselves.
    told = [f for f in seen if f.input not in (AGE, GENDER)] or seen
    if not told:
        return content.rule_by_id[rules[0]].label.lower() if rules else UNSAID
    return _short(told[0], content)


def _short(fact: Fact, content: Content) -> str:
    known = content.inputs[fact.input]
    if isinstance(fact.value, bool):
        return short(known)
    if isinstance(fact.value, str):
        return dict(known.choices).get(fact.value, fact.value).lower()
    return f"{short(known)} {said(fact.value)}"


def short(known: Input) -> str:
    """Its words inside the sentence of a card: no capital but that of an abbreviation."""
    if known.short:
        return known.short
    first, space, more = known.label.partition(" ")
    is_abbreviation = sum(letter.isupper() for letter in first) > 1
    return known.label if is_abbreviation else f"{first.lower()}{space}{more}"


def _lacks(situation: Situation, rules: Sequence[str]) -> str:
    content = situation.content
    labels = [short(content.inputs[name]) for name in lacking(rules, situation)]
    if not labels:
        return "a value"
    first = labels[0]
    return first if len(labels) == 1 else f"{first}{MORE}"


def _of_plan(part: str) -> Callable[[Situation, Sequence[str]], str]:
    def value(situation: Situation, _: Sequence[str]) -> str:
        plan = situation.setting.plan
        if plan is None:
            return UNSAID
        match part:
            case "phenotype":
                return f"{plan.mechanism} pain"
            case "date":
                return plan.as_of.date().isoformat()
            case _:
                due = plan.review_due
                return UNSAID if due is None else due.date().isoformat()

    return value


VALUES: Mapping[str, Callable[[Situation, Sequence[str]], str]] = {
    "flag": _flag,
    "reason": _first_reason,
    "lacks": _lacks,
    "mme": _value_of("mme-per-day"),
    "egfr": _value_of("creatinine-clearance"),
    "score": _value_of("phq9-item-9"),
    "phenotype": _of_plan("phenotype"),
    "date": _of_plan("date"),
    "due": _of_plan("due"),
}
