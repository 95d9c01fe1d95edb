"""Checks of the records about orders: cards that fit, actions that go together, real codes."""

import re
from collections.abc import Iterable, Iterator

from app.domain.content import Content
from app.domain.content_parts import ValueType
from app.domain.orders.filling import LONGEST, MORE, VALUES, in_words, short
from app.domain.orders.knowledge import CardRule, Remedy, Template, Wording
from app.domain.orders.types import ORDER_HOOKS, PATIENT_VIEW, ActionKind, Indicator
from app.domain.safety_types import SafetyResult
from app.knowledge.errors import Fault
from app.knowledge.order_compiling import REASON
from app.knowledge.source import Source

FILE, CODES, NAMES = "orders.toml", "order-codes.csv", "order-names.csv"
PLACEHOLDER = re.compile(r"\{([a-z]*)\}")
HOOKS = (PATIENT_VIEW, *ORDER_HOOKS)
TYPES = ("ServiceRequest", "MedicationRequest", "Task")
PRIORITIES = ("", "routine", "urgent", "asap", "stat")
RESULTS = tuple(result.value for result in SafetyResult)
FORMS = ("order-extended-release", "order-immediate-release")
A_DAY, A_NUMBER = "2026-11-26", " not-pregnant"
# The longest that a value can be; the others depend on the content.
FILLED = {
    "mme": "at least 5000",
    "egfr": "at least 100.5",
    "score": "3",
    "phenotype": "insufficient-data pain",
    "date": A_DAY,
    "due": A_DAY,
}


def order_faults(source: Source, content: Content) -> Iterator[Fault]:
    """Everything about orders that would fail, or say more than it should."""
    for card in content.orders.cards:
        yield from (Fault(FILE, card.id, what) for what in _of_card(card, content))
    for template in content.orders.templates.values():
        yield from (Fault(FILE, template.what, what) for what in _of_template(template, content))
    yield from _tables(source, content)
    for name, known in content.inputs.items():
        for other in (known.mirrors, known.part_of):
            if other and other not in content.inputs:
                yield Fault("inputs", name, f"names {other}, which is no input")
        if known.ingredient and known.ingredient not in content.medicine_names:
            yield Fault("inputs", name, f"names the medicine {known.ingredient}, which is no name")


def _tables(source: Source, content: Content) -> Iterator[Fault]:
    for row in source.order_codes:
        if row["acts_as"] not in content.orders.kinds:
            yield Fault(CODES, row["code"], f"acts as {row['acts_as']}, which is no kind of order")
    for row in source.order_names:
        if row["acts_as"] not in (*content.orders.kinds, *FORMS, REASON):
            yield Fault(NAMES, row["words"], f"acts as {row['acts_as']}, which no order is")
        if not row["words"].split():
            yield Fault(NAMES, row["acts_as"], "a row without words matches everything")


def _of_card(card: CardRule, content: Content) -> Iterator[str]:
    if card.id not in content.rule_by_id:
        yield "is no rule: a card has the id of its first rule"
    for hook in card.hooks - set(HOOKS):
        yield f"hook {hook} is none of {', '.join(HOOKS)}"
    for name in card.evidence:
        if name not in content.citations:
            yield f"cites {name}, which is no evidence record"
    if not card.wordings:
        yield "a card without a wording"
    for wording in card.wordings:
        yield from _of_wording(wording, content)


def _of_wording(wording: Wording, content: Content) -> Iterator[str]:
    for name in PLACEHOLDER.findall(wording.summary):
        if name not in VALUES:
            yield f"{{{name}}} is none of {', '.join(VALUES)}"
    longest = len(_filled(wording, content))
    if longest > LONGEST:
        yield f"a summary may be {longest} characters long: {wording.summary}"
    if wording.activity and wording.activity not in content.safety_rules:
        yield f"asks for the safety of {wording.activity}, which has no safety rule"
    for result in wording.result - set(RESULTS):
        yield f"result {result} is none of {', '.join(RESULTS)}"
    if not wording.activity and {"reason", "lacks"} & set(PLACEHOLDER.findall(wording.summary)):
        yield "gives a reason, and names no activity whose safety rules have one"
    if wording.is_lowered:
        yield from _of_lowered(wording)
    if sum(remedy.is_recommended for remedy in wording.suggestions) > 1:
        yield "recommends more than one suggestion"
    for remedy in wording.suggestions:
        yield from _of_remedy(remedy, content)


