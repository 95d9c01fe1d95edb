"""What can be done: red flags, the catalogue, where the plan puts it, goals and texts."""

from app.book.conditions import length
from app.book.document import Code, Facts, Paragraph, Row, Section, Table, Text, listed
from app.book.fields import Pair, in_line, rest, rest_in_line
from app.book.material import Material
from app.book.names import Names, anchor
from app.knowledge.records import (
    DoseRecord,
    FlagRecord,
    GoalRecord,
    InterventionRecord,
    MeasureRecord,
)

TOLD_OF_AN_INTERVENTION = frozenset(
    {
        "label",
        "kind",
        "stage",
        "family",
        "evidence",
        "text",
        "codings",
        "products",
        "ordered_as",
        "taken_as",
        "dose",
        "goals",
        "why_not",
    }
)
TOLD_OF_A_PLACEMENT = frozenset(
    {"activity", "row", "stage", "status", "rule", "trigger", "unless", "unless_open"}
)


def flags(material: Material) -> Section:
    """Each red flag with its questions, its rules and what waits for it."""
    intro = (
        "No red flag reported never means that none is there. A flag is raised by its rules; it "
        "counts as not reported when every question of its screen was answered no."
    )
    parts = [_flag(id_, flag, material) for id_, flag in material.source.flags.items()]
    return Section("flags", "Red flags", (Paragraph((intro,)),), tuple(parts))


def _flag(id_: str, flag: FlagRecord, material: Material) -> Section:
    names = material.names
    raised = [r.id for r in material.source.rules if r.flag == id_ and r.level]
    pairs: list[Pair] = [
        ("Raised by", names.links("rule", raised) or ("no rule",)),
        ("Screened by", names.links("input", flag.screen)),
        ("Waits for it", names.links("intervention", flag.removes) or ("nothing",)),
        *rest(flag, {"label", "screen", "removes"}, names),
    ]
    return Section(anchor("flag", id_), flag.label, (Facts(tuple(pairs)),))


def interventions(material: Material) -> Section:
    """Everything that a plan can hold, with what the patient reads."""
    records = material.source.interventions
    parts = []
    for group in material.groups("intervention", list(records)):
        about = (Paragraph((group.about,)),) if group.about else ()
        items = tuple(_intervention(id_, records[id_], material) for id_ in group.ids)
        parts.append(Section(f"interventions-{group.anchor}", group.title, about, items))
    intro = "What can be done, avoided or asked, with the words that the patient reads."
    return Section("interventions", "Interventions", (Paragraph((intro,)),), tuple(parts))


def _intervention(id_: str, record: InterventionRecord, material: Material) -> Section:
    names = material.names
    pairs: list[Pair] = [("The patient reads", (record.text or "no text yet",))]
    if record.why_not:
        pairs.append(("Not proposed", (record.why_not,)))
    if record.dose is not None:
        pairs.append(("Dose", (_dose(record.dose),)))
    placed = [p for p in material.source.placements if p.activity == id_]
    rows: list[Text] = [
        (f"{p.status} in row {p.row} (", *names.link("rule", p.rule), ")") for p in placed
    ]
    pairs += [
        ("Stage and family", (f"{record.stage}, {record.family}, {record.kind}",)),
        ("In the plan", listed(rows, "; ") or ("placed by no row",)),
        ("Goals", names.links("goal", record.goals) or ("none",)),
        ("Source", names.links("evidence", record.evidence) or ("none",)),
    ]
    if record.codings:
        pairs.append(("Codes", listed([_coded(c, material) for c in record.codings], "; ")))
    if record.ordered_as:
        pairs.append(
            ("Already ordered by", listed([_coded(c, material) for c in record.ordered_as], "; "))
        )
    if record.taken_as:
        pairs.append(("Already taken where", names.links("input", record.taken_as)))
    if record.products:
        pairs.append(("Medicine", listed([_coded(c, material) for c in record.products], "; ")))
    pairs += rest(record, TOLD_OF_AN_INTERVENTION, names)
    return Section(anchor("intervention", id_), f"{id_}: {record.label}", (Facts(tuple(pairs)),))


def _coded(coding: tuple[str, ...], material: Material) -> Text:
    displays = {(c["system"], c["code"]): c["display"] for c in material.source.codes}
    return (f"{coding[0]} ", Code(coding[1]), f" {displays.get((coding[0], coding[1]), '')}")


