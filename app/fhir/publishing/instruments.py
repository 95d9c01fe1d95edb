"""Questionnaires of instruments whose licence lets us ship the items: in this version the PHQ-9.

linkIds are LOINC item codes and answers LOINC answer codes, so the response is read by any system
that knows LOINC; each answer carries its number, and the total is calculated by the form itself.
"""

import csv
from io import StringIO

from app.domain.content import Content, Instrument
from app.fhir.canon import LOINC
from app.fhir.publishing.resource import Json, coding, published

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
STEMS = {
    "phq-9": "Over the last 2 weeks, how often have you been bothered by any of the following "
    "problems?",
}
LOINC_NOTICE = (
    "This form holds codes of LOINC (https://loinc.org), copyright Regenstrief Institute, Inc. and "
    "the LOINC Committee, free of charge under the licence at https://loinc.org/license."
)
DESCRIPTIONS = {
    "phq-9": "Nine questions on depressed mood, from 0 to 27. The ninth asks about self-harm: any "
    "answer but the first is read by the red-flag gate.",
}
CODES = "codes.csv"


def instrument_questionnaires(content: Content) -> list[Json]:
    """One Questionnaire for each instrument whose texts the content holds in full."""
    displays = _displays(content)
    return [
        _form(content, instrument, displays)
        for instrument in content.instruments.values()
        if instrument.questionnaire and set(instrument.items) <= instrument.texts.keys()
    ]


def _displays(content: Content) -> dict[tuple[str, str], str]:
    """The displays of the verified standard codes."""
    rows = csv.DictReader(StringIO(content.files.get(CODES, "")))
    return {(row["system"], row["code"]): row["display"] for row in rows}


def _form(content: Content, instrument: Instrument, displays: dict[tuple[str, str], str]) -> Json:
    id_ = instrument.questionnaire
    form = published(
        content,
        "Questionnaire",
        id_,
        name="".join(part.capitalize() for part in id_.split("-")),
        title=instrument.label,
        description=DESCRIPTIONS.get(id_, instrument.label),
    )
    form["copyright"] = f"{instrument.notice} {LOINC_NOTICE}".strip()
    form["subjectType"] = ["Patient"]
    form["code"] = [_loinc(instrument.panel, displays)]
    form["item"] = []
    if id_ in STEMS:
        form["item"].append({"linkId": "stem", "text": STEMS[id_], "type": "display"})
    form["item"] += [_item(code, instrument, displays) for code in instrument.items]
    form["item"].append(_total(content, instrument, displays))
    return form


def _loinc(code: str, displays: dict[tuple[str, str], str]) -> Json:
    return coding(LOINC, code, displays.get((LOINC, code), ""))


def _item(code: str, instrument: Instrument, displays: dict[tuple[str, str], str]) -> Json:
    return {
        "linkId": code,
        "code": [_loinc(code, displays)],
        "text": instrument.texts[code],
        "type": "choice",
        "answerOption": [
            {
                "extension": [{"url": ORDINAL, "valueDecimal": ordinal}],
                "valueCoding": coding(system, answer, displays.get((system, answer), "")),
            }
            for system, answer, ordinal in instrument.answers
        ],
    }


def _total(content: Content, instrument: Instrument, displays: dict[tuple[str, str], str]) -> Json:
    total = content.inputs[instrument.total]
    code = next(code for system, code in total.codings if system == LOINC)
    return {
        "extension": [
            {
                "url": CALCULATED,
                "valueExpression": {
                    "description": "The sum, once every question has its answer.",
                    "language": "text/fhirpath",
                    "expression": _sum(instrument),
                },
            }
        ],
        "linkId": code,
        "code": [_loinc(code, displays)],
        "text": total.label,
        "type": "integer",
        "readOnly": True,
    }


def _sum(instrument: Instrument) -> str:
    """The total in plain FHIRPath: answers are counted by code, so no engine needs ordinals."""
    chosen = "%resource.item.answer.value.ofType(Coding).code"
    parts = [
        f"{ordinal} * {chosen}.where($this = '{code}').count()"
        for _, code, ordinal in instrument.answers
        if ordinal
    ]
    complete = f"{chosen}.count() = {len(instrument.items)}"
    return f"iif({complete}, {' + '.join(parts)}, {{}})"
