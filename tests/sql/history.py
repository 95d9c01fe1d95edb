"""A history with a little of everything in it, written by the service itself."""

import asyncio
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.main import create_app
from app.settings import Settings
from app.sql import rows
from app.sql.anchoring import anchor_history
from app.sql.erasure import erase
from tests.acceptance.hooks import SIGN, TRAMADOL, medicine, opioid_with_sedative, request
from tests.acceptance.wire import bundle, finding, intake, patient, screened
from tests.databases import Kept

FHIR = {"Content-Type": "application/fhir+json"}


def write(database: Path | Kept, people: int = 4) -> None:
    """Derivations of several people, one twice, one with a key, one not kept, one answered.

    And one order of an opioid with a card that was overridden, and a search.
    """
    url = database.url if isinstance(database, Kept) else f"sqlite:///{database}"
    asyncio.run(_write(url, people))
    anchor_history(url)


def write_as_before(database: Path | Kept, people: int = 4) -> None:
    """The same by an earlier release, which kept a code and a date beside each version."""
    with pytest.MonkeyPatch.context() as earlier:
        earlier.setattr(rows, "NO_LONGER", ("http://loinc.org|44261-6", "2026-05-28"))
        write(database, people)


def erase_one(database: Path | Kept) -> None:
    """Somebody of this history is erased; the role of a service may not do that."""
    url = database.url if isinstance(database, Kept) else f"sqlite:///{database}"
    erase(url, "default", "gone", lambda: datetime.now(UTC))


async def _write(url: str, people: int) -> None:
    app = create_app(Settings(database_url=url, log_level="ERROR"))
    transport = httpx.ASGITransport(app)
    base = "http://127.0.0.1:8000"
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=base, headers=FHIR) as client,
    ):
        for number in range(people):
            await _derive(client, f"p{number}", {})
        await _derive(client, "p0", {"pain-localised": True}, day=2)
        await _derive(client, "p1", {}, day=3, headers={"Idempotency-Key": "a-key"})
        await _derive(client, "p2", {}, day=4, persist="false")
        await _accept(client, await _derive(client, "p0", {}, day=5))
        await _override(client)
        (await client.get("/fhir/Patient", params={"_id": "p0"})).raise_for_status()
        await _derive(client, "gone", {}, day=6)


async def _override(client: httpx.AsyncClient) -> None:
    body = request(SIGN, medicine(TRAMADOL, of="p1"), of="p1")
    body["prefetch"] = opioid_with_sedative("p1")
    answer = await client.post("/cds-services/clbp-order-sign", content=orjson.dumps(body))
    answer.raise_for_status()
    card = answer.json()["cards"][0]
    reason = {key: card["overrideReasons"][0][key] for key in ("code", "system")}
    entry = {
        "card": card["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": "2026-06-06T09:00:00Z",
        "overrideReason": {"reason": reason},
    }
    told = await client.post(
        "/cds-services/clbp-order-sign/feedback", content=orjson.dumps({"feedback": [entry]})
    )
    told.raise_for_status()


async def _accept(client: httpx.AsyncClient, plan: str) -> None:
    outcome = {"name": "outcome", "valueCode": "accepted"}
    body = {"resourceType": "Parameters", "parameter": [outcome]}
    answer = await client.post(f"/fhir/CarePlan/{plan}/$respond", content=orjson.dumps(body))
    answer.raise_for_status()


async def _derive(
    client: httpx.AsyncClient,
    id_: str,
    found: dict[str, Any],
    *,
    day: int = 1,
    headers: dict[str, str] | None = None,
    **params: str,
) -> str:
    """The id of the plan."""
    body = bundle(
        patient(id_),
        intake(screened(), of=id_),
        *(finding(name, value, of=id_) for name, value in found.items()),
    )
    answer = await client.post(
        "/fhir/$derive",
        params={"asOf": f"2026-06-0{day}T09:00:00Z", **params},
        content=orjson.dumps(body),
        headers=headers or {},
    )
    answer.raise_for_status()
    return str(answer.json()["entry"][0]["resource"]["id"])


def copied(database: Path, to: Path) -> Path:
    """The same history in another file, so that it can be tampered with."""
    shutil.copy(database, to)
    return to


class Intruder(sqlite3.Connection):
    """Somebody with the file in hand: no trigger stops them, and none is missed afterwards.

    So what is found of their doings is found in the rows, not by what they left lying about.
    """

    aside: list[str]

    def close(self) -> None:
        for made in self.aside:
            self.execute(made)
        super().close()


def without_triggers(database: Path) -> Intruder:
    """The triggers are put aside until it is closed."""
    connection = sqlite3.connect(database, isolation_level=None, factory=Intruder)
    connection.execute("PRAGMA foreign_keys = OFF")
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = dict(rows.fetchall())
    for name in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.aside = list(triggers.values())
    return connection
