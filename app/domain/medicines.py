"""Which classes a medicine or an allergy belongs to: by code, else by name, else unknown."""

import re
from collections.abc import Iterable, Iterator

from app.domain.content import Content
from app.domain.facts import CodedAllergy, CodedMedicine

OTHER = "other"
_WORDS = re.compile(r"[a-z0-9'\-]+")
LONGEST_NAME = 4
ON_THE_SURFACE = frozenset(
    (
        "gel",
        "cream",
        "ointment",
        "topical",
        "cutaneous",
        "lotion",
        "foam",
        "eye",
        "ophthalmic",
        "nasal",
        "inhaler",
        "inhalation",
        "otic",
    )
)
SURFACE_CLASS = {
    "takes-nsaid": "takes-topical-nsaid",
    "takes-systemic-steroid": OTHER,
    "takes-immunosuppressant": OTHER,
    "takes-calcineurin-inhibitor": OTHER,
}


def classes_of(medicine: CodedMedicine | CodedAllergy, content: Content) -> tuple[str, ...]:
    """The inputs that it stands for; ``("other",)`` for a known one of no class, () if unknown.

    Codes first (RxNorm ingredient, ATC by prefix, the deployer's map), the name last.
    """
    found = dict.fromkeys(_by_code(medicine.system_codes, content))
    if not found:
        found = dict.fromkeys(_by_name(medicine.text, content))
    if found and ON_THE_SURFACE & set(_WORDS.findall(medicine.text.lower())):
        found = dict.fromkeys(_on_the_surface(found))
    known = [name for name in found if name != OTHER]
    return tuple(known) or tuple(found)


def _on_the_surface(classes: Iterable[str]) -> Iterator[str]:
    """On skin, in the eye or the nose: what acts in the whole body by mouth does not from here."""
    for name in classes:
        yield SURFACE_CLASS.get(name, name)


def _by_code(pairs: tuple[tuple[str, str], ...], content: Content) -> Iterator[str]:
    ingredients = (pair for own in pairs for pair in content.clinical_drugs.get(own, ()))
    for system, code in (*pairs, *ingredients):
        exact = [row.acts_as for row in content.medicine_codes.get((system, code), ())]
        yield from exact
        if exact == [OTHER]:
            continue  # named as no member of the class that its first letters would put it in
        for length in range(len(code), 0, -1):
            for row in content.medicine_codes.get((system, f"{code[:length]}*"), ()):
                yield row.acts_as


def _by_name(text: str, content: Content) -> Iterator[str]:
    """Whole words, the longest name first; a combination has several."""
    words = _WORDS.findall(text.lower())
    at = 0
    while at < len(words):
        for length in range(min(LONGEST_NAME, len(words) - at), 0, -1):
            classes = content.medicine_names.get(" ".join(words[at : at + length]))
            if classes is not None:
                yield from classes
                at += length
                break
        else:
            at += 1
