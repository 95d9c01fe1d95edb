"""What becomes of a plan when a clinician answers it, and what the answer means from then on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from app.domain.facts import Fact, SaidBy
from app.domain.problem import Conflict, Problem, Refused

DECLINED_ACTIVITY = "declined-activity"
ACCEPTED_ACTIVITY = "activity-accepted"


class Outcome(Enum):
    """The answer to a plan, and to a single activity (contract §3).

    CHANGED says "accepted, with an answer to single activities"; of one activity it says that it
    stays in another form, which the reason tells.
    """

    ACCEPTED = "accepted"
    DECLINED = "declined"
    CHANGED = "changed"


class PlanStatus(Enum):
    """The states that a plan of ours can be in (a subset of R4 request-status)."""

    DRAFT = "draft"
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in words or codes; ``codings`` are (system, code, display). Empty for none given."""

    text: str = ""
    codings: tuple[tuple[str, str, str], ...] = ()

    @property
    def is_given(self) -> bool:
        """Whether there is a word or a code."""
        return bool(self.text or self.codings)

    @property
    def words(self) -> str:
        """The text, else the displays or codes."""
        return self.text or ", ".join(display or code for _, code, display in self.codings)


@dataclass(frozen=True, slots=True)
class ActivityAnswer:
    """The answer to one activity of the plan; ``where`` is its place in what came in."""

    activity: str
    outcome: Outcome
    reason: Reason = Reason()
    where: str = field(default="", compare=False)


class Response(NamedTuple):
    """The whole answer. ``practitioner`` is a reference; the order of ``activities`` is free."""

    outcome: Outcome
    activities: tuple[ActivityAnswer, ...] = ()
    practitioner: str | None = None
    note: str = ""

    @property
    def is_acceptance(self) -> bool:
        """``changed`` is an acceptance, too."""
        return self.outcome is not Outcome.DECLINED


class PlanVersion(NamedTuple):
    """The newest version of a plan, made for the instant ``made``, kept in block ``sequence``."""

    id: str
    version: int
    status: PlanStatus
    made: datetime
    sequence: int
    activities: tuple[str, ...]

    @property
    def place(self) -> tuple[datetime, int]:
        """Where it stands among the plans of its patient."""
        return (self.made, self.sequence)


class Change(NamedTuple):
    """What becomes of one plan.

    Of the plan answered, ``response`` is the answer and ``replaces`` names the plans that end with
    it; of a plan that ends, ``replaced_by`` names the one accepted in its place.
    """

    plan: str
    status: PlanStatus
    response: Response | None = None
    replaces: tuple[str, ...] = ()
    replaced_by: str | None = None


class Answered(NamedTuple):
    """An answer that was given: by which decision, and which version of the plan carries it."""

    decision: str
    plan: str
    version: int
    sha256: bytes
    at: datetime
    response: Response


def transition(
    plan: PlanVersion, others: Sequence[PlanVersion], response: Response
) -> tuple[Change, ...]:
    """The plan answered first, then those that end with its acceptance, in their order.

    ``others`` are the other plans of the patient. Raises Conflict when the plan is no draft any
    more, Refused when the answer does not fit the plan; nothing changes then.
    """
    _require_draft(plan)
    problems = list(_misfits(plan, response))
    if problems:
        raise Refused(*problems)
    if not response.is_acceptance:
        return (Change(plan.id, PlanStatus.REVOKED, response),)
    ended = [o.id for o in sorted(others, key=lambda o: o.place) if _ends(o, plan)]
    return (
        Change(plan.id, PlanStatus.ACTIVE, response, replaces=tuple(ended)),
        *(Change(id_, PlanStatus.REVOKED, replaced_by=plan.id) for id_ in ended),
    )


def _ends(other: PlanVersion, accepted: PlanVersion) -> bool:
    """One plan is in force at a time; a proposal made after the accepted one stays open."""
    match other.status:
        case PlanStatus.ACTIVE:
            return True
        case PlanStatus.DRAFT:
            return other.place < accepted.place
        case PlanStatus.REVOKED:
            return False


def _require_draft(plan: PlanVersion) -> None:
    if plan.status is PlanStatus.DRAFT:
        return
    raise Conflict(
        Problem(
            f"CarePlan/{plan.id} is {plan.status.value}: it was answered or replaced before.",
            where="CarePlan.status",
            mend="An answer is given once. Read the plan; derive a new one to decide anew.",
            code="conflict",
        )
    )


def _misfits(plan: PlanVersion, response: Response) -> Iterator[Problem]:
    if response.outcome is Outcome.CHANGED and not response.activities:
        yield _broken(
            "outcome is changed, and no activity is answered.",
            "Parameters.parameter.where(name='activity')",
            "Say which activity is declined or changed, or send accepted.",
        )
    seen: set[str] = set()
    for answer in response.activities:
        if answer.activity not in plan.activities:
            yield _broken(
                f"The plan has no activity {answer.activity[:64]!r}.",
                answer.where,
                f"It has {', '.join(dict.fromkeys(plan.activities)) or 'none'}.",
            )
        elif answer.activity in seen:
            yield _broken(
                f"The activity {answer.activity} is answered twice.",
                answer.where,
                "Send one answer for each activity.",
            )
        seen.add(answer.activity)
        yield from _contradictions(answer, response)


def _contradictions(answer: ActivityAnswer, response: Response) -> Iterator[Problem]:
    if not response.is_acceptance and answer.outcome is not Outcome.DECLINED:
        yield _broken(
            f"The plan is declined, but its activity {answer.activity[:64]} is not.",
            answer.where,
            "Send changed to keep a part of the plan.",
        )
    elif answer.outcome is Outcome.CHANGED and not answer.reason.is_given:
        yield _broken(
            f"The activity {answer.activity[:64]} is changed, but not how.",
            answer.where,
            "Say in reason what is done instead.",
        )


def _broken(what: str, where: str, mend: str) -> Problem:
    return Problem(what, where=where, mend=mend, code="business-rule")


def refusals(answered: Iterable[Answered]) -> tuple[Fact, ...]:
    """The activities that stand refused, as facts."""
    return _answers(answered, DECLINED_ACTIVITY, frozenset({Outcome.DECLINED}))


def acceptances(answered: Iterable[Answered]) -> tuple[Fact, ...]:
    """The activities that stand accepted by name, also in another form, as facts.

    What nobody named is not here: a plan accepted as a whole is in force, but nobody said of a
    single row that waits in it that its turn has come.
    """
    return _answers(answered, ACCEPTED_ACTIVITY, frozenset({Outcome.ACCEPTED, Outcome.CHANGED}))


def _answers(
    answered: Iterable[Answered], name: str, outcomes: frozenset[Outcome]
) -> tuple[Fact, ...]:
    """The latest answer to an activity counts, and only one that names it takes it back.

    It is the clinician's word, from the instant of the answer on.
    """
    latest: dict[str, tuple[Answered, Outcome]] = {}
    for one in sorted(answered, key=lambda a: (a.at, a.decision)):
        for answer in one.response.activities:
            latest[answer.activity] = (one, answer.outcome)
    return tuple(
        Fact(name, activity, one.at, SaidBy.CLINICIAN, f"CarePlan/{one.plan}")
        for activity, (one, outcome) in sorted(latest.items())
        if outcome in outcomes
    )
