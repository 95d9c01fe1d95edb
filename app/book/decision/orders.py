"""The page of a review of orders: each card with its reasons, and everything that was not said."""

from collections.abc import Iterator

from app.book.as_html import html
from app.book.document import (
    Block,
    Book,
    Bullets,
    Code,
    Facts,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
)
from app.domain.orders.types import PATIENT_VIEW, Order
from app.use_cases.kept_review import KeptAdvice
from app.use_cases.read_review import SeenReview

THE_PATIENT = "the patient"
WHY_DROPPED = {
    "capped": "more urgent cards took its place",
    "snoozed": "it was overridden for this kind of order within the last 90 days",
    "retired": "the rule is retired",
}
NONE = "No card was shown: of what is known, no rule of this version speaks against it."
NO_LONGER = (
    "The running engine would not say the same of the facts that were kept. What stands below is "
    "what was shown."
)
NOTICE = (
    "What the service said when the order was written, as it was kept. It advises; whoever signs "
    "the order decides."
)


def review_page(seen: SeenReview) -> str:
    """The whole document."""
    is_of_orders = seen.hook != PATIENT_VIEW
    book = Book(
        title=f"{'Review of orders' if is_of_orders else 'Patient opened'}: {seen.patient}",
        version="",
        notice=NOTICE,
        front=tuple(_front(seen)),
        chapters=tuple(_sections(seen)),
        footer=(
            "Rendered by Painplan from decision ",
            Code(seen.id),
            ". For a program: GET /decisions/{id}; the proof: GET /decisions/{id}/replay.",
        ),
    )
    return html(book)


def _front(seen: SeenReview) -> Iterator[Block]:
    if seen.differences:
        yield Paragraph((NO_LONGER,))
    if not seen.told.shown:
        yield Paragraph((NONE,))
    yield Facts(
        (
            ("Asked at", (seen.told.as_of.strftime("%d %B %Y, %H:%M UTC"),)),
            ("Hook", (seen.hook,)),
            ("Guideline profile", (seen.guideline_profile,)),
            ("Knowledge", (f"version {seen.content.version}, ", Code(seen.knowledge))),
        )
    )


def _sections(seen: SeenReview) -> Iterator[Section]:
    if seen.told.shown:
        cards = tuple(_card(n, advice, seen) for n, advice in enumerate(seen.told.shown))
        yield Section("cards", "What was said", parts=cards)
    yield from _table(
        ("undecided", "What could not be decided", "Rules that stayed open"),
        ("Rule", "Order", "What is not on record"),
        [
            (_rule(u.rule, seen), (u.order or THE_PATIENT,), (_inputs(u.lacks, seen),))
            for u in seen.told.undecided
        ],
    )
    yield from _table(
        ("faults", "What failed", "Rules that failed: they said nothing, and that is no advice"),
        ("Rule", "Order"),
        [(_rule(f.rule, seen), (f.order or THE_PATIENT,)) for f in seen.told.faults],
    )
    yield from _table(
        ("suppressed", "What was not shown", "Cards that were not shown"),
        ("Rule", "Order", "Why"),
        [
            (_rule(s.rule, seen), (s.order or THE_PATIENT,), (WHY_DROPPED.get(s.why, s.why),))
            for s in seen.told.suppressed
        ],
    )
    unread = [*seen.unread, *((order, "there were too many") for order in seen.told.left_out)]
    yield from _table(
        ("unread", "What was not looked at", "Orders that no rule was asked about"),
        ("Order", "Why"),
        [((Code(order),), (why,)) for order, why in unread],
    )
    yield from _table(
        ("gaps", "What could not be looked up", "Parts of the record that are not known in full"),
        ("Part", "State", "Why"),
        [((Code(key),), (state,), (why or "-",)) for key, state, why in seen.gaps],
    )
    yield from _table(
        ("not-used", "What was not used", "Entries that were set aside"),
        ("Entry", "Why"),
        [((Code(reference),), (why,)) for reference, why in seen.not_used],
    )
    yield from _table(
        ("orders", "The orders", "What was ordered, as it was read"),
        ("Order", "Words", "Reason", "State"),
        [_order(order) for order in seen.orders],
    )


def _card(number: int, advice: KeptAdvice, seen: SeenReview) -> Section:
    said: list[tuple[str, Text | Bullets]] = [
        ("Urgency", (advice.indicator.value,)),
        ("About", (advice.order or THE_PATIENT,)),
        ("Rule", _rule(advice.rule, seen)),
    ]
    if advice.is_lowered:
        said.append(("Said with less force", ("something that it rests on was never recorded",)))
    if advice.suggestions:
        said.append(("Suggested", Bullets(tuple((s.label,) for s in advice.suggestions))))
    why = Bullets(tuple((sentence,) for sentence in advice.detail))
    return Section(f"card-{number}", advice.summary, (Facts(tuple(said)), why))


def _table(
    named: tuple[str, str, str], header: tuple[str, ...], rows: list[tuple[Text, ...]]
) -> Iterator[Section]:
    """A section only where there is something to say."""
    anchor, title, caption = named
    if rows:
        table = Table(caption, header, tuple(Row(cells) for cells in rows))
        yield Section(anchor, title, (table,))


def _rule(rule: str, seen: SeenReview) -> Text:
    label = seen.labels.get(rule, "")
    return (f"{label} ", Code(rule)) if label else (Code(rule),)


def _inputs(names: tuple[str, ...], seen: SeenReview) -> str:
    inputs = seen.content.inputs
    return "; ".join(inputs[name].label if name in inputs else name for name in names) or "-"


def _order(order: Order) -> tuple[Text, ...]:
    state = f"{order.status}{'' if order.is_selected else ', not selected'}"
    return (Code(order.reference),), (order.text or "-",), (order.reason_text or "-",), (state,)
