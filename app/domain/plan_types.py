"""What a plan is made of and what it depends on; ``plan.py`` makes one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from app.domain.applicability import Applicability
from app.domain.content import Content
from app.domain.course import Course
from app.domain.doubt import Unsettled
from app.domain.drivers import DriverGrade
from app.domain.gate import Gate
from app.domain.goals import Goal
from app.domain.phenotype import Grade, Phenotype
from app.domain.safety_types import SafetyFinding
from app.domain.severity import Severity
from app.domain.standing import Standings
from app.domain.standpoint import Standpoint
from app.domain.worlds import Worlds

STAGES = (
    "safety",
    "foundation",
    "mechanism",
    "driver",
    "symptom-option",
    "escalation",
    "next-step",
    "do-not",
    "review",
)
STAGE_ORDER = {stage: place for place, stage in enumerate(STAGES)}
UNCOUNTED_STAGES = frozenset({"safety", "next-step", "do-not", "review"})
PROPOSED, NEXT_STEP, DO_NOT = "proposed", "next-step", "do-not"
WITHHELD, NOT_INDICATED = "withheld", "not-indicated"


class Activity(NamedTuple):
    """One row of the plan. ``rank`` counts from 1; ``rules`` are why it is here."""

    id: str
    stage: str
    status: str
    rules: tuple[str, ...]
    text: str
    reasons: tuple[str, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Activities in order, goals, the state of every catalogue item, and when to look again.

    ``considered`` are the activities that some row of this plan named; ``safety`` is what the
    safety rules said of them and of the person. ``scope`` is the key of a text that says what
    limits the plan, empty for none.
    """

    activities: tuple[Activity, ...]
    goals: tuple[Goal, ...]
    catalogue: tuple[Standpoint, ...]
    reviews: tuple[date, ...]
    scope: str = ""
    considered: tuple[str, ...] = ()
    safety: tuple[SafetyFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the plan depends on, each decided before it.

    ``declined`` says where an activity was declined, ``under_way`` by which orders on record one is
    under way, ``accepted`` in the answer to which plans one was accepted by name;
    ``is_imaging_ruled_out``: neither a flag nor an open question may need a scan; ``unsettled`` is
    what the lists leave open although they are complete.
    """

    content: Content
    worlds: Worlds
    standings: Standings
    applicability: Applicability
    gate: Gate
    grades: tuple[Grade, ...]
    phenotype: Phenotype
    drivers: tuple[DriverGrade, ...]
    severity: Severity
    course: Course
    guideline_profile: str
    is_worth_asking: bool
    crisis_text: str
    as_of: datetime
    declined: Mapping[str, str]
    under_way: Mapping[str, tuple[str, ...]]
    accepted: Mapping[str, tuple[str, ...]]
    is_imaging_ruled_out: bool
    unsettled: Unsettled = field(default_factory=Unsettled)


@dataclass(slots=True)
class Draft:
    """The plan in the making: what is in, why something is out, what was said of its safety.

    ``safety`` is by activity. ``prohibited`` says of an activity which prohibition of this plan
    speaks against it, ``removed`` which red flag has to be cleared first, and its rule.
    """

    activities: list[Activity] = field(default_factory=list)
    left_out: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    safety: dict[str, tuple[SafetyFinding, ...]] = field(default_factory=dict)
    considered: dict[str, None] = field(default_factory=dict)
    prohibited: dict[str, str] = field(default_factory=dict)
    removed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def of(self, activity: str) -> Activity | None:
        """The row of an activity, None while it has none."""
        for row in self.activities:
            if row.id == activity:
                return row
        return None

    def leave_out(self, activity: str, status: str, *reasons: str) -> None:
        """Note why an activity is not there; later reasons are added, once each."""
        kept, before = self.left_out.get(activity, (status, ()))
        self.left_out[activity] = (kept, tuple(dict.fromkeys((*before, *reasons))))
