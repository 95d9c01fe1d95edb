"""The answer to a hook: the cards, and in its extension what was not said (contract §5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.content import Content
from app.domain.orders.call import CardFrame, Draft, WrittenAnswer, WrittenCard
from app.domain.orders.types import Fault, Order, Review
from app.fhir.hooks import PREFETCH, SERVICES, USAGE
from app.fhir.validation import Validator
from app.fhir.writing.card import CardWriter
from app.fhir.writing.elements import Json

PREFIX = "health.painplan"
TOO_MANY = "there are more drafts than are reviewed at a time"


@dataclass(frozen=True, slots=True)
class HookWriter:
    """Writes answers; the same review and frame give the same bytes."""

    validator: Validator

    def answer(
        self,
        review: Review,
        content: Content,
        frame: CardFrame,
        orders: Sequence[Order],
        drafts: Sequence[Draft],
    ) -> WrittenAnswer:
        """The body, its cards as feedback will name them, and the rules that failed."""
        raw: Mapping[str, Mapping[str, Any]] = {
            d.reference: d.parsed for d in drafts if isinstance(d.parsed, dict)
        }
        writer = CardWriter(content, frame, {o.reference: o for o in orders}, raw, self.validator)
        cards: list[Json] = []
        told: list[WrittenCard] = []
        faults = list(review.faults)
        for advice in review.shown:
            try:
                card, known = writer.card(advice)
            except Exception as error:  # noqa: BLE001  (named in the answer; the other cards go out)
                faults.append(Fault(advice.rule, advice.order, type(error).__name__))
                continue
            cards.append(card)
            told.append(known)
        body = {"cards": cards, "extension": _extension(review, frame, faults)}
        return WrittenAnswer(orjson.dumps(body), tuple(told), tuple(faults))


def _extension(review: Review, frame: CardFrame, faults: Sequence[Fault]) -> Json:
    """Never silent: whatever could not be decided, read or shown has its name here."""
    undecided = [
        {**_about(u.rule, u.order), **({"lacks": list(u.lacks)} if u.lacks else {})}
        for u in review.undecided
    ]
    told: Json = {
        "decision": f"{frame.public_url}/decisions/{frame.decision}",
        "undecided": undecided,
        "suppressed": [{**_about(s.rule, s.order), "why": s.why} for s in review.suppressed],
        "faults": [_about(f.rule, f.order) for f in faults],
        "unread": [
            *({"order": u.order, "why": u.why} for u in frame.unread),
            *({"order": order, "why": TOO_MANY} for order in review.left_out),
        ],
        "gaps": [
            {"prefetch": key, "state": state, **({"why": why} if why else {})}
            for key, state, why in frame.gaps
        ],
    }
    return {f"{PREFIX}.{name}": value for name, value in told.items() if value}


def _about(rule: str, order: str) -> Json:
    return {"rule": rule, "order": order} if order else {"rule": rule}


def discovery() -> bytes:
    """``GET /cds-services`` (CH-05 to CH-09)."""
    prefetch = {key: wanted.template for key, wanted in PREFETCH.items()}
    services = [
        {
            "id": service.id,
            "hook": service.hook,
            "title": service.title,
            "description": service.description,
            "prefetch": prefetch,
            "usageRequirements": USAGE,
        }
        for service in SERVICES.values()
    ]
    return orjson.dumps({"services": services})
