"""A review and all it was made from, as JSON that is kept and read back exactly.

Replay starts here: the facts as they were read, not the prefetch, which is not kept.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from app.domain.facts import (
    Bounds,
    CodedAllergy,
    CodedCondition,
    CodedMedicine,
    ComputedScore,
    Fact,
    FactValue,
    NotUsed,
    Record,
    SaidBy,
)
from app.domain.orders.types import (
    Fault,
    Indicator,
    Order,
    PlanOnRecord,
    Review,
    Snooze,
    Suggestion,
    Suppressed,
    Undecided,
)
from app.domain.submission import Received

Kind = Literal["boolean", "integer", "decimal", "text", "bounds", "instant"]


class KeptFact(NamedTuple):
    """A fact whose value says of which kind it is."""

    input: str
    kind: Kind
    value: bool | int | str | tuple[str, str]
    at: datetime
    said_by: SaidBy
    source: str
    preliminary: bool = False
    until: datetime | None = None


class Source(NamedTuple):
    """The resource behind facts: its version where it said one, and the digest of its bytes."""

    reference: str
    version: str
    sha256: str


class KeptFacts(NamedTuple):
    """The record as it was reviewed, the plan before it, and the resources behind it."""

    facts: tuple[KeptFact, ...]
    conditions: tuple[CodedCondition, ...]
    medicines: tuple[CodedMedicine, ...]
    allergies: tuple[CodedAllergy, ...]
    complete: tuple[str, ...]
    not_used: tuple[NotUsed, ...]
    scores: tuple[ComputedScore, ...]
    sources: tuple[Source, ...]
    plan: PlanOnRecord | None = None


class KeptAdvice(NamedTuple):
    """Advice whose facts can be read back."""

    rule: str
    order: str
    indicator: Indicator
    summary: str
    detail: tuple[str, ...]
    facts: tuple[KeptFact, ...]
    rules: tuple[str, ...]
    evidence: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    overrides: tuple[str, ...]
    is_lowered: bool
    order_class: str


class KeptReview(NamedTuple):
    """What was said and not said: the trace of a decision about orders."""

    as_of: datetime
    hook: str
    shown: tuple[KeptAdvice, ...]
    suppressed: tuple[Suppressed, ...]
    undecided: tuple[Undecided, ...]
    faults: tuple[Fault, ...]
    left_out: tuple[str, ...] = ()


_FACTS = msgspec.json.Decoder(KeptFacts)
_REVIEW = msgspec.json.Decoder(KeptReview)
_ORDERS = msgspec.json.Decoder(tuple[Order, ...])
_SNOOZES = msgspec.json.Decoder(tuple[Snooze, ...])


def keep_facts(record: Record, resources: Iterable[Received], plan: PlanOnRecord | None) -> bytes:
    """The record and what stands behind it."""
    sources = (Source(r.reference, _version(r), r.sha256.hex()) for r in resources)
    kept = KeptFacts(
        facts=tuple(kept_fact(fact) for fact in record.facts),
        conditions=record.conditions,
        medicines=record.medicines,
        allergies=record.allergies,
        complete=tuple(sorted(record.complete)),
        not_used=record.not_used,
        scores=record.scores,
        sources=tuple(sources),
        plan=plan,
    )
    return msgspec.json.encode(kept)


def facts_of(kept: bytes) -> KeptFacts:
    """The reverse of ``keep_facts``."""
    return _FACTS.decode(kept)


def record_of(kept: KeptFacts) -> Record:
    """The record as it was reviewed."""
    return Record(
        facts=tuple(_fact(fact) for fact in kept.facts),
        conditions=kept.conditions,
        medicines=kept.medicines,
        allergies=kept.allergies,
        complete=frozenset(kept.complete),
        not_used=kept.not_used,
        scores=kept.scores,
    )


def keep_review(review: Review) -> bytes:
    """The trace."""
    shown = (
        KeptAdvice(
            rule=a.rule,
            order=a.order,
            indicator=a.indicator,
            summary=a.summary,
            detail=a.detail,
            facts=tuple(kept_fact(fact) for fact in a.facts),
            rules=a.rules,
            evidence=a.evidence,
            suggestions=a.suggestions,
            overrides=a.overrides,
            is_lowered=a.is_lowered,
            order_class=a.order_class,
        )
        for a in review.shown
    )
    kept = KeptReview(
        as_of=review.as_of,
        hook=review.hook,
        shown=tuple(shown),
        suppressed=review.suppressed,
        undecided=review.undecided,
        faults=review.faults,
        left_out=review.left_out,
    )
    return msgspec.json.encode(kept)


def review_of(kept: bytes) -> KeptReview:
    """What was said then."""
    return _REVIEW.decode(kept)


def keep_orders(orders: tuple[Order, ...]) -> bytes:
    """The orders as they were read."""
    return msgspec.json.encode(orders)


def orders_of(kept: bytes) -> tuple[Order, ...]:
    """The reverse of ``keep_orders``."""
    return _ORDERS.decode(kept)


def keep_snoozes(snoozes: tuple[Snooze, ...]) -> bytes:
    """The snoozes in force."""
    return msgspec.json.encode(snoozes)


def snoozes_of(kept: bytes) -> tuple[Snooze, ...]:
    """The reverse of ``keep_snoozes``."""
    return _SNOOZES.decode(kept)


def _version(received: Received) -> str:
    """The version on our server, or the one that the EHR gave it; empty where neither did."""
    if received.version:
        return str(received.version)
    meta = received.parsed.get("meta") if isinstance(received.parsed, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else ""


def kept_fact(fact: Fact) -> KeptFact:
    """The fact with its value as JSON has it, and the kind of the value beside it."""
    kind, value = _written(fact.value)
    return KeptFact(
        fact.input,
        kind,
        value,
        fact.at,
        fact.said_by,
        fact.source,
        fact.preliminary,
        fact.until,
    )


def _written(value: FactValue) -> tuple[Kind, bool | int | str | tuple[str, str]]:
    match value:
        case bool():
            return "boolean", value
        case int():
            return "integer", value
        case Decimal():
            return "decimal", str(value)
        case str():
            return "text", value
        case Bounds():
            return "bounds", (str(value.low), str(value.high))
        case datetime():
            return "instant", value.isoformat()


def _fact(kept: KeptFact) -> Fact:
    return Fact(
        kept.input,
        _value(kept),
        kept.at,
        kept.said_by,
        kept.source,
        kept.preliminary,
        kept.until,
    )


def _value(kept: KeptFact) -> FactValue:
    value = kept.value
    match kept.kind:
        case "boolean":
            return bool(value)
        case "decimal":
            return Decimal(str(value))
        case "instant":
            return datetime.fromisoformat(str(value))
        case "bounds":
            assert isinstance(value, tuple)  # noqa: S101  (written by this module only)
            return Bounds(Decimal(value[0]), Decimal(value[1]))
        case "integer" | "text":
            assert isinstance(value, int | str)  # noqa: S101  (written by this module only)
            return value
