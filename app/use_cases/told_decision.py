"""A decision as it is told (contract §3): what it says, by which rules, from which facts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

import orjson

from app.domain.content import Content
from app.domain.expertise import Expertise
from app.domain.explanation import explain
from app.domain.history import DecisionRecord
from app.domain.plan_types import WITHHELD
from app.domain.questions import questions
from app.domain.response import Answered, acceptances, refusals
from app.domain.trace import Trace, facts_by_slot, standings_of, worlds_of
from app.domain.unlocking import unlocking
from app.domain.worlds import Worlds, evaluate
from app.use_cases.kept_review import review_of
from app.use_cases.responses import KIND as RESPOND
from app.use_cases.responses import response_of
from app.use_cases.review_records import KIND as REVIEW

Json = dict[str, object]


def summary(record: DecisionRecord) -> Json:
    """A line of a patient's list of decisions: what was concluded, and what came of it."""
    return {
        "id": record.id,
        "kind": record.kind,
        "asOf": _instant(record.as_of),
        **_conclusion(record),
        "outputs": _references(record.outputs),
    }


def _conclusion(record: DecisionRecord) -> Json:
    if record.kind == RESPOND:
        return {"outcome": response_of(record).outcome.value}
    if record.kind == REVIEW:
        told = review_of(record.trace)
        return {"hook": told.hook, "cards": [advice.rule for advice in told.shown]}
    trace = cast("Trace", orjson.loads(record.trace))
    return {"gate": trace["gate"], "mechanism": trace["mechanism"]}


def _references(versions: bytes) -> list[str]:
    return [f"{t}/{i}/_history/{v}" for t, i, v, *_ in orjson.loads(versions)]


def _inputs_of(record: DecisionRecord) -> list[Json]:
    return [
        {"reference": f"{t}/{i}/_history/{v}", "digest": f"sha256:{digest}"}
        for t, i, v, digest in orjson.loads(record.inputs)
    ]


def answer_told(record: DecisionRecord) -> Json:
    """A clinician's answer: what was said, to which version, and what became of every plan."""
    response = response_of(record)
    outputs = _references(record.outputs)
    return {
        "id": record.id,
        "kind": record.kind,
        "patient": f"Patient/{record.patient}",
        "asOf": _instant(record.as_of),
        "knowledge": {
            "version": orjson.loads(record.parameters)["knowledgeVersion"],
            "digest": record.knowledge,
        },
        "engine": record.engine,
        "plan": outputs[0],
        "outcome": response.outcome.value,
        "activities": [
            {"id": a.activity, "outcome": a.outcome.value, "reason": a.reason.words or None}
            for a in response.activities
        ],
        "practitioner": response.practitioner,
        "note": response.note or None,
        "inputs": _inputs_of(record),
        "outputs": outputs,
        "changes": [
            {"plan": f"CarePlan/{plan}", "from": before, "to": after}
            for plan, before, after in orjson.loads(record.trace)["changes"]
        ],
    }


def answer_read(answered: Answered) -> Json:
    """An answer that a derivation knew of."""
    return {
        "decision": answered.decision,
        "plan": f"CarePlan/{answered.plan}/_history/{answered.version}",
        "at": _instant(answered.at),
        "outcome": answered.response.outcome.value,
        "declined": [fact.value for fact in refusals((answered,))],
        "accepted": [fact.value for fact in acceptances((answered,))],
    }


