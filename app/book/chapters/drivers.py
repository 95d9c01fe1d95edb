"""What keeps the pain going: each driver with the rule of each level and its measures."""

from app.book.document import Bullets, Facts, Paragraph, Section, listed
from app.book.fields import Pair, rest
from app.book.marks import LEVELS
from app.book.material import Material
from app.book.names import anchor
from app.knowledge.records import DriverRecord

TOLD = frozenset({"label", "levels", "measures", "counts_from"})


def drivers(material: Material) -> Section:
    """Every driver; a level is unknown while a measure of it was not taken."""
    intro = "Graded from 0 (none) to 3 (severe), or unknown; what was not measured is never 0."
    parts = [_driver(id_, driver, material) for id_, driver in material.source.drivers.items()]
    return Section("drivers", "Drivers", (Paragraph((intro,)),), tuple(parts))


def _driver(id_: str, driver: DriverRecord, material: Material) -> Section:
    names = material.names
    pairs: list[Pair] = [
        (f"Level {level} ({LEVELS.get(level, level)})", names.link("rule", rule))
        for level, rule in driver.levels.items()
    ]
    measures = [listed([names.operand(name) for name in one], "; ") for one in driver.measures]
    pairs += [
        ("Measured by one of these", Bullets(tuple(measures))),
        ("Acts on the plan", (f"from level {driver.counts_from}",)),
        *rest(driver, TOLD, names),
    ]
    return Section(anchor("driver", id_), driver.label, (Facts(tuple(pairs)),))
