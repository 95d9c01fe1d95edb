"""Placing the rows of a plan: which rows are meant for this person, and what stands against one."""

from collections.abc import Iterator

from app.domain.applicability import OUT_OF_SCOPE, Applicability
from app.domain.content import Content, Intervention, Placement, Stance
from app.domain.course import MAINTAIN, SECOND
from app.domain.explanation import explain
from app.domain.gate import GateLevel
from app.domain.plan_types import (
    DO_NOT,
    NEXT_STEP,
    NOT_INDICATED,
    WITHHELD,
    Activity,
    Draft,
    Situation,
)
from app.domain.safety import (
    KNOWN_FIRST,
    WITHHOLDS,
    WORST_FIRST,
    SafetyFinding,
    SafetyResult,
    check,
)
from app.domain.severity import RULES, Severity
from app.domain.worlds import Worlds

DECLINED = "declined-activity"
UNDER_WAY = "activity-under-way"
ACCEPTED = "activity-accepted"
NO_IMAGING = "DN-01"
# Where an unknown fact withholds: what is done to a body, not what a body does.
BY_HAND_OR_DRUG = frozenset({"manual", "drug", "interventional"})
CRISIS = "{crisis}"
EVIDENCE_ORDER = ("V", "V2", "C", "R", "J")
COLUMNS = tuple(Severity)
LISTS = {
    "Condition": "a complete problem list",
    "MedicationRequest": "a complete medicine list",
    "AllergyIntolerance": "a complete allergy list",
}
ANY, AGAINST = "any", "against"


def declined(situation: Situation) -> dict[str, str]:
    """What the person does not want: activity id, and where it was said."""
    said = situation.standings.facts.get(DECLINED, ())
    return {str(fact.value): fact.source for fact in said}


def is_limited(situation: Situation) -> bool:
    """A child, pregnancy, or pain of less than 12 weeks (S-04)."""
    rule = situation.content.rule_by_id.get(OUT_OF_SCOPE)
    return situation.applicability is Applicability.OUTSIDE or (
        rule is not None and situation.worlds.is_true(rule.slot)
    )


def mechanism_rows(situation: Situation) -> tuple[str, ...]:
    """The established mechanism; of a mixed pain the dominant one, or all while none dominates."""
    phenotype = situation.phenotype
    if phenotype.is_suspected or situation.applicability is not Applicability.APPLIES:
        return ()
    if phenotype.mechanism != "mixed":
        return (phenotype.mechanism,)
    leading = phenotype.components[:1] if phenotype.is_dominance_known else phenotype.components
    return (*leading, "mixed")


def rows(situation: Situation) -> frozenset[str]:
    """The rows that this person's plan is made of."""
    if is_limited(situation):
        return frozenset({"always", "limited", "do-not", "review"})
    common = {"always", "foundation", "driver", "finding", "do-not", "review"}
    if situation.course.step == MAINTAIN:
        return frozenset(common)
    return frozenset(common | set(mechanism_rows(situation)))


def column(situation: Situation) -> str:
    """The severity that chooses; from the second step of care one higher."""
    place = COLUMNS.index(situation.severity)
    if situation.course.step >= SECOND:
        place = min(place + 1, len(COLUMNS) - 1)
    return COLUMNS[place].value


def candidates(situation: Situation) -> Iterator[Placement]:
    """The placements that are meant for this person, in the order in which they are placed."""
    content = situation.content
    meant = rows(situation)
    severity, step = column(situation), situation.course.step
    chosen = [
        p
        for p in content.placements
        if p.row in meant
        and (not p.severity or severity in p.severity)
        and (not p.steps or step in p.steps)
        and (not p.when or all(situation.worlds.is_true(slot) for slot in p.when))
    ]
    prohibitions = (p for p in chosen if p.status == DO_NOT)
    yield from prohibitions
    yield from (p for p in chosen if p.status != DO_NOT and not p.driver)
    acting = {g.driver: g for g in situation.drivers}
    led = [
        p
        for p in chosen
        if p.driver
        and acting[p.driver].at_least >= max(p.driver_from, content.drivers[p.driver].counts_from)
    ]
    yield from sorted(led, key=lambda p: _driver_order(p, situation))


def _driver_order(
    placement: Placement, situation: Situation
) -> tuple[int, int, int, int, int, str]:
    """By driver severity, modifiability, evidence mark (§6.4); then harm, cost (§6.5, 13), id."""
    content = situation.content
    level = next(g.at_least for g in situation.drivers if g.driver == placement.driver)
    marks = [
        EVIDENCE_ORDER.index(content.citations[e].mark)
        for e in content.interventions[placement.activity].evidence
    ]
    modifiability = content.drivers[placement.driver].modifiability
    mark = min(marks, default=len(EVIDENCE_ORDER))
    item = content.interventions[placement.activity]
    return (-level, -modifiability, mark, item.harm, item.cost, placement.activity)


