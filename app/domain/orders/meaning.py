"""What an order is: its kind by code, then by words; what remains open stays unknown.

Codes first (content, then the deployer's value sets), words last. An order that is known to be one
thing is known not to be the others; one that matches nothing may be whatever comes as such a
resource and has codes of such a system.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from app.domain.content import Content
from app.domain.facts import FactValue
from app.domain.medicines import Understood, what_is, words
from app.domain.orders.knowledge import ReasonName
from app.domain.orders.types import Order
from app.domain.record_codes import acting_codes, is_icd

LOW_BACK = frozenset({"low-back-pain-on-problem-list", "chronic-low-back-pain-on-problem-list"})
CHRONIC = frozenset({"chronic-low-back-pain-on-problem-list"})
RADICULAR = frozenset({"radicular-on-problem-list"})
MEDICATION = "MedicationRequest"
CLAUSES = re.compile(r"[.,;:\n]|\bbut\b")
DENIED_FROM = 3  # words before: "not because of back pain"
Said = tuple[str, FactValue]
Pair = tuple[str, str]


def kinds_of(codings: Iterable[Pair], text: str, content: Content) -> frozenset[str]:
    """The kinds (``order-lumbar-imaging`` ...) that codes name, or else the words."""
    knowledge = content.orders
    coded = {kind for pair in codings for kind in knowledge.codes.get(pair, ())}
    if coded:
        return frozenset(coded)
    said = frozenset(words(text))
    return frozenset(
        name.acts_as for name in knowledge.names if name.said <= said and not name.unless & said
    )


def what_is_ordered(order: Order, content: Content) -> Iterator[Said]:
    """Each kind of order and each class of medicine, as far as it is known."""
    if order.medicine is not None or order.type == MEDICATION:
        yield from ((kind, False) for kind in content.orders.kinds)
        yield from _medicine(order, content)
        return
    knowledge = content.orders
    for name in (*knowledge.classes.values(), *knowledge.ingredients.values()):
        yield name, False
    found = kinds_of(order.codings, order.text, content)
    for kind in content.orders.kinds:
        if kind in found:
            yield kind, True
        elif _is_ruled_out(kind, found, order, content):
            yield kind, False


def _is_ruled_out(kind: str, found: frozenset[str], order: Order, content: Content) -> bool:
    """It is something else, or it cannot be this."""
    if found:
        return not _is_open_part(kind, found, content)
    return _cannot_be(kind, order, content)


def _cannot_be(kind: str, order: Order, content: Content) -> bool:
    """By its resource, or by its codes: they name something else, or are of another kind."""
    knowledge = content.orders
    types = knowledge.ordered_as.get(kind, frozenset())
    if types and order.type not in types:
        return True
    without = knowledge.not_coded_in.get(kind, frozenset())
    return any(pair in knowledge.others or pair[0] in without for pair in order.codings)


def _is_open_part(kind: str, found: frozenset[str], content: Content) -> bool:
    """The whole is known and none of its parts."""
    whole = content.orders.parts.get(kind)
    parts = {name for name, of in content.orders.parts.items() if of == whole}
    return whole in found and not parts & found


def _medicine(order: Order, content: Content) -> Iterator[Said]:
    medicine = order.medicine
    if medicine is None:
        return
    what = what_is(medicine, content)
    for class_, name in content.orders.classes.items():
        if class_ in what.classes:
            yield name, True
        elif what.is_whole and class_ not in what.possible:
            yield name, False
    yield from _ingredients(what, content)
    is_one = len(what.ingredients) == 1 and medicine.dose_unit == "mg"
    if is_one and medicine.daily_dose is not None:
        yield "order-daily-dose", medicine.daily_dose
    said = frozenset(words(f"{medicine.text} {medicine.manner} {order.text}"))
    yield from _release(said, content)
    if order.supply_days is not None:
        yield "order-supply-days", order.supply_days


def _ingredients(what: Understood, content: Content) -> Iterator[Said]:
    """The single medicines that rules ask for; a group or a bare code may stand for any of them."""
    is_named = all(name in content.medicine_names for name in what.ingredients)
    is_whole = what.is_whole and is_named and not what.possible
    for ingredient, name in content.orders.ingredients.items():
        if ingredient in what.ingredients:
            yield name, True
        elif is_whole:
            yield name, False


def _release(said: frozenset[str], content: Content) -> Iterator[Said]:
    """Whether it acts for long, where words tell; silent where none does."""
    forms = {name.acts_as for name in content.orders.forms if name.said <= said}
    if "order-extended-release" in forms:
        yield "order-extended-release", True
    elif "order-immediate-release" in forms:
        yield "order-extended-release", False


def why_ordered(order: Order, content: Content) -> Iterator[Said]:
    """Whether a reason stands on it, and whether it is low back pain; open if not understood."""
    has_reason = bool(order.reasons or order.reason_text.strip())
    yield "order-has-reason", has_reason
    acts = {row for reason in order.reasons for row in _acts_as(reason, content)}
    yield "order-reason-is-chronic", bool(acts & CHRONIC)
    yield "order-reason-is-radicular", bool(acts & RADICULAR)
    is_low_back = _is_low_back(order, content)
    if is_low_back is not None:
        yield "order-reason-is-low-back-pain", is_low_back


def _is_low_back(order: Order, content: Content) -> bool | None:
    if not order.reasons and not order.reason_text.strip():
        return False
    known = [
        bool(LOW_BACK & set(_acts_as(reason, content)))
        for reason in order.reasons
        if is_understood(reason, content)
    ]
    if any(known):
        return True
    if any(_is_affirmed(name, order.reason_text) for name in content.orders.reasons):
        return True
    is_whole = len(known) == len(order.reasons)
    return False if known and is_whole else None


def _is_affirmed(name: ReasonName, said: str) -> bool:
    """All of its words are there, and its first is somewhere not denied just before."""
    if not set(name.said) <= set(words(said)):
        return False
    return any(_is_affirmed_in(name, words(clause)) for clause in CLAUSES.split(said))


def _is_affirmed_in(name: ReasonName, said: Sequence[str]) -> bool:
    places = (place for place, word in enumerate(said) if word == name.said[0])
    return any(not name.unless & set(said[max(0, at - DENIED_FROM) : at]) for at in places)


def _acts_as(codings: Iterable[Pair], content: Content) -> Iterator[str]:
    for system, code in codings:
        yield from (row.acts_as for row in acting_codes(system, code, content) if row.value is True)


def is_understood(codings: Iterable[Pair], content: Content) -> bool:
    """A problem of which some code is known, so that it is known what it is not."""
    return any(is_icd(*pair) or pair in content.known_conditions for pair in codings)


def names_low_back_pain(codings: Iterable[Pair], content: Content) -> bool:
    """A code of low back pain (``amendments.md`` 15)."""
    return bool(LOW_BACK & set(_acts_as(codings, content)))
