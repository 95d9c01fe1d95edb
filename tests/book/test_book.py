"""The content book: up to date, readable by everyone, and complete."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from app.book import drift, pages, write
from app.book.as_html import STYLE, html
from app.book.chapters.others import others
from app.book.document import Book, Section
from app.book.writing import book_of, material_of
from app.knowledge.errors import ContentError
from app.knowledge.files import read_folder

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "knowledge" / "cases"
SHIPPED = ROOT / "docs" / "book"
PAINPLAN = str(Path(sys.executable).with_name("painplan"))
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
APPLICABILITY = "rules/10_applicability.toml"


@cache
def files() -> dict[str, str]:
    return read_folder()


@cache
def fresh() -> dict[str, str]:
    return pages(files(), CASES)


class Page(HTMLParser):
    """What a reader's software would find in the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(str(found["id"]))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


@cache
def page() -> Page:
    return Page(fresh()["index.html"])


def section(content: dict[str, str], rule: str) -> str:
    """What the page says of one rule of changed content, as plain words."""
    text = html(book_of(material_of(content, CASES)))
    part = text.partition(f'id="rule-{rule}"')[2].partition("<h4")[0]
    return unescape(re.sub(r"<[^>]+>", " ", part.partition("<h3")[0]))


def changed(name: str, was: str, now: str) -> dict[str, str]:
    """The shipped content with one thing written otherwise."""
    assert was in files()[name]
    return {**files(), name: files()[name].replace(was, now, 1)}


def test_the_committed_book_is_what_the_content_says() -> None:
    assert drift(SHIPPED, fresh()) == []


def test_the_same_content_gives_the_same_bytes() -> None:
    assert pages(dict(reversed(files().items())), CASES) == fresh()


def test_a_changed_a_missing_and_a_foreign_page_are_all_named(tmp_path: Path) -> None:
    assert sorted(write(tmp_path, fresh())) == sorted(fresh())
    assert drift(tmp_path, fresh()) == []
    (tmp_path / "rules.md").unlink()
    (tmp_path / "old.md").write_text("of another time")
    (tmp_path / "index.html").write_text("<p>edited by hand")

    assert drift(tmp_path, fresh()) == [
        "rules.md is missing",
        "old.md is part of no book",
        "index.html differs from what the content says",
    ]
    assert sorted(write(tmp_path, fresh())) == ["index.html", "old.md", "rules.md"]
    assert drift(tmp_path, fresh()) == []


def test_the_command_writes_the_book_and_says_what_is_out_of_date(tmp_path: Path) -> None:
    def book(*options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PAINPLAN, "book", "--out", str(tmp_path), *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert book().returncode == 0
    assert drift(tmp_path, fresh()) == []
    assert book("--check").returncode == 0
    (tmp_path / "rules.md").write_text("edited by hand")
    checked = book("--check")

    assert checked.returncode == 1
    assert checked.stderr == "rules.md differs from what the content says\n"
    assert (tmp_path / "rules.md").read_text() == "edited by hand"


def test_content_with_a_fault_gives_no_book() -> None:
    broken = changed(APPLICABILITY, 'all_of = ["age-18-or-more"]', 'all_of = ["age-19-or-more"]')

    with pytest.raises(ContentError, match="A1: uses age-19-or-more"):
        pages(broken, CASES)


def test_the_page_needs_no_script_and_no_network() -> None:
    text = fresh()["index.html"]

    assert not page().all("script", "link", "img", "iframe", "object", "embed")
    assert not re.search(r"\son[a-z]+=|@import|url\((?!#)|javascript:", text)
    assert all(str(a.get("href")).startswith("#") for a in page().all("a"))


def test_the_page_has_landmarks_and_a_language() -> None:
    assert page().all("html") == [{"lang": "en"}]
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page().all(landmark)) == 1, landmark
    assert page().all("nav")[0]["aria-label"] == "Contents"
    assert ("a", {"class": "skip", "href": "#content"}) in page().tags


def test_headings_come_in_order_below_one_first_heading() -> None:
    levels = [int(tag[1]) for tag, _ in page().tags if tag in HEADINGS]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_table_has_a_caption_and_heads() -> None:
    text = fresh()["index.html"]
    tables = re.findall(r"<table>(.*?)</table>", text, flags=re.DOTALL)

    assert tables
    for table in tables:
        assert re.search(r"<caption>[^<]+</caption>", table)
        rows = re.findall(r"<tr.*?</tr>", table, flags=re.DOTALL)
        assert '<th scope="col">' in rows[0]
        assert all('<th scope="row">' in row for row in rows[1:])
        widths = {len(re.findall(r"<t[hd]", row)) for row in rows}
        assert len(widths) == 1, table[:200]


def test_every_link_of_the_page_arrives() -> None:
    ids = Counter(page().ids)

    assert [id_ for id_, count in ids.items() if count > 1] == []
    assert {str(a["href"])[1:] for a in page().all("a")} <= set(ids)


def test_every_link_of_the_markdown_arrives() -> None:
    anchors = {
        name: set(re.findall(r'<a id="([^"]+)">', text))
        for name, text in fresh().items()
        if name.endswith(".md")
    }
    for name, text in fresh().items():
        if name not in anchors:
            continue
        for file, anchor in re.findall(r"(?<!\\)\]\(([^)#]*)#?([^)]*)\)", text):
            target = file or name
            assert target in fresh(), (name, file)
            assert not anchor or anchor in anchors[target], (name, file, anchor)


