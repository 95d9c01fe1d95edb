"""Instruments with their items, compiled."""

from collections.abc import Mapping

from app.domain.content_parts import Answer, Instrument, Item
from app.knowledge.plan_compiling import Displays
from app.knowledge.records import InstrumentRecord, ItemRecord
from app.knowledge.source import Source


def instruments_of(source: Source, displays: Displays) -> dict[str, Instrument]:
    """An item has one text wherever it stands, so it is written once."""
    texts = {
        code: text for record in source.instruments.values() for code, text in record.texts.items()
    }
    return {
        id_: Instrument(
            id=id_,
            label=r.label,
            total=r.total,
            scoring=r.scoring,
            licence=r.licence,
            items={code: _item(code, r, texts, displays) for code in r.items},
            prorate=r.prorate,
            needs=r.needs,
            regions=tuple(tuple(areas) for areas in r.regions),
            part_of=r.part_of,
            panel=r.panel,
            questionnaire=r.questionnaire,
            description=r.description,
            stem=r.stem,
            notice=r.notice,
        )
        for id_, r in source.instruments.items()
    }


def _item(
    code: str, record: InstrumentRecord, texts: Mapping[str, str], displays: Displays
) -> Item:
    own = record.item.get(code, ItemRecord())
    answers = record.answers if own.answers is None else own.answers
    return Item(
        code=code,
        low=record.item_low if own.low is None else own.low,
        high=record.item_high if own.high is None else own.high,
        text=texts.get(code, ""),
        unit=own.unit or "{score}",
        becomes=record.item_inputs.get(code, ""),
        answers=tuple(
            Answer(a.system, a.code, a.display or displays.get((a.system, a.code), ""), a.points)
            for a in answers
        ),
        is_loinc=not record.own_codes,
    )
