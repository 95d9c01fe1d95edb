"""Check the content as an author does: what stops the service, and a case for every rule."""

from pathlib import Path

import rtoml

from app.domain.content import Content
from app.knowledge.errors import ContentError
from app.knowledge.files import FOLDER
from app.knowledge.loading import load

OUTCOMES = {"true", "false", "unknown"}
TWO_VALUED = {"true", "false"}


def check_content(folder: Path | None, cases: Path | None) -> list[str]:
    """Every fault in words; an empty list means that the content is sound.

    ``cases`` holds a TOML file for each rule with at least one case that holds, one that fails and
    one that stays open; a rule that can only hold or fail says ``two_valued = true``.
    """
    try:
        content = load(folder or FOLDER)
    except ContentError as error:
        return [str(fault) for fault in error.faults]
    return [] if cases is None else _without_cases(content, cases)


def _without_cases(content: Content, cases: Path) -> list[str]:
    faults = []
    for rule in content.rules:
        file = cases / f"{rule.id}.toml"
        if not file.exists():
            faults.append(f"{file.name}: {rule.id}: has no case file")
            continue
        try:
            written = rtoml.loads(file.read_text(encoding="utf-8"))
        except rtoml.TomlParsingError as error:
            faults.append(f"{file.name}: {rule.id}: not TOML: {error}")
            continue
        wanted = TWO_VALUED if written.get("two_valued") else OUTCOMES
        missing = wanted - {case.get("expect") for case in written.get("case", ())}
        if missing:
            named = ", ".join(sorted(missing))
            faults.append(f"{file.name}: {rule.id}: has no case that is {named}")
    return faults
