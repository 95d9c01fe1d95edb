"""``make mutation``: small faults put into ``app/domain``, and whether the domain's tests see them.

mutmut's operators make the faults. The tests are collected once and run once without a fault,
to learn which functions each of them reaches and how long it takes. Then every fault gets a
forked process of its own, in which one function has another body (docs/decisions/0009). What runs
while the content is loaded has done its work before that: its faults get a process from the start.
"""

import hashlib
import importlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import libcst
import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation.file_mutation import Mutation, create_mutations

ROOT = Path(__file__).parents[1]
DOMAIN = "app/domain"
TESTS = ["tests/domain", "tests/knowledge"]
# Fourteen seconds of plans, which would be spent on every fault that survives; and the checks of
# the content, which start programs of their own.
LEFT_OUT = [
    "--deselect=tests/domain/test_choosing.py::test_laws_of_ten_thousand_plans",
    "--ignore=tests/knowledge/test_checks.py",
]
CASES = "tests/knowledge/test_cases.py"
SAMPLE = 160
# On a busy machine the sample ends earlier: its order is by chance, so its beginning is a sample
# as well. Below so many faults the score would say little.
MINUTES, FEWEST = 9.0, 100
SEED = "painplan"
SCORE_AT_LEAST = 0.85
AT_ONCE = 2
KILLED, SURVIVED = 1, 0
AFRESH = "--afresh"
# CPU seconds after which a test counts as one that never ends.
PATIENCE, TIMES_AS_LONG = 3.0, 10.0
BYTES_AT_MOST = 3 << 30
CPU_AT_MOST = 300  # seconds of all tests together, of a process from the start
PLAIN = (int, str, bool, float, type(None))


