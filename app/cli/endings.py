"""How a command ends that cannot do what was asked: in words, on standard error, never a trace."""

import sys
from typing import NoReturn

from app.domain.problem import Refusal


def refuse(refusal: Refusal) -> NoReturn:
    """Every problem with its place and what would mend it; exit status 1."""
    for problem in refusal.problems:
        place = f"{problem.where}: " if problem.where else ""
        sys.stderr.write(f"{place}{problem.what} {problem.mend}".rstrip() + "\n")
    sys.exit(1)


def stop(why: str) -> NoReturn:
    """One sentence; exit status 2."""
    sys.stderr.write(f"{why}\n")
    sys.exit(2)
