"""What a decision reads: what came in, what is stored of the patient beside it, and what counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from app.domain.facts import NotUsed, Record
from app.domain.history import CurrentVersion, DecisionRecord, ReadSet
from app.domain.problem import Conflict, Problem
from app.domain.response import Answered, acceptances, refusals
from app.domain.submission import Received, Submission
from app.use_cases.ports import History, Reader
from app.use_cases.responses import answered_of


class Gathered(NamedTuple):
    """What the decision reads: the inputs in order, those to store, and the read set behind it.

    ``answered`` are the clinicians' answers to the patient's earlier plans, up to the instant of
    evaluation; they count whether or not what else is stored does. ``erased`` names the last
    erasure of the patient: what is decided afterwards is no decision of before.
    """

    inputs: tuple[Received, ...]
    to_store: tuple[Received, ...]
    not_used: tuple[NotUsed, ...]
    reads: ReadSet
    answered: tuple[Answered, ...] = ()
    erased: str | None = None


@dataclass(frozen=True, slots=True)
class Gathering:
    """Gathers for one submission; Conflict tells what cannot stand beside what is stored."""

    reader: Reader
    history: History

    async def __call__(self, submission: Submission, tenant: str, as_of: datetime) -> Gathered:
        """Inline resources first; what is stored of the patient beside them, if it counts."""
        head = await self.history.patient_head(tenant, submission.subject)
        keys = [(r.type, r.id) for r in submission.resources]
        current = await self.history.current_versions(tenant, keys)
        stored = await self._stored(submission, tenant, head, current)
        inputs: dict[tuple[str, str], Received] = {}
        to_store: list[Received] = []
        not_used: list[NotUsed] = []
        for received in submission.resources:
            key = (received.type, received.id)
            known = current.get(key)
            if known is None:
                inputs[key] = replace(received, version=1)
                to_store.append(inputs[key])
                continue
            _same_patient(received, known)
            _not_ours(received, known)
            if known.is_erased:
                inputs[key] = replace(received, version=known.version + 1)
                to_store.append(inputs[key])
                continue
            if known.sha256 == received.sha256:
                inputs[key] = replace(received, version=known.version)
                continue
            before = stored[key]
            _same_person(received, before)
            if _is_older(received, before):
                not_used.append(NotUsed(received.reference, "older than the stored version"))
                inputs[key] = before
                continue
            inputs[key] = replace(received, version=known.version + 1)
            to_store.append(inputs[key])
        if submission.use_server_data:
            for key, before in stored.items():
                inputs.setdefault(key, before)
        versions = tuple(
            (type_, id_, current[(type_, id_)].version if (type_, id_) in current else 0)
            for type_, id_ in dict.fromkeys(keys)
        )
        return Gathered(
            inputs=tuple(inputs[key] for key in sorted(inputs)),
            to_store=tuple(to_store),
            not_used=(*submission.not_used, *not_used),
            answered=await self._answered(submission.subject, head, tenant, as_of),
            reads=ReadSet(submission.subject, head, versions),
            erased=await self.history.erased(tenant, submission.subject) if head else None,
        )

    async def plan_before(
        self, gathered: Gathered, tenant: str, as_of: datetime
    ) -> DecisionRecord | None:
        """The decision that this one follows, None for the first."""
        patient = gathered.reads.patient
        if patient is None or not gathered.reads.patient_head:
            return None
        return await self.history.previous_decision(tenant, patient, as_of)

    async def _stored(
        self,
        submission: Submission,
        tenant: str,
        head: int,
        current: dict[tuple[str, str], CurrentVersion],
    ) -> dict[tuple[str, str], Received]:
        """What is stored of the patient and was received, and the versions now superseded."""
        if not head and not current:
            return {}
        found = await self.history.current_of_patient(tenant, submission.subject)
        parsed = {
            (s.version.type, s.version.id): self.reader.stored(s)
            for s in found
            if s.version.origin == "received"
        }
        there = {key for key, version in current.items() if not version.is_erased}
        for type_, id_ in there - parsed.keys():
            other = await self.history.read(tenant, type_, id_)
            if other is not None:
                parsed[(type_, id_)] = self.reader.stored(other)
        return parsed

    async def _answered(
        self, patient: str, head: int, tenant: str, as_of: datetime
    ) -> tuple[Answered, ...]:
        if not head:
            return ()
        return answered_of(await self.history.responses(tenant, patient, as_of))


def completed(
    record: Record, answered: Sequence[Answered], not_used: tuple[NotUsed, ...]
) -> Record:
    """What was read, with the answers that stand and what was set aside before reading."""
    facts = (*record.facts, *refusals(answered), *acceptances(answered))
    return replace(record, facts=facts, not_used=(*not_used, *record.not_used))


def _same_patient(received: Received, known: CurrentVersion) -> None:
    if received.patient == known.patient:
        return
    raise Conflict(
        Problem(
            f"{received.reference} is stored for another patient.",
            where=f"{received.type}.id",
            mend="An id belongs to one resource; send this one under its own id.",
            code="conflict",
        )
    )


def _not_ours(received: Received, known: CurrentVersion) -> None:
    if known.origin != "derived":
        return
    raise Conflict(
        Problem(
            f"{received.reference} was derived by this service and is only read.",
            where=f"{received.type}.id",
            mend="Send what you found under an id of its own.",
            code="conflict",
        )
    )


def _same_person(received: Received, before: Received) -> None:
    dates = {received.birth_date, before.birth_date} - {None}
    if received.type != "Patient" or len(dates) <= 1:
        return
    raise Conflict(
        Problem(
            f"{received.reference} is stored with another birth date.",
            where="Patient.birthDate",
            mend="Correct the stored Patient with a PUT if this is the same person.",
            code="conflict",
        )
    )


def _is_older(received: Received, before: Received) -> bool:
    if received.last_updated is None or before.last_updated is None:
        return False
    return received.last_updated < before.last_updated
