"""What is not known and would change something, what is not in the plan, what was not used."""

from collections.abc import Iterable, Iterator

from app.book.document import Bullets, Code, Paragraph, Row, Section, Table, Text, listed
from app.domain.content import Content
from app.domain.placing import LISTS
from app.domain.plan_types import NOT_INDICATED, WITHHELD
from app.domain.questions import Question, questions
from app.use_cases.read_history import Seen

STATUSES = {WITHHELD: "withheld", NOT_INDICATED: "not indicated"}


def missing(seen: Seen) -> Iterator[Section]:
    """Each open question that alone would change something, and pairs that open an option."""
    decision, content = seen.decision, seen.expertise.content
    asked = questions(content, decision.worlds, decision.plan.considered)
    blocks: list[Paragraph | Table | Bullets] = []
    if asked:
        header = ("Question", "An answer of", "would change")
        rows = tuple(row for question in asked for row in _rows(question, content))
        blocks.append(Table("Worth asking next", header, rows))
    if decision.unlocks:
        rows = tuple(
            Row(
                (
                    (content.interventions[one.activity].label, " ", Code(one.activity)),
                    (" and ".join(_answer(*pair, content) for pair in one.answers),),
                )
            )
            for one in decision.unlocks
        )
        blocks.append(Table("What would open an option", ("Option", "Answers"), rows))
    if decision.lists_wanted:
        wanted = ", ".join(LISTS[name] for name in decision.lists_wanted)
        blocks.append(Paragraph((f"Wanted, too: {wanted}.",)))
    if decision.entries_wanted:
        words = "Some option waits for this: "
        blocks.append(Paragraph((words + "; ".join(decision.entries_wanted) + ".",)))
    if blocks:
        yield Section("missing", "What is missing, and what it would change", tuple(blocks))


def why_not(seen: Seen) -> Iterator[Section]:
    """Catalogue items that are not in the plan, each with its reasons."""
    content = seen.expertise.content
    rows = tuple(
        Row(
            (
                (content.interventions[one.id].label, " ", Code(one.id)),
                (STATUSES[one.status],),
                listed([(reason,) for reason in one.reasons], "; "),
            )
        )
        for one in seen.decision.plan.catalogue
        if one.status in STATUSES
    )
    if rows:
        table = Table("Not in this plan", ("Intervention", "Status", "Why"), rows)
        yield Section("why-not", "Why something is not here", (table,))


def not_used(seen: Seen) -> Iterator[Section]:
    """What came in and was not used."""
    items: list[Text] = [(Code(one.reference), f": {one.why}") for one in seen.decision.not_used]
    items += [(text,) for text in seen.decision.disagreements]
    if items:
        yield Section("not-used", "What was not used, or disagrees", (Bullets(tuple(items)),))


def _rows(question: Question, content: Content) -> Iterator[Row]:
    about = content.inputs[question.input]
    for answer in question.answers:
        labels = [
            f"{content.rule_by_id[c.rule].label} ({c.rule}: {c.now.value} to {c.then.value})"
            for c in answer.changes
        ]
        if labels:
            yield Row(
                (
                    (about.ask or about.label, " ", Code(question.input)),
                    (_value(question.input, answer.answer, content),),
                    _lines(labels),
                )
            )


def _lines(labels: Iterable[str]) -> Text:
    return listed([(label,) for label in labels], "; ")


def _answer(name: str, answer: bool | str | int, content: Content) -> str:  # noqa: FBT001
    about = content.inputs[name]
    return f"{about.label}: {_value(name, answer, content)}"


def _value(name: str, answer: bool | str | int, content: Content) -> str:  # noqa: FBT001
    match answer:
        case bool():
            return "yes" if answer else "no"
        case str():
            return dict(content.inputs[name].choices).get(answer, answer)
        case _:
            unit = content.inputs[name].unit
            return f"{answer} {unit}".strip() if unit and "{" not in unit else str(answer)