def _dose(dose: DoseRecord) -> str:
    words = []
    if dose.frequency is not None:
        most = f" to {dose.frequency_max}" if dose.frequency_max is not None else ""
        words.append(f"{dose.frequency}{most} times every {dose.period} {dose.period_unit}")
    if dose.weeks is not None:
        words.append(f"for {dose.weeks} weeks")
    return ", ".join(words)


def placements(material: Material) -> Section:
    """The rows of the plan, in the order in which they are filled."""
    names = material.names
    rows = []
    for record in material.source.placements:
        out = [names.operand(name) for name in record.unless]
        out += [(*names.operand(name), " (or open)") for name in record.unless_open]
        more = rest_in_line(record, TOLD_OF_A_PLACEMENT, names)
        more += [(record.trigger,)] if record.trigger else []
        cells: tuple[Text, ...] = (
            names.link("intervention", record.activity),
            (record.row,),
            (f"{record.stage}, {record.status}",),
            names.link("rule", record.rule),
            listed(out, "; ") or ("",),
            listed(more, "; ") or ("",),
        )
        rows.append(Row(cells))
    header = ("Activity", "Row", "Stage, status", "By rule", "Left out when", "Further")
    intro = f"At most {material.manifest.cap} counted activities; the rest wait as next steps."
    table = Table("Which activity stands in which row of the plan", header, tuple(rows))
    return Section("placements", "The rows of the plan", (Paragraph((intro,)), table))


def goals(material: Material) -> Section:
    """Each goal with how it is measured."""
    parts = [_goal(id_, goal, material.names) for id_, goal in material.source.goals.items()]
    return Section("goals", "Goals", (), tuple(parts))


def _goal(id_: str, goal: GoalRecord, names: Names) -> Section:
    pairs: list[Pair] = []
    if goal.due:
        pairs.append(("Due after", (length(goal.due),)))
    if goal.when:
        pairs.append(("Set when one holds", listed([names.operand(n) for n in goal.when], "; ")))
    if goal.own_words:
        pairs.append(("In their own words", (goal.own_words,)))
    pairs += [("Measured by", _measure(measure, names)) for measure in goal.measure]
    pairs += rest(goal, {"label", "due", "when", "measure", "own_words"}, names)
    return Section(anchor("goal", id_), f"{id_}: {goal.label}", (Facts(tuple(pairs)),))


def _measure(measure: MeasureRecord, names: Names) -> Text:
    """The score, the change that counts and who says so."""
    share = f"{measure.fraction:.0%} of the baseline"
    if measure.reach is not None:
        change = f"to {measure.reach} {measure.unit}"
    elif measure.absolute is None:
        change = f"by {share}; no important change is verified"
    else:
        change = f"by {measure.absolute} or {share}, whichever is more"
    if measure.no_more_than is not None:
        change += f", and to {measure.no_more_than} or less"
    told = {"input", "label", "coding", "unit", "absolute", "fraction", "evidence", "reach"}
    told.add("no_more_than")
    more = [("; ", *text) for text in rest_in_line(measure, told, names)]
    source = names.links("evidence", measure.evidence) or ("no source",)
    better = (f": better {change} (", *source, ")")
    return (*names.link("input", measure.input), *better, *listed(more, ""))


def texts(material: Material) -> Section:
    """The sentences of the plan that belong to no single activity."""
    rows = tuple(
        Row(
            (
                (Code(key),),
                (record.en,),
                listed(rest_in_line(record, {"en"}, material.names), "; ") or ("none",),
            ),
            anchor("text", key),
        )
        for key, record in material.source.texts.items()
    )
    table = Table("Sentences of the plan", ("Key", "English", "Other languages"), rows)
    return Section("texts", "Texts", (table,))


def retired(material: Material) -> Section:
    """Ids that were used once and never will be again."""
    rows = tuple(
        Row(((Code(id_),), in_line(why, material.names)))
        for id_, why in material.source.retired.items()
    )
    table = Table("Retired ids", ("Id", "When and why"), rows)
    nothing = (Paragraph(("No id has been retired yet.",)),)
    return Section("retired", "Retired", (table,) if rows else nothing)
