"""The suggestions of a card: whole sets of actions, each of them possible and safe."""

from collections.abc import Iterator
from decimal import Decimal

from app.domain.content import Content
from app.domain.orders.knowledge import Remedy, Wording
from app.domain.orders.meaning import kinds_of
from app.domain.orders.situation import Situation
from app.domain.orders.types import Action, ActionKind, Suggestion
from app.domain.placing import against, taken_already
from app.domain.safety import check
from app.domain.safety_types import SafetyResult

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
            Action(
                kind,
                "" if kind is ActionKind.CREATE else reference,
                what,
                _most(what, wording, situation),
            )
            for kind, what in remedy.actions
        )
        most = next((a.amount for a in actions if a.amount is not None), None)
        label = remedy.label if most is None else f"{remedy.label}: at most {most:f} mg a day"
        yield Suggestion(remedy.what, label, actions, remedy.is_recommended)


def _most(what: str, wording: Wording, situation: Situation) -> Decimal | None:
    """The lowest limit that the order exceeds by the rule of the wording."""
    template = situation.content.orders.templates.get(what)
    if template is None or not template.limit_of:
        return None
    content = situation.content
    told = situation.explained(wording.rule)
    findings = (content.findings[content.slot_names[s].partition("@")[0]] for s in told.used)
    limits = [
        finding.test.above
        for finding in findings
        if finding.input == template.limit_of and finding.test.above is not None
    ]
    return min(limits, default=None)


def _is_offered(remedy: Remedy, situation: Situation) -> bool:
    if remedy.when is not None and not situation.worlds.is_true(remedy.when):
        return False
    if not _fits(remedy, situation) or _is_ordered_beside(remedy, situation):
        return False
    return not remedy.needs or is_possible(remedy.needs, situation)


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


def _is_ordered_beside(remedy: Remedy, situation: Situation) -> bool:
    """All that it creates is of a kind that another draft orders already."""
    if {kind for kind, _ in remedy.actions} != {ActionKind.CREATE}:
        return False
    content = situation.content
    others = (o for o, _ in situation.setting.drafts if o is not situation.order and not o.stops)
    ordered = {kind for o in others for kind in kinds_of(o.codings, o.text, content)}
    templates = (content.orders.templates[what] for _, what in remedy.actions)
    made = [kinds_of(template.codings, template.label, content) for template in templates]
    return all(kinds and kinds <= ordered for kinds in made)


def is_possible(activity: str, situation: Situation) -> bool:
    """It is safe, and nothing of the kind is taken already."""
    item = situation.content.interventions[activity]
    return not taken_already(item, situation.standings) and is_safe(activity, situation)


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
