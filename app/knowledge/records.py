"""The shape of every content record as it stands in a file: strict, an unknown key is an error."""

from typing import Annotated, Literal

import msgspec

PeriodText = Annotated[str, msgspec.Meta(pattern=r"^(P[1-9][0-9]*[DWMY])?\Z")]
Duration = Annotated[str, msgspec.Meta(pattern=r"^P[1-9][0-9]*[DWMY]\Z")]
Fit = Literal["++", "+", "(+)", "0", "-"]
ZeroToThree = Annotated[int, msgspec.Meta(ge=0, le=3)]
# System and code; a display may follow for the reader and has to be that of codes.csv.
CodeText = Annotated[tuple[str, ...], msgspec.Meta(min_length=2, max_length=3)]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """No unknown keys, no missing fields."""


class ManifestRecord(_Strict):
    """``manifest.toml``."""

    version: str
    released_on: str
    intended_use: str
    reviewers: list[str]
    cap: int
    cap_mild: int
    review_after: list[Duration]
    review_after_drug: Duration
    tells_all: bool = False
    asks_of_each_part: bool = False


class ReviewRecord(_Strict):
    """``[review]`` of a file: who wrote its records and which clinician signed them."""

    authored_by: str
    checked_by: str = ""


class InputRecord(_Strict):
    """``inputs/*.toml``."""

    label: str
    type: str
    asked_of: str
    choice: str = "latest"
    ask: str = ""
    ask_order: int = 0
    choices: list[tuple[str, str]] = []
    low: int | float | None = None
    high: int | float | None = None
    unit: str = ""
    molar_mass: int | float | None = None
    codings: list[CodeText] = []
    repeats: bool = False
    known_for: PeriodText = ""
    grows: bool = False
    lasting: bool = False
    gate_question: bool = False
    answered_by: str = ""
    listed_in: str = ""
    only_if_understood: bool = False
    alone: bool = False
    stopped: str = ""
    stopped_within: PeriodText = ""
    shown_by: str = ""
    shown_after: PeriodText = ""
    counts: list[str] = []
    allergy_to: list[str] = []
    short: str = ""
    mirrors: str = ""
    ingredient: str = ""
    is_kind: bool = False
    part_of: str = ""
    value_set: str = ""
    ordered_as: list[str] = []
    not_coded_in: list[str] = []
    members: str = ""


class TestRecord(_Strict, rename={"is_": "is"}):
    """``true_when``."""

    is_: bool | None = None
    any_code: list[str] = []
    at_least: int | float | None = None
    at_most: int | float | None = None
    below: int | float | None = None
    above: int | float | None = None


class FindingRecord(_Strict, rename={"from_": "from"}):
    """``findings/*.toml``."""

    label: str
    from_: str
    true_when: TestRecord
    within: PeriodText = ""
    older_than: PeriodText = ""
    said_by: str = ""
    earlier: bool = False
    evidence: list[str] = []


class AtLeastRecord(_Strict):
    """``at_least``."""

    n: int
    of: list[str]


class RuleRecord(_Strict):
    """``rules/*.toml``."""

    id: str
    label: str
    stage: str
    status: str
    evidence: list[str]
    why: str
    all_of: list[str] = []
    any_of: list[str] = []
    none_of: list[str] = []
    at_least: AtLeastRecord | None = None
    open_of: list[str] = []
    flag: str = ""
    ground: bool = False
    level: str = ""
    mechanism: str = ""
    grade: str = ""
    settled: bool = False
    concludes: bool = False
    safety: str = ""
    result: str = ""
    concerns: list[str] = []
    instead: list[str] = []


class FlagRecord(_Strict):
    """``flags.toml``."""

    label: str
    screen: list[str]
    removes: list[str] = []


class DriverRecord(_Strict):
    """``drivers.toml``; ``levels``: the rule of each level, ``measures``: what was looked at.

    ``absent_when`` are rules of which one that holds makes it 0, whatever was not measured.
    """

    label: str
    levels: dict[str, str]
    measures: list[list[str]]
    counts_from: int
    modifiability: int
    absent_when: list[str] = []


