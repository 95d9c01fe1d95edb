"""The grade of each mechanism and the phenotype they add up to (``phenotyping.md`` §6, C to F)."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Rule
from app.domain.worlds import HOLDS, OPEN, Worlds

MECHANISMS = ("neuropathic", "nociplastic", "nociceptive")
CONSENSUS = ("possible", "supported", "probable", "definite")
SCREEN = ("screen-positive", "suspected", "suggested")
AGAINST = ("none", "excluded", "not-supported")
IN_TURN = (*reversed(CONSENSUS), *AGAINST, "suspected", "suggested", "screen-positive")
KEY_OPEN = "F-key-open"
SECOND_OPINION = {
    "BH-nociplastic": "nociplastic",
    "BH-neuropathic": "neuropathic",
    "BH-nociceptive": "nociceptive",
    "BH-mixed": "mixed",
}


class Certainty(Enum):
    """Lowest first (judgement; ``CodeSystem/certainty``)."""

    LOW = "low"
    LOW_MODERATE = "low-moderate"
    MODERATE = "moderate"
    HIGH = "high"


_CERTAINTY_OF = {
    "possible": Certainty.LOW_MODERATE,
    "supported": Certainty.LOW_MODERATE,
    "probable": Certainty.MODERATE,
    "definite": Certainty.HIGH,
}
_RANK = {"possible": 1, "supported": 1, "probable": 2, "definite": 3}
_CERTAINTIES = tuple(Certainty)


class Grade(NamedTuple):
    """How far the evidence for one mechanism goes; ``grade`` is None while it is not settled."""

    mechanism: str
    grade: str | None
    rule: str | None

    @property
    def is_established(self) -> bool:
        """At consensus level: it may decide the phenotype."""
        return self.grade in CONSENSUS

    @property
    def is_suspected(self) -> bool:
        """Below consensus level: it may only be suspected."""
        return self.grade in SCREEN


class Phenotype(NamedTuple):
    """A working hypothesis with its parts; ``components`` are ordered, highest grade first."""

    mechanism: str
    certainty: Certainty | None
    is_suspected: bool
    components: tuple[str, ...] = ()
    is_dominance_known: bool = True
    rules: tuple[str, ...] = ()


def grades(content: Content, worlds: Worlds) -> tuple[Grade, ...]:
    """One grade a mechanism: the highest that holds, else the one that speaks against it."""
    return tuple([_grade(mechanism, content, worlds.letters) for mechanism in MECHANISMS])


def _grade(mechanism: str, content: Content, letters: bytes) -> Grade:
    rules = content.grade_rules[mechanism]
    for grade in IN_TURN:
        rule = rules.get(grade)
        if rule is not None and letters[rule.slot] == HOLDS:
            return Grade(mechanism, grade, rule.id)
    if any(letters[rule.slot] == OPEN for rule in rules.values()):
        return Grade(mechanism, None, None)  # "none" is settled: nothing may still be suspected
    return Grade(mechanism, "none", _lowest_consensus(rules).id)


def _lowest_consensus(rules: Mapping[str, Rule]) -> Rule:
    return next(rules[g] for g in CONSENSUS if g in rules)


def assemble(found: Sequence[Grade], *, are_keys_known: bool) -> Phenotype:
    """Stage F: the established mechanisms, else the suspected ones, else what is missing."""
    established = sorted(
        (g for g in found if g.is_established), key=lambda g: -_RANK[g.grade or ""]
    )
    rules = tuple(g.rule for g in established if g.rule)
    if len(established) == 1:
        only = established[0]
        certainty = _CERTAINTY_OF[only.grade or ""]
        return Phenotype(only.mechanism, certainty, is_suspected=False, rules=rules)
    if established:
        return _mixed(established, rules)
    suspected = [g for g in found if g.is_suspected]
    rules = tuple(g.rule for g in suspected if g.rule)
    if len(suspected) == 1:
        single = suspected[0].mechanism
        return Phenotype(single, Certainty.LOW, is_suspected=True, rules=rules)
    if suspected:
        parts = tuple(g.mechanism for g in suspected)
        return Phenotype(
            "mixed",
            Certainty.LOW,
            is_suspected=True,
            components=parts,
            is_dominance_known=False,
            rules=rules,
        )
    mechanism = "indeterminate" if are_keys_known else "insufficient-data"
    return Phenotype(mechanism, None, is_suspected=False)


def _mixed(established: Sequence[Grade], rules: tuple[str, ...]) -> Phenotype:
    ranks = [_RANK[g.grade or ""] for g in established]
    lowest = min((_CERTAINTY_OF[g.grade or ""] for g in established), key=_CERTAINTIES.index)
    return Phenotype(
        "mixed",
        lowest,
        is_suspected=False,
        components=tuple(g.mechanism for g in established),
        is_dominance_known=ranks[0] > ranks[1],
        rules=rules,
    )


def second_opinion(content: Content, worlds: Worlds) -> str | None:
    """The questionnaire-only rule (BACKHOME) beside our own; None while its inputs are missing."""
    for rule_id, mechanism in SECOND_OPINION.items():
        rule = content.rule_by_id.get(rule_id)
        if rule is not None and worlds.is_true(rule.slot):
            return mechanism
    return None
