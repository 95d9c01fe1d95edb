"""Orders as a clinician meets them: which card is shown, which is not, and why."""

import tomllib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain.orders.types import Order, PlanOnRecord, Review
from tests.orders import an_order, prescription, reviewed
from tests.patients import AS_OF, Patient, checked, knowledge, screened

FOLDER = Path(__file__).parent / "vignettes"
FILES = sorted(FOLDER.glob("*.toml"))


def told(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))


def patient_of(story: dict[str, Any]) -> Patient:
    patient = Patient().aged(story.get("age", 50))
    if story.get("checked"):
        checked(patient)
    if story.get("screened"):
        screened(patient)
    patient.complete(*story.get("complete", ()))
    for name, value in story.get("given", {}).items():
        patient.with_(name, value, days_ago=0.5)
    for name, entry in story.get("earlier", {}).items():
        patient.with_(name, entry["value"], days_ago=entry["days_ago"])
    for entry in story.get("condition", ()):
        patient.having(entry["system"], entry["code"], current=entry.get("current", True))
    for entry in story.get("medicine", ()):
        dose = entry.get("dose")
        patient.taking(
            text=entry["text"],
            daily_dose=None if dose is None else Decimal(dose),
            stopped_days_ago=entry.get("stopped_days_ago"),
            began_days_ago=entry.get("began_days_ago"),
        )
    return patient


def order_of(number: int, entry: dict[str, Any]) -> Order:
    said = dict(entry)
    for name in ("code", "reason"):
        if name in said:
            said[name] = tuple(said[name]) or None
    if "supply_days" in said:
        said["supply_days"] = Decimal(said["supply_days"])
    type_ = said.pop("type", "ServiceRequest")
    reference = f"{type_}/{number}"
    if type_ == "MedicationRequest":
        return prescription(reference=reference, **said)
    return an_order(type_=type_, reference=reference, **said)


def plan_of(story: dict[str, Any]) -> PlanOnRecord | None:
    entry = story.get("plan")
    if entry is None:
        return None
    made = AS_OF - timedelta(days=entry["days_ago"])
    return PlanOnRecord("d", made, entry["mechanism"], made + timedelta(weeks=6))


def review_of(story: dict[str, Any]) -> Review:
    orders = [order_of(n, entry) for n, entry in enumerate(story.get("order", ()), start=1)]
    return reviewed(
        patient_of(story),
        *orders,
        hook=story.get("hook", "order-sign"),
        profile=story.get("profile", "who"),
        plan=plan_of(story),
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_right_cards_and_no_others(file: Path) -> None:
    story = told(file)

    review = review_of(story)

    shown = [
        f"{a.indicator.value} {a.rule} {a.order.partition('/')[2]}".strip() for a in review.shown
    ]
    assert shown == story["cards"], story["why"]
    assert review.faults == ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_each_card_suggests(file: Path) -> None:
    story = told(file)

    by_rule = {advice.rule: advice for advice in review_of(story).shown}

    for rule, suggested in story.get("suggests", {}).items():
        assert [s.what for s in by_rule[rule].suggestions] == suggested
    for rule, words in story.get("says", {}).items():
        assert words in by_rule[rule].summary
    for rule, words in story.get("tells", {}).items():
        assert words in " ".join(by_rule[rule].detail)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_was_dropped_or_left_open_is_named(file: Path) -> None:
    story = told(file)

    review = review_of(story)

    assert [f"{s.why} {s.rule}" for s in review.suppressed] == story.get("dropped", [])
    open_rules = {u.rule for u in review.undecided}
    assert set(story.get("open", ())) <= open_rules
    assert not set(story.get("settled", ())) & open_rules


def test_there_are_forty_and_every_rule_has_its_own() -> None:
    said = {card.split()[1] for file in FILES for card in told(file)["cards"]}
    dropped = {card.split()[1] for file in FILES for card in told(file).get("dropped", [])}

    assert len(FILES) >= 40
    assert {card.id for card in knowledge().orders.cards} <= said | dropped


def test_every_wording_for_what_was_never_recorded_has_its_own() -> None:
    told_of = {
        (advice.rule, advice.rules[0])
        for file in FILES
        for advice in review_of(told(file)).shown
        if advice.is_lowered
    }
    lowered = {
        (card.id, wording.rule)
        for card in knowledge().orders.cards
        for wording in card.wordings
        if wording.is_lowered
    }

    assert lowered <= told_of, lowered - told_of
