"""Our validator beside HL7's, on official examples with one fault each."""

import json
import re
import tarfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from app.fhir.canon import READ_TYPES
from app.fhir.validation import Validator
from tests.acceptance.hl7.machine import Issue, Machine
from tests.acceptance.hl7.mutations import CLASSES, Mutant, mutants
from tests.acceptance.wire import Json

EXAMPLES = "data/fhir/hl7.fhir.r4.examples-4.0.1-subset.tar.xz"
LISTED = Path(__file__).parent / "missed.toml"
BASES_OF_A_TYPE = 6
TYPES = (*READ_TYPES, "Questionnaire", "Bundle")
LARGEST = 6000  # bytes: small ones take HL7's validator less time


def bases(shared: Path) -> Iterator[tuple[str, Json]]:
    """The first few small examples of each type that we read."""
    taken: Counter[str] = Counter()
    with tarfile.open(shared / EXAMPLES) as archive:
        members = {m.name.rpartition("/")[2]: m for m in archive if m.size < LARGEST}
        for name in sorted(members):
            type_ = name.partition("-")[0]
            if type_ not in TYPES or taken[type_] == BASES_OF_A_TYPE:
                continue
            file = archive.extractfile(members[name])
            assert file is not None
            taken[type_] += 1
            yield name.removesuffix(".json"), json.load(file)


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.is_error]


def test_our_validator_agrees_with_hl7s(
    machine: Machine, shared: Path, say: Callable[[str], None]
) -> None:
    ours = Validator.load()
    examples = dict(bases(shared))
    said = machine.validated(examples.items())
    sound = {n: e for n, e in examples.items() if not errors(said[n]) and not ours.problems(e)}
    made = [one for name, base in sound.items() for one in mutants(name, base, shared)]

    said = machine.validated((one.name, one.resource) for one in made)

    verdicts = Counter(
        (one.fault, bool(ours.problems(one.resource)), bool(errors(said[one.name]))) for one in made
    )
    missed = [m for m in made if errors(said[m.name]) and not ours.problems(m.resource)]
    extra = [m for m in made if not errors(said[m.name]) and ours.problems(m.resource)]
    open_ones, unused = _unlisted(missed, said)
    agreed = sum(n for (_, we, they), n in verdicts.items() if we is they)
    for line in _table(verdicts, len(made), agreed, len(sound)):
        say(line)
    assert len(made) >= 400
    false = [m for m in extra if not any(re.search(rule, m.what) for rule in _stricter())]
    assert not false, "\n".join(f"{m.name}: {m.what}" for m in false)
    assert not open_ones, "\n".join(open_ones)
    assert not unused, f"listed in {LISTED.name} and not missed any more: {unused}"
    assert agreed >= 0.95 * len(made)


def _table(
    verdicts: Counter[tuple[str, bool, bool]], total: int, agreed: int, sound: int
) -> Iterator[str]:
    yield f"{total} mutants of {sound} official examples: {100 * agreed / total:.1f} % agreement"
    yield f"  {'class':12}{'both refuse':>13}{'both accept':>13}{'HL7 only':>10}{'we only':>9}"
    for fault in CLASSES:
        cells = [verdicts[fault, we, they] for we, they in _CELLS]
        yield f"  {fault:12}{cells[0]:13}{cells[1]:13}{cells[2]:10}{cells[3]:9}"


def _stricter() -> list[str]:
    """What R4 forbids and HL7's validator cannot see."""
    return [one["what"] for one in tomllib.loads(LISTED.read_text(encoding="utf-8"))["stricter"]]


_CELLS = ((True, True), (False, False), (False, True), (True, False))


def _unlisted(missed: list[Mutant], said: dict[str, list[Issue]]) -> tuple[list[str], list[str]]:
    """What we miss without a reason, and reasons for what we do not miss."""
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))["missed"]
    used: Counter[int] = Counter()
    open_ones = []
    for mutant in missed:
        texts = [issue.text for issue in errors(said[mutant.name])]
        found = [
            n
            for n, one in enumerate(listed)
            if one["fault"] == mutant.fault and all(re.search(one["says"], t) for t in texts)
        ]
        used.update(found[:1])
        if not found:
            open_ones.append(f"{mutant.name} ({mutant.what}): {' / '.join(texts)}")
    return open_ones, [one["says"] for n, one in enumerate(listed) if not used[n]]
