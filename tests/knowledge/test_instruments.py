"""Faults in the content of instruments stop the service; each is named with its record."""

import pytest

from app.knowledge.errors import ContentError
from app.knowledge.loading import load_from
from tests.patients import knowledge

FILES = dict(knowledge().files)


def faults_with(file: str, old: str, new: str) -> str:
    """What is wrong with the content when one text in it is replaced by another."""
    text = FILES[file]
    assert old in text
    with pytest.raises(ContentError) as refused:
        load_from({**FILES, file: text.replace(old, new, 1)})
    return str(refused.value)


MOOD = "instruments/mood_and_beliefs.toml"
STRATA = "instruments/strata.toml"
FM = "instruments/sensitivity.toml"
FUNCTION = "instruments/pain_function_sleep.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        (MOOD, 'total = "gad7-total"', 'total = "gad8-total"', "is no input"),
        (MOOD, 'scoring = "prorated-sum"', 'scoring = "guess"', "no scoring function guess"),
        (MOOD, 'part_of = "phq-4"', 'part_of = "phq-5"', "part of phq-5, which is no instrument"),
        (MOOD, '"LA6571-9", points = 3', '"LA6571-9", points = 4', "outside the range"),
        (MOOD, '"LA6571-9", points = 3', '"LA6571-9", points = 2', "differs from itself"),
        (MOOD, '"LA6571-9"', '"LA6571-8"', "is not a verified code"),
        (MOOD, 'panel = "69737-5"', 'panel = "69737-4"', "is not a verified code"),
        (MOOD, "prorate = 1 ", 'prorate = "one" ', "Expected `int`"),
        (MOOD, "prorate = 1 ", "pro_rate = 1 ", "unknown field"),
        (MOOD, '"69734-2" = "Trouble', '"69734-3" = "Trouble', "69734-3, which is no item"),
        (STRATA, 'display = "Agree", ', "", "answer agree has no display"),
        (STRATA, 'items = ["91340-0"', 'items = ["91340-1"', "is not a verified code"),
        (
            STRATA,
            'items = ["91340-0"',
            'texts = { "91340-0" = "The text" }\nitems = ["91340-0"',
            "its licence lets no item text ship",
        ),
        (FM, '  ["fm-neck"', '  ["fm-neck", "fm-tail"', "fm-tail, which is no item"),
        (
            FUNCTION,
            '[instrument.exercise-vital-sign.item."68516-4"]\nhigh = 1440',
            '[instrument.exercise-vital-sign.item."68516-5"]\nhigh = 1440',
            "68516-5, which is no item",
        ),
    ],
)
def test_a_fault_is_named(file: str, old: str, new: str, fault: str) -> None:
    assert fault in faults_with(file, old, new)


def test_an_instrument_whose_licence_ships_a_form_has_a_text_for_every_item() -> None:
    for instrument in knowledge().instruments.values():
        if instrument.licence == "SHIP" and instrument.questionnaire:
            assert all(item.text for item in instrument.items.values()), instrument.id
            assert instrument.description


def test_the_items_of_a_subscale_are_items_of_its_whole() -> None:
    instruments = knowledge().instruments
    for part in instruments.values():
        if part.part_of:
            whole = instruments[part.part_of]
            assert part.items.keys() <= whole.items.keys()
            assert all(part.items[code].answers == whole.items[code].answers for code in part.items)
            assert not whole.part_of


def test_every_total_of_the_contract_is_an_input() -> None:
    system = "https://painplan.health/fhir/CodeSystem/instrument-score"
    ours = [pair[1] for i in knowledge().inputs.values() for pair in i.codings if pair[0] == system]

    assert len(ours) == 24
    for code in ours:
        assert (system, code) in knowledge().inputs[code].codings
