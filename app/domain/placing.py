"""Placing the rows of a plan: which rows are meant for this person, and what stands against one."""

from collections.abc import Iterator, Sequence

from app.domain.applicability import OUT_OF_SCOPE, Applicability
from app.domain.content import Content
from app.domain.content_parts import Input, Intervention, Placement, Stance
from app.domain.content_tables import PlacementTable
from app.domain.course import MAINTAIN, SECOND
from app.domain.doubt import Unsettled
from app.domain.explanation import explain
from app.domain.facts import Fact
from app.domain.gate import Gate, GateLevel
from app.domain.plan_types import (
    DO_NOT,
    NEXT_STEP,
    NOT_INDICATED,
    WITHHELD,
    Activity,
    Draft,
    Situation,
)
from app.domain.safety import KNOWN_FIRST, WITHHOLDS, WORST_FIRST, check
from app.domain.safety_types import SafetyFinding, SafetyResult
from app.domain.severity import RULES, Severity
from app.domain.standing import Standings
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
ENTRIES = {
    "Condition": "a known code for each problem",
    "MedicationRequest": "what each medicine is",
    "AllergyIntolerance": "what each allergy is to",
}
BLOCK = SafetyResult.BLOCK
CARE = frozenset({SafetyResult.CAUTION, SafetyResult.ADJUST})
ANY, AGAINST = "any", "against"


def declined(standings: Standings, content: Content) -> dict[str, str]:
    """What the person does not want: activity id, and where it was said.

    The latest word counts: an acceptance by name takes an earlier refusal back (contract §3).
    """
    said = standings.facts.get(DECLINED, ())
    agreed = standings.facts.get(ACCEPTED, ()) if ACCEPTED in content.inputs else ()
    since = {str(fact.value): fact.at for fact in agreed}  # facts stand in the order of time
    return {
        activity: fact.source
        for fact in said
        if (activity := str(fact.value)) not in since or fact.at >= since[activity]
    }


def under_way(standings: Standings, content: Content) -> dict[str, tuple[str, ...]]:
    """The activities that are under way, and the orders or medicines by which they are."""
    ordered = _by_activity(standings.facts.get(UNDER_WAY, ()))
    taken = {
        item.id: sources
        for item in content.interventions.values()
        if item.taken_as and (sources := _taken(item, standings))
    }
    return {**taken, **ordered}


def _taken(item: Intervention, standings: Standings) -> tuple[str, ...]:
    """Where a medicine of this kind stands that is taken already."""
    said = (fact for name in item.taken_as for fact in standings.facts.get(name, ()))
    return tuple(dict.fromkeys(fact.source for fact in said if fact.value is True))


def accepted(standings: Standings, content: Content) -> dict[str, tuple[str, ...]]:
    """The activities that a clinician accepted by name, and the plans in the answer to which.

    A content from before 5.0.0 does not ask for it and decides as it did.
    """
    if ACCEPTED not in content.inputs:
        return {}
    return _by_activity(standings.facts.get(ACCEPTED, ()))


