"""A DetectedIssue for each safety rule that blocks, adjusts or asks for care (contract §3)."""

from collections.abc import Iterator

from app.domain.content import Content
from app.domain.decision import Decision
from app.domain.explanation import explain
from app.domain.frame import Frame
from app.domain.safety import TOLD
from app.domain.safety_types import SafetyFinding, SafetyResult
from app.fhir.canon import CANON
from app.fhir.writing.elements import DEVICE, Json, identifier, meta, output_id, patient, profile

RULE = f"{CANON}/CodeSystem/rule"
SEVERITY = {
    SafetyResult.BLOCK: "high",
    SafetyResult.ADJUST: "moderate",
    SafetyResult.CAUTION: "moderate",
}


def detected_issues(decision: Decision, content: Content, frame: Frame, at: str) -> Iterator[Json]:
    """In the order in which the plan met them."""
    for finding in decision.plan.safety:
        if finding.result in TOLD:
            yield _issue(finding, decision, content, frame, at)


def _issue(
    finding: SafetyFinding, decision: Decision, content: Content, frame: Frame, at: str
) -> Json:
    rules = [content.rule_by_id[rule] for rule in finding.rules]
    label = content.rule_by_id[finding.safety].label
    issue: Json = {
        "resourceType": "DetectedIssue",
        "id": output_id(frame, f"DetectedIssue/{finding.safety} {finding.activity}"),
        "meta": meta(profile("painplan-safety-finding")),
        "identifier": identifier(frame),
        "status": "final",
        "code": {
            "coding": [{"system": RULE, "code": finding.safety, "display": label}],
            "text": label,
        },
        "severity": SEVERITY[finding.result],
        "patient": patient(frame),
        "identifiedDateTime": at,
        "author": DEVICE,
    }
    sources = dict.fromkeys(
        standing.fact.source
        for rule in rules
        for slot in explain(rule, content, decision.worlds).used
        if (standing := decision.standings.by_slot.get(slot)) and standing.fact
    )
    references = [{"reference": s} for s in sources if _is_reference(s)]
    if references:
        issue["evidence"] = [{"detail": references}]
    issue["detail"] = _told(finding, content)
    if finding.result is SafetyResult.BLOCK:
        issue["mitigation"] = [{"action": {"text": f"{finding.activity} is not in the plan."}}]
    return issue


def _told(finding: SafetyFinding, content: Content) -> str:
    about = f" for {content.interventions[finding.activity].label}" if finding.activity else ""
    rules = [content.rule_by_id[rule] for rule in finding.rules]
    said = " ".join(f"{rule.label}. {rule.why}" for rule in rules)
    return f"{finding.result.value.capitalize()}{about}: {said}"


def _is_reference(source: str) -> bool:
    """A resource that came in, not a remark such as "Condition (complete list)"."""
    return "/" in source and " " not in source
