"""How often each rule spoke, and what became of it, by month: for whoever governs the alerts."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from app.use_cases.ports import History

ACCEPTED, OVERRIDDEN = "accepted", "overridden"
# A rule that is overridden more often than this is due to be retired (interventions.md §3.2), once
# enough cards were answered to tell: one override of one card is no rate (our judgement).
RETIRED_ABOVE, ANSWERS_AT_LEAST = 0.9, 20


@dataclass(slots=True)
class RuleMonth:
    """One rule in one month (``2026-11``); ``reasons`` count overrides by ``system|code``."""

    rule: str
    month: str
    shown: int = 0
    accepted: int = 0
    overridden: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


class RuleTotal(NamedTuple):
    """One rule over all months. What nobody answered is neither accepted nor overridden."""

    rule: str
    shown: int
    accepted: int
    overridden: int

    @property
    def override_rate(self) -> float | None:
        """The share of answered cards that were overridden; None while none was answered."""
        answered = self.accepted + self.overridden
        return round(self.overridden / answered, 3) if answered else None

    @property
    def is_due_to_retire(self) -> bool:
        """For whoever signs the content: retiring is a change of it, never done behind a report.

        A critical card of a retired rule is shown all the same (``amendments.md`` 13).
        """
        answered = self.accepted + self.overridden
        return answered >= ANSWERS_AT_LEAST and self.overridden > RETIRED_ABOVE * answered


class AlertReport(NamedTuple):
    """``unknown`` counts cards in feedback that this service never showed."""

    rows: tuple[RuleMonth, ...]
    unknown: int

    def totals(self) -> tuple[RuleTotal, ...]:
        """Each rule once, by its id."""
        by_rule: defaultdict[str, list[RuleMonth]] = defaultdict(list)
        for row in self.rows:
            by_rule[row.rule].append(row)
        return tuple(
            RuleTotal(
                rule,
                sum(row.shown for row in rows),
                sum(row.accepted for row in rows),
                sum(row.overridden for row in rows),
            )
            for rule, rows in sorted(by_rule.items())
        )


@dataclass(frozen=True, slots=True)
class ReportAlerts:
    """The use case with the part it needs."""

    history: History

    async def __call__(self, tenant: str) -> AlertReport:
        """Newest month first, then by rule."""
        rows: dict[tuple[str, str], RuleMonth] = {}
        for shown in await self.history.shown_counts(tenant):
            rows[(shown.month, shown.rule)] = RuleMonth(shown.rule, shown.month, shown.count)
        unknown = 0
        totals: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        for told in await self.history.outcome_counts(tenant):
            if not told.rule:
                unknown += told.count
                continue
            key = (told.month, told.rule)
            row = rows.setdefault(key, RuleMonth(told.rule, told.month))
            totals[(*key, told.outcome)] += told.count
            if told.outcome == OVERRIDDEN and told.reason:
                row.reasons[told.reason] = told.count
        for (month, rule), row in rows.items():
            row.accepted = totals[(month, rule, ACCEPTED)]
            row.overridden = totals[(month, rule, OVERRIDDEN)]
        ordered = sorted(rows.values(), key=lambda row: row.rule)
        ordered.sort(key=lambda row: row.month, reverse=True)
        return AlertReport(tuple(ordered), unknown)
