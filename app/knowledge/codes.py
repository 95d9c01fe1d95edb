"""Codes and displays: what is sent or asked for by code stands in codes.csv as verified."""

from collections.abc import Iterator, Sequence
from itertools import chain

from app.knowledge.errors import Fault
from app.knowledge.records import InstrumentRecord
from app.knowledge.source import Source

OURS = "https://painplan.health/fhir/"
LOINC = "http://loinc.org"
VERIFIED = "VERIFIED"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

Verified = dict[tuple[str, str], str]


def codes(source: Source) -> Iterator[Fault]:
    """Unverified codes, other displays, and two rows of one code."""
    verified: Verified = {}
    for row in source.codes:
        key = (row["system"], row["code"])
        if not row["verified_in"].startswith(VERIFIED):
            yield Fault("codes.csv", row["code"], "is not verified and may not ship")
            continue
        if key in verified:
            yield Fault("codes.csv", row["code"], "stands here twice")
        verified[key] = row["display"]
    for id_, coding in _used(source):
        yield from _as_verified(id_, coding, verified)


def _used(source: Source) -> Iterator[tuple[str, Sequence[str]]]:
    """Every code that content names, with its display where one is written.

    The entries of record-codes.csv and the ATC classes are left out: they are only compared with
    what comes in, and the clinical documents answer for them. RxNorm numbers are not, because a
    wrong one is another medicine and nobody sees it.
    """
    for name, known in source.inputs.items():
        yield from ((name, coding) for coding in known.codings)
    for id_, item in source.interventions.items():
        yield from ((id_, coding) for coding in (*item.codings, *item.products, *item.ordered_as))
    for id_, goal in source.goals.items():
        yield from ((id_, measure.coding) for measure in goal.measure)
    for id_, instrument in source.instruments.items():
        yield from ((id_, coding) for coding in _of_instrument(instrument))
    for what, template in source.templates.items():
        yield from ((what, coding) for coding in template.codings)
    for row in source.order_codes:
        yield row["acts_as"], (row["system"], row["code"])
    for row in source.medicine_codes:
        if row["system"] == RXNORM:
            yield row["acts_as"], (row["system"], row["code"])


def _of_instrument(instrument: InstrumentRecord) -> Iterator[Sequence[str]]:
    """Panel, items and answers; an answer without a system has a code of ours."""
    items = () if instrument.own_codes else instrument.items
    yield from ((LOINC, code) for code in (instrument.panel, *items) if code)
    of_items = (item.answers or () for item in instrument.item.values())
    for answer in chain(instrument.answers, *of_items):
        if answer.system:
            display = (answer.display,) if answer.display else ()
            yield (answer.system, answer.code, *display)


def _as_verified(id_: str, coding: Sequence[str], verified: Verified) -> Iterator[Fault]:
    system, code, *display = coding
    if system.startswith(OURS):
        return
    if (system, code) not in verified:
        yield Fault("codes.csv", id_, f"{system}|{code} is not a verified code")
        return
    for written in display:
        if written != verified[system, code]:
            fault = f'{system}|{code} is "{verified[system, code]}", not "{written}"'
            yield Fault("codes.csv", id_, fault)
