"""What the lists of medicines and allergies say: classes taken, stopped, counted."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.domain.content import Content
from app.domain.content_parts import Input
from app.domain.doubt import Doubts
from app.domain.facts import Bounds, CodedMedicine, Fact, FactValue, Record, SaidBy
from app.domain.medicines import Understood, understood, what_is

MEDICINES, ALLERGIES = "MedicationRequest", "AllergyIntolerance"
WHOLE_LIST = f"{MEDICINES} (complete list)"
NOT_KNOWN = "a medicine that matches nothing we know: it rules nothing out"
PARTLY_KNOWN = "an ingredient that matches nothing we know: it rules nothing out"
GROUP_ONLY = "names a group of medicines only: it rules out no member"
MOST = Decimal(100)


class Entry(NamedTuple):
    """A medicine on the list and what it was understood to be."""

    medicine: CodedMedicine
    what: Understood

    @property
    def is_taken(self) -> bool:
        """Known to be taken now."""
        return self.medicine.current and not self.medicine.doubt

    @property
    def may_be_taken(self) -> bool:
        """Taken, or not known not to be."""
        return self.medicine.current or bool(self.medicine.doubt)


def entries(record: Record, content: Content) -> tuple[Entry, ...]:
    """Every medicine of the record with its classes."""
    return tuple(Entry(m, what_is(m, content)) for m in record.medicines)


def of_medicines(
    listed: Iterable[Entry], content: Content, as_of: datetime, doubts: Doubts
) -> Iterator[Fact]:
    """A class that is seen is taken, whatever else is on the list."""
    known = tuple(listed)
    for entry in known:
        _doubt(entry, doubts)
        if entry.is_taken:
            for name in sorted(entry.what.classes):
                if name in content.inputs:
                    yield _fact(name, True, as_of, entry.medicine.source)  # noqa: FBT003
    for name in content.after_stopping:
        yield from _stopped(content.inputs[name], known, as_of, doubts)


def _doubt(entry: Entry, doubts: Doubts) -> None:
    """What is not known of an entry keeps its list, or its own classes, from ruling out."""
    medicine, what = entry.medicine, entry.what
    if medicine.doubt:
        doubts.tell(medicine.source, medicine.doubt)
        doubts.inputs |= what.classes
    if not what.is_whole:
        doubts.tell(medicine.source, PARTLY_KNOWN if what.ingredients else NOT_KNOWN)
        if entry.may_be_taken:
            doubts.lists.add(MEDICINES)
    if what.possible:
        doubts.tell(medicine.source, GROUP_ONLY)
        if entry.may_be_taken:
            doubts.inputs |= what.possible


def _stopped(
    about: Input, listed: Iterable[Entry], as_of: datetime, doubts: Doubts
) -> Iterator[Fact]:
    """What was stopped a short while ago still acts; without a date it may."""
    assert about.stopped_within is not None  # noqa: S101  (the checks of the content see to it)
    edge = about.stopped_within.earliest(as_of)
    for entry in listed:
        medicine, what = entry.medicine, entry.what
        is_one = about.stopped in what.classes
        if entry.is_taken or not (is_one or about.stopped in what.possible or not what.is_whole):
            continue
        acts = None if medicine.doubt else _ended_since(medicine, edge)
        if acts and is_one:
            yield _fact(about.name, True, as_of, medicine.source)  # noqa: FBT003
        elif acts is not False:
            doubts.inputs.add(about.name)


def _ended_since(medicine: CodedMedicine, edge: datetime) -> bool | None:
    """Whether a medicine no longer taken was still taken after ``edge``; None: no date says."""
    if medicine.ended is not None:
        return medicine.ended >= edge
    if medicine.began is not None and medicine.began >= edge:
        return True
    if medicine.ended_by is not None and medicine.ended_by < edge:
        return False
    return None


def counted(
    listed: Iterable[Entry], content: Content, as_of: datetime, *, is_whole: bool
) -> Iterator[Fact]:
    """How many medicines of some classes; at least so many while the list is not known whole."""
    known = tuple(listed)
    for name in content.counting.get(MEDICINES, ()):
        about = content.inputs[name]
        wanted = frozenset(about.counts)
        sure = dict(_of_classes((e for e in known if e.is_taken), wanted))
        maybe = [e for e in known if _may_count(e, wanted)]
        low = Decimal(len(sure))
        high = low + len(maybe) if is_whole else (about.high or MOST)
        if not low and not is_whole:
            continue
        value: FactValue = int(low) if low == high else Bounds(low, high)
        yield _fact(about.name, value, as_of, max(sure.values(), default=WHOLE_LIST))


def _of_classes(listed: Iterable[Entry], wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(medicine, where it stands): two names of one class in one entry are one medicine."""
    for entry in listed:
        by_classes: dict[tuple[str, ...], str] = {}
        for name, classes in sorted(entry.what.ingredients.items()):
            if wanted & set(classes):
                by_classes.setdefault(classes, name)
        for name in by_classes.values():
            yield name, entry.medicine.source


def _may_count(entry: Entry, wanted: frozenset[str]) -> bool:
    if entry.is_taken:
        return bool(wanted & entry.what.possible and not wanted & entry.what.classes)
    return entry.may_be_taken and bool(wanted & (entry.what.classes | entry.what.possible))


def of_allergies(
    record: Record, content: Content, as_of: datetime, doubts: Doubts
) -> Iterator[Fact]:
    """An allergy to one member counts for its class."""
    for allergy in record.allergies:
        what = understood(allergy.system_codes, allergy.text, content)
        if not what.is_whole and allergy.is_to_medicine:
            doubts.tell(allergy.source, PARTLY_KNOWN if what.ingredients else NOT_KNOWN)
            doubts.lists.add(ALLERGIES)
        if not what.classes and not what.possible:
            continue  # it is in no class that a rule asks for
        for name, about in content.inputs.items():
            if what.classes & set(about.allergy_to):
                yield _fact(name, True, as_of, allergy.source)  # noqa: FBT003
            elif what.possible & set(about.allergy_to):
                doubts.inputs.add(name)
                doubts.tell(allergy.source, GROUP_ONLY)


def _fact(name: str, value: FactValue, as_of: datetime, source: str) -> Fact:
    return Fact(name, value, as_of, SaidBy.CLINICIAN, source)
