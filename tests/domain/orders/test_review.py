"""The review as a whole: which orders are looked at, what is dropped, how a fault is named."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.content import Content
from app.domain.orders.knowledge import CardRule
from app.domain.orders.setting import MOST_ORDERS
from app.domain.orders.types import (
    ActionKind,
    Fault,
    Indicator,
    Review,
    Snooze,
    Suppressed,
    Undecided,
)
from tests.orders import BACK_PAIN, an_order, prescription, reviewed
from tests.patients import AS_OF, Patient, a_patient, checked, knowledge, screened

MR = ("http://loinc.org", "24968-0")
TOMORROW = AS_OF + timedelta(days=1)


def well_known() -> Patient:
    return screened(checked(a_patient()))


def rules(review: Review) -> list[str]:
    return [advice.rule for advice in review.shown]


# Which orders


def test_order_select_advises_on_what_is_selected_and_considers_the_rest() -> None:
    opioid = prescription("codeine", dose=60, reference="MedicationRequest/1")
    sedative = prescription("diazepam", reference="MedicationRequest/2", is_selected=False)

    review = reviewed(well_known(), opioid, sedative, hook="order-select")

    assert {a.order for a in review.shown} == {"MedicationRequest/1"}
    assert "CDS-OPI-03" in rules(review)


def test_order_sign_advises_on_every_order() -> None:
    sedative = prescription("diazepam", is_selected=False)

    assert rules(reviewed(well_known(), sedative)) == ["CDS-BZD-01"]


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "revoked", "completed"])
def test_an_order_that_is_void_is_neither_judged_nor_counted(status: str) -> None:
    opioid = prescription("codeine", dose=60)
    void = prescription("diazepam", reference="MedicationRequest/2", status=status)

    assert "CDS-OPI-03" not in rules(reviewed(well_known(), opioid, void))


def test_an_order_that_is_signed_again_is_judged_too() -> None:
    review = reviewed(well_known(), prescription("diazepam", status="active"))

    assert rules(review) == ["CDS-BZD-01"]


def test_without_orders_there_is_nothing_to_say() -> None:
    assert reviewed(well_known()) == Review(AS_OF, "order-sign", ())


def test_an_order_that_says_nothing_is_undecided_not_fine() -> None:
    review = reviewed(well_known(), an_order("", reason=None))

    assert review.shown == ()
    lacks = {u.rule: u.lacks for u in review.undecided}
    assert "order-lumbar-imaging" in lacks["CDS-IMG-02"]


# The gate


def test_words_are_a_reason_where_no_code_is() -> None:
    order = prescription("diazepam", reason=None, reason_text="Chronic low back pain")

    assert rules(reviewed(Patient().aged(50), order)) == ["CDS-BZD-01"]


def test_low_back_pain_in_words_counts_beside_a_code_of_something_else() -> None:
    order = prescription(
        "diazepam",
        reason=("http://hl7.org/fhir/sid/icd-10-cm", "F41.1"),
        reason_text="Anxiety, low back pain",
    )

    review = reviewed(well_known(), order)

    assert "CDS-BZD-01" in rules(review)


def test_a_reason_nobody_understands_leaves_the_order_undecided() -> None:
    order = prescription("diazepam", reason=("http://example.org/local", "X1"))

    review = reviewed(well_known(), order)

    assert review.shown == ()
    assert "CDS-BZD-01" in {u.rule for u in review.undecided}


def test_neck_pain_is_no_low_back_pain() -> None:
    order = prescription("diazepam", reason=("http://hl7.org/fhir/sid/icd-10-cm", "M54.2"))

    review = reviewed(well_known(), order)

    assert review.shown == ()
    assert "CDS-BZD-01" not in {u.rule for u in review.undecided}


def test_an_active_problem_speaks_where_no_reason_does() -> None:
    patient = Patient().aged(50).having(*BACK_PAIN)

    assert rules(reviewed(patient, prescription("diazepam", reason=None))) == ["CDS-BZD-01"]


def test_a_problem_that_is_over_does_not() -> None:
    patient = Patient().aged(50).having(*BACK_PAIN, current=False).complete("Condition")

    assert reviewed(patient, prescription("diazepam", reason=None)).shown == ()


# Discipline


def test_at_most_three_cards_the_urgent_first_and_the_rest_is_named() -> None:
    order = prescription("12 HR oxycodone 40 MG Extended Release Oral Tablet", dose=80)
    patient = well_known().taking(text="diazepam")

    review = reviewed(patient, order)

    assert [(a.rule, a.indicator) for a in review.shown] == [
        ("CDS-OPI-03", Indicator.CRITICAL),
        ("CDS-OPI-02", Indicator.CRITICAL),
        ("CDS-OPI-04", Indicator.WARNING),
    ]
    assert review.suppressed == (Suppressed("CDS-OPI-01", "MedicationRequest/1", "capped"),)


def test_a_critical_card_is_never_capped() -> None:
    patient = well_known().with_("egfr", 20, days_ago=0.1)
    orders = [prescription("ibuprofen", reference=f"MedicationRequest/{n}") for n in range(5)]

    review = reviewed(patient, *orders)

    assert rules(review) == ["CDS-NSA-01"] * 5
    assert {a.indicator for a in review.shown} == {Indicator.CRITICAL}


def test_an_accepted_override_silences_a_rule_for_its_class_of_order() -> None:
    snooze = Snooze("CDS-BZD-01", "benzodiazepine", TOMORROW)

    review = reviewed(well_known(), prescription("diazepam"), snoozes=[snooze])

    assert review.shown == ()
    assert review.suppressed == (Suppressed("CDS-BZD-01", "MedicationRequest/1", "snoozed"),)


@pytest.mark.parametrize(
    "snooze",
    [
        Snooze("CDS-BZD-01", "benzodiazepine", AS_OF),
        Snooze("CDS-BZD-01", "opioid", TOMORROW),
        Snooze("CDS-OPI-01", "benzodiazepine", TOMORROW),
    ],
    ids=["over", "another class", "another rule"],
)
def test_a_snooze_silences_nothing_else(snooze: Snooze) -> None:
    review = reviewed(well_known(), prescription("diazepam"), snoozes=[snooze])

    assert rules(review) == ["CDS-BZD-01"]


def test_a_critical_card_is_never_snoozed() -> None:
    patient = well_known().with_("egfr", 20, days_ago=0.1)
    snooze = Snooze("CDS-NSA-01", "nsaid", TOMORROW)

    assert rules(reviewed(patient, prescription("ibuprofen"), snoozes=[snooze])) == ["CDS-NSA-01"]


def retired(content: Content, id_: str) -> Content:
    cards = tuple(
        replace(card, is_retired=True) if card.id == id_ else card for card in content.orders.cards
    )
    return replace(content, orders=replace(content.orders, cards=cards))


def test_a_retired_rule_is_dropped_and_named() -> None:
    content = retired(knowledge(), "CDS-BZD-01")

    review = reviewed(well_known(), prescription("diazepam"), content=content)

    assert review.suppressed == (Suppressed("CDS-BZD-01", "MedicationRequest/1", "retired"),)


def test_a_critical_card_of_a_retired_rule_is_shown() -> None:
    patient = well_known().with_("egfr", 20, days_ago=0.1)
    content = retired(knowledge(), "CDS-NSA-01")

    assert rules(reviewed(patient, prescription("ibuprofen"), content=content)) == ["CDS-NSA-01"]


def test_one_order_sent_twice_gets_one_card_of_a_rule() -> None:
    order = an_order(code=MR)

    review = reviewed(screened(a_patient()), order, order._replace(text="again"))

    assert rules(review) == ["CDS-IMG-02"]


def test_cauda_equina_is_said_once_however_many_orders_there_are() -> None:
    patient = a_patient().with_("saddle-sensory-change", True)
    orders = [an_order("Physiotherapy", reference=f"ServiceRequest/{n}") for n in range(9)]

    assert rules(reviewed(patient, *orders)) == ["CDS-IMG-04"]


def test_cauda_equina_is_said_of_the_first_order_that_is_for_the_back() -> None:
    patient = a_patient().with_("saddle-sensory-change", True)
    other = an_order("Chest X-ray", reason=("http://hl7.org/fhir/sid/icd-10-cm", "R07.9"))
    back = an_order("Physiotherapy", reference="ServiceRequest/2")

    assert [a.order for a in reviewed(patient, other, back).shown] == ["ServiceRequest/2"]


# Suggestions


def test_what_takes_the_place_of_an_order_has_its_type() -> None:
    """Imaging asked for as a Task cannot be replaced by a ServiceRequest (CH-46)."""
    order = an_order(code=MR, type_="Task")
    patient = screened(a_patient()).with_("structured-care-weeks-completed", 0)
    patient.with_("nerve-lesion-history", False)

    (advice,) = reviewed(patient, order).shown

    assert [s.what for s in advice.suggestions] == ["remove"]


def test_an_alternative_that_is_not_safe_is_not_suggested() -> None:
    patient = well_known().allergic_to("ibuprofen").with_("egfr", 20, days_ago=0.1)

    (advice,) = reviewed(patient, prescription("ibuprofen")).shown

    assert [s.what for s in advice.suggestions] == ["remove"]


@pytest.mark.parametrize(
    ("clearance", "profile", "most"),
    [(50, "who", 1400), (25, "us", 700), (25, "uk", 600), (10, "who", 300), (70, "uk", 1800)],
)
def test_a_gabapentin_dose_is_brought_down_to_the_limit_of_the_profile(
    clearance: int, profile: str, most: int
) -> None:
    patient = screened(a_patient()).with_("creatinine-clearance", clearance)

    review = reviewed(patient, prescription("gabapentin", dose=3000), profile=profile)

    (suggestion,) = next(a for a in review.shown if a.rule == "CDS-GAB-02").suggestions
    assert suggestion.actions[0].amount == most
    assert f"at most {most} mg a day" in suggestion.label


def test_no_suggestion_changes_and_removes_one_order() -> None:
    for card in knowledge().orders.cards:
        for wording in card.wordings:
            for remedy in wording.suggestions:
                kinds = [kind for kind, _ in remedy.actions if kind is not ActionKind.CREATE]
                assert len(kinds) <= 1, remedy.what


# What stands behind a card


def test_a_card_names_its_rules_its_facts_and_its_evidence() -> None:
    patient = well_known().with_("egfr", 20, days_ago=0.1)

    (advice,) = reviewed(patient, prescription("ibuprofen")).shown

    assert advice.rules[0] == "CDS-NSA-01"
    assert "S-10" in advice.rules
    assert ("egfr", 20) in {(fact.input, fact.value) for fact in advice.facts}
    assert "beers-renal" in advice.evidence
    assert any("eGFR below 30" in line for line in advice.detail)
    assert any("20 mL/min" in line for line in advice.detail)


def test_a_card_says_what_is_known_not_to_be_so_in_words() -> None:
    patient = well_known().with_("nerve-lesion-history", False, days_ago=0.1)
    label = knowledge().inputs["nerve-lesion-history"].label

    told = [
        line
        for advice in reviewed(patient, prescription("gabapentin")).shown
        for line in advice.detail
    ]

    assert any(f"not: {label} (" in line for line in told), told


def test_a_summary_is_always_shorter_than_140_characters() -> None:
    patient = well_known().with_("egfr", 20, days_ago=0.1).taking(text="apixaban")
    for advice in reviewed(
        patient, prescription("ibuprofen"), an_order("epidural injection")
    ).shown:
        assert len(advice.summary) < 140
        assert "{" not in advice.summary


# Faults


def broken(card: CardRule) -> CardRule:
    """The card of a rule that does not exist."""
    return replace(card, wordings=tuple(replace(w, rule="gone") for w in card.wordings))


@pytest.mark.parametrize("card", knowledge().orders.cards, ids=lambda card: card.id)
def test_a_fault_in_one_rule_is_named_and_silences_no_other(card: CardRule) -> None:
    content = knowledge()
    cards = tuple(broken(c) if c.id == card.id else c for c in content.orders.cards)
    faulty = replace(content, orders=replace(content.orders, cards=cards))
    hook = "patient-view" if "patient-view" in card.hooks else "order-sign"
    patient = well_known().with_("egfr", 20, days_ago=0.1).with_("opioid-weeks", 20)
    patient.taking(text="morphine", daily_dose=Decimal(20))
    orders = () if hook == "patient-view" else (prescription("ibuprofen"), an_order(code=MR))

    whole = reviewed(patient, *orders, hook=hook)
    review = reviewed(patient, *orders, hook=hook, content=faulty)

    references = [order.reference for order in orders] or [""]
    assert review.faults == tuple(Fault(card.id, one, "KeyError") for one in references)
    kept = [a for a in (*whole.shown,) if a.rule != card.id]
    assert kept == [a for a in review.shown if a in kept]


def test_an_order_that_cannot_be_read_is_a_fault_of_every_rule_and_spares_the_others() -> None:
    bad = prescription("ibuprofen")._replace(reasons=((("system",),),))  # type: ignore[arg-type]
    good = prescription("diazepam", reference="MedicationRequest/2")

    review = reviewed(well_known(), bad, good)

    assert {f.order for f in review.faults} == {"MedicationRequest/1"}
    cards = [card for card in knowledge().orders.cards if "order-sign" in card.hooks]
    assert {f.rule for f in review.faults} == {card.id for card in cards}
    assert rules(review) == ["CDS-BZD-01"]


def test_a_patient_who_cannot_be_read_is_a_fault_of_every_rule() -> None:
    patient = well_known()
    patient.conditions.append(None)  # type: ignore[arg-type]

    review = reviewed(patient, prescription("diazepam"))

    cards = [card for card in knowledge().orders.cards if "order-sign" in card.hooks]
    assert {f.rule for f in review.faults} == {card.id for card in cards}
    assert review.shown == ()


def test_what_is_too_many_is_left_out_by_name_and_nothing_is_ruled_out_by_it() -> None:
    drafts = [
        prescription("naproxen", reference=f"MedicationRequest/{n}", is_selected=n > 500)
        for n in range(1000)
    ]

    review = reviewed(well_known(), *drafts, hook="order-select")

    judged = {a.order for a in review.shown} | {s.order for s in review.suppressed}
    assert len(review.left_out) == 1000 - MOST_ORDERS
    assert not judged & set(review.left_out)
    assert all(int(order.partition("/")[2]) > 500 for order in judged)


def test_what_a_rule_is_about_is_looked_at_however_late_it_comes() -> None:
    others = [an_order("haemoglobin", reference=f"ServiceRequest/{n}") for n in range(500)]
    late = prescription("diazepam", reference="MedicationRequest/late")

    review = reviewed(well_known(), *others, late)

    assert "MedicationRequest/late" not in review.left_out
    assert "CDS-BZD-01" in rules(review)


def test_an_opioid_whose_dose_is_unknown_is_not_taken_for_none() -> None:
    (advice,) = (
        a for a in reviewed(well_known(), prescription("morphine")).shown if a.rule == "CDS-OPI-02"
    )

    assert advice.is_lowered
    assert "cannot be computed" in advice.summary


def test_what_is_undecided_names_the_data_it_lacks() -> None:
    review = reviewed(checked(a_patient()), prescription("gabapentin", dose=900))

    lacking = {u.rule: u.lacks for u in review.undecided}
    assert isinstance(review.undecided[0], Undecided)
    assert "saddle-sensory-change" in lacking["CDS-IMG-04"]


# What is known of nearly nobody


def tramadol_for(patient: Patient) -> Review:
    return reviewed(patient, prescription("tramadol", dose=100, reason=BACK_PAIN))


def test_an_order_of_tramadol_is_unchecked_until_its_breakdown_is_known() -> None:
    """Every other fact of S-38 is known and speaks for it; that alone lets it not pass."""
    card = next(a for a in tramadol_for(well_known()).shown if a.rule == "CDS-TRA-01")

    assert card.is_lowered
    assert card.indicator is Indicator.INFO
    assert "cannot be checked: how fast CYP2D6 breaks tramadol down." in card.summary
    assert not [a for s in card.suggestions for a in s.actions if a.kind is ActionKind.DELETE]


def test_an_order_of_tramadol_passes_once_its_breakdown_is_known_to_be_usual() -> None:
    review = tramadol_for(well_known().with_("cyp2d6-ultrarapid", False))

    assert "CDS-TRA-01" not in rules(review)
    assert "CDS-TRA-01" not in {u.rule for u in review.undecided}


def test_an_order_of_tramadol_stops_where_it_is_broken_down_ultrarapidly() -> None:
    review = tramadol_for(well_known().with_("cyp2d6-ultrarapid", True))

    card = next(a for a in review.shown if a.rule == "CDS-TRA-01")
    assert card.indicator is Indicator.CRITICAL
    assert "how fast CYP2D6 breaks tramadol down" in card.summary


def test_what_else_is_missing_is_named_before_it() -> None:
    card = next(a for a in tramadol_for(screened(a_patient())).shown if a.rule == "CDS-TRA-01")

    assert card.is_lowered
    assert "CYP2D6" not in card.summary
    assert any("CYP2D6" in line for line in card.detail)
