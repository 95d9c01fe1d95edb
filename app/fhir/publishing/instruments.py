"""Questionnaires of instruments: items under their own codes, totals that the form calculates.

linkIds are LOINC item codes and answers LOINC answer codes where LOINC has them, so the response
is read by any system that knows LOINC; each answer carries its number. Where the licence lets no
text ship the form shows the number of each item, for answers given on a licensed sheet.
"""

import csv
from collections.abc import Iterator
from io import StringIO

from app.domain.content import Content
from app.domain.content_parts import Answer, Instrument, Item
from app.fhir.canon import LOINC, UCUM
from app.fhir.publishing.expressions import total_of
from app.fhir.publishing.resource import Json, coding, pascal, published

EXTENSION = "http://hl7.org/fhir/StructureDefinition"
ORDINAL = f"{EXTENSION}/ordinalValue"
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
ITEM_CONTROL = "http://hl7.org/fhir/questionnaire-item-control"
LOINC_NOTICE = (
    "This form holds codes of LOINC (https://loinc.org), copyright Regenstrief Institute, Inc. and "
    "the LOINC Committee, free of charge under the licence at https://loinc.org/license."
)
CODES = "codes.csv"
WHOLE_NUMBERS = frozenset({"sum", "prorated-sum", "product", "regions"})
Displays = dict[tuple[str, str], str]


def instrument_questionnaires(content: Content) -> list[Json]:
    """One Questionnaire for each instrument that the content gives one."""
    displays = _displays(content)
    return [
        _form(content, instrument, displays)
        for instrument in content.instruments.values()
        if instrument.questionnaire
    ]


def _displays(content: Content) -> Displays:
    """The displays of the verified standard codes."""
    rows = csv.DictReader(StringIO(content.files.get(CODES, "")))
    return {(row["system"], row["code"]): row["display"] for row in rows}


def _form(content: Content, instrument: Instrument, displays: Displays) -> Json:
    id_ = instrument.questionnaire
    form = published(
        content,
        "Questionnaire",
        id_,
        name=pascal(id_),
        title=instrument.label,
        description=instrument.description,
    )
    is_loinc = any(item.is_loinc for item in instrument.items.values())
    notices = [instrument.notice, LOINC_NOTICE if is_loinc else ""]
    if any(notices):
        form["copyright"] = " ".join(filter(None, notices))
    form["subjectType"] = ["Patient"]
    if instrument.panel:
        form["code"] = [_loinc(instrument.panel, displays)]
    form["item"] = [
        *_stem(instrument),
        *(
            _item(item, number, instrument, displays)
            for number, item in enumerate(instrument.items.values(), start=1)
        ),
        *(_total(content, one, displays) for one in _with_parts(content, instrument)),
    ]
    return form


def _with_parts(content: Content, whole: Instrument) -> Iterator[Instrument]:
    """The subscales, then the whole."""
    yield from (i for i in content.instruments.values() if i.part_of == whole.id)
    yield whole


def _loinc(code: str, displays: Displays) -> Json:
    return coding(LOINC, code, displays.get((LOINC, code), ""))


def _stem(instrument: Instrument) -> Iterator[Json]:
    if instrument.stem:
        yield {"linkId": "stem", "text": instrument.stem, "type": "display"}


def _item(item: Item, number: int, instrument: Instrument, displays: Displays) -> Json:
    made: Json = {}
    extensions = list(_extensions(item))
    if extensions:
        made["extension"] = extensions
    made["linkId"] = item.code
    if item.is_loinc:
        made["code"] = [_loinc(item.code, displays)]
    made["text"] = item.text or f"{instrument.label} item {number}"
    made["type"] = _type(item)
    if item.answers:
        made["answerOption"] = [_option(answer) for answer in item.answers]
    return made


def _type(item: Item) -> str:
    if item.answers:
        return "choice"
    return "boolean" if (item.low, item.high) == (0, 1) else "integer"


def _extensions(item: Item) -> Iterator[Json]:
    if item.answers:
        control = {"coding": [coding(ITEM_CONTROL, "radio-button", "Radio Button")]}
        yield {"url": f"{EXTENSION}/questionnaire-itemControl", "valueCodeableConcept": control}
        return
    if _type(item) == "integer":
        yield {"url": f"{EXTENSION}/minValue", "valueInteger": item.low}
        yield {"url": f"{EXTENSION}/maxValue", "valueInteger": item.high}
        if not item.unit.startswith("{"):
            unit = coding(UCUM, item.unit)
            yield {"url": f"{EXTENSION}/questionnaire-unit", "valueCoding": unit}


def _option(answer: Answer) -> Json:
    chosen = {"code": answer.code, "display": answer.display}
    if answer.system:
        chosen = coding(answer.system, answer.code, answer.display)
    return {
        "extension": [{"url": ORDINAL, "valueDecimal": answer.points}],
        "valueCoding": chosen,
    }


def _total(content: Content, instrument: Instrument, displays: Displays) -> Json:
    """The item that shows the total; its linkId is what the total is known by to us."""
    total = content.inputs[instrument.total]
    system, code = total.codings[0] if total.codings else ("", total.name)
    made: Json = {
        "extension": [
            {
                "url": CALCULATED,
                "valueExpression": {
                    "description": "The score, once every question that it needs is answered.",
                    "language": "text/fhirpath",
                    "expression": total_of(instrument),
                },
            }
        ],
        "linkId": code,
    }
    if system:
        made["code"] = [coding(system, code, displays.get((system, code), "") or total.label)]
    if system == LOINC:
        made["code"] = [_loinc(code, displays)]
    made["text"] = total.label
    made["type"] = "integer" if instrument.scoring in WHOLE_NUMBERS else "decimal"
    made["readOnly"] = True
    return made
