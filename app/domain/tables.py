"""What the content says, turned to where it is asked for: worked out once, when it is loaded.

Nothing here depends on a patient, and nothing is said here that the content does not say. Slots
that are asked for together become one integer, bit n for slot n (``worlds.py``).
"""

from collections.abc import Iterable
from dataclasses import replace

from app.domain.content import Content, DriverTable, Tables
from app.domain.stakes import subjects_of
from app.domain.worlds import baseline


def laid_out(content: Content) -> Content:
    """The content with its baselines and tables: the last step of compiling it."""
    return replace(
        content,
        baseline=baseline(content, content.plan_rules),
        baseline_of_orders=baseline(content, content.rules),
        tables=_tables(content),
    )


def _tables(content: Content) -> Tables:
    return Tables(
        subjects=subjects_of(content.rules, content.driver_by_rule),
        conclusions=tuple(rule.slot for rule in content.conclusions),
        drivers=_drivers(content),
        gate=bits(rule.slot for rule in content.gate_rules),
        screens={flag: bits(slots) for flag, slots in content.screens.items()},
    )


def bits(slots: Iterable[int]) -> int:
    """The slots as one integer."""
    found = 0
    for slot in slots:
        found |= 1 << slot
    return found


def _drivers(content: Content) -> dict[str, DriverTable]:
    return {
        name: DriverTable(
            levels=tuple((level, content.rule_by_id[r].slot, r) for level, r in driver.levels),
            measures=tuple(bits(measure) for measure in driver.measures),
        )
        for name, driver in content.drivers.items()
        if all(rule in content.rule_by_id for _, rule in driver.levels)
    }
