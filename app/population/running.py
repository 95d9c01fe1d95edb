"""The run: byte ranges to processes, lines back in their order, and a state to go on from."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from app.domain.problem import Problem, Refused
from app.main import settle
from app.population.deciding import Decided, Decider, How, Rejected
from app.population.files import Files, must_be_a_file, must_differ
from app.population.keeping import (
    Progress,
    Told,
    fingerprint,
    keep,
    kept,
    must_agree,
    must_reach,
)
from app.population.ranges import ByteRange, lines, ranges
from app.population.tally import Tally

RANGE = 1 << 20
AHEAD = 2  # ranges in work for each process: enough to keep it busy, few enough to hold


@dataclass(frozen=True, slots=True)
class Job:
    """What to do.

    ``source`` is NDJSON; ``rejected`` are lines of rejects for what came into none of its lines;
    ``told`` hears how many bytes are done, and how many patients this run decided about;
    ``finish`` does what is left to do with the tally, before the state goes.
    """

    source: Path
    target: Path
    how: How
    workers: int = 1
    resume: bool = False
    range_size: int = RANGE
    rejected: tuple[bytes, ...] = ()
    told: Callable[[int, int], None] = lambda _done, _patients: None
    finish: Callable[[Tally], None] = lambda _tally: None

    @property
    def files(self) -> Files:
        """What it writes."""
        return Files(self.target)


@dataclass(frozen=True, slots=True)
class _Done:
    """A range that was decided about: lines to write, (place, offset, why) of rejects."""

    output: bytes
    rejects: tuple[tuple[int, int, Rejected], ...]
    lines: int
    tally: Tally


def run(job: Job) -> Tally:
    """Decide about every line; Refused when a stopped run cannot go on as asked."""
    decider = Decider(job.how)
    settle()
    progress = _start(job, decider.knowledge)
    before = progress.tally.patients
    with (
        _opened(job.target, progress.written) as output,
        _opened(job.files.rejects, progress.rejects) as rejects,
    ):
        if not job.resume:
            rejects.writelines(job.rejected)
            progress.tally.rejected += len(job.rejected)
        for of, done in _in_order(job, progress.read, decider):
            _write(done, progress, output, rejects)
            progress.read = of.end
            keep(progress, job.files.state)
            job.told(progress.read, progress.tally.patients - before)
    job.finish(progress.tally)
    job.files.state.unlink(missing_ok=True)
    return progress.tally


def _start(job: Job, knowledge: str) -> Progress:
    must_be_a_file(job.source)
    must_differ([job.source], job.files.of_run())
    told = Told(
        input=fingerprint(job.source),
        as_of=job.how.as_of.isoformat(),
        guideline_profile=job.how.guideline_profile,
        knowledge=knowledge,
        with_resources=job.how.with_resources,
    )
    if not job.resume:
        job.files.state.unlink(missing_ok=True)  # of a run whose output is about to be written over
        return Progress(told)
    progress = kept(job.files.state)
    must_agree(
        progress.told,
        {
            "input": told.input,
            "guideline_profile": told.guideline_profile,
            "knowledge": knowledge,
            "with_resources": told.with_resources,
            "as_of": told.as_of,
        },
    )
    must_reach(job.target, progress.written)
    must_reach(job.files.rejects, progress.rejects)
    return progress


def _opened(path: Path, length: int) -> BinaryIO:
    """For writing from ``length`` on: what a killed run wrote beyond its last state is cut."""
    file = path.open("r+b" if length else "wb")
    file.truncate(length)
    file.seek(length)
    return file


def _in_order(job: Job, start: int, decider: Decider) -> Iterator[tuple[ByteRange, _Done]]:
    todo = ranges(job.source, start, job.range_size)
    if job.workers == 1:
        for of in todo:
            yield of, _decide(decider, job.source, of)
        return
    waiting: deque[tuple[ByteRange, Future[_Done]]] = deque()
    with ProcessPoolExecutor(
        job.workers, get_context("spawn"), initializer=_prepare, initargs=(job.how,)
    ) as pool:
        for of in todo:
            waiting.append((of, pool.submit(_decide_there, job.source, of)))
            if len(waiting) >= job.workers * AHEAD:
                first, future = waiting.popleft()
                yield first, _result(future)
        for first, future in waiting:
            yield first, _result(future)


def _result(future: "Future[_Done]") -> _Done:
    try:
        return future.result()
    except BrokenProcessPool:
        raise Refused(
            Problem(
                "One of the processes was ended from outside, perhaps for want of memory.",
                mend="Go on with --resume.",
                code="incomplete",
            )
        ) from None


def _write(done: _Done, progress: Progress, output: BinaryIO, rejects: BinaryIO) -> None:
    output.write(done.output)
    rejects.writelines(
        rejected.told(line=progress.lines + place, offset=offset)
        for place, offset, rejected in done.rejects
    )
    for file in (output, rejects):
        file.flush()
        os.fsync(file.fileno())
    progress.written, progress.rejects = output.tell(), rejects.tell()
    progress.lines += done.lines
    progress.tally.add(done.tally)


# One decider a process: loading the knowledge takes a second, a decision a millisecond.
_HERE: list[Decider] = []


def _prepare(how: How) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    _HERE.append(Decider(how))
    settle()


def _end_with_parent() -> None:
    """Nobody tells a worker that the run was killed, and it would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _decide_there(source: Path, of: ByteRange) -> _Done:
    return _decide(_HERE[0], source, of)


def _decide(decider: Decider, source: Path, of: ByteRange) -> _Done:
    output: list[bytes] = []
    rejects: list[tuple[int, int, Rejected]] = []
    tally = Tally()
    read = list(lines(source, of))
    filled = [(n, at, line) for n, (at, line) in enumerate(read, 1) if line.strip()]
    results = decider.decide_all(line for _, _, line in filled)
    for (place, at, _), result in zip(filled, results, strict=True):
        match result:
            case Decided(line, found):
                output.append(line + b"\n")
                tally.count(found)
            case Rejected():
                rejects.append((place, at, result))
                tally.rejected += 1
    return _Done(b"".join(output), tuple(rejects), len(read), tally)
