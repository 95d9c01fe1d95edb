"""Problems as an OperationOutcome: severity, IssueType, what and how to mend it, where."""

from collections.abc import Sequence

import orjson

from app.domain.problem import Problem


def operation_outcome(problems: Sequence[Problem], severity: str = "error") -> bytes:
    """One issue a problem; an OperationOutcome always has at least one."""
    return orjson.dumps(outcome(problems, severity))


def outcome(problems: Sequence[Problem], severity: str = "error") -> dict[str, object]:
    """The same as an object, to stand inside a Bundle."""
    issues = [_issue(problem, severity) for problem in problems]
    return {
        "resourceType": "OperationOutcome",
        "issue": issues or [{"severity": "information", "code": "informational"}],
    }


def _issue(problem: Problem, severity: str) -> dict[str, object]:
    text = f"{problem.what} {problem.mend}".strip()
    issue: dict[str, object] = {
        "severity": severity,
        "code": problem.code,
        "details": {"text": text},
    }
    if problem.where:
        issue["expression"] = [problem.where]
    return issue
