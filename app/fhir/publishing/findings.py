"""Which inputs are findings, who is asked for them, and which codes answer them."""

from collections.abc import Iterator

from app.domain.content import Content
from app.domain.content_parts import Choice, Input, ValueType
from app.fhir.canon import ACTIVITY, FINDING_VALUE, RED_FLAG

PATIENT = frozenset({"patient", "either"})
CLINICIAN = frozenset({"clinician", "either"})
# Exercise is individual until the person chooses one of these (interventions.md §6.2); walking
# stands beside every one of them and may be what someone likes best.
EXERCISE_MODES = ("EX-02", "EX-03", "EX-04", "EX-05", "EX-06")


def findings(content: Content) -> Iterator[Input]:
    """The inputs under ``CodeSystem/finding``: what a person or an examination can answer.

    A score has a code of its own (a total is a decimal, an item is scored), and what the record
    or an order says of itself is asked of nobody.
    """
    for known in content.inputs.values():
        is_score = known.value_type is ValueType.DECIMAL or known.choice is Choice.SCORED
        if known.asked_of not in ("record", "order") and not is_score:
            yield known


def answers(known: Input, content: Content) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The code system of a coded finding and its (code, display) pairs."""
    codes = {code for code, _ in known.choices}
    flags = {flag.id: flag.label for flag in content.flags}
    match known.name:
        case "exercise-preference" if not codes:
            modes = [m for m in EXERCISE_MODES if m in content.interventions]
            return ACTIVITY, tuple((m, content.interventions[m].label) for m in modes)
        case "declined-activity" if not codes:
            offered = [i for i in content.interventions.values() if i.catalogue]
            return ACTIVITY, tuple((i.id, i.label) for i in offered)
        case _ if codes and codes <= flags.keys():
            return RED_FLAG, tuple((code, flags[code]) for code, _ in known.choices)
        case _:
            return FINDING_VALUE, known.choices