class CitationRecord(_Strict):
    """``evidence/*.toml``."""

    reference: str
    claim: str
    mark: str
    number: str = ""
    grade: str = "not-graded"


class DoseRecord(_Strict):
    """``dose``."""

    weeks: int | None = None
    frequency: int | None = None
    frequency_max: int | None = None
    period: int | None = None
    period_unit: str = ""


class FitsRecord(_Strict):
    """``fits``: how much an intervention is meant for each mechanism."""

    nociceptive: Fit
    neuropathic: Fit
    nociplastic: Fit
    mixed: Fit


class InterventionRecord(_Strict):
    """``interventions/*.toml``."""

    label: str
    kind: str
    stage: str
    family: str
    evidence: list[str]
    text: str = ""
    codings: list[CodeText] = []
    products: list[CodeText] = []
    dose: DoseRecord | None = None
    goals: list[str] = []
    catalogue: bool = False
    counted: bool = True
    why_not: str = ""
    texts_when: list[tuple[str, str]] = []
    prohibits: list[str] = []
    uncounted_by: list[str] = []
    leads_when: list[str] = []
    harm: ZeroToThree = 0
    cost: ZeroToThree = 0
    ordered_as: list[CodeText] = []
    taken_as: list[str] = []
    fits: FitsRecord | None = None
    dose_seen: str = ""


class GapRecord(_Strict):
    """``gaps.toml``: what no input tells, of which rules and activities, and what to do instead."""

    label: str
    looked_for: str
    instead: str
    items: list[str]


class PlacementRecord(_Strict):
    """``placements.toml``."""

    activity: str
    row: str
    stage: str
    status: str
    rule: str
    trigger: str = ""
    severity: list[str] = []
    driver: str = ""
    driver_from: int = 0
    when: list[str] = []
    steps: list[int] = []
    unless: list[str] = []
    unless_open: list[str] = []
    gives_way_to: str = ""
    gives_way_when: list[str] = []


class MeasureRecord(_Strict):
    """``[[goal."G-1".measure]]``; ``absolute`` is the minimal important change, if known."""

    input: str
    label: str
    coding: CodeText
    unit: str
    fraction: float
    evidence: list[str]
    absolute: int | float | None = None
    reach: int | float | None = None
    no_more_than: int | float | None = None
    is_higher_better: bool = False
    when: list[str] = []


class GoalRecord(_Strict):
    """``goals.toml``."""

    label: str
    due: PeriodText = ""
    measure: list[MeasureRecord] = []
    own_words: str = ""
    when: list[str] = []
    texts_when: list[tuple[str, str]] = []


class AnswerRecord(_Strict):
    """``answers``; without a ``system`` the code is our own and needs a ``display``."""

    code: str
    points: int
    system: str = ""
    display: str = ""


class ItemRecord(_Strict):
    """``[instrument.ID.item.CODE]``: where one item differs from the others."""

    low: int | None = None
    high: int | None = None
    unit: str = ""
    answers: list[AnswerRecord] | None = None


class InstrumentRecord(_Strict):
    """``instruments/*.toml``; ``needs`` and ``prorate`` say what is done with missing items."""

    label: str
    total: str
    scoring: str
    licence: str
    items: list[str] = []
    item_low: int = 0
    item_high: int = 0
    item_inputs: dict[str, str] = {}
    item: dict[str, ItemRecord] = {}
    own_codes: bool = False
    texts: dict[str, str] = {}
    answers: list[AnswerRecord] = []
    prorate: int = 0
    needs: int = 0
    regions: list[list[str]] = []
    part_of: str = ""
    panel: str = ""
    questionnaire: str = ""
    description: str = ""
    stem: str = ""
    notice: str = ""


class TextRecord(_Strict):
    """``texts.toml``: one wording a language; English is always there."""

    en: str
