"""The whole derivation, stages A to H, in the order of ``phenotyping.md`` §6."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.applicability import LOW_BACK, Applicability, applicability
from app.domain.content import Content
from app.domain.course import Before, Course, course
from app.domain.drivers import DriverGrade, drivers
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
from app.domain.placing import accepted, declined, is_imaging_ruled_out, under_way
from app.domain.plan import entries_wanted, lists_wanted, make_plan
from app.domain.plan_types import WITHHELD, Plan, Situation
from app.domain.questions import telling, telling_of_safety, worth_asking
from app.domain.record_codes import facts_of_record
from app.domain.severity import Severity, severity
from app.domain.stakes import Stake, stakes
from app.domain.standing import Standings, stand
from app.domain.truth import FALSE, TRUE, UNKNOWN, Truth
from app.domain.unlocking import Unlocking, unlocking
from app.domain.worlds import Worlds, evaluate

SCREENS_DISAGREE = "C-screen-disagrees"
NOCICEPTIVE_CORE = ("pain-localised", "mechanical-pattern-proportionate")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was concluded about one patient at one instant, and everything it was concluded from.

    ``changes`` are the slots that some answer would change, and the worlds in which it does: of the
    conclusions, and of the safety of what the plan considered.
    """

    as_of: datetime
    guideline_profile: str
    applicability: Applicability
    gate: Gate
    grades: tuple[Grade, ...]
    phenotype: Phenotype
    drivers: tuple[DriverGrade, ...]
    severity: Severity
    course: Course
    second_opinion: str | None
    disagreements: tuple[str, ...]
    is_preliminary: bool
    open_questions: tuple[str, ...]
    lists_wanted: tuple[str, ...]
    entries_wanted: tuple[str, ...]
    stakes: tuple[Stake, ...]
    unlocks: tuple[Unlocking, ...]
    plan: Plan
    standings: Standings
    worlds: Worlds
    changes: Mapping[int, int]
    not_used: tuple[NotUsed, ...]
    has_nociceptive_features: Truth
    scores: tuple[ComputedScore, ...]


def derive(  # noqa: PLR0913  (all that a decision depends on)
    record: Record,
    content: Content,
    *,
    as_of: datetime,
    guideline_profile: str,
    crisis_text: str,
    before: Before | None = None,
) -> Decision:
    """Decide; whoever calls us stores and sends. No clock, no identifiers, no I/O.

    ``before`` is the plan that this one follows, None for the first.
    """
    stated = facts_of_record(record, content, as_of)
    standings = stand(stated.facts, content, as_of)
    worlds = evaluate(content, standings)
    scope = applicability(content, worlds)
    is_low_back = worlds.truth(content.rule_by_id[LOW_BACK].slot)
    gate = judge(content, worlds, is_low_back=is_low_back)
    found = grades(content, worlds)
    phenotype = _phenotype(scope, gate, found, content, worlds)
    opinion = second_opinion(content, worlds)
    changed = telling(content, worlds)
    graded = drivers(content, worlds)
    flags = tuple(r.flag for r in gate.raised)
    care = course(content, standings, flags, before, as_of)
    how_severe = severity(content, worlds)
    situation = Situation(
        content=content,
        worlds=worlds,
        standings=standings,
        applicability=scope,
        gate=gate,
        grades=found,
        phenotype=phenotype,
        drivers=graded,
        severity=how_severe,
        course=care,
        guideline_profile=guideline_profile,
        is_worth_asking=_is_mechanism_open(phenotype, found, content, worlds, changed),
        crisis_text=crisis_text,
        as_of=as_of,
        declined=declined(standings, content),
        under_way=under_way(standings, content),
        accepted=accepted(standings, content),
        is_imaging_ruled_out=is_imaging_ruled_out(content, gate, worlds),
        unsettled=stated.unsettled,
    )
    plan = make_plan(situation)
    changes = changed | telling_of_safety(content, worlds, plan.considered)
    asked = worth_asking(content, worlds, changes)
    return Decision(
        as_of=as_of,
        guideline_profile=guideline_profile,
        applicability=scope,
        gate=gate,
        grades=found,
        phenotype=phenotype,
        drivers=graded,
        severity=how_severe,
        course=care,
        second_opinion=opinion,
        disagreements=_disagreements(phenotype, opinion, standings, content, worlds),
        is_preliminary=_is_preliminary(gate, standings),
        open_questions=asked,
        lists_wanted=lists_wanted(plan, content, worlds, stated.unsettled),
        entries_wanted=entries_wanted(plan, content, worlds, stated.unsettled),
        stakes=stakes(content, asked, plan.considered, changes),
        unlocks=unlocking(content, standings, worlds, _withheld(plan)),
        plan=plan,
        standings=standings,
        worlds=worlds,
        changes=changes,
        not_used=(*record.not_used, *stated.not_used, *standings.not_used),
        has_nociceptive_features=_nociceptive_features(content, worlds),
        scores=tuple(score for score in record.scores if score.at <= as_of),
    )


def _withheld(plan: Plan) -> tuple[str, ...]:
    """What the plan named and does not hold, perhaps for want of a fact."""
    kept = {p.id for p in plan.catalogue if p.status == WITHHELD}
    return tuple(activity for activity in plan.considered if activity in kept)


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


def _is_mechanism_open(
    phenotype: Phenotype,
    found: tuple[Grade, ...],
    content: Content,
    worlds: Worlds,
    changed: Mapping[int, int],
) -> bool:
    """Missing data are asked for while no mechanism is established and an answer would tell."""
    if not phenotype.is_suspected and any(g.is_established for g in found):
        return False
    asked = worth_asking(content, worlds, changed)
    return any(not content.inputs[name].gate_question for name in asked)


def _nociceptive_features(content: Content, worlds: Worlds) -> Truth:
    """Whether a core item of stage E holds, reported also beside a neuropathic grade."""
    truths = {worlds.truth(content.slot(name)) for name in NOCICEPTIVE_CORE}
    if TRUE in truths:
        return TRUE
    return UNKNOWN if UNKNOWN in truths else FALSE


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
