"""The medicine of an option: one concept, however many ingredients its class has."""

import orjson

from app.fhir.writing.activity import constants
from tests.patients import knowledge


def test_codings_of_one_concept_mean_one_thing() -> None:
    content = knowledge()
    medicines = [i for i in content.interventions.values() if i.products]

    assert any(len(item.products) > 1 for item in medicines)
    for item in medicines:
        written = orjson.loads(orjson.dumps(constants(content)[item.id]["product"]))
        assert [c["code"] for c in written["coding"]] == [item.products[0].code], item.id
        assert written["text"] == item.products[0].display.lower()
