"""The catalogue is that of ``interventions.md`` §1.2: every item, and how it fits a mechanism."""

import re
from pathlib import Path

from tests.patients import knowledge

MECHANISMS = ("nociceptive", "neuropathic", "nociplastic", "mixed")
# "-" stands there for "not about the mechanism": naloxone is never to be avoided (amendment 24).
AMENDED = {"DR-08": "0"}


def test_every_item_stands_there_with_its_fits(shared: Path) -> None:
    text = (shared / "clinical" / "interventions.md").read_text("utf-8")
    table = text.partition("### 1.2")[2].partition("### 1.3")[0]
    written = {
        cells[0]: [_fit(cells[0], cell) for cell in cells[2:6]]
        for cells in map(_cells, table.splitlines())
        if re.fullmatch(r"[A-Z]{2}-\d\d", cells[0])
    }
    items = [item for item in knowledge().interventions.values() if item.catalogue]

    assert {i.id: [i.fits[m] for m in MECHANISMS] for i in items} == written


def test_every_item_that_is_done_says_the_dose_seen() -> None:
    silent = {i.id for i in knowledge().interventions.values() if i.catalogue and not i.dose_seen}

    assert silent == {"PS-03"}  # the table has none for it


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if "|" in line else [""]


def _fit(id_: str, cell: str) -> str:
    return AMENDED.get(id_, cell.replace(" acute only", ""))
