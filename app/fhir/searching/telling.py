"""How a query that cannot be answered, or not in full, is told."""

from app.domain.problem import NotUnderstood, Problem


def wrong(what: str, where: str, mend: str = "", code: str = "not-supported") -> NotUnderstood:
    """A query that cannot be answered."""
    return NotUnderstood(Problem(what, where=where[:64], mend=mend, code=code))


def not_used(key: str, why: str) -> Problem:
    """What is told beside an answer, or instead of one where the client is strict."""
    return Problem(
        f"The parameter {key[:64]!r} {why} and was not used.",
        where=key[:64],
        mend="GET /fhir/metadata lists what a search may name.",
        code="not-supported",
    )