def place(placement: Placement, situation: Situation, draft: Draft) -> None:
    """Put one row into the draft, add its reasons to the row that is there, or say why not."""
    item = situation.content.interventions[placement.activity]
    draft.considered[item.id] = None
    row = draft.of(item.id)
    rules = (placement.rule, *_why(placement, situation))
    if row is not None:
        said = _joined_reasons(
            row,
            placement,
            _reasons(placement, item, situation, draft),
            tells_all=situation.content.tells_all,
        )
        draft.activities[draft.activities.index(row)] = _joined(row, placement, rules, said)
        return
    obstacle = _obstacle(placement, item, situation, draft)
    if obstacle is not None:
        draft.leave_out(item.id, *obstacle)
        return
    if placement.status == DO_NOT:
        draft.prohibited.update(dict.fromkeys(item.prohibits, item.id))
    draft.activities.append(
        Activity(
            item.id,
            placement.stage,
            placement.status,
            tuple(dict.fromkeys(rules)),
            text_of(situation, item.id),
            _reasons(placement, item, situation, draft),
        )
    )


def _reasons(
    placement: Placement, item: Intervention, situation: Situation, draft: Draft
) -> tuple[str, ...]:
    """What is said of a row: when its turn comes, that it is under way, and with what care."""
    return (
        *([placement.trigger] if placement.trigger else ()),
        *_under_way(item, situation),
        *_cautions(item, draft),
    )


def _joined(
    row: Activity, placement: Placement, rules: tuple[str, ...], reasons: tuple[str, ...]
) -> Activity:
    """One row a thing: what is proposed now beats what waited, and what waited for is forgotten."""
    is_sooner = row.status != placement.status and row.status == NEXT_STEP
    return Activity(
        row.id,
        placement.stage if is_sooner else row.stage,
        placement.status if is_sooner else row.status,
        tuple(dict.fromkeys((*row.rules, *rules))),
        row.text,
        reasons,
    )


def _joined_reasons(
    row: Activity, placement: Placement, reasons: tuple[str, ...], *, tells_all: bool
) -> tuple[str, ...]:
    """Of rows that stand alike each reason; else those of the row that stands.

    A content from before 5.0.0 told those of the first row alone, and none of what was proposed
    after it had waited.
    """
    if row.status == placement.status:
        return tuple(dict.fromkeys((*row.reasons, *reasons))) if tells_all else row.reasons
    if row.status == NEXT_STEP:
        return reasons if tells_all else ()
    return row.reasons


def _why(placement: Placement, situation: Situation) -> tuple[str, ...]:
    """The rules of the grade, of the driver's level and of the severity that chose a row."""
    of_mechanism = tuple(
        g.rule for g in situation.grades if g.mechanism == placement.row and g.rule is not None
    )
    of_driver: tuple[str, ...] = ()
    if placement.driver:
        of_driver = tuple(
            g.rule for g in situation.drivers if g.driver == placement.driver and g.rule is not None
        )
    of_severity = (RULES[situation.severity],) if placement.severity else ()
    return (*of_mechanism, *of_driver, *of_severity)


def _obstacle(
    placement: Placement, item: Intervention, situation: Situation, draft: Draft
) -> tuple[str, str] | None:
    """Why this cannot stand in the plan: (status, reason); None when nothing stands against it."""
    if placement.status == DO_NOT:
        return _no_prohibition(placement, situation)
    gate = situation.gate
    for raised in gate.raises(GateLevel.REFER):
        flag = next(f for f in situation.content.flags if f.id == raised.flag)
        if item.id in flag.removes:
            return WITHHELD, f"until the red flag {raised.flag} is cleared ({raised.rules[0]})"
    if item.family in BY_HAND_OR_DRUG and not gate.is_screened:
        return WITHHELD, "the red-flag screen is not complete (B-unscreened)"
    if item.id in draft.prohibited:
        return NOT_INDICATED, f"{draft.prohibited[item.id]} says not to"
    refused = declined(situation).get(item.id)
    if refused is not None and item.catalogue:
        return WITHHELD, f"declined ({refused})"
    stance = against(item.id, placement.row, situation.content, situation.guideline_profile)
    if stance is not None:
        return WITHHELD, f"guideline profile {stance.profile}: {stance.says} [{stance.mark}]"
    return _unsafe(item, situation, draft) or _excluded(placement, situation)


def against(activity: str, row: str, content: Content, profile: str) -> Stance | None:
    """The stance that keeps this out of this row; what is said of the mechanism beats the rest."""
    said = content.stances_on.get((profile, activity), ())
    of_row = [s for s in said if s.mechanism == row] or [s for s in said if s.mechanism == ANY]
    return next((s for s in of_row if s.direction == AGAINST), None)


