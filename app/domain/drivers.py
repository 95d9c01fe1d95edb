"""The drivers that keep the pain going, each 0 to 3 or unknown (``phenotyping.md`` §6, stage G)."""

from typing import NamedTuple

from app.domain.content import Content, Driver
from app.domain.worlds import HERE, Worlds

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


def drivers(content: Content, worlds: Worlds, world: int = HERE) -> tuple[DriverGrade, ...]:
    """One grade a driver, in the order of the content."""
    return tuple(_grade(driver, content, worlds, world) for driver in content.drivers.values())


def _grade(driver: Driver, content: Content, worlds: Worlds, world: int) -> DriverGrade:
    is_settled = _is_settled(driver, worlds, world)
    highest = driver.levels[0][0]
    for level, rule in driver.levels:
        if worlds.is_true(content.rule_by_id[rule].slot, world):
            is_known = is_settled or level == highest
            return DriverGrade(driver.id, level if is_known else None, level, rule)
    return DriverGrade(driver.id, NOTHING if is_settled else None, NOTHING, None)


def _is_settled(driver: Driver, worlds: Worlds, world: int) -> bool:
    """One way of looking was followed to its end, and none was left half-way."""
    is_followed = False
    for measure in driver.measures:
        unknown = [worlds.is_unknown(slot, world) for slot in measure]
        if True not in unknown:
            is_followed = True
        elif False in unknown:
            # A score of which items are missing lies on both sides of a threshold.
            return False
    return is_followed
