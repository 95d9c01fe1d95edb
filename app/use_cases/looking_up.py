"""What is known about the patient of a hook: the prefetch, the EHR for what is missing, our store.

Three values all the way: what nobody looked up stays unknown (contract §5). A broken or slow EHR
costs time within the budget of the call and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from app.domain.facts import NotUsed
from app.domain.orders.call import HookCall, Part
from app.domain.orders.ehr import EhrAccess, Looked
from app.domain.problem import PreconditionFailed, Problem
from app.domain.submission import Received
from app.use_cases.ports import Ehr, HookReader

# Worth asking again: not sent at all, or only in part. A client that tried and failed has tried.
TO_ASK = frozenset({Looked.NOT, Looked.SOME})


class Known(NamedTuple):
    """Resources of the patient, each once; the lists known in full; what was set aside."""

    resources: tuple[Received, ...]
    complete: frozenset[str]
    not_used: tuple[NotUsed, ...]


async def looked_up(
    call: HookCall, client: str, ehr: Ehr, reader: HookReader, left: Callable[[], float]
) -> Mapping[str, Part]:
    """The parts of the call: the EHR is asked for what is missing, then for what that refers to.

    ``left`` tells how many seconds there are for the EHR.
    """
    if not call.server:
        return call.parts
    access = EhrAccess(call.server, client, call.token)
    parts = await _with_missing(call, access, ehr, reader, left())
    wanted = reader.referred(parts, call.server)
    within = left()
    if not wanted or within <= 0:
        return parts
    return reader.joined(parts, await ehr.search(wanted, access, within=within))


async def _with_missing(
    call: HookCall, access: EhrAccess, ehr: Ehr, reader: HookReader, within: float
) -> Mapping[str, Part]:
    missing = [key for key, part in call.parts.items() if part.state in TO_ASK]
    if not missing or within <= 0:
        return call.parts
    wanted = [reader.query(key, call.patient) for key in missing]
    outcomes = await ehr.search(wanted, access, within=within)
    found = dict(call.parts)
    for key in missing:
        outcome = outcomes.get(key)
        if outcome is not None:
            found[key] = _better(call.parts[key], reader.part(key, outcome, call.patient))
    return found


def _better(sent: Part, fetched: Part) -> Part:
    """All beats some; what was sent in part is kept when the EHR gives no more."""
    if fetched.state is Looked.ALL or not sent.is_answered:
        return fetched
    return sent


def known(parts: Mapping[str, Part], stored: Sequence[Received], reader: HookReader) -> Known:
    """Everything together. PreconditionFailed (412) when nobody knows anything (CH-21)."""
    if not stored and not any(part.is_answered for part in parts.values()):
        raise PreconditionFailed(
            Problem(
                "Nothing is known about this patient: no prefetch was answered, no FHIR server"
                " could be asked, and nothing is stored here.",
                where="prefetch",
                mend="Send the prefetch that discovery names, or a fhirServer that is allowed.",
                code="required",
            )
        )
    resources: dict[tuple[str, str], Received] = {(r.type, r.id): r for r in stored}
    not_used: list[NotUsed] = []
    for part in parts.values():
        not_used += part.not_used
        for received in part.resources:
            _put(received, resources, not_used)
    complete = {
        reader.completes(key) for key, part in parts.items() if part.state is Looked.ALL
    } - {""}
    ordered = tuple(resources[key] for key in sorted(resources))
    return Known(ordered, frozenset(complete), tuple(not_used))


def _put(
    received: Received,
    resources: dict[tuple[str, str], Received],
    not_used: list[NotUsed],
) -> None:
    """What comes with the call beats what is stored, unless it says that it is older."""
    key = (received.type, received.id)
    before = resources.get(key)
    if before is not None and before.sha256 == received.sha256:
        return
    if before is not None and _is_older(received, before):
        not_used.append(NotUsed(received.reference, "older than the stored version"))
        return
    resources[key] = replace(received, version=0) if received.version else received


def _is_older(received: Received, before: Received) -> bool:
    if received.last_updated is None or before.last_updated is None:
        return False
    return received.last_updated < before.last_updated


def gaps_of(parts: Mapping[str, Part]) -> tuple[tuple[str, str, str], ...]:
    """What could not be looked up, or not in full."""
    return tuple(
        (key, part.state.value, part.why)
        for key, part in parts.items()
        if part.state is not Looked.ALL
    )
