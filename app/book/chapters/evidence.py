"""The sources, and how each was verified."""

from app.book.document import Bullets, Code, Paragraph, Row, Section, Table, Text, listed
from app.book.fields import rest_in_line
from app.book.marks import MARKS, told
from app.book.material import Material
from app.book.names import anchor

TOLD_OF_A_CITATION = frozenset({"reference", "claim", "mark", "number", "grade"})


def evidence(material: Material) -> Section:
    """Every source, what it shows, how it was verified, and who leans on it."""
    legend = tuple((f"{mark}: {words}",) for mark, words in MARKS.items())
    records = material.source.citations
    parts = []
    for group in material.groups("evidence", list(records)):
        rows = tuple(_citation(id_, material) for id_ in group.ids)
        header = ("Source", "What it shows", "Number", "Mark", "Cited by")
        about = (Paragraph((group.about,)),) if group.about else ()
        table = Table(f"{group.title}: sources", header, rows)
        parts.append(Section(f"evidence-{group.anchor}", group.title, (*about, table)))
    intro = (
        "How a source was verified is its mark. Recalled evidence of benefit proposes no "
        "medicine, no injection and no operation."
    )
    return Section("evidence", "Evidence", (Paragraph((intro,)), Bullets(legend)), tuple(parts))


def _citation(id_: str, material: Material) -> Row:
    record, names = material.source.citations[id_], material.names
    grade = "" if record.grade == "not-graded" else f"; {record.grade}"
    more = rest_in_line(record, TOLD_OF_A_CITATION, names)
    return Row(
        (
            (record.reference, " ", Code(id_)),
            listed([(record.claim,), *more], "; "),
            (record.number or "none given",),
            (f"{told(record.mark, MARKS)}{grade}",),
            _cited_by(id_, material) or ("nothing",),
        ),
        anchor("evidence", id_),
    )


def _cited_by(id_: str, material: Material) -> Text:
    source, names = material.source, material.names
    users = [names.link("rule", r.id) for r in source.rules if id_ in r.evidence]
    users += [
        names.link("finding", name) for name, f in source.findings.items() if id_ in f.evidence
    ]
    users += [
        names.link("intervention", name)
        for name, item in source.interventions.items()
        if id_ in item.evidence
    ]
    users += [
        names.link("goal", name)
        for name, goal in source.goals.items()
        if any(id_ in measure.evidence for measure in goal.measure)
    ]
    return listed(users, "; ")
