"""``make mutation``: small faults put into ``app/domain``, and whether the domain's tests see them.

mutmut writes the faults and runs, for each, the tests that reach the function. Here: which of them
are tried (the same sample for the same code), the score, and every fault that no test saw.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import libcst
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import find_mutant, read_functions_from_index
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name, orig_function_and_class_names_from_key

ROOT = Path(__file__).parents[1]
DOMAIN = Path("app/domain")
MUTANTS = Path("mutants")
SAMPLE = int(os.environ.get("MUTANTS", "250"))
SEED = "painplan"
SCORE_AT_LEAST = 0.85
CHILDREN = "2"
# A fault that makes the tests run for ever or crash the interpreter does not go unseen.
SEEN = frozenset({"killed", "timeout", "segfault"})


@dataclass(frozen=True, slots=True)
class Survivor:
    """A fault that no test saw: where it is, and the line before and after."""

    name: str
    status: str
    place: str
    before: str
    after: str


def main() -> None:
    """Print the report; the exit code is 1 when too many faults go unseen."""
    os.chdir(ROOT)
    tried = sys.argv[1:] or sample(all_mutants(), SAMPLE)
    begun = time.monotonic()
    _run(tried)
    statuses = {name: _status(name) for name in tried}
    survivors = [_survivor(name, s) for name, s in statuses.items() if s not in SEEN]
    for survivor in sorted(survivors, key=lambda s: s.place):
        print(f"{survivor.place}  {survivor.name} ({survivor.status})")
        print(f"    - {survivor.before}\n    + {survivor.after}")
    score = 1 - len(survivors) / len(tried)
    counted = ", ".join(f"{n} {status}" for status, n in Counter(statuses.values()).most_common())
    minutes = (time.monotonic() - begun) / 60
    print(f"\n{len(tried)} faults in app/domain: {counted}; {minutes:.1f} minutes")
    print(f"score {score:.1%} (at least {SCORE_AT_LEAST:.0%})")
    sys.exit(0 if score >= SCORE_AT_LEAST else 1)


def all_mutants() -> list[str]:
    """Every fault that mutmut would make, by its name."""
    return [
        get_mutant_name(path, name)
        for path in sorted(DOMAIN.rglob("*.py"))
        for name in mutate_file_contents(str(path), path.read_text(encoding="utf-8")).mutant_names
    ]


def sample(names: list[str], size: int) -> list[str]:
    """The same for the same code; a change in one function leaves the others' choice alone."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{SEED} {name}".encode()).digest())[:size]


def _run(names: list[str]) -> None:
    """From nothing, so that no older result is taken for one of today."""
    shutil.rmtree(MUTANTS, ignore_errors=True)
    log = Path("build") / "mutation.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as out:
        ended = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", "--max-children", CHILDREN, *names],
            env={**os.environ, "HYPOTHESIS_PROFILE": "ci", "PYTHONHASHSEED": "0"},
            stdout=out,
            stderr=out,
            check=False,
        )
    if ended.returncode:
        sys.exit(f"mutmut did not run; {log} says why.")


def _status(name: str) -> str:
    return str(status_by_exit_code[_data(name).exit_code_by_key[name]])


def _data(name: str) -> SourceFileMutationData:
    return find_mutant(name)


def _survivor(name: str, status: str) -> Survivor:
    path = Path(_data(name).path)
    functions = read_functions_from_index(name, path)
    assert functions is not None
    was, now = (libcst.Module([function]).code.splitlines() for function in functions)
    changed = next(i for i, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1])
    first = next(i for i, line in enumerate(was) if line.lstrip().startswith(("def ", "async ")))
    line = _line_of(name, path) + changed - first
    return Survivor(name, status, f"{path}:{line}", was[changed].strip(), now[changed].strip())


def _line_of(name: str, path: Path) -> int:
    """The line on which the function of a fault begins."""
    function, class_ = orig_function_and_class_names_from_key(name)
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    if class_ is not None:
        body = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == class_).body
    return next(n.lineno for n in body if isinstance(n, ast.FunctionDef) and n.name == function)


if __name__ == "__main__":
    main()
