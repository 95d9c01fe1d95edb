"""Codes and displays: what is sent or asked for by code stands in codes.csv as verified."""

import re
from collections.abc import Iterator, Sequence

from app.knowledge.errors import Fault
from app.knowledge.source import Source

OURS = "https://painplan.health/fhir/"
LOINC = "http://loinc.org"
VERIFIED = "VERIFIED"
A_LOINC_CODE = re.compile(r"[0-9]+-[0-9]")
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
        yield from ((id_, coding) for coding in item.codings)
    for id_, goal in source.goals.items():
        yield from ((id_, measure.coding) for measure in goal.measure)
    for id_, instrument in source.instruments.items():
        named = filter(A_LOINC_CODE.fullmatch, (instrument.panel, *instrument.items))
        yield from ((id_, (LOINC, code)) for code in named)
        yield from ((id_, (system, code)) for system, code, _ in instrument.answers)
    for row in source.medicine_codes:
        if row["system"] == RXNORM:
            yield row["acts_as"], (row["system"], row["code"])


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
