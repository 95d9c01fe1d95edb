"""The trace of a decision: all that is needed to explain it later, as numbers rather than text.

Slots, rules and inputs are positions in the content version that decided; that content is kept
with the decision, so nothing here repeats its words.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NotRequired, TypedDict

from app.domain.content import Content, Rule
from app.domain.course import PAIN, Before, Course, score_of
from app.domain.decision import Decision
from app.domain.facts import Bounds, Fact
from app.domain.standing import Standing, Standings
from app.domain.truth import Truth
from app.domain.worlds import HERE, World, Worlds

_LETTERS = {Truth.TRUE: "T", Truth.FALSE: "F", Truth.UNKNOWN: "U"}
_TRUTHS = {letter: truth for truth, letter in _LETTERS.items()}


class Trace(TypedDict):
    """JSON shape of a stored trace (version 1).

    ``slots`` are [slot, letter, fact or -1]; ``worlds`` are [input, position of the answer];
    ``rules`` holds a letter for each rule of the content; ``changes`` for each conclusion that
    some answer would change its position and the worlds in which it is true and false (hex).
    """

    v: int
    applicability: str
    gate: str
    mechanism: str
    facts: list[list[object]]
    slots: list[list[object]]
    worlds: list[list[object]]
    rules: str
    changes: list[list[object]]
    catalogue: list[list[object]]
    questions: list[str]
    lists: list[str]
    considered: list[str]
    drivers: list[list[object]]
    severity: str
    course: dict[str, object]
    pain: str | None
    flags: list[str]
    safety: list[list[object]]
    notUsed: list[list[str]]
    disagreements: list[str]
    previous: NotRequired[str]


def trace_of(decision: Decision, content: Content) -> Trace:
    """Write a decision down."""
    positions: dict[int, int] = {}
    facts: list[list[object]] = []
    slots: list[list[object]] = []
    for slot, standing in sorted(decision.standings.by_slot.items()):
        at = -1
        if standing.fact is not None:
            at = positions.setdefault(id(standing.fact), len(facts))
            if at == len(facts):
                facts.append(_written(standing.fact))
        slots.append([slot, _LETTERS[standing.truth], at])
    worlds = decision.worlds
    return {
        "v": 1,
        "applicability": decision.applicability.value,
        "gate": decision.gate.level.value,
        "mechanism": decision.phenotype.mechanism,
        "facts": facts,
        "slots": slots,
        "worlds": [[w.input, w.position] for w in worlds.others],
        "rules": _letters(worlds, content),
        "changes": [
            [r.slot, f"{worlds.true[r.slot]:x}", f"{worlds.false[r.slot]:x}"]
            for r in _told(decision, content)
            if worlds.changed(r.slot)
        ],
        "catalogue": [[p.id, p.status, list(p.reasons)] for p in decision.plan.catalogue],
        "questions": list(decision.open_questions),
        "lists": list(decision.lists_wanted),
        "considered": list(decision.plan.considered),
        "drivers": [[g.driver, g.level, g.at_least] for g in decision.drivers],
        "severity": decision.severity.value,
        "course": _course(decision.course),
        "pain": _score(decision),
        "flags": [r.flag for r in decision.gate.raised],
        "safety": [
            [f.safety, f.activity, f.result.value, list(f.rules)] for f in decision.plan.safety
        ],
        "notUsed": [[n.reference, n.why] for n in decision.not_used],
        "disagreements": list(decision.disagreements),
    }


def _told(decision: Decision, content: Content) -> Iterator[Rule]:
    """Whose change is worth a question: every conclusion, and the safety of what was considered."""
    yield from content.conclusions
    for name in decision.plan.considered:
        for _, rules in content.safety_rules.get(name, ()):
            yield from rules


def _course(course: Course) -> dict[str, object]:
    return {
        "started": course.started.isoformat(),
        "scores": {name: str(score) for name, score in course.scores.items()},
        "step": course.step,
        "why": course.why,
    }


def _score(decision: Decision) -> str | None:
    score = score_of(decision.standings, PAIN)
    return None if score is None else str(score)


def before_of(decision: str, trace: Trace) -> Before:
    """What the next plan has to know of this one."""
    kept = trace["course"]
    scores = kept["scores"]
    step = kept["step"]
    assert isinstance(scores, dict)  # noqa: S101  (a trace is written by this module only)
    return Before(
        decision=decision,
        course=Course(
            started=datetime.fromisoformat(str(kept["started"])),
            scores={str(name): Decimal(str(score)) for name, score in scores.items()},
            step=_int(step),
            why=str(kept["why"]),
        ),
        pain=None if trace["pain"] is None else Decimal(trace["pain"]),
        flags=tuple(trace["flags"]),
    )


def worlds_of(trace: Trace, content: Content) -> Worlds:
    """Read the truths back, for an explanation."""
    others = tuple(
        World(str(name), content.what_if[str(name)][_int(at)], 1 << (number + 1), _int(at))
        for number, (name, at) in enumerate(trace["worlds"])
    )
    everything = (1 << (len(others) + 1)) - 1
    count = len(content.slot_names)
    true, false = [0] * count, [0] * count
    for slot, letter, _ in trace["slots"]:
        match _TRUTHS[str(letter)]:
            case Truth.TRUE:
                true[_int(slot)] = everything
            case Truth.FALSE:
                false[_int(slot)] = everything
            case Truth.UNKNOWN:
                pass
    for rule, letter in zip(content.plan_rules, trace["rules"], strict=True):
        match _TRUTHS[letter]:
            case Truth.TRUE:
                true[rule.slot] = everything
            case Truth.FALSE:
                false[rule.slot] = everything
            case Truth.UNKNOWN:
                pass
    for slot, holds, fails in trace["changes"]:
        true[_int(slot)], false[_int(slot)] = int(str(holds), 16), int(str(fails), 16)
    return Worlds(true, false, everything, others)


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


def _letters(worlds: Worlds, content: Content) -> str:
    true, false = worlds.true, worlds.false
    letters = [
        "T" if true[rule.slot] & HERE else "F" if false[rule.slot] & HERE else "U"
        for rule in content.plan_rules
    ]
    return "".join(letters)


def _written(fact: Fact) -> list[object]:
    value = fact.value
    if isinstance(value, Bounds):
        plain: object = [str(value.low), str(value.high)]
    elif isinstance(value, bool | int | str):
        plain = value
    else:
        plain = str(value)
    return [fact.input, plain, fact.source, _instant(fact), fact.said_by.value]


def _instant(fact: Fact) -> str:
    return fact.at.isoformat().replace("+00:00", "Z")


def _int(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101  (a trace is written by this module only)
    return value