@dataclass(frozen=True, slots=True)
class Lot:
    """A fault that may be drawn; ``number`` counts the faults of its function."""

    path: str
    function: str
    number: int
    module: libcst.Module
    mutation: Mutation

    def order(self) -> bytes:
        """By chance, but a change elsewhere in the code leaves it where it is."""
        return hashlib.sha256(f"{SEED} {self.path} {self.function} {self.number}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Fault:
    """One change of one function: the line before and after, and the whole faulty source."""

    path: str
    function: str
    line: int
    before: str
    after: str
    source: str = field(repr=False)

    @property
    def module(self) -> str:
        """As it is imported."""
        return self.path.removesuffix(".py").replace("/", ".")


@dataclass(slots=True)
class Runner:
    """A pytest plugin: instead of one run of the tests, one for each fault."""

    faults: Sequence[Fault]
    outcomes: dict[Fault, str] = field(default_factory=dict)
    reached: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    loaded: set[tuple[str, str]] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    apart: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learn, then try every fault, two at a time."""
        sys.settrace(None)  # what was called until here was called to load
        begun = time.monotonic()
        self._learn(session.items)
        running: dict[int, Fault] = {}
        for number, fault in enumerate(self.faults, start=1):
            if time.monotonic() - begun > MINUTES * 60:
                break
            if len(running) == AT_ONCE:
                self._wait(running)
            running[self._start(fault, session.items)] = fault
            print(f"\r{number} of {len(self.faults)}", end="", file=sys.stderr, flush=True)
        while running:
            self._wait(running)
        print(file=sys.stderr)
        return True

    def _learn(self, items: Sequence[pytest.Item]) -> None:
        """Every second test in a process beside this one, which keeps what the others loaded."""
        receiving, sending = os.pipe()
        beside = os.fork()
        if not beside:
            os.close(receiving)
            try:
                self._run_plainly(items[1::2])
                with os.fdopen(sending, "wb") as told:
                    pickle.dump((self.reached, self.seconds), told)
                os._exit(0)
            except BaseException as ended:  # noqa: BLE001  (nothing of the parent runs here twice)
                print(ended, file=sys.stderr, flush=True)
                os._exit(1)
        os.close(sending)
        self._run_plainly(items[::2])
        with os.fdopen(receiving, "rb") as heard:
            learnt = heard.read()
        if os.waitstatus_to_exitcode(os.waitpid(beside, 0)[1]):
            sys.exit("A test fails without any fault.")
        reached, seconds = pickle.loads(learnt)  # noqa: S301  (from our own process)
        self.reached.update(reached)
        self.seconds.update(seconds)

    def _run_plainly(self, items: Sequence[pytest.Item]) -> None:
        for number, item in enumerate(items):
            reached: set[tuple[str, str]] = set()
            begun = time.process_time()
            with _noting(reached):
                reports = runtestprotocol(item, log=False, nextitem=_after(items, number))
            self.seconds[item.nodeid] = time.process_time() - begun
            self.reached[item.nodeid] = reached
            for report in reports:
                if report.failed:
                    sys.exit(f"{item.nodeid} fails without any fault.\n{report.longreprtext}")

    def _start(self, fault: Fault, items: Sequence[pytest.Item]) -> int:
        if (fault.path, fault.function) in self.loaded:
            process = _started_afresh(fault)
            self.apart[process.pid] = process
            return process.pid
        chosen = self._chosen(fault, items)
        child = os.fork()
        if child:
            return child
        try:
            os._exit(self._is_seen(fault, chosen))
        except BaseException:  # noqa: BLE001  (whatever breaks here was broken by the fault)
            os._exit(KILLED)

    def _chosen(self, fault: Fault, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """The tests that reach the function: those about its file first, the rule cases last."""
        about = f"test_{Path(fault.path).stem}.py"

        def order(item: pytest.Item) -> tuple[bool, bool, float]:
            file = item.nodeid.partition("::")[0]
            return (not file.endswith(about), file == CASES, self.seconds[item.nodeid])

        target = (fault.path, fault.function)
        return sorted((i for i in items if target in self.reached[i.nodeid]), key=order)

    def _is_seen(self, fault: Fault, items: Sequence[pytest.Item]) -> int:
        resource.setrlimit(resource.RLIMIT_AS, (BYTES_AT_MOST, BYTES_AT_MOST))
        _put_in(fault)
        for number, item in enumerate(items):
            patience = PATIENCE + TIMES_AS_LONG * self.seconds[item.nodeid]
            signal.setitimer(signal.ITIMER_VIRTUAL, patience)
            reports = runtestprotocol(item, log=False, nextitem=_after(items, number))
            if any(report.failed for report in reports):
                return KILLED
        return SURVIVED

    def _wait(self, running: dict[int, Fault]) -> None:
        process, status = os.wait()
        fault = running.pop(process)
        if process in self.apart:  # it need not wait for what has ended
            self.apart.pop(process).returncode = os.waitstatus_to_exitcode(status)
        if os.WIFSIGNALED(status):
            self.outcomes[fault] = "never ended or crashed"
        elif os.WEXITSTATUS(status) == SURVIVED:
            reaches = any(
                (fault.path, fault.function) in r for r in (*self.reached.values(), self.loaded)
            )
            self.outcomes[fault] = "survived" if reaches else "reached by no test"
        else:
            self.outcomes[fault] = "killed"


class _noting:  # noqa: N801  (used as a statement)
    """Note every function of the domain that is called meanwhile."""

    def __init__(self, reached: set[tuple[str, str]]) -> None:
        self.reached = reached
        self.seen: set[CodeType] = set()

    def __enter__(self) -> None:
        sys.settrace(self._note)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _note(self, frame: FrameType, _event: str, _argument: object) -> None:
        code = frame.f_code
        if code in self.seen:
            return
        self.seen.add(code)
        place = code.co_filename.find(DOMAIN)
        if place >= 0:
            function = code.co_qualname.partition(".<locals>")[0]
            self.reached.add((code.co_filename[place:], function))


def draw(size: int, part: str) -> list[Fault]:
    """A sample of all faults in files whose path has ``part`` in it; the same for the same code."""
    lots = [lot for path in sorted((ROOT / DOMAIN).rglob("*.py")) for lot in _lots(path)]
    drawn: list[Fault] = []
    for lot in sorted((lot for lot in lots if part in lot.path), key=Lot.order):
        if len(drawn) == size:
            break
        drawn.extend(_fault(lot))
    return drawn


def _lots(path: Path) -> Iterator[Lot]:
    source = path.read_text(encoding="utf-8")
    module, mutations, _, _ = create_mutations(str(path), source)
    names = dict(_functions(module))
    counted: Counter[str] = Counter()
    place = path.relative_to(ROOT).as_posix()
    for mutation in mutations:
        function = names.get(mutation.contained_by_top_level_function)
        if function is not None:
            counted[function] += 1
            yield Lot(place, function, counted[function], module, mutation)


def _fault(lot: Lot) -> Iterator[Fault]:
    """None where the operator changed nothing that is written."""
    changed = lot.module.deep_replace(lot.mutation.original_node, lot.mutation.mutated_node)
    assert isinstance(changed, libcst.Module)
    pairs = zip(lot.module.code.splitlines(), changed.code.splitlines(), strict=False)
    for line, (before, after) in enumerate(pairs, start=1):
        if before != after:
            yield Fault(lot.path, lot.function, line, before.strip(), after.strip(), changed.code)
            return


def _functions(module: libcst.Module) -> Iterator[tuple[libcst.CSTNode | None, str]]:
    for node in module.body:
        if isinstance(node, libcst.FunctionDef):
            yield node, node.name.value
        elif isinstance(node, libcst.ClassDef):
            for inner in node.body.body:
                if isinstance(inner, libcst.FunctionDef):
                    yield inner, f"{node.name.value}.{inner.name.value}"


def _started_afresh(fault: Fault) -> subprocess.Popen[bytes]:
    """A process that puts the fault in before anything of the tests is imported."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.mutation", AFRESH],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    with process.stdin as told:
        pickle.dump(fault, told)
    return process


