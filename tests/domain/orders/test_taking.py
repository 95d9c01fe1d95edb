"""The medicines as they would be with an order: what it renews, what is ordered beside it."""

from decimal import Decimal

from app.domain.facts import Bounds, Fact
from app.domain.orders.setting import setting
from app.domain.orders.situation import situation
from app.domain.orders.types import Order
from tests.orders import LISTS, prescription
from tests.patients import AS_OF, Patient, knowledge


def facts(patient: Patient, order: Order, *beside: Order) -> dict[str, Fact]:
    about = setting(
        (order, *beside),
        patient.complete(*LISTS).record(),
        knowledge(),
        as_of=AS_OF,
        guideline_profile="who",
        plan=None,
    )
    found = situation(order, about).standings.facts
    return {name: said[-1] for name, said in found.items()}


def value(patient: Patient, order: Order, name: str, *beside: Order) -> object:
    fact = facts(patient, order, *beside).get(name)
    return None if fact is None else fact.value


MORPHINE = "MedicationRequest/m0"


def on_morphine() -> Patient:
    return Patient().taking(text="morphine", daily_dose=Decimal(60), began_days_ago=70)


def test_the_same_ingredient_is_no_second_medicine_of_its_class() -> None:
    patient = Patient().taking(text="naproxen")

    assert value(patient, prescription("naproxen"), "takes-nsaid") is False
    assert value(patient, prescription("ibuprofen"), "takes-nsaid") is True


def test_a_draft_counts_for_the_others_and_not_for_itself() -> None:
    one = prescription("naproxen", reference="MedicationRequest/1")
    other = prescription("diazepam", reference="MedicationRequest/2")

    assert value(Patient(), one, "takes-benzodiazepine", other) is True
    assert value(Patient(), other, "takes-benzodiazepine", one) is False


def test_a_draft_that_ends_something_is_not_taken() -> None:
    one = prescription("naproxen", reference="MedicationRequest/1")
    end = prescription("diazepam", reference="MedicationRequest/2", stops=True)

    assert value(Patient(), one, "takes-benzodiazepine", end) is False


def test_what_is_replaced_is_counted_once_and_what_is_added_twice() -> None:
    renewed = prescription("morphine", dose=60, replaces=[MORPHINE])
    added = prescription("morphine", dose=60)

    assert value(on_morphine(), renewed, "mme-per-day") == 60
    assert value(on_morphine(), added, "mme-per-day") == 120
    assert value(on_morphine(), added, "order-raises-opioid-dose") is True
    assert value(on_morphine(), renewed, "order-raises-opioid-dose") is False


def test_a_request_signed_again_under_its_id_is_counted_once() -> None:
    again = prescription("morphine", dose=60, reference=MORPHINE)

    assert value(on_morphine(), again, "mme-per-day") == 60


def test_a_fall_of_the_dose_is_known_only_of_what_is_replaced() -> None:
    replacing = prescription("morphine", dose=30, replaces=[MORPHINE])
    beside = prescription("morphine", dose=30)

    assert value(on_morphine(), replacing, "order-dose-cut-percent") == 50
    assert value(on_morphine(), beside, "order-dose-cut-percent") is None
    assert value(Patient(), beside, "order-dose-cut-percent") == 0


def test_another_unit_tells_no_fall() -> None:
    patch = prescription("morphine", dose=30, unit="ug/h", replaces=[MORPHINE])

    assert value(on_morphine(), patch, "order-dose-cut-percent") is None


def test_how_long_it_was_taken_is_told_from_below() -> None:
    ended = prescription("morphine", stops=True)

    assert value(on_morphine(), ended, "order-weeks-taken") == Bounds(Decimal(10), Decimal(5200))


def test_whether_it_goes_on_is_open_while_something_is_not_understood() -> None:
    order = prescription("morphine", dose=20)

    assert value(on_morphine(), order, "order-continues-medicine") is True
    assert value(Patient(), order, "order-continues-medicine") is False
    unclear = Patient().taking(text="something nobody knows")
    assert value(unclear, order, "order-continues-medicine") is None


def test_medicines_that_act_on_the_nerves_are_counted_with_the_order() -> None:
    patient = Patient().taking(text="quetiapine").taking(text="citalopram")

    assert value(patient, prescription("diazepam"), "cns-active-drug-count") == 3
    assert value(patient, prescription("naproxen"), "cns-active-drug-count") == 2


def test_an_opioid_that_is_renewed_was_had_before() -> None:
    renewed = prescription("morphine", dose=60, replaces=[MORPHINE])

    assert value(on_morphine(), renewed, "had-opioid") is True
    assert value(Patient(), renewed, "had-opioid") is False


def test_what_somebody_states_of_an_order_is_not_believed() -> None:
    patient = Patient().with_("order-stops", True)

    assert value(patient, prescription("morphine"), "order-stops") is False
