"""One line in, one line out: what the service would decide about it, and store."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.domain.history import DecisionRecord, ResourceVersion
from app.domain.problem import Problem, Refusal
from app.fhir.reading.submission import read_submission
from app.fhir.validation import Validator
from app.main import alone
from app.population.tally import GRADED, Found
from app.settings import Settings
from app.use_cases.calling import Caller
from app.use_cases.derive_care_plan import Ask, DeriveCarePlan
from app.use_cases.nothing import LastWrite

DERIVE = "derive"
OBSERVATION, PHENOTYPE = "Observation", "pain-mechanism-phenotype"
WITHHELD = "withheld"
STATUSES = (("proposed", "proposed"), ("next-step", "nextStep"), ("do-not", "doNot"))
NO_DATA = "unknown"


@dataclass(frozen=True, slots=True)
class How:
    """What every line is decided by. ``with_resources`` adds what the service would store."""

    as_of: datetime
    guideline_profile: str
    with_resources: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """The line that goes out, and what is counted of it."""

    line: bytes
    found: Found


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a line could not be decided about, and about whom it is, where that can be read."""

    patient: str
    problems: tuple[Problem, ...]

    def told(self, **place: object) -> bytes:
        """A line of rejects, its end included."""
        problems = [{"where": p.where or "", "what": p.what} for p in self.problems]
        row = {**place, "patient": self.patient or None, "problems": problems}
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


class Decider:
    """Everything that a process needs, loaded once. Not to be shared between threads."""

    def __init__(self, how: How, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.how = how
        self._validator = Validator.load()
        self._kept = LastWrite()
        self._use_case: DeriveCarePlan = alone(settings, self._kept)
        self._caller = Caller(
            tenant=settings.tenant,
            client="population",
            request_id="population",
            origin="",
            guideline_profile=how.guideline_profile,
        )

    @property
    def knowledge(self) -> str:
        """The digest of what decides, crisis text and terminology included."""
        return self._use_case.library.current.digest

    def decide(self, line: bytes) -> Decided | Rejected:
        """The same decision, to the bit, as ``$derive`` of this body on an empty database."""
        return asyncio.run(self._decide(line))

    def decide_all(self, lines: Iterable[bytes]) -> list[Decided | Rejected]:
        """Many lines one after the other."""

        async def run() -> list[Decided | Rejected]:
            return [await self._decide(line) for line in lines]

        return asyncio.run(run())

    async def _decide(self, line: bytes) -> Decided | Rejected:
        try:
            read = read_submission(
                line, query={}, validator=self._validator, operation=DERIVE, is_kept=False
            )
            submission = read._replace(as_of=read.as_of or self.how.as_of)
            await self._use_case(Ask(submission, DERIVE, request_digest=b""), self._caller)
        except Refusal as refusal:
            return Rejected(_whose(line), refusal.problems)
        except Exception as error:  # noqa: BLE001  (one line never stops the others)
            return Rejected(_whose(line), (_fault(error),))
        return _decided(self._kept.entries, with_resources=self.how.with_resources)


def _decided(entries: tuple[object, ...], *, with_resources: bool) -> Decided:
    record = next(entry for entry in entries if isinstance(entry, DecisionRecord))
    outputs = [e for e in entries if isinstance(e, ResourceVersion) and e.origin == "derived"]
    trace = orjson.loads(record.trace)
    grades = _grades(outputs)
    drivers = [(name, level) for name, level, _ in trace["drivers"]]
    by_status: dict[str, list[str]] = {}
    for name, status, _ in trace["catalogue"]:
        by_status.setdefault(status, []).append(name)
    withheld = [(name, why) for name, status, why in trace["catalogue"] if status == WITHHELD]
    told: dict[str, object] = {
        "patient": f"Patient/{record.patient}",
        "decision": record.id,
        "gate": trace["gate"],
        "flags": trace["flags"],
        "mechanism": trace["mechanism"],
        "grades": grades,
        "drivers": dict(drivers),
        "severity": trace["severity"],
        **{told_as: by_status.get(status, []) for status, told_as in STATUSES},
        "withheld": dict(withheld),
        "questions": trace["questions"],
        "notUsed": trace["notUsed"],
        "outputs": [[o.type, o.id, f"sha256:{o.sha256.hex()}"] for o in outputs],
    }
    if with_resources:
        told["resources"] = [orjson.Fragment(o.body) for o in outputs]
    found = Found(
        gate=trace["gate"],
        mechanism=trace["mechanism"],
        grades=tuple(grades.items()),
        drivers=tuple((n, NO_DATA if level is None else str(level)) for n, level in drivers),
        withheld=tuple((name, reason) for name, why in withheld for reason in why),
    )
    return Decided(orjson.dumps(told), found)


def _whose(line: bytes) -> str:
    """A reference to the patient: the line itself is kept nowhere else, so it has to be found."""
    try:
        return next(_named(orjson.loads(line)), "")
    except ValueError:
        return ""


def _named(body: object) -> Iterator[str]:
    match body:
        case {"resourceType": "Patient", "id": str(id_)}:
            yield f"Patient/{id_}"
        case {"subject": {"reference": str(reference)}} | {
            "patient": {"reference": str(reference)}
        }:
            yield reference
        case {"entry": list(parts)} | {"parameter": list(parts)}:
            for part in parts:
                if isinstance(part, dict):
                    yield from _named(part.get("resource"))
        case _:
            pass


def _fault(error: Exception) -> Problem:
    """Of ours, told by its kind alone: its words may hold what a patient said."""
    return Problem(f"Something went wrong on our side ({type(error).__name__}).", code="exception")


def _grades(outputs: Iterable[ResourceVersion]) -> dict[str, str]:
    """The grades as the phenotype Observation states them; a grade without data is unknown."""
    observations = (orjson.loads(o.body) for o in outputs if o.type == OBSERVATION)
    phenotype = next(found for found in observations if _code(found) == PHENOTYPE)
    parts = {_code(part): part.get("valueCodeableConcept") for part in phenotype["component"]}
    return {name: _coded(parts[name]) for name in GRADED if name in parts}


def _code(coded: dict[str, Any]) -> str:
    return str(coded["code"]["coding"][0]["code"])


def _coded(value: dict[str, Any] | None) -> str:
    return NO_DATA if value is None else str(value["coding"][0]["code"])
