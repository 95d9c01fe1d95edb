"""The tally as tables for a person at a terminal."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from app.population.tally import Tally

SHOWN = 15


def print_tally(tally: Tally, console: Console) -> None:
    """How many patients, and of what."""
    console.print(f"{tally.patients} patients decided about, {tally.rejected} lines rejected.")
    parts = (
        ("Red flags", tally.gates),
        ("Mechanisms", tally.mechanisms),
        ("Grades", tally.grades),
        ("Drivers", tally.drivers),
        ("Withheld, and why", tally.withheld),
    )
    for title, counts in parts:
        if counts:
            console.print(_table(title, counts, tally.patients))


def _table(title: str, counts: Counter[str], patients: int) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("what", overflow="fold")
    table.add_column("patients", justify="right")
    table.add_column("of all", justify="right")
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    for name, count in ordered[:SHOWN]:
        table.add_row(name, str(count), f"{count / patients:.1%}")
    if len(ordered) > SHOWN:
        table.add_row(f"{len(ordered) - SHOWN} more: see the summary file", "", "")
    return table
