"""What each guideline says of each intervention, side by side; the dissent stands in the row."""

from app.book.document import Paragraph, Row, Section, Table, Text, listed
from app.book.marks import MARKS
from app.book.material import Material

Stance = dict[str, str]


def stances(material: Material) -> Section:
    """A row for each intervention and mechanism, a column for each guideline profile."""
    rows = material.source.stances
    profiles = list(dict.fromkeys(row["profile"] for row in rows))
    by_item: dict[tuple[str, str], list[Stance]] = {}
    for row in rows:
        by_item.setdefault((row["intervention"], row["mechanism"]), []).append(row)
    lines = tuple(
        Row(
            (
                (*material.names.link("intervention", item), *_for(mechanism)),
                *(_said(found, profile) for profile in profiles),
            )
        )
        for (item, mechanism), found in by_item.items()
    )
    header = ("Intervention", *(profile.upper() for profile in profiles))
    marks = "; ".join(f"{mark}: {words}" for mark, words in MARKS.items())
    intro = f"The profile that is asked for decides; what the others say is printed. {marks}."
    table = Table("What each guideline says", header, lines)
    return Section("stances", "Guideline stances", (Paragraph((intro,)), table))


def _for(mechanism: str) -> Text:
    return () if mechanism in ("", "any") else (f", {mechanism} pain",)


def _said(found: list[Stance], profile: str) -> Text:
    said: list[Text] = [
        (f"{row['direction']}: {row['says']} ({row['source']}, {row['mark']})",)
        for row in found
        if row["profile"] == profile
    ]
    return listed(said, "; ") or ("as for any pain",)
