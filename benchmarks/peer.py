"""The conventional peer: what a careful team would build without thinking of speed first.

FastAPI with ``fhir.resources`` models as bodies in and out, SQLAlchemy's asynchronous ORM with a
JSON column a resource, one session and one commit a request, on SQLite in WAL with full
synchronisation or on PostgreSQL. The derivation and the review of orders are ours, called on what
the models give, so that what is compared is everything around them.
"""

import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast

import orjson
from fastapi import Depends, FastAPI, HTTPException
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle, BundleEntry
from fhir.resources.R4B.patient import Patient
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, DateTime, Index, String, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.domain.decision import derive
from app.domain.frame import Frame, InputVersion
from app.domain.orders.call import CardFrame
from app.domain.orders.review import review
from app.domain.problem import Problem
from app.domain.trace import trace_of
from app.fhir.hooks import SERVICES
from app.fhir.reading.hook import read_call
from app.fhir.reading.hook_reader import HookReader
from app.fhir.reading.received import received
from app.fhir.reading.record import RecordReader
from app.fhir.validation import Validator
from app.fhir.writing import ResourceWriter
from app.fhir.writing.hook_answer import HookWriter
from app.knowledge.library import Library
from app.main import published, questionnaires
from app.use_cases.kept_review import keep_facts
from app.use_cases.looking_up import known

LONG, SHORT = 255, 64
DATABASE = os.environ.get("PEER_DATABASE", "sqlite+aiosqlite:///peer.db")
# SQLite lets one connection write: more of them only wait for each other and fail.
POOL = {"pool_size": 1, "max_overflow": 0} if DATABASE.startswith("sqlite") else {}
engine = create_async_engine(DATABASE, **POOL)
session_of = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _durable(connection: DBAPIConnection, _record: object) -> None:
    if DATABASE.startswith("sqlite"):
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()


class Base(DeclarativeBase):
    """What the tables share."""


class Resource(Base):
    """One version of a resource."""

    __tablename__ = "resource"
    key: Mapped[str] = mapped_column(String(SHORT), primary_key=True)
    type: Mapped[str] = mapped_column(String(SHORT))
    id: Mapped[str] = mapped_column(String(SHORT))
    patient: Mapped[str] = mapped_column(String(SHORT))
    sha256: Mapped[str] = mapped_column(String(SHORT))
    stored_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    __table_args__ = (Index("ix_resource", "type", "id"), Index("ix_patient", "patient", "type"))


class Decided(Base):
    """A decision with its trace."""

    __tablename__ = "decision"
    id: Mapped[str] = mapped_column(String(SHORT), primary_key=True)
    patient: Mapped[str] = mapped_column(String(SHORT), index=True)
    trace: Mapped[dict[str, Any]] = mapped_column(JSON)


class Audit(Base):
    """Who did what."""

    __tablename__ = "audit"
    id: Mapped[str] = mapped_column(String(SHORT), primary_key=True)
    what: Mapped[str] = mapped_column(String(LONG))
    recorded: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Called(Base):
    """One call of a hook with what it was made from."""

    __tablename__ = "called"
    id: Mapped[str] = mapped_column(String(SHORT), primary_key=True)
    patient: Mapped[str] = mapped_column(String(SHORT), index=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    context: Mapped[dict[str, Any]] = mapped_column(JSON)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)


class Shown(Base):
    """A card that was shown."""

    __tablename__ = "shown"
    id: Mapped[str] = mapped_column(String(SHORT), primary_key=True)
    call: Mapped[str] = mapped_column(String(SHORT), index=True)
    rule: Mapped[str] = mapped_column(String(SHORT), index=True)
    card: Mapped[dict[str, Any]] = mapped_column(JSON)


class HookContext(BaseModel):
    """The context of order-sign."""

    userId: str  # noqa: N815  (the names of CDS Hooks)
    patientId: str  # noqa: N815
    draftOrders: Bundle  # noqa: N815


class Prefetch(BaseModel):
    """What our discovery asks for."""

    patient: Patient
    conditions: Bundle
    medications: Bundle
    allergies: Bundle
    observations: Bundle


class HookRequest(BaseModel):
    """A call of order-sign."""

    hook: Literal["order-sign"]
    hookInstance: uuid.UUID  # noqa: N815
    context: HookContext
    prefetch: Prefetch


class Card(BaseModel):
    """The fields that every card has; the others go out as they are."""

    model_config = ConfigDict(extra="allow")
    uuid: str
    summary: str
    indicator: Literal["info", "warning", "critical"]


class Cards(BaseModel):
    """The answer to a hook."""

    cards: list[Card]
    extension: dict[str, Any]