def _of_lowered(wording: Wording) -> Iterator[str]:
    """What was never recorded informs, and removes nothing (``interventions.md`` §3.2)."""
    if wording.indicator is not Indicator.INFO:
        yield "a lowered wording informs only"
    if any(kind is ActionKind.DELETE for r in wording.suggestions for kind, _ in r.actions):
        yield "a lowered wording removes no order"


def _of_remedy(remedy: Remedy, content: Content) -> Iterator[str]:
    kinds = [kind for kind, _ in remedy.actions]
    if not kinds:
        yield f"{remedy.what} does nothing"
    if len([kind for kind in kinds if kind is not ActionKind.CREATE]) > 1:
        yield f"{remedy.what} removes and changes one order"
    for kind, what in remedy.actions:
        if kind is ActionKind.DELETE and what:
            yield f"{remedy.what} removes {what}: only the order itself can be removed"
        if kind is not ActionKind.DELETE and what not in content.orders.templates:
            yield f"{remedy.what} names {what}, which is no template"
    created = [content.orders.templates.get(what) for kind, what in remedy.actions if what]
    if ActionKind.DELETE in kinds and len({t.type for t in created if t is not None}) > 1:
        yield f"{remedy.what} puts another type in the place of what it removes"
    if remedy.needs and remedy.needs not in content.interventions:
        yield f"{remedy.what} needs {remedy.needs}, which is no activity"


def _of_template(template: Template, content: Content) -> Iterator[str]:
    if template.type not in TYPES:
        yield f"type {template.type} is none of {', '.join(TYPES)}"
    if template.priority not in PRIORITIES:
        yield f"priority {template.priority} is none of {', '.join(p for p in PRIORITIES if p)}"
    if template.limit_of and template.limit_of not in content.inputs:
        yield f"brings down {template.limit_of}, which is no input"
    if template.activity and template.activity not in content.interventions:
        yield f"is {template.activity}, which is no activity"


def _filled(wording: Wording, content: Content) -> str:
    """The summary with the longest value in each place."""
    labels = list(_labels(wording, content))
    longest = max(labels, key=len, default="")
    values = {
        **FILLED,
        "flag": max((in_words(flag.id) for flag in content.flags), key=len, default=""),
        "reason": longest,
        "lacks": longest + MORE,
    }
    return PLACEHOLDER.sub(lambda found: values.get(found[1], ""), wording.summary)


def _labels(wording: Wording, content: Content) -> Iterator[str]:
    """What the safety rules behind a wording read, by its label."""
    rules = {rule.slot: rule for rule in content.rules}
    groups = content.safety_rules.get(wording.activity, ())
    pending = [r.slot for number, group in groups if number in wording.safety for r in group]
    seen: set[int] = set()
    while pending:
        slot = pending.pop()
        if slot in seen:
            continue
        seen.add(slot)
        rule = rules.get(slot)
        if rule is None:
            finding = content.findings[content.slot_names[slot].partition("@")[0]]
            known = content.inputs[finding.input]
            number = "" if known.value_type is ValueType.BOOLEAN else A_NUMBER
            yield short(known) + number
            continue
        of = () if rule.at_least is None else rule.at_least.of
        pending.extend(_all(rule.all_of, rule.any_of, rule.none_of, rule.open_of, of))


def _all(*groups: Iterable[int]) -> Iterator[int]:
    for group in groups:
        yield from group
