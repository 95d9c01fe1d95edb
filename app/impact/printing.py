"""The impact as tables for an author at a terminal."""

from rich.console import Console
from rich.table import Table

from app.impact.differences import Difference
from app.impact.report import Impact

SHOWN = 12


def print_impact(found: Impact, console: Console) -> None:
    """Counts first, then what moved them, then the first patients one by one."""
    old, new = found.old, found.new
    console.print(f"{old.version} ({_short(old.digest)}) -> {new.version} ({_short(new.digest)})")
    console.print(f"{len(found.changed)} of {found.patients} patients see something else.")
    if not found.changed:
        return
    console.print(_counted("What changes", "aspect", found.by_aspect()))
    causes = found.by_cause()
    if causes:
        console.print(_counted("What makes it so", "finding or rule", causes))
    if found.without_cause():
        console.print(
            f"For {found.without_cause()} patients every rule stands as before; "
            f"the change lies in {', '.join(found.files)}."
        )
    console.print(_patients(found.changed[:SHOWN]))
    if len(found.changed) > SHOWN:
        console.print(f"{len(found.changed) - SHOWN} more patients: --json gives them all.")


def _counted(title: str, name: str, counts: dict[str, int]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(name)
    table.add_column("patients", justify="right")
    for key, count in counts.items():
        table.add_row(key, str(count))
    return table


def _patients(found: tuple[Difference, ...]) -> Table:
    table = Table(title="Patients", title_justify="left", show_lines=True)
    for column in ("patient", "what changes", "because"):
        table.add_column(column, overflow="fold")
    for difference in found:
        changes = _together(difference)
        causes = [f"{c.name}: {c.old} -> {c.new}" for c in difference.causes]
        table.add_row(
            difference.patient, "\n".join(changes), "\n".join(causes) or "no rule stands otherwise"
        )
    return table


def _together(difference: Difference) -> list[str]:
    """What changes in the same way in one line, for many things are withheld for one reason."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for change in difference.changes:
        names.setdefault((change.aspect, change.old, change.new), []).append(change.name)
    return [
        f"{aspect} {', '.join(alike)}: {old} -> {new}"
        for (aspect, old, new), alike in names.items()
    ]


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
