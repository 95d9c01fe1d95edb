"""Orders: what each card says and when, what it suggests, and how an order is recognised."""

from app.book.document import Code, Facts, Paragraph, Row, Section, Table, Text, listed
from app.book.fields import Pair
from app.book.marks import RESULTS, told
from app.book.material import Material
from app.book.names import Names, anchor
from app.knowledge.order_records import (
    OrderRuleRecord,
    SuggestionRecord,
    TemplateRecord,
    WordingRecord,
)

INTRO = (
    "What is said of an order before it is signed, or when a patient is opened. A card says the "
    "first of its wordings whose rule is known to hold. Where none holds and one might, the answer "
    "names the card as undecided, with what it lacks."
)
RECOGNISED = (
    "An order is recognised by its code, then by words: every word of a row stands in the text, in "
    "any order, and none of the words that speak against it. The deployer adds codes of his own."
)


def orders(material: Material) -> Section:
    """Every card, every suggestion, and the tables behind them."""
    source = material.source
    cards = tuple(_card(id_, record, material) for id_, record in source.order_rules.items())
    parts = (
        Section("orders-cards", "Cards", (), cards),
        Section("orders-suggestions", "Suggestions", (_suggestions(material),)),
        Section("orders-templates", "What is created or changed", (_templates(material),)),
        Section(
            "orders-recognised",
            "How an order is recognised",
            (Paragraph((RECOGNISED,)), _codes(material), _words(material)),
        ),
    )
    return Section("orders", "Orders", (Paragraph((INTRO,)),), parts)


def _card(id_: str, record: OrderRuleRecord, material: Material) -> Section:
    names = material.names
    pairs: list[Pair] = [
        ("Hooks", (", ".join(record.hooks),)),
        ("Class of order", (Code(record.order_class),)),
        ("Priority among cards of one urgency", (str(record.priority),)),
        ("Source", names.links("evidence", record.evidence)),
    ]
    if record.overrides:
        reasons: list[Text] = [(Code(name),) for name in record.overrides]
        pairs.append(("Reasons to go on", listed(reasons)))
    if record.once:
        pairs.append(("Said", ("of the first order only: it tells of the patient",)))
    if record.retired:
        pairs.append(("Retired", ("only its critical wordings are shown",)))
    pairs.append(("Review", (material.review(material.source.origin[f"order_rule {id_}"]),)))
    table = Table(
        f"What {id_} says, the first that holds",
        ("When", "Urgency", "Summary", "Suggestions"),
        tuple(_wording(wording, names) for wording in record.wording),
    )
    return Section(anchor("card", id_), f"{id_}: {record.label}", (Facts(tuple(pairs)), table))


def _wording(wording: WordingRecord, names: Names) -> Row:
    when: list[Text] = [names.link("rule", wording.rule)]
    if wording.activity:
        results = " or ".join(told(result, RESULTS) for result in wording.result)
        rules = ", ".join(wording.safety)
        activity = names.anything(wording.activity)
        when.append(("and the safety of ", *activity, f" comes to: {results} ({rules})"))
    when += [("told beside it: ", *names.link("rule", note)) for note in wording.notes]
    urgency = f"{wording.indicator}, lowered" if wording.lowered else wording.indicator
    suggested: list[Text] = [
        names.link("suggestions", name) if name in names.labels.get("suggestions", {}) else (name,)
        for name in wording.suggestions
    ]
    return Row((listed(when, "; "), (urgency,), (wording.summary,), listed(suggested, "; ")))


def _suggestions(material: Material) -> Table:
    return Table(
        "Actions that go together",
        ("Suggestion", "Actions", "Offered"),
        tuple(_suggestion(*pair, material.names) for pair in material.source.suggestions.items()),
    )


def _suggestion(id_: str, record: SuggestionRecord, names: Names) -> Row:
    actions: list[Text] = [
        (f"{action[0]} ", *names.link("templates", action[1]))
        if len(action) > 1
        else (f"{action[0]} the order",)
        for action in record.actions
    ]
    offered: list[Text] = []
    if record.when:
        offered.append(("when ", *names.link("rule", record.when)))
    if record.needs:
        offered.append(
            (
                *names.link("intervention", record.needs),
                " is possible: not refused, not begun, safe, not advised against",
            )
        )
    cells = ((record.label, " ", Code(id_)), listed(actions, "; "), listed(offered) or ("always",))
    return Row(cells, anchor("suggestions", id_))


def _templates(material: Material) -> Table:
    return Table(
        "Templates",
        ("Template", "Type", "Codes", "Priority", "Due"),
        tuple(_template(*pair, material.names) for pair in material.source.templates.items()),
    )


def _template(id_: str, record: TemplateRecord, names: Names) -> Row:
    codes: list[Text] = [(Code(f"{coding[0]}|{coding[1]}"),) for coding in record.codings]
    if record.activity:
        codes.insert(0, names.link("intervention", record.activity))
    days = record.due_in_days
    due = "no date" if days is None else "the same day" if days == 0 else f"in {days} days"
    cells = (
        (record.label, " ", Code(id_)),
        (record.type,),
        listed(codes, "; ") or ("text only",),
        (record.priority or "as the order",),
        (due,),
    )
    return Row(cells, anchor("templates", id_))


def _codes(material: Material) -> Table:
    rows = tuple(
        Row(
            (
                (Code(f"{row['system']}|{row['code']}"),),
                material.names.link("input", row["acts_as"]),
            )
        )
        for row in material.source.order_codes
    )
    return Table("Codes of orders", ("Code", "What it orders"), rows)


def _words(material: Material) -> Table:
    rows = tuple(
        Row(
            (
                (row["words"],),
                (row["unless"] or "none",),
                material.names.anything(row["acts_as"]),
            )
        )
        for row in material.source.order_names
    )
    return Table("Words of orders", ("All of", "None of", "What they say"), rows)
