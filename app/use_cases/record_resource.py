"""Record one resource that a client creates: its bytes as received, under an id of ours."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from app.domain.history import AuditRecord, ReadSet, ResourceVersion, Stored, WriteSet
from app.domain.submission import Received
from app.use_cases.derive_care_plan import Caller
from app.use_cases.ports import Clock, Journal

FIRST = 1


@dataclass(frozen=True, slots=True)
class RecordResource:
    """The use case with the parts it needs."""

    journal: Journal
    clock: Clock

    async def create(self, received: Received, caller: Caller, *, id_: str) -> Stored:
        """Keep a new resource under ``id_`` (FHIR create: the client's id is ignored)."""
        now: datetime = self.clock()
        patient = id_ if received.type == "Patient" else received.patient
        version = ResourceVersion(
            type=received.type,
            id=id_,
            version=FIRST,
            patient=patient,
            status=received.status,
            code=received.code,
            date=received.date,
            sha256=hashlib.sha256(received.body).digest(),
            body=received.body,
        )
        audit = AuditRecord(
            id=f"{id_}-{caller.request_id}",
            recorded=now,
            action="C",
            what=f"{received.type}/{id_}",
            patient=patient,
            who=caller.client,
            origin=caller.origin,
            outcome="0",
            request_id=caller.request_id,
        )
        reads = ReadSet(patient, None, ((received.type, id_, 0),))
        committed = await self.journal.record(WriteSet(caller.tenant, reads, (version, audit)))
        return Stored(version, committed.sequence, committed.committed_at)
