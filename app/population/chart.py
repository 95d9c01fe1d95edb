"""The tally as one drawing (SVG): bars with their numbers, readable without colour or script."""

from collections import Counter
from html import escape

from app.population.tally import Tally

WIDTH, LEFT, RIGHT, BAR, STEP, TOP = 900, 330, 110, 14, 22, 30
SVG, NAMED = "http://www.w3.org/2000/svg", "title described"
SHOWN = 12
LONGEST = 48
TITLE = "What was decided about the population"
STYLE = "text{font:12px system-ui,sans-serif;fill:#1b1b1b}.t{font-weight:600}rect{fill:#0b4a8f}"


def chart(tally: Tally) -> str:
    """Bars of patients for red flags, mechanisms, grades, drivers, and what was withheld."""
    parts = (
        ("Red flags", tally.gates),
        ("Mechanisms", tally.mechanisms),
        ("Grades", tally.grades),
        ("Drivers that count (1 to 3)", _graded(tally.drivers)),
        ("Withheld, and why", tally.withheld),
    )
    rows: list[str] = []
    at = TOP + STEP
    for title, counts in parts:
        if counts:
            rows.append(f'<text class="t" x="8" y="{at + BAR}">{escape(title)}</text>')
            at += STEP
            for name, count in _most(counts):
                rows += _bar(name, count, tally.patients, at)
                at += STEP
            at += BAR
    described = f"{tally.patients} patients, {tally.rejected} lines rejected."
    return "\n".join(
        [
            f'<svg xmlns="{SVG}" viewBox="0 0 {WIDTH} {at}" role="img" aria-labelledby="{NAMED}">',
            f'<title id="title">{TITLE}</title>',
            f'<desc id="described">{described}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{at}" style="fill:#fff"/>',
            f'<text class="t" x="8" y="{TOP - BAR}">{TITLE}: {described}</text>',
            *rows,
            "</svg>",
            "",
        ]
    )


def _graded(drivers: Counter[str]) -> Counter[str]:
    """Patients by driver, over the levels at which it is there."""
    found: Counter[str] = Counter()
    for name, count in drivers.items():
        driver, _, level = name.partition(": ")
        if level in ("1", "2", "3"):
            found[driver] += count
    return found


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]


def _bar(name: str, count: int, of: int, at: int) -> list[str]:
    length = (WIDTH - LEFT - RIGHT) * count / of
    words = name if len(name) <= LONGEST else name[: LONGEST - 3] + "..."
    return [
        f'<text x="{LEFT - 8}" y="{at + BAR - 2}" text-anchor="end">{escape(words)}</text>',
        f'<rect x="{LEFT}" y="{at}" width="{length:.1f}" height="{BAR}"/>',
        f'<text x="{LEFT + length + 6:.1f}" y="{at + BAR - 2}">{count} ({count / of:.1%})</text>',
    ]
