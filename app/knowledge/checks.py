"""What must hold of the content before anything may be decided with it (``content.md``)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from app.domain.content import Content
from app.domain.content_parts import Instrument, Intervention, Item
from app.domain.gate import ACTING, GateLevel
from app.domain.placing import CRISIS
from app.domain.plan_types import PROPOSED
from app.domain.scoring import SCORING
from app.domain.standing import Standings
from app.domain.worlds import evaluate
from app.knowledge.codes import codes
from app.knowledge.errors import Fault
from app.knowledge.medicine_tables import medicine_faults
from app.knowledge.order_checks import order_faults
from app.knowledge.problem_codes import problem_faults
from app.knowledge.records import InstrumentRecord
from app.knowledge.source import Source
from app.knowledge.vocabulary import ACTIVITIES, vocabulary

STATUSES = frozenset({"consensus", "study", "judgement"})
MARKS = frozenset({"V", "V2", "C", "R", "J"})
WORDS_A_PATIENT_READS = 60
NEEDS_READ_EVIDENCE = frozenset({"drug", "interventional", "surgical"})
PROFILES = ("who", "uk", "us")
DIRECTIONS = frozenset({"for", "against", "silent"})
AVOID = "-"
# What only an order can name, such as "order:tramadol".
ORDER = "order:"


def faults(source: Source, content: Content) -> list[Fault]:
    """Every fault found; an empty list means that the content may be used."""
    return [
        *vocabulary(source, content),
        *_names(source, content),
        *codes(source),
        *medicine_faults(source, content),
        *problem_faults(source, content),
        *_rules(source, content),
        *_interventions(source, content),
        *_fits(content),
        *_instruments(source, content),
        *_safety(source, content),
        *_stances(content),
        *_drivers(source, content),
        *order_faults(source, content),
        *_knowing_nothing(content),
    ]


def _names(source: Source, content: Content) -> Iterator[Fault]:
    for kind, ids in (
        ("rule", [r.id for r in source.rules]),
        ("intervention", list(source.interventions)),
        ("input", list(source.inputs)),
    ):
        seen: set[str] = set()
        for id_ in ids:
            if id_ in seen:
                yield Fault("content", id_, f"two of one id ({kind})")
            if id_ in source.retired:
                yield Fault("content", id_, "this id is retired and never used again")
            seen.add(id_)
    for flag in content.flags:
        for name in flag.screen:
            if name not in content.inputs:
                yield Fault("flags.toml", flag.id, f"screens by {name}, which is no input")
        for id_ in flag.removes:
            if id_ not in content.interventions:
                yield Fault("flags.toml", flag.id, f"removes {id_}, which is no intervention")
    for name, known in content.inputs.items():
        for other in (known.stopped, known.shown_by, *known.counts, *known.allergy_to):
            if other and other not in content.inputs:
                yield Fault("inputs", name, f"names {other}, which is no input")
        if known.answered_by and known.answered_by not in content.rule_by_id:
            yield Fault("inputs", name, f"is answered by {known.answered_by}, which is no rule")


def _rules(source: Source, content: Content) -> Iterator[Fault]:
    levels = {level.value for level in ACTING}
    flags = {flag.id for flag in content.flags}
    for rule in content.rules:
        place = source.origin[f"RuleRecord {rule.id}"]
        if rule.status not in STATUSES:
            yield Fault(place, rule.id, f"status {rule.status} is none of {sorted(STATUSES)}")
        if not rule.evidence:
            yield Fault(place, rule.id, "a rule without evidence")
        yield from _cited(place, rule.id, rule.evidence, content)
        if rule.level and rule.level not in levels:
            yield Fault(place, rule.id, f"level {rule.level} is none of {sorted(levels)}")
        if rule.flag and rule.flag not in flags:
            yield Fault(place, rule.id, f"flag {rule.flag} is not in flags.toml")
        if not (rule.all_of or rule.any_of or rule.none_of or rule.at_least or rule.open_of):
            yield Fault(place, rule.id, "a rule without a condition")
        if rule.at_least is not None and rule.at_least.n > len(rule.at_least.of):
            yield Fault(place, rule.id, "at_least asks for more than it names")
    for finding in content.findings.values():
        yield from _cited("findings", finding.name, finding.evidence, content)
    for id_, citation in content.citations.items():
        if citation.mark not in MARKS:
            yield Fault("evidence", id_, f"mark {citation.mark} is none of {sorted(MARKS)}")


def _cited(place: str, id_: str, evidence: Iterable[str], content: Content) -> Iterator[Fault]:
    for name in evidence:
        if name not in content.citations:
            yield Fault(place, id_, f"cites {name}, which is no evidence record")


def _interventions(source: Source, content: Content) -> Iterator[Fault]:
    proposed = {p.activity for p in content.placements if p.status == PROPOSED}
    read_by_the_patient = {p.activity for p in content.placements} | set(ACTIVITIES)
    for placement in content.placements:
        if placement.activity not in content.interventions:
            yield Fault("placements.toml", placement.activity, "is no intervention")
        if placement.gives_way_to and placement.gives_way_to not in content.interventions:
            fault = f"gives way to {placement.gives_way_to}, which is no intervention"
            yield Fault("placements.toml", placement.activity, fault)
        if placement.rule not in content.rule_by_id:
            yield Fault("placements.toml", placement.activity, f"names rule {placement.rule}")
    for item in content.interventions.values():
        place = source.origin[f"intervention {item.id}"]
        yield from _cited(place, item.id, item.evidence, content)
        yield from _too_long(place, item.id, item.text, content)
        if item.id in read_by_the_patient and not item.text:
            yield Fault(place, item.id, "stands in a plan without a text for the patient")
        if item.id in proposed and item.family in NEEDS_READ_EVIDENCE:
            yield from _read_evidence(place, item, content)
        for name in item.goals:
            if name not in content.goals:
                yield Fault(place, item.id, f"names goal {name}")
        for name in item.taken_as:
            if name not in content.inputs:
                yield Fault(place, item.id, f"is taken as {name}, which is no input")
    for key, text in content.texts.items():
        yield from _too_long("texts.toml", key, text, content)
    for goal in content.goals.values():
        for measure in goal.measures:
            yield from _cited("goals.toml", goal.id, measure.evidence, content)
            if measure.input not in content.inputs:
                yield Fault("goals.toml", goal.id, f"measures {measure.input}, which is no input")


def _fits(content: Content) -> Iterator[Fault]:
    """No row of a mechanism holds what is to be avoided there.

    A content from before 5.0.0 says of nothing how it fits; one that does says it of everything.
    """
    items = content.interventions
    if not any(item.fits for item in items.values()):
        return
    for item in items.values():
        if item.catalogue and not item.fits:
            yield Fault("interventions", item.id, "does not say which mechanism it fits")
    for placement in content.placements:
        fits = items[placement.activity].fits if placement.activity in items else {}
        if fits.get(placement.row) == AVOID:
            fault = f"stands in the row {placement.row}, where its fits say to avoid it"
            yield Fault("placements.toml", placement.activity, fault)


def _safety(source: Source, content: Content) -> Iterator[Fault]:
    """A result that the engine knows, about activities that exist, under a number with a rule."""
    results = {"block", "caution", "adjust", "info"}
    for rule in content.rules:
        if not rule.safety:
            continue
        place = source.origin[f"RuleRecord {rule.id}"]
        if rule.result not in results:
            yield Fault(place, rule.id, f"result {rule.result} is none of {sorted(results)}")
        if rule.safety not in content.rule_by_id:
            yield Fault(place, rule.id, f"belongs to {rule.safety}, which is no rule")
        for name in (*rule.concerns, *rule.instead):
            if name not in content.interventions and not name.startswith(ORDER):
                yield Fault(place, rule.id, f"concerns {name}, which is no activity")


def _stances(content: Content) -> Iterator[Fault]:
    """Every guideline says something of every item of the catalogue, "silent" if nothing."""
    said = {(s.profile, s.intervention) for s in content.stances}
    for item in content.interventions.values():
        for profile in PROFILES:
            if item.catalogue and (profile, item.id) not in said:
                yield Fault("stances.csv", item.id, f"has no stance of {profile}")
    for stance in content.stances:
        if stance.direction not in DIRECTIONS:
            fault = f"direction {stance.direction} is none of {sorted(DIRECTIONS)}"
            yield Fault("stances.csv", stance.intervention, fault)
        if stance.intervention not in content.interventions:
            yield Fault("stances.csv", stance.intervention, "is no intervention")
        if stance.mark not in MARKS:
            yield Fault("stances.csv", stance.intervention, f"mark {stance.mark} is unknown")


def _drivers(source: Source, content: Content) -> Iterator[Fault]:
    for id_, driver in content.drivers.items():
        place = source.origin[f"driver {id_}"]
        for _, rule in driver.levels:
            if rule not in content.rule_by_id:
                yield Fault(place, id_, f"names {rule}, which is no rule")
    for placement in content.placements:
        if placement.driver and placement.driver not in content.drivers:
            yield Fault("placements.toml", placement.activity, f"names driver {placement.driver}")


def _too_long(place: str, id_: str, text: str, content: Content) -> Iterator[Fault]:
    """The crisis sentence counts where it will stand."""
    read = text.replace(CRISIS, content.texts.get("crisis", ""))
    if len(read.split()) > WORDS_A_PATIENT_READS:
        fault = f"the patient's text has more than {WORDS_A_PATIENT_READS} words"
        yield Fault(place, id_, fault)


def _read_evidence(place: str, item: Intervention, content: Content) -> Iterator[Fault]:
    """Recalled evidence of benefit never proposes a medicine, an injection or surgery."""
    for name in item.evidence:
        if name in content.citations and content.citations[name].mark in {"R", "J"}:
            yield Fault(place, item.id, f"is proposed on {name}, which is only recalled")


def _instruments(source: Source, content: Content) -> Iterator[Fault]:
    seen: dict[str, Item] = {}
    for id_, instrument in content.instruments.items():
        place = source.origin[f"instrument {id_}"]
        for fault in _instrument(instrument, source.instruments[id_], content):
            yield Fault(place, id_, fault)
        for code, item in instrument.items.items():
            if replace(item, becomes="") != seen.setdefault(code, replace(item, becomes="")):
                yield Fault(place, id_, f"item {code} differs from itself in another instrument")


def _instrument(
    instrument: Instrument, record: InstrumentRecord, content: Content
) -> Iterator[str]:
    if instrument.total not in content.inputs:
        yield f"its total {instrument.total} is no input"
    if instrument.scoring not in SCORING:
        yield f"no scoring function {instrument.scoring}"
    if instrument.part_of and instrument.part_of not in content.instruments:
        yield f"is part of {instrument.part_of}, which is no instrument"
    if instrument.licence == "TOTAL" and any(item.text for item in instrument.items.values()):
        yield "its licence lets no item text ship"
    for code in (*record.item, *record.texts, *record.item_inputs, *chain(*record.regions)):
        if code not in instrument.items:
            yield f"says something of {code}, which is no item of it"
    for item in instrument.items.values():
        if item.becomes and item.becomes not in content.inputs:
            yield f"an item becomes {item.becomes}, which is no input"
        for answer in item.answers:
            if not item.low <= answer.points <= item.high:
                yield "an answer lies outside the range of its items"
            if not answer.display:
                yield f"its answer {answer.code} has no display"


def _knowing_nothing(content: Content) -> Iterator[Fault]:
    """An empty patient: no conclusion holds, and the gate is not screened."""
    nothing = Standings({}, {}, (), ())
    worlds = evaluate(content, nothing)
    for rule in content.rules:
        if rule.concludes and worlds.is_true(rule.slot):
            yield Fault("rules", rule.id, "concludes something about a patient nobody knows")
    unscreened = content.rule_by_id.get("B-unscreened")
    if unscreened is None or not worlds.is_true(unscreened.slot):
        yield Fault("rules", "B-unscreened", f"does not say {GateLevel.NOT_SCREENED.value}")
