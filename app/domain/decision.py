"""The whole derivation, stages A to H, in the order of ``phenotyping.md`` §6."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.applicability import LOW_BACK, Applicability, applicability
from app.domain.content import Content
from app.domain.facts import ComputedScore, NotUsed, Record
from app.domain.gate import REPLACES_THE_PLAN, Gate, judge
from app.domain.phenotype import (
    KEY_OPEN,
    Grade,
    Phenotype,
    assemble,
    grades,
    second_opinion,
)
from app.domain.plan import Plan, Situation, make_plan
from app.domain.questions import worth_asking
from app.domain.record_codes import facts_of_record
from app.domain.standing import Standings, stand
from app.domain.truth import Truth
from app.domain.worlds import Worlds, evaluate

SCREENS_DISAGREE = "C-screen-disagrees"
NOCICEPTIVE_CORE = ("pain-localised", "mechanical-pattern-proportionate")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was concluded about one patient at one instant, and everything it was concluded from."""

    as_of: datetime
    guideline_profile: str
    applicability: Applicability
    gate: Gate
    grades: tuple[Grade, ...]
    phenotype: Phenotype
    second_opinion: str | None
    disagreements: tuple[str, ...]
    is_preliminary: bool
    open_questions: tuple[str, ...]
    plan: Plan
    standings: Standings
    worlds: Worlds
    not_used: tuple[NotUsed, ...]
    has_nociceptive_features: Truth
    scores: tuple[ComputedScore, ...]


def derive(
    record: Record,
    content: Content,
    *,
    as_of: datetime,
    guideline_profile: str,
    crisis_text: str,
) -> Decision:
    """Decide; whoever calls us stores and sends. No clock, no identifiers, no I/O."""
    standings = stand(facts_of_record(record, content, as_of), content, as_of)
    worlds = evaluate(content, standings)
    scope = applicability(content, worlds)
    is_low_back = worlds.truth(content.rule_by_id[LOW_BACK].slot)
    gate = judge(content, worlds, is_low_back=is_low_back)
    found = grades(content, worlds)
    phenotype = _phenotype(scope, gate, found, content, worlds)
    opinion = second_opinion(content, worlds)
    open_questions = worth_asking(content, worlds)
    situation = Situation(
        content=content,
        worlds=worlds,
        standings=standings,
        applicability=scope,
        gate=gate,
        grades=found,
        phenotype=phenotype,
        open_questions=open_questions,
        crisis_text=crisis_text,
        as_of=as_of,
    )
    return Decision(
        as_of=as_of,
        guideline_profile=guideline_profile,
        applicability=scope,
        gate=gate,
        grades=found,
        phenotype=phenotype,
        second_opinion=opinion,
        disagreements=_disagreements(phenotype, opinion, standings, content, worlds),
        is_preliminary=_is_preliminary(gate, standings),
        open_questions=open_questions,
        plan=make_plan(situation),
        standings=standings,
        worlds=worlds,
        not_used=(*record.not_used, *standings.not_used),
        has_nociceptive_features=_nociceptive_features(content, worlds),
        scores=tuple(score for score in record.scores if score.at <= as_of),
    )


def _phenotype(
    scope: Applicability,
    gate: Gate,
    found: tuple[Grade, ...],
    content: Content,
    worlds: Worlds,
) -> Phenotype:
    if gate.level in REPLACES_THE_PLAN:
        return Phenotype("withheld", None, is_suspected=False)
    match scope:
        case Applicability.ELSEWHERE | Applicability.OUTSIDE:
            return Phenotype("not-applicable", None, is_suspected=False)
        case Applicability.UNKNOWN:
            return Phenotype("insufficient-data", None, is_suspected=False)
        case Applicability.APPLIES:
            is_open = worlds.is_true(content.rule_by_id[KEY_OPEN].slot)
            return assemble(found, are_keys_known=not is_open)


def _nociceptive_features(content: Content, worlds: Worlds) -> Truth:
    """Whether a core item of stage E holds, reported also beside a neuropathic grade."""
    truths = {worlds.truth(content.slot(name)) for name in NOCICEPTIVE_CORE}
    if Truth.TRUE in truths:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.FALSE


def _disagreements(
    phenotype: Phenotype,
    opinion: str | None,
    standings: Standings,
    content: Content,
    worlds: Worlds,
) -> tuple[str, ...]:
    said = [f"conflicting values at one time: {name}" for name in standings.conflicts]
    screens = content.rule_by_id.get(SCREENS_DISAGREE)
    if screens is not None and worlds.is_true(screens.slot):
        said.append(screens.label)
    is_graded = phenotype.certainty is not None
    if opinion is not None and is_graded and opinion != phenotype.mechanism:
        said.append(f"the questionnaire-only rule says {opinion}")
    return tuple(said)


def _is_preliminary(gate: Gate, standings: Standings) -> bool:
    """Preliminary while the screen is unfinished, and while it rests on a preliminary result."""
    if not gate.is_screened:
        return True
    return any(s.fact is not None and s.fact.preliminary for s in standings.by_slot.values())
