"""The book of one content version, from its files and the cases of its rules."""

from collections.abc import Mapping
from pathlib import Path

from app.book.as_html import html
from app.book.as_markdown import markdown
from app.book.cases import read_cases
from app.book.chapters import (
    care,
    codes,
    drivers,
    evidence,
    inputs,
    instruments,
    orders,
    others,
    rules,
    stances,
)
from app.book.conditions import length
from app.book.diagram import derivation
from app.book.document import Block, Book, Code, Facts, Paragraph, Row, Section, Table
from app.book.material import Material
from app.book.names import names_of
from app.knowledge.errors import ContentError
from app.knowledge.files import digest
from app.knowledge.loading import load_from
from app.knowledge.source import read

ONE_PAGE = "index.html"
CHAPTERS = (
    rules.rules,
    inputs.inputs,
    inputs.findings,
    care.flags,
    drivers.drivers,
    care.interventions,
    care.placements,
    stances.stances,
    care.goals,
    orders.orders,
    instruments.instruments,
    evidence.evidence,
    care.texts,
    codes.codes,
    care.retired,
)
# The lists of the Source that these chapters tell; every other list gets a chapter by itself.
TOLD = frozenset(
    {
        "rules",
        "inputs",
        "findings",
        "flags",
        "drivers",
        "interventions",
        "placements",
        "goals",
        "instruments",
        "citations",
        "texts",
        "codes",
        "record_codes",
        "medicine_codes",
        "medicine_names",
        "stances",
        "order_rules",
        "suggestions",
        "templates",
        "order_codes",
        "order_names",
        "retired",
    }
)


def pages(files: Mapping[str, str], cases: Path | None) -> dict[str, str]:
    """Every file of the book by its name. Raises ContentError for content that is not sound."""
    load_from(files)
    book = book_of(material_of(files, cases))
    return {ONE_PAGE: html(book), **markdown(book)}


def material_of(files: Mapping[str, str], cases: Path | None) -> Material:
    """Read what the book is written from."""
    source = read(files)
    if source.faults or source.manifest is None:
        raise ContentError(source.faults)
    return Material(
        source=source,
        manifest=source.manifest,
        files=dict(files),
        digest=digest(files),
        cases=read_cases(cases),
        names=names_of(source),
    )


def book_of(material: Material) -> Book:
    """Front, chapters, and a chapter for every kind that none of them knows."""
    chapters = [chapter(material) for chapter in CHAPTERS]
    manifest = material.manifest
    signed = ", ".join(manifest.reviewers)
    return Book(
        title="The clinical content of Painplan",
        version=manifest.version,
        notice=f"Signed by {signed}."
        if signed
        else "Unsigned: no clinician has signed this content. Use it to support a judgement, not "
        "to replace it.",
        front=_front(material),
        chapters=(_derivation(material), *chapters, *others.others(material, TOLD)),
        footer=("Written by ", Code("painplan book"), f" from content {manifest.version}."),
    )


def _front(material: Material) -> tuple[Block, ...]:
    manifest = material.manifest
    reviews = " and ".join(length(period) for period in manifest.review_after)
    return (
        Paragraph((manifest.intended_use,)),
        Facts(
            (
                ("Version", (manifest.version,)),
                ("Released", (manifest.released_on,)),
                ("Digest", (material.digest,)),
                ("Reviewers", (", ".join(manifest.reviewers) or "none",)),
                ("Activities at once", (f"at most {manifest.cap}",)),
                ("Looked at again", (f"after {reviews}",)),
            )
        ),
        _review_table(material),
    )


def _review_table(material: Material) -> Table:
    rows = tuple(Row(((file,), (material.review(file),))) for file in material.source.reviews)
    return Table("Who has signed which file", ("File", "Review"), rows)


def _derivation(material: Material) -> Section:
    return Section("derivation", "The derivation", derivation(material))


def write(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Bring the folder up to date; returns the names of the files written or removed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for file in _there(folder):
        if file.name not in wanted:
            file.unlink()
            changed.append(file.name)
    for name, text in wanted.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def drift(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """What in the folder differs from a fresh rendering; empty when nothing does."""
    found = {file.name: file for file in _there(folder)}
    differences = [f"{name} is missing" for name in wanted if name not in found]
    differences += [f"{name} is part of no book" for name in found if name not in wanted]
    differences += [
        f"{name} differs from what the content says"
        for name, file in found.items()
        if name in wanted and file.read_text(encoding="utf-8") != wanted[name]
    ]
    return differences


def _there(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix in (".html", ".md"))