def test_the_drawing_says_the_same_in_words() -> None:
    text = fresh()["index.html"]
    drawing = text[text.index("<svg") : text.index("</svg>")]

    assert 'role="img"' in drawing
    assert '<title id="derivation-title">How a plan is derived</title>' in drawing
    assert '<desc id="derivation-text">' in drawing
    assert "<caption>The arrows of the derivation</caption>" in text
    mermaid = fresh()["derivation.md"].partition("```mermaid\n")[2].partition("```")[0]
    assert mermaid.startswith("flowchart TD")
    assert mermaid.count("-->") == fresh()["derivation.md"].count("\n| [")


def test_the_page_prints_and_can_be_read_by_weak_eyes() -> None:
    assert "@media print" in STYLE
    inks = set(re.findall(r"(?<![-a-z])color: (#[0-9a-f]{3,6})", STYLE))
    papers = set(re.findall(r"background: (#[0-9a-f]{3,6})", STYLE))

    assert inks
    assert papers
    for ink in inks:
        for paper in papers:
            assert contrast(ink, paper) >= 4.5, (ink, paper)


def contrast(ink: str, paper: str) -> float:
    """WCAG 2.2, relative luminance: 4.5 or more for text."""
    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:]
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_record_stands_in_the_book() -> None:
    source = material_of(files(), CASES).source
    wanted = {
        "rule": [rule.id for rule in source.rules],
        "input": source.inputs,
        "finding": source.findings,
        "flag": source.flags,
        "driver": source.drivers,
        "intervention": source.interventions,
        "goal": source.goals,
        "instrument": source.instruments,
        "evidence": source.citations,
        "text": source.texts,
    }
    ids = set(page().ids)
    for kind, names in wanted.items():
        assert {f"{kind}-{name}" for name in names} <= ids, kind
    text = " ".join(page().words)
    for row in source.placements:
        assert row.activity in text
    for table, column in (
        (source.record_codes, "code"),
        (source.medicine_codes, "code"),
        (source.medicine_names, "name"),
        (source.stances, "says"),
        (source.opioid_factors, "name"),
    ):
        for line in table:
            assert line[column] in text, line


def test_every_case_of_every_rule_stands_in_the_book() -> None:
    text = " ".join(page().words)

    for file in CASES.glob("*.toml"):
        for case in tomllib.loads(file.read_text())["case"]:
            assert case["name"] in text, (file.name, case["name"])


def test_a_rule_is_told_whole() -> None:
    told = section(files(), "C2")

    for part in (
        "Neuropathic component possible",
        "Each of these holds",
        "the neuropathic grade is possible",
        "consensus: consensus of experts",
        "[V: read in the source]",
        "Unsigned: no clinician has signed this.",
        "Used by",
        "Holds:",
        "Fails:",
        "Stays open:",
    ):
        assert part in told, part


def test_a_signed_file_says_who_signed_it() -> None:
    signed = changed(APPLICABILITY, 'checked_by = ""', 'checked_by = "Dr A. Example"')

    assert "Signed by Dr A. Example." in section(signed, "A1")
    assert "Unsigned" not in section(signed, "A1")
    assert "Unsigned" in section(signed, "C2")


@pytest.mark.parametrize(
    ("instrument", "part"),
    [
        ("phq-9", "LA6568-5 Not at all = 0; LA6569-3 Several days = 1"),
        ("phq-2", "44250-9 Little interest or pleasure in doing things"),
        ("exercise-vital-sign", "on average? (0 to 1440 min/d)"),
        ("exercise-vital-sign", "each with a range of its own"),
        ("start-back", "91348-3 : box-1 First box (lowest) = 0"),
        ("fm-2016", "0 to 1 each unless said below"),
        ("fm-2016-regions", "fm-neck , fm-upper-back , fm-lower-back"),
    ],
)
def test_an_instrument_is_told_whole(instrument: str, part: str) -> None:
    chapters = book_of(material_of(files(), None)).chapters
    parts = next(chapter for chapter in chapters if chapter.anchor == "instruments").parts
    told = next(p for p in parts if p.anchor == f"instrument-{instrument}")

    assert part in " ".join(words(told).split())


def test_every_part_of_a_condition_is_said_in_words() -> None:
    rule = """
[[rule]]
id = "A-everything"
label = "A rule with every part"
stage = "A"
status = "judgement"
evidence = ["painplan-judgement"]
all_of = ["A1"]
any_of = ["A2", "A3"]
none_of = ["pregnant"]
at_least = { n = 2, of = ["A1", "A2", "A3"] }
open_of = ["pain-location-low-back"]
why = "For a test."
"""
    before = '\n[[rule]]\nid = "S-04"'
    told = section(changed(APPLICABILITY, before, rule + before), "A-everything")

    for part in (
        "Each of these holds",
        "and: at least one of these holds",
        "and: each of these is known not to hold",
        "and: at least 2 of these hold",
        "and: at least one of these is not known",
    ):
        assert part in told, part


def test_a_kind_that_no_chapter_knows_is_told_field_by_field() -> None:
    material = material_of(files(), None)

    chapters = {chapter.title: chapter for chapter in others(material, frozenset())}

    source = material.source
    assert {part.title.partition(":")[0] for part in chapters["Drivers"].parts} == set(
        source.drivers
    )
    assert "Modifiability" in words(chapters["Drivers"])
    assert source.stances[0]["says"] in words(chapters["Stances"])
    assert source.rules[0].why in words(chapters["Rules"])


def words(part: Section) -> str:
    """Everything that a section says."""
    text = html(Book("A book", "1.0.0", "A notice.", (), (part,)))
    return unescape(re.sub(r"<[^>]+>", " ", text))
