"""The cases of a rule, as a clinician reads them: who the patient is and how the rule stands."""

from pathlib import Path
from typing import Any

import rtoml

from app.book.document import Bullets, Text
from app.book.names import Names

Case = dict[str, Any]
Cases = dict[str, list[Case]]
OUTCOMES = {"true": "Holds", "false": "Fails", "unknown": "Stays open"}
TOLD = frozenset({"name", "expect", "given"})


def read_cases(folder: Path | None) -> Cases:
    """The cases by the rule that they belong to; none where the folder is not there."""
    if folder is None or not folder.is_dir():
        return {}
    return {
        file.stem: rtoml.loads(file.read_text(encoding="utf-8")).get("case", [])
        for file in sorted(folder.glob("*.toml"))
    }


def in_words(cases: list[Case], names: Names) -> Bullets:
    """A line for each case."""
    return Bullets(tuple(_line(case, names) for case in cases))


def _line(case: Case, names: Names) -> Text:
    outcome = OUTCOMES.get(str(case.get("expect")), str(case.get("expect")))
    told = [f"{names.label(name)}: {_said(value)}" for name, value in _given(case)]
    told += [f"{name}: {_said(value)}" for name, value in case.items() if name not in TOLD]
    known = f" ({'; '.join(told)})" if told else " (nothing is known)"
    return (f"{outcome}: {case.get('name', '')}{known}",)


def _given(case: Case) -> list[tuple[str, object]]:
    given = case.get("given", {})
    return list(given.items()) if isinstance(given, dict) else []


def _said(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return " and ".join(_said(part) for part in value)
        case {"value": said, **more}:
            return ", ".join([_said(said), *(_aside(str(key), part) for key, part in more.items())])
        case dict():
            return " ".join(_said(part) for part in value.values())
        case _:
            return str(value)


def _aside(key: str, value: object) -> str:
    match key:
        case "days_ago":
            return "1 day ago" if value == 1 else f"{value} days ago"
        case "said_by":
            return f"said by the {value}"
        case _:
            return f"{key.replace('_', ' ')} {_said(value)}"
