"""A decision as resources, in the order of contract §3: bytes without version and time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app.domain.content import Content
from app.domain.decision import Decision
from app.domain.frame import Frame, Output
from app.domain.history import ResourceVersion
from app.domain.response import Change
from app.fhir.searching.values import search_values
from app.fhir.writing.activity import constants
from app.fhir.writing.answered import answered
from app.fhir.writing.care_plan import care_plan
from app.fhir.writing.detected_issue import detected_issues
from app.fhir.writing.drivers import drivers_observation
from app.fhir.writing.elements import Json, output_id
from app.fhir.writing.goal import goal_resource
from app.fhir.writing.guidance import guidance_response, requirements
from app.fhir.writing.observations import PHENOTYPE, gate_observation, phenotype_observation
from app.fhir.writing.score import score_observations


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is the same in every answer with one content: of each activity and of each question."""

    activities: Mapping[str, Mapping[str, Any]]
    requirements: Mapping[str, orjson.Fragment]


@dataclass(slots=True)
class ResourceWriter:
    """Writes decisions; keeps the constant parts of each content version it has met.

    ``finds_values`` says whether what is written will be searched, if it is kept.
    """

    finds_values: bool = True
    prepared: dict[str, _Ready] = field(default_factory=dict)

    def write(self, decision: Decision, content: Content, frame: Frame) -> tuple[Output, ...]:
        """In the order of contract §3; instants inside are asOf."""
        ready = self.prepared.get(content.digest)
        if ready is None:
            ready = _Ready(constants(content), requirements(content))
            self.prepared[content.digest] = ready
        at = _instant(decision.as_of)
        phenotype_id = output_id(frame, PHENOTYPE)
        resources = [
            care_plan(decision, content, frame, at, ready.activities),
            *(goal_resource(g, frame, phenotype_id, at[:10]) for g in decision.plan.goals),
            gate_observation(decision, content, frame, at),
            phenotype_observation(decision, frame, at),
            drivers_observation(decision, content, frame, at),
            *score_observations(decision, content, frame),
            *detected_issues(decision, content, frame, at),
            guidance_response(decision, content, frame, at, ready.requirements),
        ]
        is_searched = self.finds_values and frame.is_kept
        return tuple([_output(resource, is_searched=is_searched) for resource in resources])

    def answered(self, version: ResourceVersion, change: Change, at: datetime) -> Output:
        """The next version of a stored plan."""
        return answered(version, change, at)


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _output(resource: Json, *, is_searched: bool) -> Output:
    return Output(
        type=resource["resourceType"],
        id=resource["id"],
        status=resource.get("status") or resource.get("lifecycleStatus"),
        body=orjson.dumps(resource),
        search=search_values(resource) if is_searched else (),
    )
