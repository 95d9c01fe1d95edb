"""The suggestions of a card: whole sets of actions, each of them possible and safe."""

from collections.abc import Iterator

from app.domain.content import Content
from app.domain.orders.knowledge import Remedy, Wording
from app.domain.orders.situation import Situation
from app.domain.orders.types import Action, ActionKind, Suggestion
from app.domain.placing import against
from app.domain.safety import SafetyResult, check

ANY = "any"
PASSES = frozenset({SafetyResult.PASS, SafetyResult.INFO})


def suggestions(wording: Wording, situation: Situation) -> tuple[Suggestion, ...]:
    """In the order of the content; what is not possible for this person is left out."""
    return tuple(_suggestions(wording, situation))


def _suggestions(wording: Wording, situation: Situation) -> Iterator[Suggestion]:
    reference = "" if situation.order is None else situation.order.reference
    for remedy in wording.suggestions:
        if not _is_offered(remedy, situation):
            continue
        actions = tuple(
            Action(kind, "" if kind is ActionKind.CREATE else reference, what)
            for kind, what in remedy.actions
        )
        yield Suggestion(remedy.what, remedy.label, actions, remedy.is_recommended)


def _is_offered(remedy: Remedy, situation: Situation) -> bool:
    if remedy.when is not None and not situation.worlds.is_true(remedy.when):
        return False
    if not _fits(remedy, situation):
        return False
    return not remedy.needs or is_safe(remedy.needs, situation)


def _fits(remedy: Remedy, situation: Situation) -> bool:
    """There is an order to act on, and what takes its place or changes it has its type."""
    kinds = {kind for kind, _ in remedy.actions}
    if kinds == {ActionKind.CREATE}:
        return True
    if situation.order is None:
        return False
    templates = situation.content.orders.templates
    types = {templates[what].type for _, what in remedy.actions if what}
    return types <= {situation.order.type}


def is_safe(activity: str, situation: Situation) -> bool:
    """Every safety rule of it passed on known data, and the profile does not advise against it."""
    content: Content = situation.content
    found = check(activity, content, situation.worlds)
    if any(finding.result not in PASSES for finding in found):
        return False
    profile = situation.setting.guideline_profile
    plan = situation.setting.plan
    row = ANY if plan is None else plan.mechanism
    return against(activity, row, content, profile) is None
