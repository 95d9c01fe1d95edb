"""Advice as a card of CDS Hooks 2.0 (CH-31 to CH-53): strict, with nothing empty in it.

Ids are UUIDv5 of tenant, hookInstance, rule and order, so that a repeated call shows the same cards
and feedback finds its card (standards §1.10).
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.content import Content
from app.domain.orders.call import CardFrame, WrittenCard
from app.domain.orders.knowledge import Template
from app.domain.orders.types import Action, ActionKind, Advice, Order, Suggestion
from app.fhir.canon import CANON
from app.fhir.publishing.words_overrides import OVERRIDE_REASON
from app.fhir.validation import Validator
from app.fhir.writing.elements import Json
from app.fhir.writing.markdown import escaped, plain
from app.fhir.writing.suggested import Suggested, lowered, without_empty

NAMESPACE = uuid.UUID("3e0c8c52-7c0b-5d0f-9a51-0f3b1b6d5a0e")
SUMMARY_AT_MOST = 139
LABEL_AT_MOST = 100
RULE = f"{CANON}/CodeSystem/rule"
OURS = f"{CANON}/CodeSystem/override-reason"
HL7 = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
SOURCE: Json = {"label": "Painplan", "url": "https://painplan.health"}
# The categories of HL7's list that a clinician can mean at the point of ordering.
GENERAL = (
    ("cds-not-applicable", "PC CDS does not apply to patient"),
    ("recipient-concerns-outcomes", "Recipient has concerns regarding potential health outcomes"),
    (
        "does-not-align-preferences",
        "Recommendation does not align with patient preferences or values",
    ),
    ("not-convenient-feasible", "Recommendation is not convenient or feasible"),
)


@dataclass(frozen=True, slots=True)
class CardWriter:
    """Writes the cards of one call. ``drafts`` are the received resources by reference."""

    content: Content
    frame: CardFrame
    orders: Mapping[str, Order]
    drafts: Mapping[str, Mapping[str, Any]]
    validator: Validator

    def card(self, advice: Advice) -> tuple[Json, WrittenCard]:
        """The card, and what feedback about it is kept against."""
        overrides = _overrides(advice)
        card: Json = {
            "uuid": self._id(advice),
            "summary": plain(advice.summary, SUMMARY_AT_MOST),
            "indicator": advice.indicator.value,
            "detail": self._detail(advice),
            "source": {**SOURCE, "topic": self._topic(advice.rule)},
        }
        suggestions = list(self._suggestions(advice))
        if suggestions:
            card["suggestions"] = suggestions
            card["selectionBehavior"] = "at-most-one"
        if overrides:
            card["overrideReasons"] = overrides
        card["links"] = [
            {
                "label": "Why this card: rules, facts and sources",
                "url": f"{self.frame.public_url}/decisions/{self.frame.decision}.html",
                "type": "absolute",
            }
        ]
        card["extension"] = {"health.painplan.rule": advice.rule}
        told = WrittenCard(
            uuid=card["uuid"],
            rule=advice.rule,
            order=advice.order,
            order_class=advice.order_class,
            indicator=advice.indicator.value,
            overrides=tuple((o["system"], o["code"]) for o in overrides),
        )
        return card, told

    def _id(self, advice: Advice, *more: str) -> str:
        named = [self.frame.tenant, self.frame.instance, advice.rule, advice.order, *more]
        return str(uuid.uuid5(NAMESPACE, orjson.dumps(named).decode()))

    def _topic(self, rule: str) -> Json:
        label = next((c.label for c in self.content.orders.cards if c.id == rule), "")
        topic: Json = {"system": RULE, "code": rule}
        return {**topic, "display": label} if label else topic

    def _detail(self, advice: Advice) -> str:
        """Which order, then why, on which facts, by which sources."""
        lines = [f"- {escaped(sentence)}" for sentence in advice.detail if sentence.strip()]
        lowered = "What is unknown made this a remark: it is no all-clear."
        parts = [
            self._about(advice),
            "\n".join(lines),
            f"*{lowered}*" if advice.is_lowered else "",
            f"Rule {escaped(advice.rule)}.",
        ]
        return "\n\n".join(part for part in parts if part)

    def _about(self, advice: Advice) -> str:
        order = self.orders.get(advice.order)
        if order is None:
            return ""
        named = plain(order.text, LABEL_AT_MOST) or "the draft order"
        return f"**About:** {escaped(named)} ({escaped(order.reference)})"

    def _suggestions(self, advice: Advice) -> Iterator[Json]:
        """Those whose every action can be carried out (CH-46); at most one is recommended."""
        is_taken = False
        for suggestion in advice.suggestions:
            actions = self._actions(suggestion)
            if not actions:
                continue
            told: Json = {
                "label": plain(suggestion.label, LABEL_AT_MOST),
                "uuid": self._id(advice, suggestion.what),
                "actions": actions,
            }
            if suggestion.is_recommended and not is_taken:
                told["isRecommended"] = is_taken = True
            yield told

    def _actions(self, suggestion: Suggestion) -> list[Json]:
        """All of them, or none where one is not possible."""
        written = [self._action(action) for action in suggestion.actions]
        done = [one for one in written if one is not None]
        return done if len(done) == len(written) else []

    def _action(self, action: Action) -> Json | None:
        match action.kind:
            case ActionKind.DELETE:
                return self._delete(action.order)
            case ActionKind.UPDATE:
                return self._update(action)
            case ActionKind.CREATE:
                template = self.content.orders.templates[action.what]
                return {
                    "type": "create",
                    "description": f"Create: {template.label}",
                    "resource": Suggested(self.content, self.frame).created(template),
                }

    def _delete(self, order: str) -> Json | None:
        """Only what has an id can be named (CH-50)."""
        if order not in self.drafts or not self._has_id(order):
            return None
        named = plain(self.orders[order].text, LABEL_AT_MOST) or order
        return {"type": "delete", "description": f"Remove: {named}", "resourceId": order}

    def _has_id(self, order: str) -> bool:
        draft = self.drafts[order]
        return order == f"{draft.get('resourceType')}/{draft.get('id')}"

    def _update(self, action: Action) -> Json | None:
        """The whole draft, changed; None where that is not valid R4, though we did not make it so.

        A draft that came incomplete cannot be completed here, and what we send is strict (§5).
        """
        draft = self.drafts.get(action.order)
        if draft is None or not self._has_id(action.order):
            return None
        template = self.content.orders.templates[action.what]
        before = without_empty(draft)
        after = self._after(action, before, template)
        if after is None or after == before:
            return None
        if self.validator.problems(after):
            return None
        return {"type": "update", "description": f"Change to: {template.label}", "resource": after}

    def _after(self, action: Action, draft: Json, template: Template) -> Json | None:
        """A dose that is known is scaled to the limit; any other change is the template's."""
        if action.amount is None:
            return Suggested(self.content, self.frame).changed(draft, template)
        medicine = self.orders[action.order].medicine
        if medicine is None or not medicine.daily_dose:
            return None
        return lowered(draft, medicine.daily_dose, action.amount)


def _overrides(advice: Advice) -> list[Json]:
    """Ours for this rule, then HL7's general ones; a card without reasons of ours offers none."""
    ours = [
        {"code": code, "system": OURS, "display": OVERRIDE_REASON[code][0]}
        for code in advice.overrides
    ]
    general = [{"code": code, "system": HL7, "display": display} for code, display in GENERAL]
    return [*ours, *general] if ours else []
