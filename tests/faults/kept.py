"""Whether what was answered is there, once each, on a chain that verifies."""

import json
import os
from dataclasses import dataclass

import httpx

from app.sql.verify import verify
from tests.acceptance.load import NOBODY, Load, derive
from tests.databases import Kept

# All rounds of `make faults`, not the few of `make test`.
IS_THOROUGH = os.environ.get("PAINPLAN_FAULTS") == "all"
TWICE = "SELECT patient FROM decision GROUP BY patient HAVING count(*) > 1"


@dataclass(frozen=True, slots=True)
class Tried:
    """One fault, as it is printed."""

    fault: str
    database: str
    answered: int
    lost: int

    def line(self) -> str:
        """What was tried, and what was lost."""
        told = f"{self.answered} answered, lost: {self.lost or 'nothing'}"
        return f"{self.fault} ({self.database}): {told}"


def settled(url: str, kept: Kept, load: Load, fault: str) -> Tried:
    """After the fault: everything is there once, on a chain that verifies."""
    tried = there_and_sent_again(url, kept, load, fault)
    assert_intact(kept)
    return tried


def there_and_sent_again(url: str, kept: Kept, load: Load, fault: str) -> Tried:
    """Every answer is there, what was not answered can be sent again, and nothing is double."""
    with httpx.Client(base_url=url, timeout=60, verify=NOBODY) as client:
        lost = sum(not is_there(client, id_, *answer) for id_, answer in load.answered.items())
        for id_ in (*load.cut_off, *load.refused):
            again = derive(client, id_)
            assert again.status_code == httpx.codes.OK, again.text
    tried = Tried(fault, name_of(kept), len(load.answered), lost)
    assert lost == 0, tried.line()
    assert kept.rows(TWICE) == [], "somebody was decided about twice"
    return tried


def is_there(client: httpx.Client, id_: str, decision: str, content: bytes) -> bool:
    """The patient, the plan and the decision of one answer, as they were answered."""
    plan = json.loads(content)["entry"][0]["resource"]
    found = client.get(f"/fhir/CarePlan/{plan['id']}")
    return (
        found.status_code == httpx.codes.OK
        and found.json() == plan
        and client.get(f"/fhir/Patient/{id_}").status_code == httpx.codes.OK
        and client.get(f"/decisions/{decision}").status_code == httpx.codes.OK
    )


def assert_intact(kept: Kept) -> None:
    report = verify(kept.url)
    assert report.is_intact, report.faults


def name_of(kept: Kept) -> str:
    return "SQLite" if kept.is_sqlite else "PostgreSQL"
