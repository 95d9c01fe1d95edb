"""The red-flag gate: which flags are raised, how high, and what was never asked.

``phenotyping.md`` §5. Absent flags rule nothing out: "clear" says "no red flag reported".
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Flag
from app.domain.truth import FALSE, TRUE, UNKNOWN, Truth
from app.domain.worlds import Worlds

UNSCREENED = "B-unscreened"
WHEREVER_THE_PAIN_IS = frozenset({"cauda-equina", "self-harm"})
SELF_HARM = "self-harm"


class GateLevel(Enum):
    """Highest first, as ``CodeSystem/gate-level`` has them."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    REFER = "refer"
    NOT_SCREENED = "not-screened"
    WATCH = "watch"
    CLEAR = "clear"


ACTING = (GateLevel.EMERGENCY, GateLevel.URGENT, GateLevel.REFER, GateLevel.WATCH)
REPLACES_THE_PLAN = frozenset({GateLevel.EMERGENCY, GateLevel.URGENT})


class RaisedFlag(NamedTuple):
    """A flag that some rule raised: its highest level and every rule that reached that level."""

    flag: str
    level: GateLevel
    rules: tuple[str, ...]


class Gate(NamedTuple):
    """``raised`` is in order of level, highest first; ``flags`` says of each flag what is known."""

    level: GateLevel
    raised: tuple[RaisedFlag, ...]
    flags: tuple[tuple[str, Truth], ...]
    is_screened: bool

    def raises(self, level: GateLevel) -> tuple[RaisedFlag, ...]:
        """The flags raised to exactly this level."""
        return tuple(r for r in self.raised if r.level is level)


def judge(content: Content, worlds: Worlds, *, is_low_back: Truth) -> Gate:
    """The gate of the patient as known.

    When the pain is known not to be in the low back only self-harm and cauda equina are run
    (contract §3).
    """
    is_elsewhere = is_low_back is FALSE
    flags = content.flags
    if is_elsewhere:
        flags = tuple([f for f in flags if f.id in WHEREVER_THE_PAIN_IS])
    raised = _raised(content, worlds, flags)
    screens = content.tables.screens
    if is_elsewhere:
        is_screened = not any(screens[f.id] & worlds.open for f in flags if f.id != SELF_HARM)
    else:
        is_screened = not worlds.is_true(content.rule_by_id[UNSCREENED].slot)
    known = {r.flag for r in raised}
    return Gate(
        level=_level(raised, is_screened=is_screened),
        raised=tuple(raised),
        flags=tuple(
            [
                (f.id, TRUE if f.id in known else _unless_raised(screens[f.id], worlds.open))
                for f in flags
            ]
        ),
        is_screened=is_screened,
    )


def _unless_raised(screen: int, unknown: int) -> Truth:
    """Every screening question answered and nothing raised is false."""
    return FALSE if screen and not screen & unknown else UNKNOWN


def _raised(content: Content, worlds: Worlds, flags: Sequence[Flag]) -> list[RaisedFlag]:
    if not content.tables.gate & worlds.holding:
        return []
    fired: dict[str, dict[GateLevel, list[str]]] = {}
    for rule in content.gate_rules:
        if worlds.is_true(rule.slot):
            fired.setdefault(rule.flag, {}).setdefault(GateLevel(rule.level), []).append(rule.id)
    raised: list[RaisedFlag] = []
    for level in ACTING:
        for flag in flags:
            levels = fired.get(flag.id, {})
            if level in levels and level is _highest(levels):
                raised.append(RaisedFlag(flag.id, level, tuple(levels[level])))
    return raised


def _highest(levels: dict[GateLevel, list[str]]) -> GateLevel:
    return next(level for level in ACTING if level in levels)


def _level(raised: Sequence[RaisedFlag], *, is_screened: bool) -> GateLevel:
    highest = raised[0].level if raised else GateLevel.CLEAR
    if highest in (GateLevel.EMERGENCY, GateLevel.URGENT, GateLevel.REFER):
        return highest
    return highest if is_screened else GateLevel.NOT_SCREENED
