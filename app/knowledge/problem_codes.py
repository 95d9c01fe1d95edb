"""Checks of record-codes.csv: inputs that exist, answers that they have, verified codes."""

from collections.abc import Iterator

from app.domain.content import Content
from app.knowledge.compiling import SNOMED, VALUES
from app.knowledge.errors import Fault
from app.knowledge.source import Source

FILE = "record-codes.csv"
VERIFIED, OPEN = "VERIFIED", "open"
# Verified by the clinical documents themselves (phenotyping.md, SNOMED codes marked V).
VERIFIED_THERE = frozenset(
    "782388003 449813001 236648008 14336007 302935008 2304001 2415007".split()
)


def problem_faults(source: Source, content: Content) -> Iterator[Fault]:
    """A number of SNOMED is verified; ICD-10-CM categories are headers of that classification."""
    verified = {
        row["code"]
        for row in source.codes
        if row["system"] == SNOMED and row["verified_in"].startswith(VERIFIED)
    }
    for row in source.record_codes:
        code, input_ = row["code"], content.inputs.get(row["acts_as"])
        if row["system"] == SNOMED and code not in verified | VERIFIED_THERE:
            yield Fault(FILE, code, "is not a verified code of SNOMED")
        if input_ is None:
            yield Fault(FILE, code, f"acts as {row['acts_as']}, which is no input")
        elif row["value"] not in (*_answers(input_.choices), OPEN):
            yield Fault(FILE, code, f"says {row['value']}, which is no answer to {input_.name}")


def _answers(choices: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(code for code, _ in choices) or tuple(VALUES)
