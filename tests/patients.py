"""A patient for a test, told in facts: only what matters to the vignette is named."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Self

from app.domain.content import Content
from app.domain.content_parts import ValueType
from app.domain.course import Before
from app.domain.decision import Decision, derive
from app.domain.facts import (
    CodedAllergy,
    CodedCondition,
    CodedMedicine,
    Fact,
    FactValue,
    Record,
    SaidBy,
)
from app.domain.truth import Truth
from app.domain.worlds import evaluate
from app.knowledge import load

CHECKED = {
    "gender": "male",
    "egfr": 85,
    "creatinine": 1,
    "weight-kg": 80,
    "height-cm": 180,
    "systolic-bp": 120,
    "diastolic-bp": 75,
    "phq9-item-9": 0,
    "alcohol-heavy": False,
    "falls-history": False,
    "corticosteroid-prolonged": False,
    "osteoporosis-known": False,
    "instability-or-deformity": False,
}
AS_OF = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@cache
def knowledge() -> Content:
    """The shipped content, loaded once for all tests."""
    return load()


class Patient:
    """Facts about one patient, added one by one."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.conditions: list[CodedCondition] = []
        self.medicines: list[CodedMedicine] = []
        self.allergies: list[CodedAllergy] = []
        self.lists: set[str] = set()

    def aged(self, years: int) -> Self:
        """Born so many years and a day before the instant of evaluation."""
        born = AS_OF.replace(year=AS_OF.year - years) - timedelta(days=1)
        self.facts.append(Fact("birth-date", born, AS_OF, SaidBy.CLINICIAN, "Patient/p"))
        return self

    def with_(
        self, name: str, value: Any, *, days_ago: float = 1, said_by: str | None = None
    ) -> Self:
        """One answer, a day old by default, by whomever it is asked of."""
        known = knowledge().inputs[name]
        author = said_by or (
            "clinician" if known.asked_of in ("clinician", "record") else "patient"
        )
        at = AS_OF - timedelta(days=days_ago)
        source = f"Observation/o{len(self.facts)}"
        self.facts.append(Fact(name, _value(known.value_type, value), at, SaidBy(author), source))
        return self

    def having(
        self, system: str, code: str, *, onset_days_ago: float | None = None, current: bool = True
    ) -> Self:
        """A problem-list entry."""
        onset = None if onset_days_ago is None else AS_OF - timedelta(days=onset_days_ago)
        self.conditions.append(
            CodedCondition(
                system_codes=((system, code),),
                current=current,
                onset=onset,
                abated=None,
                at=onset or AS_OF,
                source=f"Condition/c{len(self.conditions)}",
            )
        )
        return self

    def taking(  # noqa: PLR0913  (what an entry of the list may say)
        self,
        system: str = "",
        code: str = "",
        *,
        text: str = "",
        daily_dose: Decimal | None = None,
        stopped_days_ago: float | None = None,
        began_days_ago: float | None = None,
    ) -> Self:
        """A medicine by code or by name; current, or stopped so long ago."""
        source = f"MedicationRequest/m{len(self.medicines)}"
        codes = ((system, code),) if code else ()
        is_current = stopped_days_ago is None
        at = AS_OF - timedelta(days=stopped_days_ago or 0)
        ended = None if is_current else at
        began = None if began_days_ago is None else AS_OF - timedelta(days=began_days_ago)
        self.medicines.append(
            CodedMedicine(codes, text, is_current, at, source, daily_dose, began=began, ended=ended)
        )
        return self

    def allergic_to(self, text: str, *, is_to_medicine: bool = True) -> Self:
        """An allergy by name."""
        source = f"AllergyIntolerance/a{len(self.allergies)}"
        self.allergies.append(CodedAllergy((), text, is_to_medicine, AS_OF, source))
        return self

    def complete(self, *types: str) -> Self:
        """Lists that are known to be complete."""
        self.lists.update(types)
        return self

    def record(self) -> Record:
        """Everything told so far."""
        return Record(
            tuple(self.facts),
            tuple(self.conditions),
            tuple(self.medicines),
            tuple(self.allergies),
            complete=frozenset(self.lists),
        )

    def decide(self, *, profile: str = "who", before: Before | None = None) -> Decision:
        """The decision about this patient."""
        return derive(
            self.record(),
            knowledge(),
            as_of=AS_OF,
            guideline_profile=profile,
            crisis_text="Call your local crisis line.",
            before=before,
        )


def a_patient() -> Patient:
    """An adult of 46 with low back pain for a year; nothing else is known."""
    return Patient().aged(46).with_("pain-location-low-back", True).with_("pain-duration-weeks", 52)


def screened(patient: Patient) -> Patient:
    """The same patient after every gate question was answered no."""
    for name, known in knowledge().inputs.items():
        if known.gate_question:
            patient.with_(name, False)
    return patient


def checked(patient: Patient) -> Patient:
    """The same patient, a man, with whole lists and every value that an option waits for."""
    patient.complete("Condition", "MedicationRequest", "AllergyIntolerance")
    for name, value in CHECKED.items():
        patient.with_(name, value)
    return patient


def rule_truth(decision: Decision, rule: str) -> Truth:
    """How one rule stands; those about orders are no part of a derivation."""
    content = knowledge()
    worlds = evaluate(content, decision.standings, content.baseline_of_orders)
    return worlds.truth(content.rule_by_id[rule].slot)


def _value(value_type: ValueType, value: Any) -> FactValue:
    if value_type is ValueType.DECIMAL and not isinstance(value, bool):
        return Decimal(str(value))
    return value