class Trusting:
    """No second look at what the models have validated."""

    def problems(
        self, resource: object, *, expected_type: str | None = None, at: str | None = None
    ) -> tuple[Problem, ...]:
        """None."""
        del resource, expected_type, at
        return ()

    def knows(self, type_: str) -> bool:
        """A model of that name was found."""
        return bool(type_)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Tables, and the knowledge loaded once."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    app.state.expertise = Library.of_release(crisis_text="", engine="peer").current
    app.state.reader = RecordReader(questionnaires(published()))
    app.state.writer = ResourceWriter()
    trusting = cast("Validator", Trusting())
    app.state.trusting = trusting
    app.state.hook_reader, app.state.hook_writer = HookReader(trusting), HookWriter(trusting)
    yield
    await engine.dispose()


async def session() -> AsyncIterator[AsyncSession]:
    """One session a request."""
    async with session_of() as one:
        yield one


app = FastAPI(lifespan=lifespan)


@app.post("/derive", response_model_exclude_none=True)
async def derive_plan(bundle: Bundle, db: Annotated[AsyncSession, Depends(session)]) -> Bundle:
    """The same derivation, in the usual way."""
    entries = [entry.resource for entry in cast("list[BundleEntry]", bundle.entry)]
    resources = [cast("Any", r).model_dump(mode="json", exclude_none=True) for r in entries]
    patients = [r for r in resources if r["resourceType"] == "Patient"]
    if len(patients) != 1:
        raise HTTPException(422, "There is not exactly one patient.")
    patient = patients[0]["id"]
    taken = [received(orjson.dumps(r), r, full_url=None, references={}) for r in resources]
    expertise = app.state.expertise
    now = datetime.now(UTC)
    record = app.state.reader.record(taken, expertise.content, as_of=now, complete=frozenset())
    decision = derive(record, expertise.content, as_of=now, guideline_profile="who", crisis_text="")
    inputs = tuple(InputVersion(t.type, t.id, 1, t.sha256) for t in taken)
    decision_id = str(uuid.uuid4())
    frame = Frame(decision_id, patient, inputs, "1", expertise.digest, expertise.engine)
    outputs: list[Any] = [
        get_fhir_model_class(o.type).model_validate(orjson.loads(o.body))
        for o in app.state.writer.write(decision, expertise.content, frame)
    ]
    made = [o.model_dump(mode="json", exclude_none=True) for o in outputs]
    for body in (*resources, *made):
        text = orjson.dumps(body)
        db.add(
            Resource(
                key=str(uuid.uuid4()),
                type=body["resourceType"],
                id=body["id"],
                patient=patient,
                sha256=hashlib.sha256(text).hexdigest(),
                stored_at=now,
                body=body,
            )
        )
    trace = trace_of(decision, expertise.content)
    db.add(Decided(id=decision_id, patient=patient, trace=trace))
    db.add(Audit(id=str(uuid.uuid4()), what="derive", recorded=now))
    await db.commit()
    return Bundle(type="collection", entry=[BundleEntry(resource=o) for o in outputs])


@app.post("/cds-services/clbp-order-sign", response_model_exclude_none=True)
async def review_order(call: HookRequest, db: Annotated[AsyncSession, Depends(session)]) -> Cards:
    """The same review of the same orders, in the usual way."""
    state, now = app.state, datetime.now(UTC)
    expertise, hooks = state.expertise, state.hook_reader
    plain = call.model_dump(mode="json", exclude_none=True)
    read = read_call(orjson.dumps(plain), SERVICES["clbp-order-sign"], state.trusting)
    about = known(read.parts, (), hooks)
    record = state.reader.record(
        about.resources, expertise.content, as_of=now, complete=about.complete
    )
    orders, unread = hooks.orders(read.drafts, about.resources, as_of=now)
    reviewed = review(
        orders, record, expertise.content, hook=read.hook, as_of=now, guideline_profile="who"
    )
    id_ = str(uuid.uuid4())
    frame = CardFrame(
        tenant="default",
        decision=id_,
        instance=read.instance,
        patient=read.patient,
        user=read.user,
        encounter="",
        as_of=now.isoformat(),
        public_url="http://127.0.0.1",
        unread=unread,
    )
    written = state.hook_writer.answer(reviewed, expertise.content, frame, orders, read.drafts)
    answer = Cards.model_validate(orjson.loads(written.body))
    facts = orjson.loads(keep_facts(record, about.resources, None))
    db.add(
        Called(
            id=id_,
            patient=read.patient,
            at=now,
            context=plain["context"],
            facts=facts,
            answer=answer.model_dump(mode="json", exclude_none=True),
        )
    )
    for card, told in zip(answer.cards, written.cards, strict=True):
        shown = card.model_dump(mode="json", exclude_none=True)
        db.add(Shown(id=card.uuid, call=id_, rule=told.rule, card=shown))
    db.add(Audit(id=str(uuid.uuid4()), what="order-sign", recorded=now))
    await db.commit()
    return answer
