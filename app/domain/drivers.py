"""The drivers that keep the pain going, each 0 to 3 or unknown (``phenotyping.md`` §6, stage G)."""

from collections.abc import Sequence
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_tables import DriverTable
from app.domain.worlds import HOLDS, Worlds

NOTHING = 0


class DriverGrade(NamedTuple):
    """``at_least`` is what is known to hold; ``level`` is None while a higher level is open.

    0 none, 1 mild, 2 moderate, 3 severe. ``rule`` is the rule of the level reached, if any.
    """

    driver: str
    level: int | None
    at_least: int
    rule: str | None

    def counts(self, content: Content) -> bool:
        """Whether it acts on the plan: from moderate, and for a few drivers from mild."""
        return self.at_least >= content.drivers[self.driver].counts_from


def drivers(content: Content, worlds: Worlds) -> tuple[DriverGrade, ...]:
    """One grade a driver, in the order of the content."""
    return tuple([_grade(name, table, worlds) for name, table in content.tables.drivers.items()])


def _grade(driver: str, table: DriverTable, worlds: Worlds) -> DriverGrade:
    letters = worlds.letters
    is_settled = _is_settled(table.measures, worlds.open)
    highest = table.levels[0][0]
    for level, slot, rule in table.levels:
        if letters[slot] == HOLDS:
            is_known = is_settled or level == highest
            return DriverGrade(driver, level if is_known else None, level, rule)
    is_absent = is_settled or table.absent_when & worlds.holding != 0
    return DriverGrade(driver, NOTHING if is_absent else None, NOTHING, None)


def _is_settled(measures: Sequence[int], unknown: int) -> bool:
    """One way of looking was followed to its end, and none was left half-way."""
    is_followed = False
    for measure in measures:
        missing = measure & unknown
        if not missing:
            is_followed = True
        elif missing != measure:
            # A score of which items are missing lies on both sides of a threshold.
            return False
    return is_followed
