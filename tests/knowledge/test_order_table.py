"""The cards are those of the clinical documents: every row of the table, its words, its reasons."""

import re
from pathlib import Path

import pytest

from app.domain.orders.knowledge import CardRule
from tests.patients import knowledge

CARDS = {card.id: card for card in knowledge().orders.cards}
# amendments.md 12 and 25: another wording, and four cards more.
REWORDED = {"CDS-IMG-03"}
ADDED = {"CDS-INJ-03", "CDS-TRA-01", "CDS-PAR-02", "CDS-CNS-01"}


def rows(shared: Path) -> dict[str, list[str]]:
    """Id -> trigger, condition, indicator, summary, suggestions, reasons."""
    text = (shared / "clinical/interventions.md").read_text(encoding="utf-8")
    section = text.partition("### 3.2")[2].partition("### 3.3")[0]
    table = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| CDS-")
    ]
    return {id_: cells for id_, *cells in table}


def test_every_row_has_a_card_and_every_card_a_row(shared: Path) -> None:
    assert set(CARDS) == set(rows(shared)) | ADDED


def test_the_words_are_those_of_the_table(shared: Path) -> None:
    for id_, cells in rows(shared).items():
        said = {wording.summary for wording in CARDS[id_].wordings}
        wanted = cells[3].replace("{date}; review due {date}", "{date}; review due {due}")
        assert wanted in said or id_ in REWORDED, id_


def test_the_words_of_the_amendment_stand(shared: Path) -> None:
    text = " ".join((shared / "clinical/amendments.md").read_text(encoding="utf-8").split())
    for id_ in ("CDS-IMG-03", "CDS-INJ-03"):
        assert f'"{CARDS[id_].wordings[0].summary}"' in text


def test_the_reasons_to_go_on_are_those_of_the_table(shared: Path) -> None:
    said: set[str] = set()
    for id_, cells in rows(shared).items():
        named = [] if cells[-1] in ("-", "") else re.split(r"[,+]", cells[-1])
        reasons = {r.strip().lower().replace("/", "-").replace("\u2264", "") for r in named}
        if "same" in reasons:
            reasons = reasons - {"same"} | said
        said = reasons
        assert set(CARDS[id_].overrides) == reasons, id_


def test_the_urgency_is_that_of_the_table(shared: Path) -> None:
    for id_, cells in rows(shared).items():
        wanted = set(re.findall(r"critical|warning|info", cells[2]))
        said = {w.indicator.value for w in CARDS[id_].wordings if not w.is_lowered}
        assert wanted <= said, id_


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id)
def test_what_rests_on_something_not_found_has_a_second_wording(card: CardRule) -> None:
    """A rule that says "no ..." cannot be silent when it was never recorded."""
    negatives = {
        "CDS-IMG-01",
        "CDS-IMG-02",
        "CDS-IMG-05",
        "CDS-OPI-01",
        "CDS-OPI-04",
        "CDS-OPI-07",
        "CDS-GAB-01",
        "CDS-SUR-01",
    }
    if card.id in negatives:
        assert any(wording.is_lowered for wording in card.wordings)
