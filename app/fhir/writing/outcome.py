"""Problems as an OperationOutcome: severity, IssueType, what and how to mend it, where."""

from collections.abc import Sequence
from typing import Any

import orjson

from app.domain.problem import Problem

TOLD_AT_MOST = 100


def told(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The first hundred, and one more that says how many more there were."""
    more = len(problems) - TOLD_AT_MOST
    if more <= 0:
        return tuple(problems)
    where = problems[0].where.partition(".")[0]
    rest = Problem(
        f"Only the first {TOLD_AT_MOST} problems are listed; {more} more were found.",
        where=where,
        mend="Mend these and send it again.",
        code="processing",
    )
    return (*problems[:TOLD_AT_MOST], rest)


def operation_outcome(problems: Sequence[Problem], severity: str = "error") -> bytes:
    """One issue a problem; an OperationOutcome always has at least one."""
    return orjson.dumps(outcome(problems, severity))


def outcome(problems: Sequence[Problem], severity: str = "error") -> dict[str, Any]:
    """The same as an object, to stand inside a Bundle."""
    issues = [_issue(problem, severity) for problem in problems]
    return {
        "resourceType": "OperationOutcome",
        "issue": issues or [{"severity": "information", "code": "informational"}],
    }


def verdict(problems: Sequence[Problem], unchecked: Sequence[Problem]) -> bytes:
    """What validation found, or that it found nothing; as warnings, what it did not look at."""
    found = outcome(told(problems))
    if not problems:
        fine = Problem("No problem was found.", code="informational")
        found = outcome((fine,), "information")
    warned = [_issue(problem, "warning") for problem in told(unchecked)]
    return orjson.dumps({**found, "issue": [*found["issue"], *warned]})


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
