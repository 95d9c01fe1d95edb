"""What a clinician would see of a decision, as words that two decisions can be compared by."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.content import Content
from app.domain.decision import Decision, derive
from app.domain.facts import Record
from app.domain.plan_types import NOT_INDICATED, WITHHELD
from app.domain.truth import Truth
from app.impact.population import AS_OF

CRISIS = "crisis"
OPEN = "open"
Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standpoint:
    """One patient under one content version; ``cited`` are the rules that each thing names."""

    seen: Mapping[str, Words]
    cited: Mapping[tuple[str, str], frozenset[str]]
    truths: Mapping[str, Truth]


def standpoint(record: Record, content: Content, profile: str) -> Standpoint:
    """Decide, and keep what matters for a comparison."""
    decision = derive(
        record,
        content,
        as_of=AS_OF,
        guideline_profile=profile,
        crisis_text=content.texts[CRISIS],
    )
    return Standpoint(_seen(decision), _cited(decision, content), _truths(decision, content))


def _seen(decision: Decision) -> Mapping[str, Words]:
    phenotype = decision.phenotype
    certainty = phenotype.certainty.value if phenotype.certainty is not None else "no certainty"
    suspected = ", suspected" if phenotype.is_suspected else ""
    return {
        "gate": {"level": decision.gate.level.value},
        "mechanism": {"phenotype": f"{phenotype.mechanism} ({certainty}{suspected})"},
        "grades": {g.mechanism: g.grade or OPEN for g in decision.grades}
        | {d.driver: OPEN if d.level is None else str(d.level) for d in decision.drivers},
        "activities": {a.id: f"{a.status}, {a.stage}" for a in decision.plan.activities},
        "withheld": {
            point.id: f"{point.status}: {'; '.join(point.reasons)}"
            for point in decision.plan.catalogue
            if point.status in (WITHHELD, NOT_INDICATED)
        },
    }


def _cited(decision: Decision, content: Content) -> Mapping[tuple[str, str], frozenset[str]]:
    """The rules behind each thing that is seen, as far as the decision names them.

    A driver that no rule grades stands where it does by what would rule it out.
    """
    cited: dict[tuple[str, str], frozenset[str]] = {
        ("gate", "level"): frozenset(r for flag in decision.gate.raised for r in flag.rules),
        ("mechanism", "phenotype"): frozenset(decision.phenotype.rules),
    }
    for grade in decision.grades:
        cited["grades", grade.mechanism] = frozenset({grade.rule} if grade.rule else ())
    for driver in decision.drivers:
        absent = (content.slot_names[slot] for slot in content.drivers[driver.driver].absent_when)
        cited["grades", driver.driver] = frozenset({driver.rule} if driver.rule else absent)
    for activity in decision.plan.activities:
        cited["activities", activity.id] = frozenset(activity.rules)
    for safety in decision.plan.safety:
        key = ("withheld", safety.activity)
        cited[key] = cited.get(key, frozenset()) | frozenset(safety.rules)
    return cited


def _truths(decision: Decision, content: Content) -> Mapping[str, Truth]:
    """Every finding and rule by its name."""
    return {name: decision.worlds.truth(slot) for slot, name in enumerate(content.slot_names)}
