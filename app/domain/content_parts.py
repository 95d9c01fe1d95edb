"""What the clinical content consists of: one class for each kind of thing that it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from app.domain.period import Period


class ValueType(Enum):
    """What kind of answer an input takes."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    CODE = "code"
    TEXT = "text"
    DATE = "date"


class Choice(Enum):
    """How one fact is chosen among several about the same input.

    LATEST: the latest time wins, the clinician beats the patient on the same day, different
    values at one instant are a conflict (unknown). GATE: a positive acts until a clinician's
    later negative, a conflict is present (``phenotyping.md`` §5, time and clearing). SCORED: the
    latest time wins and the highest of one instant does (PHQ-9 item 9). RECORD: a positive
    stands as long as its source stands; absence says nothing (problem list, medicine list).
    """

    LATEST = "latest"
    GATE = "gate"
    SCORED = "scored"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Input:
    """Something that can be known about a patient, under a code that resources carry.

    ``known_for`` is how long an answer (of a gate question: a negative one) stays known;
    ``molar_mass`` (g/mol) lets a mass be told as an amount of substance (creatinine);
    ``grows`` marks a duration that goes on growing after it was recorded (weeks of pain);
    ``lasting`` a risk that stays when a flag was assessed (osteoporosis), cleared only in a rule
    of that flag and never where it is the ground for something newer;
    ``answered_by`` names a rule that settles the question without being asked; ``listed_in`` is
    the list (a resource type) in which it would stand: not on a complete one means no, for
    some inputs ``only_if_understood``: while an entry is not understood, nothing is ruled out;
    ``alone`` marks a class that counts only where the medicine holds nothing else;
    ``counts_history`` says that entries no longer current speak about it, too.
    ``stopped`` is the class of a medicine that counts although it was stopped, ``stopped_within``
    how long; ``shown_by`` is a class of medicine that makes it true while one is taken, once it has
    been taken for ``shown_after``; ``counts`` are the classes whose medicines, or the problems,
    that are counted; ``allergy_to`` the classes to which an allergy counts; ``members`` is the mark
    of how we know which medicines belong to a class (``R`` recalled), empty for what is no class.
    ``short`` are the words of a card where the label is too long for one. Of an order (``asked_of``
    "order"): ``mirrors`` is the class of medicine of which an order makes it true, ``ingredient``
    the name of the one medicine of which it does, ``is_kind`` tells what is ordered, ``part_of`` of
    which kind it is a part, ``value_set`` in which value set of the deployer its codes stand,
    ``ordered_as`` as which resources it comes (any, where empty),
    ``not_coded_in`` which code systems have no code for it.
    """

    name: str
    label: str
    value_type: ValueType
    asked_of: str
    choice: Choice
    ask: str = ""
    ask_order: int = 0
    choices: tuple[tuple[str, str], ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    unit: str = ""
    molar_mass: Decimal | None = None
    codings: tuple[tuple[str, str], ...] = ()
    repeats: bool = False
    known_for: Period | None = None
    grows: bool = False
    lasting: bool = False
    gate_question: bool = False
    answered_by: str = ""
    listed_in: str = ""
    only_if_understood: bool = False
    alone: bool = False
    counts_history: bool = False
    stopped: str = ""
    stopped_within: Period | None = None
    shown_by: str = ""
    shown_after: Period | None = None
    counts: tuple[str, ...] = ()
    allergy_to: tuple[str, ...] = ()
    short: str = ""
    mirrors: str = ""
    ingredient: str = ""
    is_kind: bool = False
    part_of: str = ""
    value_set: str = ""
    ordered_as: frozenset[str] = frozenset()
    not_coded_in: frozenset[str] = frozenset()
    members: str = ""


@dataclass(frozen=True, slots=True)
class Test:
    """When the value of an input makes a statement true. Exactly one comparison is set."""

    is_value: bool | None = None
    any_code: frozenset[str] = frozenset()
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    below: Decimal | None = None
    above: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about the patient: true, false or unknown, from one input.

    ``within`` and ``older_than`` are windows on the age of a positive answer; ``earlier`` asks
    about the answers before the latest one (PHQ-9 item 9); ``said_by`` counts one author only.
    """

    name: str
    label: str
    input: str
    test: Test
    within: Period | None = None
    older_than: Period | None = None
    said_by: str = ""
    earlier: bool = False
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AtLeast:
    """``n`` of the slots in ``of``."""

    n: int
    of: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows from findings and from rules above it; the parts present are joined by "and".

    Operands are slots: positions in ``Content.slot_names``. ``flag`` and ``level`` make it a gate
    rule, ``mechanism`` and ``grade`` a grade rule; ``settled`` says that answering an open
    question never flips it. ``safety`` (``S-10``) makes it a safety rule: ``result`` is what it
    says of the activities in ``concerns`` (``block``, ``caution``, ``adjust``, ``info``), and
    ``instead`` what may take their place.
    """

    id: str
    slot: int
    label: str
    stage: str
    status: str
    why: str
    evidence: tuple[str, ...]
    all_of: tuple[int, ...] = ()
    any_of: tuple[int, ...] = ()
    none_of: tuple[int, ...] = ()
    at_least: AtLeast | None = None
    open_of: tuple[int, ...] = ()
    flag: str = ""
    level: str = ""
    mechanism: str = ""
    grade: str = ""
    settled: bool = False
    concludes: bool = False
    safety: str = ""
    result: str = ""
    concerns: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """A red flag: ``screen`` are the questions that, all answered no, make it "not reported"."""

    id: str
    label: str
    screen: tuple[str, ...]
    removes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Driver:
    """Something that keeps the pain going, graded 1 to 3 by rules (``phenotyping.md``, stage G).

    ``levels`` are (level, rule id), highest first. ``measures`` are groups of slots: a group of
    which every slot is known is one way in which the driver was looked for; one of ``absent_when``
    that holds says that it is not there. ``counts_from`` is the
    level from which it acts on the plan; ``modifiability`` 3 (readily) to 1.
    """

    id: str
    label: str
    levels: tuple[tuple[int, str], ...]
    measures: tuple[tuple[int, ...], ...]
    counts_from: int
    modifiability: int
    absent_when: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordCode:
    """How a coded condition acts (``red-flag-codes.csv``).

    ``code`` may end in ``*``. ``value`` is what it says of the input, None that it leaves it open
    (diabetes without a word on its control). ``within`` limits the onset; ``undated`` says whether
    an entry without a date acts all the same; ``history`` whether an entry no longer current acts
    too.
    """

    system: str
    code: str
    acts_as: str
    value: bool | str | None = True
    within: Period | None = None
    undated: bool = True
    history: bool = False


@dataclass(frozen=True, slots=True)
class MedicineClasses:
    """The classes (inputs) of a medicine; of a group also those that a member of it may have.

    ``only_first``: the word often stands beside a medicine that is not named (a salt, caffeine),
    and names one only where a text begins with it.
    """

    sure: tuple[str, ...]
    possible: tuple[str, ...] = ()
    only_first: bool = False


@dataclass(frozen=True, slots=True)
class OpioidFactor:
    """Morphine equivalents of one ``unit`` a day (mg, or ug/h of a patch)."""

    factor: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Citation:
    """An evidence record: a citation, what it shows, its number and how it was verified."""

    id: str
    reference: str
    claim: str
    number: str
    mark: str
    grade: str = "not-graded"


@dataclass(frozen=True, slots=True)
class Coding:
    """A verified standard code."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Dose:
    """How often and for how long; every number None where no dose is known."""

    weeks: int | None = None
    frequency: int | None = None
    frequency_max: int | None = None
    period: int | None = None
    period_unit: str = ""


@dataclass(frozen=True, slots=True)
class Intervention:
    """What can be done, avoided or asked: an item of the catalogue or an activity of its own.

    ``kind`` is a FHIR ``CarePlanActivityKind``; ``family`` is what a gate or the cap removes by
    (``education``, ``exercise``, ``walking``, ``psychological``, ``manual``, ``passive``, ``drug``,
    ``interventional``, ``surgical``, ``service``, ``self-care``); ``catalogue`` marks ED-01 to
    SU-01; ``text`` is what the patient reads.
    ``ordered_as`` are the codes by which an order for it is known when one comes in, ``taken_as``
    the inputs (``takes-tca``) that say that a medicine of this kind is taken already;
    ``products`` are the ingredients that an option for a medicine may stand for. Among rows that
    compete the one goes first of whose ``leads_when`` more holds, then the one with less ``harm``,
    then the one of less ``cost`` (0 hardly any to 3: an order of ours, not a measurement).
    ``fits`` says of each mechanism how much it is meant for it (``++``, ``+``, ``(+)``, ``0``, or
    ``-`` for what is to be avoided there), ``dose_seen`` the dose seen in trials, in words.
    """

    id: str
    label: str
    kind: str
    stage: str
    family: str
    text: str
    evidence: tuple[str, ...]
    codings: tuple[Coding, ...] = ()
    products: tuple[Coding, ...] = ()
    dose: Dose | None = None
    goals: tuple[str, ...] = ()
    catalogue: bool = False
    counted: bool = True
    why_not: str = ""
    texts_when: tuple[tuple[int, str], ...] = ()
    prohibits: tuple[str, ...] = ()
    uncounted_by: tuple[str, ...] = ()
    leads_when: tuple[int, ...] = ()
    harm: int = 0
    cost: int = 0
    ordered_as: tuple[tuple[str, str], ...] = ()
    taken_as: tuple[str, ...] = ()
    fits: Mapping[str, str] = field(default_factory=dict)
    dose_seen: str = ""


@dataclass(frozen=True, slots=True)
class Stance:
    """What a guideline profile says of an intervention, for one mechanism or for ``any``.

    ``direction`` is ``for``, ``against`` or ``silent``; only ``against`` keeps it out of the plan.
    """

    profile: str
    intervention: str
    mechanism: str
    direction: str
    says: str
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the plan puts an activity: in which row, in which stage, by which rule.

    ``row`` is ``foundation``, a mechanism, ``driver``, ``finding``, ``always`` (safety),
    ``do-not``, ``limited`` or ``review``. It counts only at one of ``severity`` (empty: any), while
    ``driver`` is graded ``driver_from`` or more, when everything in ``when`` holds, and at the
    ``steps`` of care it names. ``unless`` names rules that, when true, leave it out;
    ``unless_open`` rules that leave it out when true or unknown. It ``gives_way_to`` another
    activity when a rule of ``gives_way_when`` is true and the guideline profile does not advise
    against that one.
    ``status`` is ``proposed``, ``next-step`` or ``do-not``.
    """

    activity: str
    row: str
    stage: str
    status: str
    rule: str
    trigger: str = ""
    severity: tuple[str, ...] = ()
    driver: str = ""
    driver_from: int = 0
    when: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()
    unless: tuple[int, ...] = ()
    unless_open: tuple[int, ...] = ()
    gives_way_to: str = ""
    gives_way_when: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GoalMeasure:
    """How a goal is measured: the score, its code and unit, and the change that matters.

    Target by the MIC rule: improve by max(``absolute``, ``fraction`` of the baseline);
    ``absolute`` None where no minimal important change is known. ``reach`` is a value that is
    good enough whatever the baseline, ``no_more_than`` one that the change has to reach as well.
    ``is_higher_better`` turns the direction round. It counts only where something of ``when`` holds
    (empty: always): a score that is no occasion for the goal does not measure it.
    """

    input: str
    label: str
    coding: Coding
    unit: str
    absolute: Decimal | None
    fraction: Decimal
    evidence: tuple[str, ...]
    reach: Decimal | None = None
    no_more_than: Decimal | None = None
    is_higher_better: bool = False
    when: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GoalTemplate:
    """A goal of the plan, measured by the first instrument of ``measures`` that is present.

    It stands only while something in ``when`` holds (empty: always). ``due`` None: ongoing.
    ``own_words`` asks for the person's own; ``texts_when`` as for an intervention.
    """

    id: str
    label: str
    due: Period | None
    measures: tuple[GoalMeasure, ...] = ()
    own_words: str = ""
    when: tuple[int, ...] = ()
    texts_when: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One option of an item and the points it is worth; ``system`` is empty for our own codes."""

    system: str
    code: str
    display: str
    points: int


@dataclass(frozen=True, slots=True)
class Item:
    """One question of an instrument, ``low`` to ``high`` points.

    ``code`` is a LOINC item code, or one of ours where LOINC has none (``is_loinc`` false).
    ``becomes`` names an input of its own (PHQ-9 item 9); ``text`` is empty where the licence
    lets no text ship; ``unit`` is the UCUM unit of a number that is no score.
    """

    code: str
    low: int
    high: int
    text: str = ""
    unit: str = "{score}"
    becomes: str = ""
    answers: tuple[Answer, ...] = ()
    is_loinc: bool = True


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire with a score, its items by code in their order.

    ``scoring`` names a function of ``app/domain/scoring``; ``total`` is the input its total
    becomes. ``part_of`` names the instrument of which this is a subscale. How missing items are
    dealt with: ``prorate`` is the most that may be missing when the others stand for them,
    ``needs`` the fewest that make a mean (0: all). ``regions`` are the groups of items of which
    each counts once.
    """

    id: str
    label: str
    total: str
    scoring: str
    licence: str
    items: Mapping[str, Item] = field(default_factory=dict)
    prorate: int = 0
    needs: int = 0
    regions: tuple[tuple[str, ...], ...] = ()
    part_of: str = ""
    panel: str = ""
    questionnaire: str = ""
    description: str = ""
    stem: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A slot that reads an input: which finding, and inside rules of which flag ("" = any)."""

    slot: int
    finding: Finding
    flag: str
