"""Questionnaires with a score: their items, what each answer is worth, and what is missing."""

from collections.abc import Iterator, Sequence

from app.book.document import Bullets, Code, Facts, Piece, Section, Text, listed
from app.book.fields import Pair, rest
from app.book.marks import LICENCES, told
from app.book.material import Material
from app.book.names import anchor
from app.knowledge.records import AnswerRecord, InstrumentRecord, ItemRecord
from app.knowledge.source import Source

TOLD = frozenset(
    {
        "label",
        "total",
        "scoring",
        "licence",
        "items",
        "item_low",
        "item_high",
        "item_inputs",
        "item",
        "texts",
        "notice",
        "answers",
        "regions",
        "panel",
        "questionnaire",
    }
)


def instruments(material: Material) -> Section:
    """Each questionnaire with its items and how answers become a total."""
    parts = [_instrument(id_, i, material) for id_, i in material.source.instruments.items()]
    return Section("instruments", "Instruments", (), tuple(parts))


def _instrument(id_: str, record: InstrumentRecord, material: Material) -> Section:
    names = material.names
    pairs: list[Pair] = [
        ("Total", names.link("input", record.total)),
        ("Scored by", (record.scoring,)),
        ("Licence", (told(record.licence, LICENCES),)),
        *_items(record, material.source),
    ]
    for item, name in record.item_inputs.items():
        pairs.append(("An item of its own", (Code(item), " is ", *names.link("input", name))))
    if record.answers:
        pairs.append(("Answers", _answers(record.answers, material.source)))
    if record.regions:
        areas = tuple(listed([(Code(code),) for code in region]) for region in record.regions)
        pairs.append(("Regions, each counted once", Bullets(areas)))
    if record.panel:
        pairs.append(("Panel", (Code(record.panel),)))
    if record.questionnaire:
        pairs.append(("Questionnaire", (Code(record.questionnaire),)))
    if record.notice:
        pairs.append(("Notice", (record.notice,)))
    pairs += rest(record, TOLD, names)
    return Section(anchor("instrument", id_), record.label, (Facts(tuple(pairs)),))


def _items(record: InstrumentRecord, source: Source) -> Iterator[Pair]:
    """An item has one text wherever it stands, written in one of its instruments."""
    if not record.items:
        return
    texts = {code: text for one in source.instruments.values() for code, text in one.texts.items()}
    with_own_range = [code for code, own in record.item.items() if own.high is not None]
    each = f"{record.item_low} to {record.item_high} each"
    if with_own_range:
        each += " unless said below"
    if len(with_own_range) == len(record.items):
        each = "each with a range of its own"
    yield f"{len(record.items)} items", (each,)
    yield "Items", Bullets(tuple(_item(code, record, texts, source) for code in record.items))


def _item(code: str, record: InstrumentRecord, texts: dict[str, str], source: Source) -> Text:
    own = record.item.get(code, ItemRecord())
    pieces: list[Piece] = [Code(code)]
    if code in texts:
        pieces.append(f" {texts[code]}")
    if own.low is not None or own.high is not None or own.unit:
        low = record.item_low if own.low is None else own.low
        high = record.item_high if own.high is None else own.high
        pieces.append(f" ({' '.join(filter(None, (f'{low} to {high}', own.unit)))})")
    if own.answers is not None:
        pieces += [": ", *_answers(own.answers, source)]
    return tuple(pieces)


def _answers(answers: Sequence[AnswerRecord], source: Source) -> Text:
    """The display of a standard code is that of codes.csv."""
    displays = {(row["system"], row["code"]): row["display"] for row in source.codes}
    said: list[Text] = []
    for answer in answers:
        display = answer.display or displays.get((answer.system, answer.code), "")
        said.append((Code(answer.code), f" {display} = {answer.points}"))
    return listed(said, "; ")
