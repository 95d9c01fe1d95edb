"""Scoring in plain FHIRPath: what a form calculates, the same as ``app/domain/scoring`` does.

A form gives a total only when every item is answered; how missing items are dealt with is left to
the service. Answers are counted by code, so no engine needs to know ordinals.
"""

from collections.abc import Iterable

from app.domain.content_parts import Answer, Instrument

RESPONSE = "%resource.item"


def total_of(instrument: Instrument) -> str:
    """The expression for the total of a complete instrument; empty while an answer is missing."""
    match instrument.scoring:
        case "product":
            return _product(instrument)
        case "regions":
            made = " + ".join(f"iif({_any(areas)}, 1, 0)" for areas in instrument.regions)
        case "mean":
            made = f"(({_sum(instrument)}) / {len(instrument.items)}).round(1)"
        case "sum" | "prorated-sum":
            made = _sum(instrument)
        case other:
            message = f"no form calculates {other}"
            raise ValueError(message)
    complete = f"{_answers(instrument.items)}.count() = {len(instrument.items)}"
    return f"iif({complete}, {made}, {{}})"


def _answers(codes: Iterable[str]) -> str:
    links = " | ".join(f"'{code}'" for code in codes)
    return f"{RESPONSE}.where(linkId in ({links})).answer.value"


def _sum(instrument: Instrument) -> str:
    """Coded answers by their points, yes as one, numbers as they are."""
    by_answers: dict[tuple[Answer, ...], list[str]] = {}
    for code, item in instrument.items.items():
        by_answers.setdefault(item.answers, []).append(code)
    parts: list[str] = []
    for answers, codes in by_answers.items():
        chosen = _answers(codes)
        if answers:
            parts += [
                f"{answer.points} * {chosen}.ofType(Coding).code.where($this = '{answer.code}')"
                ".count()"
                for answer in answers
                if answer.points
            ]
        elif instrument.items[codes[0]].high == 1:
            parts.append(f"{chosen}.where($this = true).count()")
        else:
            parts.append(f"{chosen}.sum()")
    return " + ".join(parts)


def _any(areas: Iterable[str]) -> str:
    return f"{_answers(areas)}.where($this = true).exists()"


def _product(instrument: Instrument) -> str:
    """No day makes no minutes, whether or not the second number was given."""
    first, second = (_answers([code]) for code in instrument.items)
    return f"iif({first} = 0, 0, {first} * {second})"
