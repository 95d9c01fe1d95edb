"""The page of a decision: no script, no network, to be read on screen, aloud, on paper."""

from collections.abc import Iterator

from app.book.as_html import html
from app.book.decision.care import goals, next_steps, not_to_do, plan
from app.book.decision.missing import missing, not_used, why_not
from app.book.decision.orders import review_page
from app.book.decision.scores import scores
from app.book.decision.trail import drivers, trail
from app.book.document import Block, Book, Code, Facts, Paragraph, Section, Text, listed
from app.domain.content import Content
from app.use_cases.read_history import Seen
from app.use_cases.read_review import SeenReview

NO_LONGER = (
    "This engine no longer derives the decision as it was stored: what stands below is what it "
    "derives today. The stored CarePlan is what was decided."
)
STATES = {
    "draft": "draft: nobody has answered it",
    "active": "active: in force",
    "revoked": "revoked: another plan, or none, is in force",
}
PARTS = (plan, next_steps, not_to_do, goals, drivers, scores, trail, missing, why_not, not_used)


def decision_page(seen: Seen | SeenReview) -> str:
    """The whole document, of a plan or of a review of orders."""
    return review_page(seen) if isinstance(seen, SeenReview) else plan_page(seen)


def plan_page(seen: Seen) -> str:
    """The plan for a person."""
    content = seen.expertise.content
    book = Book(
        title=f"Low back pain: plan for {seen.patient}",
        version="",
        notice=_notice(content),
        front=tuple(_front(seen)),
        chapters=tuple(_sections(seen)),
        footer=(
            "Rendered by Painplan from decision ",
            Code(seen.id),
            ". For a program: GET /decisions/{id}; the proof: GET /decisions/{id}/replay.",
        ),
    )
    return html(book)


def _notice(content: Content) -> str:
    """What every plan says of itself (contract §3)."""
    unsigned = () if content.signed else (content.texts["unsigned"],)
    return " ".join((content.texts["hypothesis"], *unsigned))


def _sections(seen: Seen) -> Iterator[Section]:
    for part in PARTS:
        yield from part(seen)


def _front(seen: Seen) -> Iterator[Block]:
    decision, content = seen.decision, seen.expertise.content
    if seen.differences:
        yield Paragraph((NO_LONGER,))
    yield Paragraph((content.texts[f"gate.{decision.gate.level.value}"],))
    if decision.plan.scope:
        yield Paragraph((content.texts[decision.plan.scope],))
    for raised in decision.gate.raised:
        rules = listed([(Code(rule),) for rule in raised.rules])
        yield Paragraph((f"Red flag {raised.flag}: {raised.level.value} (", *rules, ")."))
    certainty = decision.phenotype.certainty
    said: list[tuple[str, Text]] = [
        ("Mechanism", (_mechanism(seen),)),
        ("Certainty", (certainty.value if certainty else "not stated",)),
        ("Severity", (decision.severity.value,)),
        ("The plan now", (STATES.get(seen.status, seen.status),)),
        ("Decided for", (decision.as_of.strftime("%d %B %Y, %H:%M UTC"),)),
        ("Guideline profile", (decision.guideline_profile,)),
        ("Review", (", ".join(day.isoformat() for day in decision.plan.reviews) or "none",)),
        ("Knowledge", (f"version {content.version}, ", Code(seen.expertise.digest))),
    ]
    if decision.is_preliminary:
        said.insert(0, ("State", ("preliminary: some question or result is still open",)))
    yield Facts(tuple(said))


def _mechanism(seen: Seen) -> str:
    phenotype = seen.decision.phenotype
    parts = f" ({', '.join(phenotype.components)})" if phenotype.components else ""
    kind = "suspected " if phenotype.is_suspected else ""
    return f"{kind}{phenotype.mechanism}{parts}"