def plan_told(record: DecisionRecord, expertise: Expertise) -> Json:
    """A derivation with its reasons, in the words of the content that made it."""
    content = expertise.content
    trace = cast("Trace", orjson.loads(record.trace))
    worlds = worlds_of(trace, content)
    parameters = orjson.loads(record.parameters)
    versions = {f"{t}/{i}": f"{t}/{i}/_history/{v}" for t, i, v, _ in orjson.loads(record.inputs)}
    return {
        "id": record.id,
        "kind": record.kind,
        "patient": f"Patient/{record.patient}",
        "asOf": _instant(record.as_of),
        "guidelineProfile": parameters["guidelineProfile"],
        "knowledge": {"version": content.version, "digest": record.knowledge},
        "engine": record.engine,
        "applicability": trace["applicability"],
        "gate": trace["gate"],
        "mechanism": trace["mechanism"],
        "drivers": [
            {"id": name, "level": level, "atLeast": at_least}
            for name, level, at_least in trace["drivers"]
        ],
        "severity": trace["severity"],
        "care": {name: trace["course"][name] for name in ("started", "step", "why")},
        "safety": [
            {"id": safety, "activity": activity, "result": result, "rules": rules}
            for safety, activity, result, rules in trace["safety"]
        ],
        "inputs": _inputs_of(record),
        "outputs": _references(record.outputs),
        "rules": _rules(trace, content, worlds, versions),
        "interventions": [
            {"id": i, "status": status, "reasons": reasons}
            for i, status, reasons in trace["catalogue"]
        ],
        "questions": _questions(content, worlds, trace["considered"]),
        "lists": trace["lists"],
        "unlocks": _unlocks(trace, content),
        "disagreements": trace["disagreements"],
        "notUsed": [{"reference": r, "why": why} for r, why in trace["notUsed"]],
    }


def _rules(
    trace: Trace, content: Content, worlds: Worlds, versions: Mapping[str, str]
) -> list[Json]:
    facts = facts_by_slot(trace)
    rendered: list[Json] = []
    for rule in content.plan_rules:
        why = explain(rule, content, worlds)
        used = (
            {
                **_fact(content.slot_names[slot], facts[slot], worlds.truth(slot).value, versions),
                **_membership(str(facts[slot][0]), content),
            }
            for slot in why.used
            if slot in facts
        )
        rendered.append(
            {
                "id": rule.id,
                "value": worlds.truth(rule.slot).value,
                "label": rule.label,
                "status": rule.status,
                "facts": list(used),
                "missing": list(
                    dict.fromkeys(_plain(content.slot_names[slot]) for slot in why.missing)
                ),
                "evidence": list(rule.evidence),
            }
        )
    return rendered


def _membership(input_: str, content: Content) -> Json:
    """Of a class of medicines, the mark of how we know its members (``R``: recalled)."""
    known = content.inputs.get(input_)
    return {"classMembers": known.members} if known is not None and known.members else {}


def _fact(slot_name: str, fact: Sequence[object], truth: str, versions: Mapping[str, str]) -> Json:
    input_, value, source, at, said_by = fact
    return {
        "finding": _plain(slot_name),
        "holds": truth,
        "input": input_,
        "value": value,
        "source": versions.get(str(source), source),
        "at": at,
        "saidBy": said_by,
    }


def _plain(slot_name: str) -> str:
    """A finding's name without the flag in whose rules it was read."""
    return slot_name.partition("@")[0]


def _questions(content: Content, worlds: Worlds, considered: Sequence[str]) -> list[Json]:
    return [
        {
            "finding": question.input,
            "ask": content.inputs[question.input].ask,
            "could": [
                {
                    "answer": answer.answer,
                    "changes": [
                        f"{c.rule} {c.now.value} -> {c.then.value}" for c in answer.changes
                    ],
                }
                for answer in question.answers
            ],
        }
        for question in questions(content, worlds, considered)
    ]


def _unlocks(trace: Trace, content: Content) -> list[Json]:
    """What would make a withheld option possible: one answer, or two together."""
    standings = standings_of(trace, content)
    kept = {id_ for id_, status, _ in trace["catalogue"] if status == WITHHELD}
    withheld = [activity for activity in trace["considered"] if activity in kept]
    found = unlocking(content, standings, evaluate(content, standings), withheld)
    return [
        {
            "activity": one.activity,
            "answers": [{"finding": name, "answer": answer} for name, answer in one.answers],
        }
        for one in found
    ]


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
