"""A plan printed for a person at a terminal, from the Bundle that a program would get."""

from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

Node = dict[str, Any]
STAGE = "activity-stage"
NEXT, NOT = "next-step", "do-not"
SHOWN = 10
COUNTS = ("shown", "accepted", "overridden")
TOGETHER = "both known"


def print_plan(bundle: bytes, console: Console) -> None:
    """Activity ids stand beside their texts."""
    resources = [entry["resource"] for entry in orjson.loads(bundle)["entry"]]
    plan = resources[0]
    console.print(f"[bold]{plan['title']}[/bold]")
    console.print(plan["description"])
    activities = [a["detail"] for a in plan.get("activity", ())]
    sections = (
        ("Plan", [d for d in activities if _stage(d) not in (NEXT, NOT)]),
        ("Next steps", [d for d in activities if _stage(d) == NEXT]),
        ("What not to do", [d for d in activities if _stage(d) == NOT]),
    )
    for title, rows in sections:
        if rows:
            console.print(_table(title, rows))
    goals = [r for r in resources if r["resourceType"] == "Goal"]
    if goals:
        console.print("\n[bold]Goals[/bold]")
        for goal in goals:
            code = goal["description"]["coding"][0]["code"]
            due = goal["target"][0]["dueDate"]
            console.print(Padding(f"{code}  {goal['description']['text']} (by {due})", (0, 2)))
    for guidance in (r for r in resources if r["resourceType"] == "GuidanceResponse"):
        _print_notes(guidance, console)
        asked = [_asked(q) for q in guidance.get("dataRequirement", ())]
        if asked:
            console.print(f"\n[bold]Worth asking next[/bold] ({len(asked)})")
            more = " ..." if len(asked) > SHOWN else ""
            console.print(Padding(", ".join(asked[:SHOWN]) + more, (0, 2)))
        for outcome in guidance.get("contained", ()):
            console.print(f"\n[bold]Not used[/bold] ({len(outcome['issue'])})")
            for issue in outcome["issue"]:
                console.print(Padding(issue["diagnostics"], (0, 2)), markup=False)


def _print_notes(guidance: Node, console: Console) -> None:
    """The first questions with what each could change, and every pair that only together does."""
    notes = [str(note["text"]) for note in guidance.get("note", ())]
    if not notes:
        return
    console.print(f"\n[bold]What would change this plan[/bold] ({len(notes)})")
    for text in notes[:SHOWN] + [n for n in notes[SHOWN:] if TOGETHER in n]:
        console.print(Padding(text, (0, 2)), markup=False)


def _stage(detail: Node) -> str:
    return next(str(e["valueCode"]) for e in detail["extension"] if e["url"].endswith(STAGE))


def _table(title: str, rows: list[Node]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=True)
    table.add_column("id", no_wrap=True)
    table.add_column("activity", ratio=1)
    table.add_column("for the patient", ratio=3)
    table.add_column("rules", ratio=1)
    for detail in rows:
        code = detail["code"]
        rules = [
            e["valueCoding"]["code"]
            for e in detail["extension"]
            if e["url"].endswith("activity-rule")
        ]
        table.add_row(
            code["coding"][0]["code"], code["text"], detail["description"], ", ".join(rules)
        )
    return table


def _asked(requirement: Node) -> str:
    if "codeFilter" not in requirement:
        return f"a complete list of {requirement['type']}"
    coding = requirement["codeFilter"][0]["code"][0]
    return str(coding["code"] if "code" in coding else coding["display"])


def print_alerts(report: bytes, console: Console) -> None:
    """How often each rule spoke and what became of it, newest month first."""
    found = orjson.loads(report)
    table = Table(title="Alerts", title_justify="left")
    for name in ("month", "rule", "shown", "accepted", "overridden", "reasons"):
        table.add_column(name, justify="right" if name in COUNTS else "left")
    for row in found["rules"]:
        reasons = ", ".join(
            f"{reason.rpartition('|')[2]} {count}" for reason, count in row["reasons"].items()
        )
        counts = (str(row[name]) for name in COUNTS)
        table.add_row(row["month"], row["rule"], *counts, escape(reasons))
    console.print(table)
    for total in found["totals"]:
        if total["dueToRetire"]:
            console.print(f"{total['rule']}: overridden {total['overrideRate']:.0%}; due to retire")
    if found["unknownCards"]:
        console.print(f"{found['unknownCards']} cards in feedback were never shown by this service")
