"""The plan itself: what to do, what next, what not, and what for."""

from collections.abc import Iterable, Iterator

from app.book.document import Code, Paragraph, Row, Section, Table, Text, listed
from app.domain.content import Content
from app.domain.content_parts import Intervention
from app.domain.goals import Goal
from app.domain.plan_types import DO_NOT, NEXT_STEP, Activity
from app.fhir.writing.activity import dissent
from app.use_cases.read_history import Seen

NOT_GRADED = "not-graded"
HEADER = ("Activity", "What the patient reads", "Why", "Rests on")


def plan(seen: Seen) -> Iterator[Section]:
    """What is proposed now, in its order."""
    activities = [a for a in _activities(seen) if a.status not in (NEXT_STEP, DO_NOT)]
    yield _section("plan", "The plan", activities, seen)


def next_steps(seen: Seen) -> Iterator[Section]:
    """What waits, and for what."""
    yield from _if_any("next", "Next steps", NEXT_STEP, seen)


def not_to_do(seen: Seen) -> Iterator[Section]:
    """The do-not list with its reasons."""
    yield from _if_any("not", "What not to do", DO_NOT, seen)


def goals(seen: Seen) -> Iterator[Section]:
    """What for, measured by what, until when."""
    found = seen.decision.plan.goals
    if found:
        rows = tuple(_goal(goal) for goal in found)
        header = ("Goal", "Now", "To reach", "By")
        yield Section("goals", "Goals", (Table("Goals", header, rows),))


def _activities(seen: Seen) -> tuple[Activity, ...]:
    return seen.decision.plan.activities


def _if_any(anchor: str, title: str, status: str, seen: Seen) -> Iterator[Section]:
    activities = [a for a in _activities(seen) if a.status == status]
    if activities:
        yield _section(anchor, title, activities, seen)


def _section(anchor: str, title: str, activities: Iterable[Activity], seen: Seen) -> Section:
    content = seen.expertise.content
    rows = tuple(_row(activity, content) for activity in activities)
    if not rows:
        return Section(anchor, title, (Paragraph(("Nothing.",)),))
    return Section(anchor, title, (Table(title, HEADER, rows),))


def _row(activity: Activity, content: Content) -> Row:
    item = content.interventions[activity.id]
    rules: list[Text] = [_rule(name, content) for name in activity.rules]
    why: list[Text] = [(reason,) for reason in activity.reasons]
    return Row(
        (
            (f"{activity.rank}. " if activity.rank else "", item.label, " ", Code(activity.id)),
            (activity.text,),
            listed([*why, *rules], "; "),
            listed(
                [*(_citation(name, content) for name in item.evidence), *_dissent(item, content)],
                "; ",
            ),
        )
    )


def _dissent(item: Intervention, content: Content) -> Iterator[Text]:
    """Who says what, where the guidelines disagree."""
    told = dissent(item.id, content)
    if told:
        yield (f"guidelines disagree: {told}",)


def _citation(name: str, content: Content) -> Text:
    citation = content.citations[name]
    number = f" {citation.number}" if citation.number else ""
    grade = "" if citation.grade == NOT_GRADED else f"grade {citation.grade}, "
    return (f"{citation.reference}{number} ({grade}mark {citation.mark})",)


def _rule(name: str, content: Content) -> Text:
    rule = content.rule_by_id.get(name)
    return (Code(name), f" {rule.label}" if rule else "")


def _goal(goal: Goal) -> Row:
    words = f": {goal.own_words}" if goal.own_words else ""
    measure = goal.measure.label if goal.measure else ""
    return Row(
        (
            (f"{goal.label}{words} ", Code(goal.id)),
            (f"{measure} {goal.baseline}" if goal.baseline is not None else "not measured",),
            (_target(goal),),
            (goal.due.isoformat() if goal.due else "ongoing",),
        )
    )


def _target(goal: Goal) -> str:
    if goal.target is None or goal.measure is None:
        return "as said"
    if goal.is_to_keep:
        return f"keep it at {goal.target}"
    return f"{goal.target} or {'more' if goal.measure.is_higher_better else 'less'}"
