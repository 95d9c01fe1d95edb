"""The trace of a decision: all that is needed to explain it later, as numbers rather than text.

Slots, rules and inputs are positions in the content version that decided; that content is kept
with the decision, so nothing here repeats its words.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NotRequired, TypedDict

from app.domain.content import Content
from app.domain.content_tables import Asked
from app.domain.course import PAIN, Before, Course, score_of
from app.domain.decision import Decision
from app.domain.facts import Bounds, Fact, SaidBy
from app.domain.standing import Standing, Standings
from app.domain.truth import FALSE, TRUE, UNKNOWN, Truth
from app.domain.worlds import Worlds, packed

AS_THEY_ARE = (int, str)
PATIENT, CLINICIAN = SaidBy.PATIENT.value, SaidBy.CLINICIAN.value
_Row = Sequence[object]
_TRUTHS = {truth.letter: truth for truth in Truth}


class Trace(TypedDict):
    """JSON shape of a stored trace (version 2).

    ``slots`` are [slot, letter, fact or -1]; ``asked`` are the questions that are open; ``rules``
    holds a letter for each rule of the content; ``changes`` for each conclusion that some answer
    would change its position and the worlds in which it is true and false (hex; all worlds of the
    content's baseline). Version 1 had worlds of its own for each patient: in place of ``asked`` it
    has ``worlds``, [input, position of the answer].
    """

    v: int
    applicability: str
    gate: str
    mechanism: str
    facts: Sequence[Sequence[object]]
    slots: Sequence[Sequence[object]]
    asked: Sequence[str]
    worlds: NotRequired[Sequence[Sequence[object]]]
    rules: str
    changes: Sequence[Sequence[object]]
    catalogue: Sequence[Sequence[object]]
    questions: Sequence[str]
    lists: Sequence[str]
    considered: Sequence[str]
    drivers: Sequence[Sequence[object]]
    severity: str
    course: dict[str, object]
    pain: str | None
    flags: Sequence[str]
    safety: Sequence[Sequence[object]]
    notUsed: list[Sequence[str]]
    disagreements: Sequence[str]
    previous: NotRequired[str]


def trace_of(decision: Decision, content: Content) -> Trace:
    """Write a decision down."""
    facts, slots = _settled(decision.standings.by_slot)
    worlds = decision.worlds
    values, count, everywhere, letters = worlds.values, worlds.count, worlds.all, worlds.letters
    return {
        "v": 2,
        "applicability": decision.applicability.value,
        "gate": decision.gate.level.value,
        "mechanism": decision.phenotype.mechanism,
        "facts": facts,
        "slots": slots,
        "asked": [one.input for one in worlds.asked],
        "rules": bytes([letters[slot] for slot, _ in content.baseline.steps]).decode(),
        "changes": [
            (slot, f"{values[slot] & everywhere:x}", f"{everywhere & ~(values[slot] >> count):x}")
            for slot in decision.changes
        ],
        "catalogue": [tuple(point) for point in decision.plan.catalogue],
        "questions": decision.open_questions,
        "lists": decision.lists_wanted,
        "considered": decision.plan.considered,
        "drivers": [(g.driver, g.level, g.at_least) for g in decision.drivers],
        "severity": decision.severity.value,
        "course": _course(decision.course),
        "pain": _score(decision),
        "flags": [r.flag for r in decision.gate.raised],
        "safety": [(f.safety, f.activity, f.result.value, f.rules) for f in decision.plan.safety],
        "notUsed": [(n.reference, n.why) for n in decision.not_used],
        "disagreements": decision.disagreements,
    }


def _settled(by_slot: Mapping[int, Standing]) -> tuple[list[_Row], list[_Row]]:
    """The facts that decided something, and every slot with the place of its fact."""
    places: dict[int, int] = {}
    instants: dict[datetime, str] = {}
    facts: list[_Row] = []
    slots: list[_Row] = []
    for slot, (truth, fact) in sorted(by_slot.items()):
        place = places.get(id(fact), -1)
        if place < 0 and fact is not None:
            place = places[id(fact)] = len(facts)
            facts.append(_written(fact, instants))
        slots.append((slot, truth.letter, place))
    return facts, slots


def _course(course: Course) -> dict[str, object]:
    return {
        "started": course.started.isoformat(),
        "scores": {name: str(score) for name, score in course.scores.items()},
        "scored": {name: at.isoformat() for name, at in course.scored.items()},
        "step": course.step,
        "why": course.why,
    }


def _score(decision: Decision) -> str | None:
    score = score_of(decision.standings, PAIN)
    return None if score is None else str(score)


def before_of(decision: str, trace: Trace) -> Before:
    """What the next plan has to know of this one."""
    kept = trace["course"]
    scores, scored = kept["scores"], kept.get("scored", {})
    step = kept["step"]
    assert isinstance(scores, dict)  # noqa: S101  (a trace is written by this module only)
    assert isinstance(scored, dict)  # noqa: S101  (the same)
    return Before(
        decision=decision,
        course=Course(
            started=datetime.fromisoformat(str(kept["started"])),
            scores={str(name): Decimal(str(score)) for name, score in scores.items()},
            step=_int(step),
            why=str(kept["why"]),
            scored={str(name): datetime.fromisoformat(str(at)) for name, at in scored.items()},
        ),
        pain=None if trace["pain"] is None else Decimal(trace["pain"]),
        flags=tuple(trace["flags"]),
    )


def worlds_of(trace: Trace, content: Content) -> Worlds:
    """Read the truths back, for an explanation."""
    asked, count = _asked(trace, content)
    everything = (1 << count) - 1
    truths = {
        TRUE: packed(everything, 0, count),
        FALSE: packed(0, everything, count),
        UNKNOWN: packed(0, 0, count),
    }
    values = [truths[UNKNOWN]] * len(content.slot_names)
    for slot, letter, _ in trace["slots"]:
        values[_int(slot)] = truths[_TRUTHS[str(letter)]]
    for rule, letter in zip(content.plan_rules, trace["rules"], strict=True):
        values[rule.slot] = truths[_TRUTHS[letter]]
    for slot, holds, fails in trace["changes"]:
        values[_int(slot)] = packed(int(str(holds), 16), int(str(fails), 16), count)
    return Worlds.of(values, count, tuple(asked))


def _asked(trace: Trace, content: Content) -> tuple[list[Asked], int]:
    """The open questions, and the number of worlds."""
    if "worlds" not in trace:
        names = frozenset(trace["asked"])
        return [a for a in content.baseline.asked if a.input in names], content.baseline.count
    asked: list[Asked] = []
    count = 1
    for name in dict.fromkeys(str(name) for name, _ in trace["worlds"]):
        answers = content.what_if[name]
        asked.append(Asked.of(name, count, answers))
        count += len(answers)
    return asked, count


def standings_of(trace: Trace, content: Content) -> Standings:
    """Which statements were settled, for asking what else would settle; without the facts."""
    by_slot = {_int(slot): Standing(_TRUTHS[str(letter)]) for slot, letter, _ in trace["slots"]}
    inputs = {
        content.findings[content.slot_names[slot].partition("@")[0]].input for slot in by_slot
    }
    return Standings(by_slot, dict.fromkeys(inputs, ()), (), ())


def facts_by_slot(trace: Trace) -> Mapping[int, Sequence[object]]:
    """The fact, as written, that decided each slot."""
    return {_int(slot): trace["facts"][_int(at)] for slot, _, at in trace["slots"] if _int(at) >= 0}


def _written(fact: Fact, instants: dict[datetime, str]) -> _Row:
    """``instants`` are those written before: many facts are of one."""
    value, at = fact.value, instants.get(fact.at)
    if at is None:
        at = instants[fact.at] = fact.at.isoformat().replace("+00:00", "Z")
    if isinstance(value, AS_THEY_ARE):
        plain: object = value
    elif isinstance(value, Bounds):
        plain = [str(value.low), str(value.high)]
    else:
        plain = str(value)
    by = PATIENT if fact.said_by is SaidBy.PATIENT else CLINICIAN
    return fact.input, plain, fact.source, at, by


def _int(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101  (a trace is written by this module only)
    return value
