"""A search as it is spelled in a query, read into what has to be looked up."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.domain.problem import NotUnderstood, Problem
from app.domain.searching import Alternative, Comparison, Criterion, Search
from app.fhir.reading.parameters import ID
from app.fhir.reading.received import logical_patient
from app.fhir.searching.dates import PREFIXES, alternatives, span_of
from app.fhir.searching.long_texts import BEGINNING, as_kept
from app.fhir.searching.parameters import PATIENT, Parameter, parameters_of
from app.fhir.searching.shape import RESULT, Shape, shape_with
from app.fhir.searching.telling import not_used, wrong
from app.fhir.searching.texts import parts, unescaped

ALTERNATIVES_AT_MOST = 100
NUL = "\0"
PARAMETERS_AT_MOST = 50
LONGEST = 64 * 1024  # of one value: it is taken apart letter by letter
ANYWHERE = frozenset({"_format", "_pretty"})
REVERSE_CHAIN = "_has"
ANYTHING: tuple[Alternative, ...] = ((),)
AFTER_ALL = "\U0010ffff"
_PREFIXED = re.compile(rf"({'|'.join(PREFIXES)})?(\d.*)\Z")
Pairs = Iterable[tuple[str, str]]


class Understood(NamedTuple):
    """A query as it was understood.

    ``used`` are the pairs that count, in their order, for the self link; ``ignored`` tells what
    was not used and why.
    """

    search: Search
    shape: Shape
    used: tuple[tuple[str, str], ...]
    ignored: tuple[Problem, ...]


@dataclass(slots=True)
class _Draft:
    type: str
    now: datetime
    base: str
    criteria: list[Criterion] = field(default_factory=list)
    patients: list[frozenset[str]] = field(default_factory=list)
    ids: list[frozenset[str]] = field(default_factory=list)
    updated: list[Criterion] = field(default_factory=list)


def understand(  # noqa: PLR0913  (a query, and what it is read against)
    pairs: Pairs,
    *,
    type_: str,
    now: datetime,
    base: str,
    is_strict: bool,
    includes: Sequence[str] = (),
    revincludes: Sequence[str] = (),
) -> Understood:
    """Read a query. NotUnderstood: a value, a modifier or, where that is asked for, a parameter.

    ``base`` is where we are served: references that begin with it are our own.
    """
    draft = _Draft(type_, now, base)
    known = {parameter.name: parameter for parameter in parameters_of(type_)}
    used: list[tuple[str, str]] = []
    ignored: list[Problem] = []
    shaping: list[tuple[str, str]] = []
    for number, (key, value) in enumerate(pairs):
        if number == PARAMETERS_AT_MOST:
            raise wrong(f"More than {PARAMETERS_AT_MOST} parameters.", key[:64], code="too-long")
        if len(value) > LONGEST:
            what = f"{key[:64]} is longer than {LONGEST} characters."
            raise wrong(what, key[:64], code="too-long")
        name, _, modifier = key.partition(":")
        if key in ANYWHERE:
            used.append((key, value))
        elif _is_empty(value) and (name in known or key in RESULT):
            ignored.append(not_used(key, "is empty"))
        elif key in RESULT:
            shaping.append((key, value))
        elif name in known:
            _criterion(known[name], modifier, value, draft)
            used.append((key, value))
        elif name == REVERSE_CHAIN or name.partition(".")[0] in known:
            raise wrong(f"Chained parameters such as {key[:64]!r} are not supported.", key)
        else:
            ignored.append(not_used(key, f"is no search parameter of {type_} here"))
    shape = shape_with(shaping, known, includes, revincludes, used, ignored)
    if is_strict and ignored:
        raise NotUnderstood(*ignored)
    search = Search(
        types=(type_,),
        criteria=tuple(draft.criteria),
        patients=tuple(draft.patients),
        ids=tuple(draft.ids),
        updated=tuple(draft.updated),
    )
    return Understood(search, shape, tuple(used), tuple(ignored))


def understand_condition(pairs: Pairs, *, type_: str, now: datetime, base: str) -> Search:
    """The criteria of a conditional interaction: every one must be known, and there must be one."""
    wanted = [(key, value) for key, value in pairs if key not in ANYWHERE]
    result = [key for key, _ in wanted if key in RESULT]
    if result:
        raise wrong(f"{result[0]} is no criterion.", result[0])
    understood = understand(wanted, type_=type_, now=now, base=base, is_strict=True)
    search = understood.search
    if not (search.criteria or search.patients or search.ids or search.updated):
        raise wrong("The condition names no criterion.", "", code="required")
    return search


def _is_empty(value: str) -> bool:
    """Also commas with nothing between them: a criterion of no value would hold of everything."""
    return not any(parts(value, ","))


def _criterion(parameter: Parameter, modifier: str, text: str, draft: _Draft) -> None:
    name, values = parameter.name, [v for v in parts(text, ",") if v]
    if len(values) > ALTERNATIVES_AT_MOST:
        raise wrong(f"{name} has more than {ALTERNATIVES_AT_MOST} values.", name, code="too-long")
    if NUL in text:  # R4: no string holds it, and PostgreSQL takes none
        raise wrong(f"{name} holds the character U+0000.", name, code="value")
    if name in PATIENT:
        _require(modifier in ("", "Patient"), name, modifier)
        draft.patients.append(frozenset(_patient(v, name, draft) for v in values))
        return
    if name == "_id":
        _require(not modifier, name, modifier)
        draft.ids.append(frozenset(_id(v) for v in values))
        return
    if name == "_lastUpdated":
        _require(not modifier, name, modifier)
        draft.updated.append(Criterion(name, _dates(name, values, draft)))
        return
    draft.criteria.append(_of_values(parameter, modifier, values, draft))


def _of_values(parameter: Parameter, modifier: str, values: list[str], draft: _Draft) -> Criterion:
    name = parameter.name
    if modifier == "missing":
        return Criterion(name, ANYTHING, is_negated=_is_true(values, name))
    match parameter.kind:
        case "token":
            _require(modifier in ("", "not"), name, modifier)
            any_of = tuple(_token(v, parameter.system) for v in values)
            return Criterion(name, any_of, is_negated=modifier == "not")
        case "date":
            _require(not modifier, name, modifier)
            return Criterion(name, _dates(name, values, draft))
        case "uri":
            _require(not modifier, name, modifier)
            return Criterion(name, tuple(_equal(unescaped(v)) for v in values))
        case "reference":
            _require(not modifier, name, modifier)
            return Criterion(name, tuple(_equal(_local(unescaped(v), draft)) for v in values))
        case "string":
            _require(modifier in ("", "exact"), name, modifier)
            begin = _equal if modifier else _begins
            return Criterion(name, tuple(begin(unescaped(v).casefold()) for v in values))


def _require(is_supported: bool, name: str, modifier: str) -> None:  # noqa: FBT001  (a condition)
    if not is_supported:
        raise wrong(f"The modifier :{modifier[:32]} of {name} is not supported.", name)


def _is_true(values: list[str], name: str) -> bool:
    if values in (["true"], ["false"]):
        return values == ["true"]
    raise wrong(f"{name}:missing is neither true nor false.", name, code="value")


def _token(text: str, implied: str) -> Alternative:
    """``code``, ``system|code``, ``|code`` (no system) or ``system|`` (any code).

    ``implied`` is the system of an element that is a code: nothing of it is kept.
    """
    halves = [unescaped(half) for half in parts(text, "|")]
    if len(halves) == 1:
        return _equal(halves[0])
    if implied and halves[0] == implied:
        return _equal("|".join(halves[1:])) if any(halves[1:]) else ()
    system, code = Comparison("system", "=", as_kept(halves[0])), "|".join(halves[1:])
    return (*_equal(code), system) if code else (system,)


def _equal(text: str) -> Alternative:
    return (Comparison("value", "=", as_kept(text)),)


def _begins(text: str) -> Alternative:
    start = text[:BEGINNING]
    return (Comparison("value", ">=", start), Comparison("value", "<", start + AFTER_ALL))


def _dates(name: str, values: list[str], draft: _Draft) -> tuple[Alternative, ...]:
    found: list[Alternative] = []
    for value in values:
        plain = value.replace(" ", "+")  # the plus of a zone that was not escaped
        match = _PREFIXED.match(plain)
        span = span_of(match[2]) if match is not None else None
        if match is None or span is None:
            raise wrong(
                f"{value[:32]!r} is no date for {name}.",
                name,
                f"Send a FHIR date, with one of the prefixes {', '.join(PREFIXES)} or none.",
                "value",
            )
        found.extend(alternatives(match[1] or "eq", span, draft.now))
    return tuple(found)


def _local(reference: str, draft: _Draft) -> str:
    return reference.removeprefix(f"{draft.base}/")


def _patient(text: str, name: str, draft: _Draft) -> str:
    """The logical id in ``p1``, ``Patient/p1`` or an absolute reference; "" finds nobody."""
    plain = _local(unescaped(text), draft)
    if ID.fullmatch(plain):
        return plain
    found = logical_patient(plain, {})
    if found is not None and ID.fullmatch(found):
        return found
    if re.fullmatch(r"(?:\S+/)?[A-Z][A-Za-z]+/\S+", plain):
        return ""
    raise wrong(f"{text[:64]!r} is no reference to a Patient.", name, code="value")


def _id(text: str) -> str:
    if ID.fullmatch(text):
        return text
    raise wrong("An id has 1 to 64 letters, digits, hyphens and dots.", "_id", code="value")
