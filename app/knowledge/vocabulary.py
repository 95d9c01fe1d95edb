"""The words that content and engine share: closed lists, and the names that the engine asks for."""

from collections.abc import Iterable, Iterator

from app.domain.applicability import ADULT, CHRONIC, LOW_BACK
from app.domain.content import Content
from app.domain.content_parts import Finding, Test, ValueType
from app.domain.decision import NOCICEPTIVE_CORE
from app.domain.facts import SaidBy
from app.domain.gate import UNSCREENED, GateLevel
from app.domain.phenotype import AGAINST, CONSENSUS, KEY_OPEN, MECHANISMS, SCREEN
from app.domain.plan import ASK_MISSING, ASK_SCREEN, DECIDE_TOGETHER, ESCALATIONS, REFERRAL
from app.domain.plan_types import DO_NOT, NEXT_STEP, PROPOSED, STAGES
from app.domain.severity import MILD_RULE, MODERATE_RULE, SEVERE_RULE
from app.knowledge.errors import Fault
from app.knowledge.source import Source

ASKED_OF = ("patient", "clinician", "either", "record", "order")
AUTHORS = ("", *(author.value for author in SaidBy))
GRADES = (*CONSENSUS, *SCREEN, *AGAINST)
LICENCES = ("SHIP", "TOTAL")
ROWS = (
    "foundation",
    *MECHANISMS,
    "mixed",
    "driver",
    "finding",
    "always",
    "do-not",
    "limited",
    "review",
)
STATUSES_OF_A_ROW = (PROPOSED, NEXT_STEP, DO_NOT)
RULES = (ADULT, LOW_BACK, CHRONIC, UNSCREENED, KEY_OPEN, SEVERE_RULE, MODERATE_RULE, MILD_RULE)
PLAN_RULES = ("P-09", "P-10", "P-11", "P-12", "P-13")
ACTIVITIES = (*sorted(ESCALATIONS), REFERRAL, ASK_SCREEN, ASK_MISSING, DECIDE_TOGETHER)
TEXTS = (
    *(f"gate.{level.value}" for level in GateLevel),
    "scope.red-flag",
    "scope.not-low-back",
    "scope.limited",
    "ED-01.refer",
    "EX-01.refer",
    "EX-04.refer",
    "crisis",
    "hypothesis",
    "not-kept",
    "unsigned",
)


def vocabulary(source: Source, content: Content) -> Iterator[Fault]:
    """Every word that the engine would not understand, every name that it would not find."""
    yield from _inputs(source, content)
    for finding in content.findings.values():
        yield from _finding(finding, content)
    yield from _graded(source, content)
    for placement in content.placements:
        for word, words in (
            (placement.row, ROWS),
            (placement.stage, STAGES),
            (placement.status, STATUSES_OF_A_ROW),
        ):
            yield from _one_of(word, words, "placements.toml", placement.activity)
    for item in content.interventions.values():
        yield from _one_of(item.stage, STAGES, source.origin[f"intervention {item.id}"], item.id)
    for id_, instrument in content.instruments.items():
        place = source.origin[f"instrument {id_}"]
        yield from _one_of(instrument.licence, LICENCES, place, id_)
    yield from _needed("rules", "rule", (*RULES, *PLAN_RULES), content.rule_by_id)
    yield from _needed("inputs", "finding", NOCICEPTIVE_CORE, content.findings)
    yield from _needed("interventions", "intervention", ACTIVITIES, content.interventions)
    yield from _needed("texts.toml", "text", TEXTS, content.texts)


def _inputs(source: Source, content: Content) -> Iterator[Fault]:
    places: dict[int, str] = {}
    for name, known in content.inputs.items():
        file = source.origin[f"input {name}"]
        yield from _one_of(known.asked_of, ASKED_OF, file, name)
        if known.gate_question and not known.ask_order:
            yield Fault(file, name, "is a gate question without a place in the order of asking")
        if known.ask_order and not known.ask:
            yield Fault(file, name, "is asked for without a question")
        if known.ask_order and known.ask_order in places:
            other = places[known.ask_order]
            yield Fault(file, name, f"has the place of {other} in the order of asking")
        places[known.ask_order] = name


def _finding(finding: Finding, content: Content) -> Iterator[Fault]:
    known = content.inputs[finding.input]
    yield from _one_of(finding.said_by, AUTHORS, "findings", finding.name)
    comparisons = _comparisons(finding.test)
    if len(comparisons) != 1:
        yield Fault("findings", finding.name, "true_when needs exactly one comparison")
        return
    if comparisons[0] not in _fitting(known.value_type):
        fault = f"compares by {comparisons[0]}, and {known.name} is a {known.value_type.value}"
        yield Fault("findings", finding.name, fault)
    choices = {code for code, _ in known.choices}
    for code in sorted(finding.test.any_code - choices):
        yield Fault("findings", finding.name, f"{code} is no choice of {known.name}")


def _comparisons(test: Test) -> list[str]:
    numbers = {
        "at_least": test.at_least,
        "at_most": test.at_most,
        "below": test.below,
        "above": test.above,
    }
    return [
        *(["is"] if test.is_value is not None else []),
        *(["any_code"] if test.any_code else []),
        *(name for name, limit in numbers.items() if limit is not None),
    ]


def _fitting(value_type: ValueType) -> tuple[str, ...]:
    match value_type:
        case ValueType.BOOLEAN:
            return ("is",)
        case ValueType.CODE:
            return ("any_code",)
        case ValueType.INTEGER | ValueType.DECIMAL:
            return ("at_least", "at_most", "below", "above")
        case ValueType.TEXT | ValueType.DATE:
            return ()


def _graded(source: Source, content: Content) -> Iterator[Fault]:
    seen: dict[tuple[str, str], str] = {}
    for rule in content.rules:
        place = source.origin[f"RuleRecord {rule.id}"]
        if not rule.why:
            yield Fault(place, rule.id, "a rule without a reason (why)")
        if not rule.mechanism and not rule.grade:
            continue
        yield from _one_of(rule.mechanism, MECHANISMS, place, rule.id)
        yield from _one_of(rule.grade, GRADES, place, rule.id)
        key = (rule.mechanism, rule.grade)
        if key in seen:
            yield Fault(place, rule.id, f"gives the grade that {seen[key]} gives")
        seen[key] = rule.id


def _one_of(word: str, words: Iterable[str], file: str, record: str) -> Iterator[Fault]:
    if word not in words:
        named = ", ".join(w for w in words if w)
        yield Fault(file, record, f'"{word}" is none of {named}')


def _needed(file: str, kind: str, names: Iterable[str], there: Iterable[str]) -> Iterator[Fault]:
    have = set(there)
    for name in names:
        if name not in have:
            yield Fault(file, name, f"the engine needs this {kind}, and it is not there")
