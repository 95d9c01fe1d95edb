"""The shape of the records about orders: cards, what they suggest, what a suggestion creates."""

import msgspec

from app.knowledge.records import CodeText


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """No unknown keys, no missing fields."""


class TemplateRecord(_Strict):
    """``[template."PT-01"]``: a resource to create, or the change that an update makes.

    ``activity`` gives it the codings of a catalogue item beside its own.
    """

    type: str
    label: str
    codings: list[CodeText] = []
    activity: str = ""
    priority: str = ""
    due_in_days: int | None = None
    supply_days: int | None = None
    limit_of: str = ""


class SuggestionRecord(_Strict):
    """``[suggestion.remove]``; ``actions`` are (kind, template), a delete names none.

    ``when`` is a rule that has to hold, ``needs`` an activity that has to be possible: not refused,
    not begun already, safe, and not advised against.
    """

    label: str
    actions: list[list[str]]
    when: str = ""
    needs: str = ""
    is_recommended: bool = False


class WordingRecord(_Strict):
    """``[[order_rule."CDS-IMG-01".wording]]``: the first whose rule holds is said."""

    rule: str
    indicator: str
    summary: str
    suggestions: list[str] = []
    activity: str = ""
    safety: list[str] = []
    result: list[str] = []
    lowered: bool = False
    notes: list[str] = []


class OrderRuleRecord(_Strict):
    """``[order_rule."CDS-IMG-01"]``."""

    label: str
    hooks: list[str]
    order_class: str
    priority: int
    evidence: list[str]
    wording: list[WordingRecord]
    overrides: list[str] = []
    once: bool = False
    retired: bool = False