def _by_activity(said: Sequence[Fact]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for fact in said:
        activity = str(fact.value)
        found[activity] = tuple(dict.fromkeys((*found.get(activity, ()), fact.source)))
    return found


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


def candidates(situation: Situation) -> Iterator[PlacementTable]:
    """The placements that are meant for this person, in the order in which they are placed."""
    meant, holding = rows(situation), situation.worlds.holding
    chosen = situation.content.tables.rows[column(situation), situation.course.step]
    for rows_of in (chosen.prohibitions, chosen.others):
        for table in rows_of:
            if table.placement.row in meant and table.when & holding == table.when:
                yield table
    levels = {g.driver: g.at_least for g in situation.drivers}
    led = [
        (-levels[table.placement.driver], table.turn, place, table)
        for place, table in enumerate(chosen.of_drivers)
        if levels[table.placement.driver] >= table.from_level
        and table.placement.row in meant
        and table.when & holding == table.when
    ]
    # By driver severity, modifiability, evidence mark (§6.4); then harm, cost (§6.5, 13), id.
    led.sort()
    yield from (table for *_, table in led)


def place(table: PlacementTable, situation: Situation, draft: Draft) -> None:
    """Put one row into the draft, add its reasons to the row that is there, or say why not."""
    placement = table.placement
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
    obstacle = _obstacle(table, item, situation, draft)
    if obstacle is not None:
        draft.leave_out(item.id, *obstacle)
        return
    if item.prohibits and placement.status == DO_NOT:
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


def _why(placement: Placement, situation: Situation) -> list[str]:
    """The rules of the grade, of the driver's level and of the severity that chose a row."""
    why = [g.rule for g in situation.grades if g.mechanism == placement.row and g.rule is not None]
    if placement.driver:
        of_driver = (g.rule for g in situation.drivers if g.driver == placement.driver)
        why += [rule for rule in of_driver if rule is not None]
    if placement.severity:
        why.append(RULES[situation.severity])
    return why


def removed_by_flags(content: Content, gate: Gate) -> dict[str, tuple[str, str]]:
    """What has to wait until a flag that asks for a referral is cleared: the flag and its rule."""
    found: dict[str, tuple[str, str]] = {}
    for raised in gate.raises(GateLevel.REFER):
        flag = next(f for f in content.flags if f.id == raised.flag)
        for activity in flag.removes:
            found.setdefault(activity, (raised.flag, raised.rules[0]))
    return found


def _obstacle(
    table: PlacementTable, item: Intervention, situation: Situation, draft: Draft
) -> tuple[str, str] | None:
    """Why this cannot stand in the plan: (status, reason); None when nothing stands against it."""
    placement = table.placement
    if placement.status == DO_NOT:
        return _no_prohibition(table, situation)
    if item.id in draft.removed:
        flag, rule = draft.removed[item.id]
        return WITHHELD, f"until the red flag {flag} is cleared ({rule})"
    if item.family in BY_HAND_OR_DRUG and not situation.gate.is_screened:
        return WITHHELD, "the red-flag screen is not complete (B-unscreened)"
    if item.id in draft.prohibited:
        return NOT_INDICATED, f"{draft.prohibited[item.id]} says not to"
    refused = situation.declined.get(item.id)
    if refused is not None and item.catalogue:
        return WITHHELD, f"declined ({refused})"
    stance = against(item.id, placement.row, situation.content, situation.guideline_profile)
    if stance is not None:
        return WITHHELD, f"guideline profile {stance.profile}: {stance.says} [{stance.mark}]"
    return _unsafe(item, situation, draft) or _excluded(table, situation)


def against(activity: str, row: str, content: Content, profile: str) -> Stance | None:
    """The stance that keeps this out of this row; what is said of the mechanism beats the rest."""
    said = content.stances_on.get((profile, activity))
    if said is None:
        return None
    of_row = [s for s in said if s.mechanism == row] or [s for s in said if s.mechanism == ANY]
    return next((s for s in of_row if s.direction == AGAINST), None)


def _unsafe(item: Intervention, situation: Situation, draft: Draft) -> tuple[str, str] | None:
    """A rule that blocks; for what is done to a body also a rule that cannot be checked."""
    is_open_to_doubt = situation.content.tells_all and item.family not in BY_HAND_OR_DRUG
    order = KNOWN_FIRST if is_open_to_doubt else WORST_FIRST
    found = check(item.id, situation.content, situation.worlds, order)
    if not found:
        return None
    draft.safety[item.id] = found
    stopping = [
        f
        for f in found
        if f.result is BLOCK or (f.result in WITHHOLDS and item.family in BY_HAND_OR_DRUG)
    ]
    if not stopping:
        return None
    stopping.sort(key=lambda f: f.result is not BLOCK)
    return WITHHELD, "; ".join(_said(f, situation) for f in stopping)


def _said(finding: SafetyFinding, situation: Situation) -> str:
    content = situation.content
    rules = [content.rule_by_id[r] for r in finding.rules]
    if finding.result is BLOCK:
        return f"{finding.safety}: {', '.join(r.label for r in rules)}"
    missing: dict[str, None] = {}
    for name in missing_inputs(finding, content, situation.worlds):
        missing[settles(content.inputs[name], situation.unsettled)] = None
    return f"{finding.safety} cannot be checked without: {', '.join(missing)}"


def settles(about: Input, unsettled: Unsettled) -> str:
    """What to obtain for an input that is not known; a list that is complete is not asked for."""
    list_ = about.listed_in
    if list_ not in LISTS:
        # The label of a choice is the list of its codes.
        return about.short if about.choices and about.short else about.label
    if list_ not in unsettled.complete:
        return LISTS[list_]
    if about.name in unsettled.inputs:
        return f"{about.label} ({unsettled.inputs[about.name]} leaves it open)"
    if about.only_if_understood and list_ in unsettled.lists:
        return f"{ENTRIES[list_]} ({unsettled.lists[list_]} is not understood)"
    return about.label


def missing_inputs(finding: SafetyFinding, content: Content, worlds: Worlds) -> tuple[str, ...]:
    """The inputs that a safety rule needs and that are not known."""
    names: dict[str, None] = {}
    for rule in finding.rules:
        for slot in explain(content.rule_by_id[rule], content, worlds).missing:
            finding_name = content.slot_names[slot].partition("@")[0]
            names[content.findings[finding_name].input] = None
    return tuple(names)


def _cautions(item: Intervention, draft: Draft) -> list[str]:
    return [
        f"{finding.result.value} {finding.safety}"
        for finding in draft.safety.get(item.id, ())
        if finding.result in CARE
    ]


def _under_way(item: Intervention, situation: Situation) -> Iterator[str]:
    """What is ordered or agreed already is gone on with, not begun a second time (§6.5, 11)."""
    sources = situation.under_way.get(item.id)
    if sources is not None:
        before, again = ("taken", "one") if item.taken_as else ("ordered", "order")
        yield f"already {before} ({', '.join(sources)}): continue or change it, no second {again}"
    accepted = situation.accepted.get(item.id)
    if accepted is not None:
        yield f"accepted before ({', '.join(accepted)}): go on with it"


def _no_prohibition(table: PlacementTable, situation: Situation) -> tuple[str, str] | None:
    placement = table.placement
    excluded = _excluded(table, situation) or _gives_way(placement, situation)
    if excluded is not None or placement.activity != NO_IMAGING or situation.is_imaging_ruled_out:
        return excluded
    return NOT_INDICATED, "a red flag or an unfinished screen may need imaging"


def _gives_way(placement: Placement, situation: Situation) -> tuple[str, str] | None:
    """To another activity, unless the profile advises against that one."""
    content, other = situation.content, placement.gives_way_to
    slot = next((s for s in placement.gives_way_when if situation.worlds.is_true(s)), None)
    if slot is None or against(other, ANY, content, situation.guideline_profile) is not None:
        return None
    return NOT_INDICATED, f"{content.slot_names[slot]} holds"


def is_imaging_ruled_out(content: Content, gate: Gate, worlds: Worlds) -> bool:
    """No flag, no unfinished screen, no deficit: what lets "no scan" be said (amendment 11)."""
    if gate.level not in (GateLevel.WATCH, GateLevel.CLEAR):
        return False
    saying_no = content.tables.placements_of.get(NO_IMAGING, ())
    return not any(_is_excluded(table, worlds) for table in saying_no)


def _is_excluded(table: PlacementTable, worlds: Worlds) -> bool:
    possible = worlds.holding | worlds.open
    return bool(table.unless & worlds.holding or table.unless_open & possible)


def _excluded(table: PlacementTable, situation: Situation) -> tuple[str, str] | None:
    worlds, placement = situation.worlds, table.placement
    if not _is_excluded(table, worlds):
        return None
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
    text = item.text
    for slot, key in item.texts_when:
        if situation.worlds.is_true(slot):
            text = content.texts[key]
            break
    careful = content.texts.get(f"{activity}.refer")
    if careful is not None and not situation.is_imaging_ruled_out:
        text = careful
    return text.replace(CRISIS, situation.crisis_text)
