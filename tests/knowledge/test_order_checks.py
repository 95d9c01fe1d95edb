"""What an author may get wrong about orders keeps the service from starting, and is named."""

import pytest

from app.knowledge import load_from
from app.knowledge.errors import ContentError
from app.knowledge.files import read_folder

ORDERS = "orders.toml"
LONG = "NSAID safety of every kind that there is, for whomever it may be: {reason}. Choose"
SCREEN, REMOVE = (f'suggestions = ["{name}"]\nlowered = true' for name in ("screen", "remove"))
BRACE = "Lumbar brace or traction: WHO 2023 advises against for chronic primary LBP."


@pytest.mark.parametrize(
    ("file", "was", "now", "says"),
    [
        (ORDERS, BRACE, BRACE * 2, "CDS-BRA-01: a summary may be"),
        (ORDERS, "NSAID safety: {reason}. Choose", LONG, "CDS-NSA-01: a summary may be"),
        (ORDERS, "{mme} MME/day (>=50)", "{mne} MME/day (>=50)", "{mne} is none of"),
        (ORDERS, "eGFR {egfr}:", "eGFR {reason}:", "gives a reason, and names no activity"),
        (ORDERS, '[order_rule."CDS-BED-01"]', '[order_rule."CDS-BED-09"]', "dangling"),
        (ORDERS, 'indicator = "critical"', 'indicator = "urgent"', "urgent"),
        (ORDERS, 'hooks = ["patient-view"]', 'hooks = ["patient-seen"]', "patient-seen is none of"),
        (ORDERS, 'rule = "CDS-BRA-01"', 'rule = "CDS-BRA-99"', "names CDS-BRA-99, which"),
        (ORDERS, 'suggestions = ["stay-active"]', 'suggestions = ["stay"]', "suggests stay, which"),
        (ORDERS, 'when = "O-change-to-mr"', 'when = "O-change"', "holds, which is no rule"),
        (ORDERS, 'needs = "RX-02"', 'needs = "RX-99"', "needs RX-99, which is no activity"),
        (ORDERS, '["create", "MR-01"]]', '["create", "MR-99"]]', "names MR-99, which is"),
        (ORDERS, '["create", "MR-01"]]', '["make", "MR-01"]]', "'make' is not a valid ActionKind"),
        (
            ORDERS,
            'actions = [["delete"], ["create", "MR-01"]]',
            'actions = [["delete"], ["update", "stay-active"], ["create", "MR-01"]]',
            "removes and changes one order",
        ),
        (
            ORDERS,
            'actions = [["delete"], ["create", "MR-01"]]',
            'actions = [["delete"], ["create", "MR-01"], ["create", "naloxone"]]',
            "puts another type in the place",
        ),
        (ORDERS, 'actions = [["delete"]]', 'actions = [["delete", "PT-01"]]', "only the order"),
        (ORDERS, 'type = "Task"', 'type = "Tusk"', "type Tusk is none of"),
        (ORDERS, 'priority = "stat"', 'priority = "now"', "priority now is none of"),
        (ORDERS, 'activity = "RV-01"', 'activity = "RV-99"', "is RV-99, which is no activity"),
        (ORDERS, 'limit_of = "order-daily-dose"', 'limit_of = "dose"', "brings down dose, which"),
        (ORDERS, "7242", "7243999", "7243999 is not a verified code"),
        (ORDERS, 'result = ["block"]', 'result = ["stop"]', "result stop is none of"),
        (ORDERS, 'activity = "IN-02"', 'activity = "ED-01"', "ED-01, which has no safety rule"),
        (ORDERS, 'evidence = ["renal-dosing"]', 'evidence = ["kidneys"]', "cites kidneys, which"),
        (ORDERS, SCREEN, REMOVE, "a lowered wording removes no order"),
        ("order-codes.csv", "56144002", "56144099", "56144099 is not a verified code"),
        ("order-codes.csv", "24968-0,order-lumbar-mr", "24968-0,order-mr", "order-mr, which is no"),
        ("order-names.csv", "back belt,", ",", "a row without words matches everything"),
        (
            "order-names.csv",
            "back belt,,order-brace-or-traction",
            "back belt,,order-belt",
            "order-belt, which no order is",
        ),
        (
            "inputs/orders.toml",
            'part_of = "order-lumbar-imaging"',
            'part_of = "order-spine"',
            "names order-spine, which is no input",
        ),
        (
            "inputs/orders.toml",
            'mirrors = "takes-nsaid"',
            'mirrors = "takes-pills"',
            "names takes-pills, which is no input",
        ),
    ],
)
def test_a_fault_is_named(file: str, was: str, now: str, says: str) -> None:
    files = read_folder()
    assert was in files[file], was
    files[file] = files[file].replace(was, now, 1)

    if says == "dangling":
        says = "CDS-BED-09: is no rule"
        files[file] = files[file].replace('[[order_rule."CDS-BED-01"', '[[order_rule."CDS-BED-09"')

    with pytest.raises(ContentError) as caught:
        load_from(files)

    assert says in str(caught.value)


def test_a_lowered_wording_only_informs() -> None:
    files = read_folder()
    place = files[ORDERS].index('rule = "CDS-MSR-01-open"')
    files[ORDERS] = files[ORDERS][:place] + files[ORDERS][place:].replace('"info"', '"warning"', 1)

    with pytest.raises(ContentError, match="a lowered wording informs only"):
        load_from(files)


def test_at_most_one_suggestion_is_recommended() -> None:
    files = read_folder()
    files[ORDERS] = files[ORDERS].replace(
        'label = "Remove this order"', 'label = "Remove this order"\nis_recommended = true', 1
    )

    with pytest.raises(ContentError, match="recommends more than one"):
        load_from(files)