def _unsafe(item: Intervention, situation: Situation, draft: Draft) -> tuple[str, str] | None:
    """A rule that blocks; for what is done to a body also a rule that cannot be checked."""
    is_open_to_doubt = situation.content.tells_all and item.family not in BY_HAND_OR_DRUG
    order = KNOWN_FIRST if is_open_to_doubt else WORST_FIRST
    found = check(item.id, situation.content, situation.worlds, order)
    draft.safety.update({(f.safety, f.activity): f for f in found})
    stopping = [
        f
        for f in found
        if f.result is SafetyResult.BLOCK
        or (f.result in WITHHOLDS and item.family in BY_HAND_OR_DRUG)
    ]
    if not stopping:
        return None
    stopping.sort(key=lambda f: f.result is not SafetyResult.BLOCK)
    return WITHHELD, "; ".join(_said(f, situation) for f in stopping)


def _said(finding: SafetyFinding, situation: Situation) -> str:
    content = situation.content
    rules = [content.rule_by_id[r] for r in finding.rules]
    if finding.result is SafetyResult.BLOCK:
        return f"{finding.safety}: {', '.join(r.label for r in rules)}"
    missing: dict[str, None] = {}
    for name in missing_inputs(finding, content, situation.worlds):
        about = content.inputs[name]
        missing[LISTS.get(about.listed_in, about.label)] = None
    return f"{finding.safety} cannot be checked without: {', '.join(missing)}"


def missing_inputs(finding: SafetyFinding, content: Content, worlds: Worlds) -> tuple[str, ...]:
    """The inputs that a safety rule needs and that are not known."""
    names: dict[str, None] = {}
    for rule in finding.rules:
        for slot in explain(content.rule_by_id[rule], content, worlds).missing:
            finding_name = content.slot_names[slot].partition("@")[0]
            names[content.findings[finding_name].input] = None
    return tuple(names)


def _cautions(item: Intervention, draft: Draft) -> Iterator[str]:
    for finding in draft.safety.values():
        if finding.activity == item.id and finding.result in (
            SafetyResult.CAUTION,
            SafetyResult.ADJUST,
        ):
            yield f"{finding.result.value} {finding.safety}"


def sources_under_way(activity: str, situation: Situation) -> tuple[str, ...]:
    """The orders on record by which an activity is under way."""
    said = situation.standings.facts.get(UNDER_WAY, ())
    return tuple(dict.fromkeys(fact.source for fact in said if fact.value == activity))


def answers_that_accepted(activity: str, situation: Situation) -> tuple[str, ...]:
    """The plans in the answer to which a clinician accepted it by name.

    A content from before 5.0.0 does not ask for it and decides as it did.
    """
    if ACCEPTED not in situation.content.inputs:
        return ()
    said = situation.standings.facts.get(ACCEPTED, ())
    return tuple(dict.fromkeys(fact.source for fact in said if fact.value == activity))


def _under_way(item: Intervention, situation: Situation) -> Iterator[str]:
    """What is ordered or agreed already is gone on with, not begun a second time (§6.5, 11)."""
    sources = sources_under_way(item.id, situation)
    if sources:
        yield f"already ordered ({', '.join(sources)}): continue or change it, no second order"
    accepted = answers_that_accepted(item.id, situation)
    if accepted:
        yield f"accepted before ({', '.join(accepted)}): go on with it"


def _no_prohibition(placement: Placement, situation: Situation) -> tuple[str, str] | None:
    excluded = _excluded(placement, situation)
    if excluded is not None or placement.activity != NO_IMAGING or _is_imaging_ruled_out(situation):
        return excluded
    return NOT_INDICATED, "a red flag or an unfinished screen may need imaging"


def _is_imaging_ruled_out(situation: Situation) -> bool:
    """No flag, no unfinished screen, no deficit: what lets "no scan" be said (amendment 11)."""
    if situation.gate.level not in (GateLevel.WATCH, GateLevel.CLEAR):
        return False
    saying_no = situation.content.placements_of.get(NO_IMAGING, ())
    return all(_excluded(placement, situation) is None for placement in saying_no)


def _excluded(placement: Placement, situation: Situation) -> tuple[str, str] | None:
    worlds = situation.worlds
    names = situation.content.slot_names
    for slot in placement.unless:
        if worlds.is_true(slot):
            return NOT_INDICATED, f"{names[slot]} holds"
    for slot in placement.unless_open:
        if worlds.is_true(slot) or worlds.is_unknown(slot):
            return WITHHELD, f"{names[slot]} holds or is not known"
    return None


def text_of(situation: Situation, activity: str) -> str:
    """What the patient reads."""
    content = situation.content
    item = content.interventions[activity]
    text = next(
        (content.texts[key] for slot, key in item.texts_when if situation.worlds.is_true(slot)),
        item.text,
    )
    careful = content.texts.get(f"{activity}.refer")
    if careful is not None and not _is_imaging_ruled_out(situation):
        text = careful
    return text.replace(CRISIS, situation.crisis_text)
