"""From facts to conclusions: each grade and driver, its rule, and the facts that made it so."""

from collections.abc import Iterable, Iterator

from app.book.document import Block, Code, Paragraph, Row, Section, Table, Text, listed
from app.domain.content import Content
from app.domain.content_parts import Rule
from app.domain.decision import Decision
from app.domain.explanation import explain
from app.domain.facts import Bounds, Fact
from app.domain.truth import Truth
from app.use_cases.read_history import Seen

SAID = {Truth.TRUE: "holds", Truth.FALSE: "does not hold", Truth.UNKNOWN: "is open"}
UNKNOWN = "unknown"
WHERE = (
    "Each rule with the facts that decided it. The rules themselves, with their conditions in "
    "words, stand in the content book."
)
LEVELS = ("none", "mild", "moderate", "severe")
RULES_HEADER = ("Rule", "Stands", "Facts it used", "What it lacks", "Source")


def drivers(seen: Seen) -> Iterator[Section]:
    """What keeps the pain going, 0 to 3 or unknown."""
    content = seen.expertise.content
    graded = sorted(seen.decision.drivers, key=lambda g: -(g.at_least or 0))
    rows = tuple(
        Row(
            (
                (content.drivers[g.driver].label,),
                (_level(g.level, g.at_least),),
                ((Code(g.rule),) if g.rule else ("",)),
            )
        )
        for g in graded
    )
    if rows:
        table = Table("Drivers and their levels", ("Driver", "Level", "Rule"), rows)
        yield Section("drivers", "What keeps the pain going", (table,))


def trail(seen: Seen) -> Iterator[Section]:
    """Gate, mechanisms and phenotype with everything below them."""
    content, decision = seen.expertise.content, seen.decision
    parts = (
        ("gate", "Red flags", [name for r in decision.gate.raised for name in r.rules]),
        ("grades", "Grades of the mechanisms", [g.rule for g in decision.grades if g.rule]),
        ("phenotype", "The phenotype", list(decision.phenotype.rules)),
        ("graded", "Drivers", [g.rule for g in decision.drivers if g.rule]),
    )
    sections = tuple(
        Section(f"trail-{anchor}", title, (_table(title, _with_below(names, content), seen),))
        for anchor, title, names in parts
        if names
    )
    blocks: tuple[Block, ...] = (Paragraph((WHERE,)), _grades(decision))
    yield Section("trail", "From facts to conclusions", blocks, sections)


def _grades(decision: Decision) -> Table:
    rows = tuple(
        Row(((g.mechanism,), (g.grade or UNKNOWN,), ((Code(g.rule),) if g.rule else ("",))))
        for g in decision.grades
    )
    return Table("How far the evidence goes", ("Mechanism", "Grade", "Rule"), rows)


def _with_below(names: Iterable[str], content: Content) -> list[Rule]:
    """The rules and those they build on, each once, in the order of the content."""
    by_slot = {rule.slot: rule for rule in content.rules}
    pending = [content.rule_by_id[name] for name in names]
    found: dict[int, Rule] = {}
    while pending:
        rule = pending.pop()
        if rule.slot not in found:
            found[rule.slot] = rule
            pending.extend(by_slot[slot] for slot in _operands(rule) if slot in by_slot)
    return [found[slot] for slot in sorted(found)]


def _operands(rule: Rule) -> tuple[int, ...]:
    counted = rule.at_least.of if rule.at_least else ()
    return (*rule.all_of, *rule.any_of, *rule.none_of, *rule.open_of, *counted)


def _table(title: str, rules: Iterable[Rule], seen: Seen) -> Table:
    return Table(title, RULES_HEADER, tuple(_row(rule, seen) for rule in rules))


def _row(rule: Rule, seen: Seen) -> Row:
    content, decision = seen.expertise.content, seen.decision
    why = explain(rule, content, decision.worlds)
    used = [_used(slot, seen) for slot in why.used]
    lacks = dict.fromkeys(_plain(content.slot_names[slot]) for slot in why.missing)
    missing: list[Text] = [(content.findings[name].label,) for name in lacks]
    sources: list[Text] = [(content.citations[name].reference,) for name in rule.evidence]
    return Row(
        (
            (Code(rule.id), f" {rule.label}"),
            (SAID[decision.worlds.truth(rule.slot)],),
            listed([text for text in used if text], "; "),
            listed(missing, "; "),
            listed(sources, "; "),
        )
    )


def _used(slot: int, seen: Seen) -> Text:
    content = seen.expertise.content
    standing = seen.decision.standings.by_slot.get(slot)
    if standing is None or standing.fact is None:
        return ()
    label = content.findings[_plain(content.slot_names[slot])].label
    return (f"{label}: {said(standing.fact)}",)


def said(fact: Fact) -> str:
    """A fact in words: what, when, by whom, where it stands."""
    when = fact.at.date().isoformat()
    return f"{value_of(fact)} ({when}, {fact.said_by.value}, {fact.source})"


def value_of(fact: Fact) -> str:
    """The value as a person writes it."""
    match fact.value:
        case bool(value):
            return "yes" if value else "no"
        case Bounds(low, high):
            return f"between {low} and {high}"
        case value:
            return str(value)


def _plain(slot_name: str) -> str:
    return slot_name.partition("@")[0]


def _level(level: int | None, at_least: int) -> str:
    if level is not None:
        return f"{level} ({LEVELS[level]})"
    return f"at least {at_least}, more is open" if at_least else UNKNOWN
