"""What can be known about a patient, and the statements that are built from it."""

from app.book.conditions import length, of_finding
from app.book.document import Code, Paragraph, Row, Section, Table, Text, listed
from app.book.fields import rest_in_line
from app.book.marks import CHOICES, MARKS, told
from app.book.material import Material
from app.book.names import Names, anchor
from app.knowledge.records import FindingRecord, InputRecord

TOLD_OF_AN_INPUT = frozenset(
    {
        "label",
        "type",
        "asked_of",
        "choice",
        "ask",
        "ask_order",
        "choices",
        "low",
        "high",
        "unit",
        "codings",
        "known_for",
        "gate_question",
        "members",
    }
)
TOLD_OF_A_FINDING = frozenset(
    {"label", "from_", "true_when", "within", "older_than", "said_by", "earlier", "evidence"}
)


def inputs(material: Material) -> Section:
    """Every input with its question, its answers and the rules that read it."""
    records = material.source.inputs
    parts = []
    for group in material.groups("input", list(records)):
        rows = [_input(id_, records[id_], material) for id_ in group.ids]
        header = ("Input", "Answer", "Asked", "Read by")
        table = Table(f"{group.title}: inputs", header, tuple(rows))
        about = (Paragraph((group.about,)),) if group.about else ()
        parts.append(Section(f"inputs-{group.anchor}", group.title, (*about, table)))
    intro = (
        "What can be known about a patient. Nobody is asked for an answer twice, and what was "
        "not asked stays unknown. A yes-or-no input is a finding of its own name."
    )
    screen = sum(1 for record in records.values() if record.gate_question)
    counted = f"{len(records)} inputs; {screen} are questions of the red-flag screen."
    return Section("inputs", "Inputs", (Paragraph((intro, " ", counted)),), tuple(parts))


def findings(material: Material) -> Section:
    """Every statement that is built from an input."""
    records = material.source.findings
    parts = []
    for group in material.groups("finding", list(records)):
        rows = [_finding(id_, records[id_], material.names) for id_ in group.ids]
        header = ("Finding", "True when", "Source", "Used by")
        table = Table(f"{group.title}: findings", header, tuple(rows))
        about = (Paragraph((group.about,)),) if group.about else ()
        parts.append(Section(f"findings-{group.anchor}", group.title, (*about, table)))
    intro = "Statements about the patient: true, false or unknown, each built from one input."
    return Section("findings", "Findings", (Paragraph((intro,)),), tuple(parts))


def _input(id_: str, record: InputRecord, material: Material) -> Row:
    names = material.names
    readers = [name for name, f in material.source.findings.items() if f.from_ == id_]
    users = [names.link("finding", name) for name in readers]
    users += [names.link("rule", rule) for rule in names.users.get(id_, ())]
    return Row(
        (
            (record.label, " ", Code(id_)),
            _answer(record, names),
            (_asked(record),),
            listed(users, "; ") or ("no rule",),
        ),
        anchor("input", id_),
    )


def _answer(record: InputRecord, names: Names) -> Text:
    words: list[Text] = [(record.type,)]
    if record.choices:
        words.append((", ".join(f"{code} ({label})" for code, label in record.choices),))
    if record.low is not None and record.high is not None:
        words.append((f"{record.low} to {record.high}",))
    if record.unit:
        words.append((f"unit {record.unit}",))
    if record.members:
        words.append((f"membership of the class: {MARKS[record.members]} [{record.members}]",))
    words += [(f"{c[0]} ", Code(c[1])) for c in record.codings]
    return listed([*words, *rest_in_line(record, TOLD_OF_AN_INPUT, names)], "; ")


def _asked(record: InputRecord) -> str:
    words = [f'"{record.ask}"'] if record.ask else []
    words.append({"record": "Read from the record"}.get(record.asked_of, f"Of: {record.asked_of}"))
    if record.ask_order:
        words.append(f"place {record.ask_order} in the order of asking")
    if record.gate_question:
        words.append("a question of the red-flag screen")
    words.append(told(record.choice, CHOICES).partition(": ")[2] or record.choice)
    if record.known_for:
        words.append(f"known for {length(record.known_for)}")
    return "; ".join(words)


def _finding(id_: str, record: FindingRecord, names: Names) -> Row:
    more = listed(rest_in_line(record, TOLD_OF_A_FINDING, names), "; ")
    users = [names.link("rule", rule) for rule in names.users.get(id_, ())]
    return Row(
        (
            (record.label, " ", Code(id_)),
            (*of_finding(record, names), *(("; ", *more) if more else ())),
            names.links("evidence", record.evidence) or ("none given",),
            listed(users, "; ") or ("no rule",),
        ),
        anchor("finding", id_),
    )
