"""The code tables in short: what each code of a record acts as, and which systems are used."""

from collections import Counter

from app.book.document import Paragraph, Row, Section, Table, Text, listed
from app.book.material import Material

RowOfCodes = dict[str, str]
SEVERAL = " "
ANSWERS = {"false": "means no", "open": "leaves it open"}
YES = ("", "true")


def codes(material: Material) -> Section:
    """Summaries; the tables themselves are the CSV files of the content."""
    source = material.source
    parts = (
        _by_input("record-codes", "Codes of the problem list", source.record_codes, material),
        _by_input("medicine-codes", "Codes of medicines", source.medicine_codes, material),
        _by_class(source.medicine_names, material),
        _verified(source.codes),
    )
    intro = (
        "Codes that end in * stand for every code that begins so. A class with a question mark is"
        " one that a member of the named group may have; an adjunct names a medicine only where a"
        " text begins with it."
    )
    return Section("codes", "Codes", (Paragraph((intro,)),), parts)


def _by_input(id_: str, title: str, rows: list[RowOfCodes], material: Material) -> Section:
    acting: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        systems = acting.setdefault(row["acts_as"], {})
        systems.setdefault(row["system"], []).append(f"{row['code']}{_limits(row)}")
    table = tuple(
        Row((material.names.operand(name), _codes(systems))) for name, systems in acting.items()
    )
    return Section(id_, title, (Table(title, ("Acts as", "Codes"), table),))


def _by_class(rows: list[RowOfCodes], material: Material) -> Section:
    """A medicine may belong to several classes."""
    classes: dict[str, list[str]] = {}
    for row in rows:
        for class_ in row["classes"].split(SEVERAL):
            classes.setdefault(class_, []).append(row["name"])
    table = tuple(
        Row((material.names.operand(name), (str(len(found)),), (", ".join(found),)))
        for name, found in sorted(classes.items())
    )
    title = "Names of medicines"
    return Section("medicine-names", title, (Table(title, ("Class", "Names", "Which"), table),))


def _limits(row: RowOfCodes) -> str:
    """What limits an entry; the columns of other tables say nothing here."""
    limits = []
    value = row.get("value", "")
    if value not in YES:
        limits.append(ANSWERS.get(value, f"means {value}"))
    if row.get("within"):
        limits.append(f"onset within {row['within']}")
    if row.get("undated") == "no":
        limits.append("dated only")
    if row.get("history") == "yes":
        limits.append("also as history")
    return f" ({', '.join(limits)})" if limits else ""


def _codes(systems: dict[str, list[str]]) -> Text:
    return listed([(f"{system}: {', '.join(found)}",) for system, found in systems.items()], "; ")


def _verified(rows: list[RowOfCodes]) -> Section:
    counted = Counter((row["system"], row["use"]) for row in rows)
    table = tuple(Row(((system,), (use,), (str(n),))) for (system, use), n in counted.items())
    header = ("System", "Use", "Codes")
    title = "Verified codes"
    return Section("verified-codes", title, (Table(f"{title} by system and use", header, table),))
