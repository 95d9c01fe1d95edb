"""The derivation as a drawing: which stage feeds which, with the same said in a table."""

from dataclasses import dataclass
from html import escape
from textwrap import shorten

from app.book.document import Block, Figure, Link, Row, Table
from app.book.groups import Group
from app.book.material import Material
from app.book.names import named_in

INPUTS, FINDINGS, PLAN = "Inputs", "Findings", "Plan"
WIDTH, BOX_LEFT, BOX_WIDTH, BOX_HEIGHT, STEP, TOP = 960, 80, 560, 44, 76, 20
NEAR, LANES = 18, 280
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Step:
    """A box: what it is called, how much is in it, and the chapter that tells it."""

    name: str
    count: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Edge:
    """``count`` names of the upper step are used by the lower one."""

    upper: str
    lower: str
    count: int


def derivation(material: Material) -> tuple[Block, ...]:
    """The drawing and the table."""
    steps, edges = _steps(material), _edges(material)
    described = (
        f"{len(steps)} steps from top to bottom, beginning with {steps[0].name} and ending with "
        f"{steps[-1].name}; the table below names every arrow."
    )
    title = "How a plan is derived"
    anchors = {step.name: step.anchor for step in steps}
    rows = tuple(
        Row(
            (
                (Link(edge.upper, anchors[edge.upper]),),
                (Link(edge.lower, anchors[edge.lower]),),
                (str(edge.count),),
            )
        )
        for edge in edges
    )
    table = Table("The arrows of the derivation", ("From", "To", "Names used"), rows)
    figure = Figure(title, described, _svg(title, described, steps, edges), _mermaid(steps, edges))
    return (figure, table)


def _steps(material: Material) -> list[Step]:
    source = material.source
    return [
        Step(INPUTS, _counted(len(source.inputs), "input"), "inputs"),
        Step(FINDINGS, _counted(len(source.findings), "finding"), "findings"),
        *(
            Step(group.title, _counted(len(group.ids), "rule"), f"rules-{group.anchor}")
            for group in _stages(material)
        ),
        Step(PLAN, _counted(len(source.placements), "row"), "placements"),
    ]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _stages(material: Material) -> list[Group]:
    return material.groups("RuleRecord", [rule.id for rule in material.source.rules])


def _edges(material: Material) -> list[Edge]:
    """Counted by distinct names, in the order of the steps."""
    source = material.source
    stage_of = {id_: group.title for group in _stages(material) for id_ in group.ids}
    used: dict[tuple[str, str], set[str]] = {}
    for finding in source.findings.values():
        used.setdefault((INPUTS, FINDINGS), set()).add(finding.from_)
    for rule in source.rules:
        for name in named_in(rule):
            upper = stage_of.get(name) or _known(name, material)
            if upper not in ("", stage_of[rule.id]):
                used.setdefault((upper, stage_of[rule.id]), set()).add(name)
    for placement in source.placements:
        if placement.rule in stage_of:
            used.setdefault((stage_of[placement.rule], PLAN), set()).add(placement.rule)
    place = {step.name: number for number, step in enumerate(_steps(material))}
    edges = [Edge(upper, lower, len(names)) for (upper, lower), names in used.items()]
    return sorted(edges, key=lambda edge: (place[edge.upper], place[edge.lower]))


def _known(name: str, material: Material) -> str:
    """A yes-or-no input is a finding of its own name."""
    is_known = name in material.source.findings or name in material.source.inputs
    return FINDINGS if is_known else ""


def _svg(title: str, described: str, steps: list[Step], edges: list[Edge]) -> str:
    height = TOP * 2 + STEP * (len(steps) - 1) + BOX_HEIGHT
    place = {step.name: number for number, step in enumerate(steps)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        ' aria-labelledby="derivation-title derivation-text">',
        f'<title id="derivation-title">{escape(title)}</title>',
        f'<desc id="derivation-text">{escape(described)}</desc>',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"',
        ' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#3d3d3d"/></marker></defs>',
    ]
    for edge in edges:
        upper, lower = place[edge.upper], place[edge.lower]
        if lower == upper + 1:
            lines.append(_straight(upper))
        else:
            lines.append(_around(upper, lower, LANES // len(steps)))
    for number, step in enumerate(steps):
        lines += _box(number, step)
    return "\n".join([*lines, "</svg>"])


def _top(number: int) -> int:
    return TOP + number * STEP


def _straight(upper: int) -> str:
    x = BOX_LEFT + BOX_WIDTH // 2
    return _path(f"M{x} {_top(upper) + BOX_HEIGHT}V{_top(upper + 1)}")


def _around(upper: int, lower: int, between: int) -> str:
    """Beside the boxes: the arrows of one step share a lane, findings to the left."""
    is_left = upper <= 1
    edge = BOX_LEFT if is_left else BOX_LEFT + BOX_WIDTH
    lane = edge - 2 * NEAR if is_left else edge + NEAR + upper * between
    arrives = _top(lower) + 6 + upper * 5 % (BOX_HEIGHT - 14)
    return _path(f"M{edge} {_top(upper) + BOX_HEIGHT - 8}H{lane}V{arrives}H{edge}")


def _path(drawn: str) -> str:
    look = 'fill="none" stroke="#3d3d3d" stroke-width="1.2" marker-end="url(#arrow)"'
    return f'<path d="{drawn}" {look}/>'


def _box(number: int, step: Step) -> list[str]:
    y = _top(number)
    size = f'x="{BOX_LEFT}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"'
    return [
        f'<rect {size} fill="#f4f4f4" stroke="#1b1b1b"/>',
        _words(_short(step.name), y + 19, 'font-size="15" font-weight="600" fill="#1b1b1b"'),
        _words(step.count, y + 36, 'font-size="13" fill="#3d3d3d"'),
    ]


def _words(words: str, y: int, look: str) -> str:
    x = BOX_LEFT + BOX_WIDTH // 2
    return f'<text x="{x}" y="{y}" text-anchor="middle" {look}>{escape(words)}</text>'


def _short(name: str) -> str:
    return shorten(name, LONGEST, placeholder=" …")


def _mermaid(steps: list[Step], edges: list[Edge]) -> str:
    ids = {step.name: f"s{number}" for number, step in enumerate(steps)}
    boxes = [
        f'  {ids[step.name]}["{step.name.replace(chr(34), chr(39))}<br/>{step.count}"]'
        for step in steps
    ]
    arrows = [f"  {ids[e.upper]} -->|{e.count}| {ids[e.lower]}" for e in edges]
    return "\n".join(["flowchart TD", *boxes, *arrows])
