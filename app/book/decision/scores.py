"""How scores went: each as a small drawing with its thresholds, and the same as a table."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import escape

from app.book.document import Block, Figure, Row, Section, Table
from app.domain.content import Content
from app.domain.content_parts import GoalMeasure
from app.domain.facts import Bounds, Fact, SaidBy
from app.domain.goals import change_that_matters
from app.use_cases.read_history import Seen

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 200, 46, 190, 14, 30
DOT, NEAR, ROOM = 4, 11, 30
# A threshold, and where a change from the first value matters.
EDGE = 'stroke="#8a3b00" stroke-dasharray="4 3"'
CHANGE = 'stroke="#0b6b3a" stroke-dasharray="1 3" stroke-width="2"'
BETTER = "better by what matters"
SVG = "http://www.w3.org/2000/svg"
STYLE = "font:11px system-ui,sans-serif;fill:#1b1b1b"
Point = tuple[datetime, Decimal]


@dataclass(frozen=True, slots=True)
class Course:
    """One score over time: its range, thresholds (value, words), and the change that matters."""

    name: str
    label: str
    points: tuple[Point, ...]
    low: Decimal
    high: Decimal
    bands: tuple[tuple[Decimal, str], ...]
    measure: GoalMeasure | None

    @property
    def matters(self) -> Decimal | None:
        """The minimal important change from the first value; None where none is verified."""
        if self.measure is None or self.measure.absolute is None:
            return None
        return change_that_matters(self.measure, self.points[0][1])

    @property
    def is_better_from(self) -> Decimal | None:
        """Where a change for the better matters; None where the scale does not reach so far."""
        if self.measure is None or self.matters is None:
            return None
        first = self.points[0][1]
        reached = first + self.matters if self.measure.is_higher_better else first - self.matters
        return reached if self.low <= reached <= self.high else None


def scores(seen: Seen) -> Iterator[Section]:
    """Every instrument of which a score is known."""
    content = seen.expertise.content
    courses = list(_courses(seen.decision.standings.facts, content))
    if courses:
        parts = tuple(
            Section(f"score-{course.name}", course.label, tuple(_blocks(course)))
            for course in courses
        )
        yield Section("scores", "How scores went", (), parts)


def _courses(facts: Mapping[str, Sequence[Fact]], content: Content) -> Iterator[Course]:
    measures = {m.input: m for goal in content.goals.values() for m in goal.measures}
    for instrument in content.instruments.values():
        about = content.inputs[instrument.total]
        points = _points(facts.get(about.name, ()))
        if points:
            values = [value for _, value in points]
            yield Course(
                name=about.name,
                label=instrument.label,
                points=points,
                low=min([about.low if about.low is not None else min(values), *values]),
                high=max([about.high if about.high is not None else max(values), *values]),
                bands=tuple(_bands(about.name, content)),
                measure=measures.get(about.name),
            )


def _points(facts: Sequence[Fact]) -> tuple[Point, ...]:
    """Whole scores, one a moment, the earliest first; two that contradict each other are none."""
    found: defaultdict[datetime, defaultdict[SaidBy, set[Decimal]]]
    found = defaultdict(lambda: defaultdict(set))
    for fact in facts:
        if isinstance(fact.value, int | Decimal) and not isinstance(fact.value, bool | Bounds):
            found[fact.at][fact.said_by].add(Decimal(fact.value))
    # The clinician's word beats the patient's of the same moment (contract §2).
    told = ((at, said.get(SaidBy.CLINICIAN) or said[SaidBy.PATIENT]) for at, said in found.items())
    return tuple(sorted((at, min(values)) for at, values in told if len(values) == 1))


def _bands(name: str, content: Content) -> Iterator[tuple[Decimal, str]]:
    """The thresholds that the content puts on a score, with the statement that each decides."""
    edges: dict[Decimal, str] = {}
    for reading in content.readings.get(name, ()):
        test = reading.finding.test
        for edge in (test.at_least, test.above, test.at_most, test.below):
            if edge is not None:
                edges.setdefault(edge, reading.finding.label)
    yield from sorted(edges.items())


def _blocks(course: Course) -> Iterator[Block]:
    described = _described(course)
    title = course.label
    yield Figure(title, described, _svg(course, title, described), "")
    rows = tuple(
        Row(((at.date().isoformat(),), (str(value),), (_change(course, value),)))
        for at, value in course.points
    )
    yield Table(f"{course.label}, values", ("Date", "Score", "Since the first"), rows)


def _described(course: Course) -> str:
    first, last = course.points[0], course.points[-1]
    span = f"from {course.low} to {course.high}"
    if len(course.points) == 1:
        text = f"One value, {first[1]}, on {first[0].date().isoformat()}; the scale runs {span}"
    else:
        text = (
            f"{len(course.points)} values, {first[1]} on {first[0].date().isoformat()} and "
            f"{last[1]} on {last[0].date().isoformat()}; the scale runs {span}"
        )
    if course.measure is not None:
        text += f". {'Higher' if course.measure.is_higher_better else 'Lower'} is better"
    if course.matters is not None:
        text += f". A change of {course.matters:f} matters to people"
    bands = "; ".join(f"{edge:f}: {words}" for edge, words in course.bands)
    return f"{text}. Thresholds: {bands}" if bands else text


def _change(course: Course, value: Decimal) -> str:
    first = course.points[0][1]
    change = value - first
    if not change:
        return "as at first"
    words = f"{change:+f}"
    if course.matters is None or course.measure is None:
        return words
    better = change > 0 if course.measure.is_higher_better else change < 0
    if abs(change) < course.matters:
        return f"{words}, less than what matters"
    return f"{words}, {BETTER}" if better else f"{words}, worse by what matters"


def _svg(course: Course, title: str, described: str) -> str:
    name = escape(course.name)
    named = f"{name}-title {name}-described"
    box = f"0 0 {WIDTH} {HEIGHT}"
    lines = [
        f'<svg xmlns="{SVG}" viewBox="{box}" role="img" aria-labelledby="{named}">',
        f'<title id="{name}-title">{escape(title)}</title>',
        f'<desc id="{name}-described">{escape(described)}</desc>',
        *_frame(course),
        *_thresholds(course),
        *_line(course),
        "</svg>",
    ]
    return "".join(lines)


def _frame(course: Course) -> Iterator[str]:
    yield (
        f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
        f'height="{HEIGHT - TOP - BOTTOM}" fill="none" stroke="#767676"/>'
    )
    for value in (course.low, course.high):
        yield _words(LEFT - 6, _y(course, value) + 4, f"{value:f}", "end")
    ends = [course.points[0][0], course.points[-1][0]]
    for at in dict.fromkeys(ends):
        anchor = "middle" if len(set(ends)) == 1 else ("start" if at == ends[0] else "end")
        yield _words(_x(course, at), HEIGHT - 10, at.date().isoformat(), anchor)


def _thresholds(course: Course) -> Iterator[str]:
    above = 0.0
    lines = [(edge, words, EDGE) for edge, words in course.bands]
    if course.is_better_from is not None:
        lines.append((course.is_better_from, BETTER, CHANGE))
    for edge, words, stroke in sorted(lines, reverse=True):
        y = _y(course, edge)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" {stroke}/>'
        at = max(y + 4, above + NEAR)
        yield _words(WIDTH - RIGHT + 6, at, f"{edge:f} {_short(words)}", "start")
        above = at


def _line(course: Course) -> Iterator[str]:
    places = [(_x(course, at), _y(course, value)) for at, value in course.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="#0b4a8f" stroke-width="2"/>'
    labelled = _labelled([x for x, _ in places])
    for number, ((x, y), (_, value)) in enumerate(zip(places, course.points, strict=True)):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{DOT}" fill="#0b4a8f"/>'
        if number in labelled:
            yield _words(x, y - 7, f"{value:f}", "middle")


def _labelled(places: Sequence[float]) -> set[int]:
    """The first and the last value, and of those between as many as there is room for."""
    shown, end = {0, len(places) - 1}, places[0]
    for number, x in enumerate(places):
        if x - end >= ROOM and places[-1] - x >= ROOM:
            shown.add(number)
            end = x
    return shown


def _words(x: float, y: float, words: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{STYLE}">'
        f"{escape(words)}</text>"
    )


def _short(words: str, longest: int = 28) -> str:
    return words if len(words) <= longest else words[: longest - 3] + "..."


def _x(course: Course, at: datetime) -> float:
    first, last = course.points[0][0], course.points[-1][0]
    width = WIDTH - LEFT - RIGHT - 2 * NEAR
    if first == last:
        return LEFT + NEAR + width / 2
    return LEFT + NEAR + width * ((at - first) / (last - first))


def _y(course: Course, value: Decimal) -> float:
    span = course.high - course.low or Decimal(1)
    share = float((value - course.low) / span)
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