def _tried_afresh() -> int:
    """In that process: every test, those about the file first, until one fails."""
    fault: Fault = pickle.load(sys.stdin.buffer)  # noqa: S301  (from our own process)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES_AT_MOST, BYTES_AT_MOST))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_AT_MOST, CPU_AT_MOST))
    _load(fault)
    name = f"test_{Path(fault.path).stem}.py"
    about = [str(path) for folder in TESTS for path in sorted(Path(folder).rglob(name))]
    ended = pytest.main(["-q", "-x", "-p", "no:cacheprovider", *LEFT_OUT, *about, *TESTS])
    return SURVIVED if ended == pytest.ExitCode.OK else KILLED


def _load(fault: Fault) -> None:
    """The faulty module is the one that everything else imports, so what it makes is faulty too."""
    package, _, name = fault.module.rpartition(".")
    spec = find_spec(fault.module)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[fault.module] = module
    exec(compile(fault.source, fault.path, "exec"), vars(module))  # noqa: S102  (our own source)
    setattr(sys.modules[package], name, module)


def _put_in(fault: Fault) -> None:
    """Give the living function the body (and plain defaults) of the faulty one."""
    living = importlib.import_module(fault.module)
    faulty = ModuleType(fault.module)
    exec(compile(fault.source, fault.path, "exec"), vars(faulty))  # noqa: S102  (our own source)
    old, new = _function(living, fault.function), _function(faulty, fault.function)
    old.__code__ = new.__code__
    if all(isinstance(value, PLAIN) for value in new.__defaults__ or ()):
        old.__defaults__ = new.__defaults__
    if all(isinstance(value, PLAIN) for value in (new.__kwdefaults__ or {}).values()):
        old.__kwdefaults__ = new.__kwdefaults__


def _function(module: ModuleType, named: str) -> FunctionType:
    found: Any = module
    for part in named.split("."):
        found = vars(found)[part]
    function = found.__func__ if isinstance(found, staticmethod | classmethod) else found
    assert isinstance(function, FunctionType)
    return function


def _after(items: Sequence[pytest.Item], number: int) -> pytest.Item | None:
    return items[number + 1] if number + 1 < len(items) else None


def report(outcomes: dict[Fault, str], drawn: int, minutes: float) -> bool:
    """Print every fault that was not seen, and the score; True when the score is high enough.

    ``drawn`` is how many faults the sample has; those that time did not allow are counted.
    """
    unseen = [f for f, outcome in outcomes.items() if outcome in ("survived", "reached by no test")]
    for fault in sorted(unseen, key=lambda f: (f.path, f.line)):
        print(f"{fault.path}:{fault.line}  {fault.function}: {outcomes[fault]}")
        print(f"    - {fault.before}\n    + {fault.after}")
    score = 1 - len(unseen) / len(outcomes)
    counted = Counter(outcomes.values()).most_common()
    told = ", ".join(f"{count} {outcome}" for outcome, count in counted)
    tried = f"{len(outcomes)} of {drawn} faults in {DOMAIN}"
    print(f"\n{tried}: {told}; {minutes:.1f} minutes")
    print(f"score {score:.1%} (at least {SCORE_AT_LEAST:.0%})")
    return score >= SCORE_AT_LEAST


def main(arguments: Sequence[str]) -> int:
    """``[sample size] [part of a path]``; the exit code is 1 when too many faults go unseen."""
    size, part = SAMPLE, ""
    os.chdir(ROOT)
    if AFRESH in arguments:
        return _tried_afresh()
    for argument in arguments:
        size, part = (int(argument), part) if argument.isdigit() else (size, argument)
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    begun = time.monotonic()
    drawn = draw(size, part)
    runner = Runner(drawn)
    options = ["-q", "--no-header", "--no-summary", "-p", "no:cacheprovider", *LEFT_OUT, *TESTS]
    with _noting(runner.loaded):
        ended = pytest.main(options, plugins=[runner])
    if len(runner.outcomes) < min(FEWEST, len(drawn)):
        told = f"{len(runner.outcomes)} of {len(drawn)} faults were tried ({ended!r}): too few."
        print(told, file=sys.stderr)
        return 2
    minutes = (time.monotonic() - begun) / 60
    return 0 if report(runner.outcomes, len(drawn), minutes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
