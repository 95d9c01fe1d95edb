"""The conditions of a rule and of a finding, in words."""

from app.book.document import Bullets, Text
from app.book.names import Names
from app.knowledge.records import FindingRecord, RuleRecord, TestRecord

EACH = "Each of these holds"
SOME = "At least one of these holds"
NONE = "Each of these is known not to hold"
OPEN = "At least one of these is not known"
AND = "and: "
UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year"}


def of_rule(rule: RuleRecord, names: Names) -> list[tuple[str, Bullets]]:
    """One list for each part of the condition; the parts are joined by "and"."""
    parts = [(EACH, rule.all_of), (SOME, rule.any_of), (NONE, rule.none_of)]
    if rule.at_least is not None:
        parts.append((f"At least {rule.at_least.n} of these hold", rule.at_least.of))
    parts.append((OPEN, rule.open_of))
    told = [(words, operands) for words, operands in parts if operands]
    return [
        (
            words if number == 0 else AND + words[0].lower() + words[1:],
            Bullets(tuple(names.operand(name) for name in operands)),
        )
        for number, (words, operands) in enumerate(told)
    ]


def of_finding(finding: FindingRecord, names: Names) -> Text:
    """``age-years is at least 18``, with windows and author."""
    words = [_test(finding.true_when)]
    if finding.within:
        words.append(f"said within the last {length(finding.within)}")
    if finding.older_than:
        words.append(f"said more than {length(finding.older_than)} ago")
    if finding.said_by:
        words.append(f"said by the {finding.said_by}")
    if finding.earlier:
        words.append("in an answer before the latest one")
    return (*names.link("input", finding.from_), " ", ", ".join(words))


def _test(test: TestRecord) -> str:
    words = []
    if test.is_ is not None:
        words.append("is yes" if test.is_ else "is no")
    if test.any_code:
        words.append(f"is {' or '.join(test.any_code)}")
    for limit, comparison in (
        (test.at_least, "is at least"),
        (test.at_most, "is at most"),
        (test.below, "is below"),
        (test.above, "is above"),
    ):
        if limit is not None:
            words.append(f"{comparison} {limit}")
    return " and ".join(words)


def length(period: str) -> str:
    """``P14D`` is 14 days; empty for no period."""
    if not period:
        return "no time set"
    count, unit = period[1:-1], UNITS[period[-1]]
    return f"{count} {unit}" if count == "1" else f"{count} {unit}s"
