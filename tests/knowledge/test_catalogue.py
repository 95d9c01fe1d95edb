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


FIGURE = re.compile(r"\d+(?:\.\d+)?")


def test_every_figure_of_the_evidence_stands_in_the_documents(shared: Path) -> None:
    """What a plan and a card tell of a study is what the documents read of it, and no more."""
    names = ("phenotyping", "interventions", "amendments")
    texts = [(shared / "clinical" / f"{name}.md").read_text("utf-8") for name in names]
    written = set(FIGURE.findall(_plain(" ".join(texts))))
    told = {
        (id_, figure)
        for id_, citation in knowledge().citations.items()
        for figure in FIGURE.findall(_plain(citation.number))
    }

    assert {(id_, figure) for id_, figure in told if figure not in written} == set()


def test_the_evidence_of_a_nerve_medicine_is_that_of_nerve_pain() -> None:
    """Section 1.2, RX-03 and RX-05: what was found in sciatica stands beside the rest."""
    citations = knowledge().citations

    assert "-0.1 (-0.7, 0.5) in radicular pain" in citations["gabapentinoids-2018"].number
    assert "sciatica no difference" in citations["antidepressants-2021"].number
    assert "no better than a dummy pill" in knowledge().interventions["RX-05"].text


def test_the_words_about_a_tablet_ask_for_what_speaks_against_it() -> None:
    """Section 6.7 and amendment 27 together."""
    text = knowledge().interventions["RX-01"].text

    for said in ("stomach, kidney or heart", "blood thinners", "pregnancy", "black stools"):
        assert said in text


def test_what_is_recalled_of_a_guideline_is_told_as_recalled() -> None:
    """Section 1.1, directions of WHO 2023 [R]: "no statement was read" is said of no other row."""
    stances = {(s.profile, s.intervention): s for s in knowledge().stances}
    recalled = {
        "RX-02": "for",
        "RX-03": "against",
        "RX-04": "against",
        "RX-05": "against",
        "RX-06": "against",
        "RX-08": "silent",
        "PS-02": "silent",
        "DR-01": "silent",
    }

    for id_, direction in recalled.items():
        stance = stances["who", id_]
        assert (stance.direction, stance.mark) == (direction, "R"), id_
        assert "recalled" in stance.says


def _plain(text: str) -> str:
    """Thousands without their comma: 9,710 and 9710 are one figure."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if "|" in line else [""]


def _fit(id_: str, cell: str) -> str:
    return AMENDED.get(id_, cell.replace(" acute only", ""))
