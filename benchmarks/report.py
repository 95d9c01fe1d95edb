"""What a run of `make bench` tells: a row a promise with its mark, as Markdown and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from benchmarks import cases as case
from benchmarks.box import Box
from benchmarks.cases import ROOT
from benchmarks.population import Observed

if TYPE_CHECKING:
    from benchmarks.full import Results

RESULTS = ROOT / "benchmarks" / "results"
DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- written by `make bench`: begin -->", "<!-- written by `make bench`: end -->"
BARE = "bare FastAPI"
QUANTILES = (0.5, 0.9, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Row:
    """A promise: what, how much, the bound and the stretch, and on which side it has to be."""

    work: str
    value: float
    unit: str
    bound: float
    stretch: float | None = None
    is_floor: bool = False

    @property
    def is_kept(self) -> bool:
        """Within the bound."""
        return self._is_within(self.bound)

    @property
    def mark(self) -> str:
        """pass, pass with the stretch, or MISSED."""
        if not self.is_kept:
            return "MISSED"
        return "pass" if self.stretch is None or not self._is_within(self.stretch) else "stretch"

    def as_markdown(self) -> str:
        """A line of the table."""
        side = "at least" if self.is_floor else "at most"
        more = "" if self.stretch is None else f" ({self.stretch:,g})"
        bound = f"{side} {self.bound:,g}{more} {self.unit}".rstrip()
        return f"| {self.work} | {_figure(self.value)} {self.unit} | {bound} | {self.mark} |"

    def _is_within(self, bound: float) -> bool:
        return self.value >= bound if self.is_floor else self.value <= bound


def written(results: "Results", box: Box, seconds: float, *, is_whole: bool) -> str:
    """The Markdown; JSON is written beside, and a whole run goes into the document."""
    rows = list(_rows(results))
    text = _markdown(results, rows, box, seconds)
    RESULTS.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    (RESULTS / f"{stamp}.json").write_bytes(_json(results, rows, box, seconds))
    if is_whole:
        DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), text), encoding="utf-8")
    return text


def replaced(document: str, text: str) -> str:
    """The document with another table; what people have written around it stays."""
    before, found, rest = document.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"docs/performance.md has no place for the table: {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def _rows(r: "Results") -> Iterator[Row]:
    yield from _of_derivations(r)
    yield from _of_hooks(r)
    for name, ordered in r.tails.items():
        work = f"p99 at 300 requests/s, open loop, {name}"
        yield Row(work, quantile(ordered, 0.99) * 1000, "ms", 10, 5)
    yield from _of_population(r)
    bare = r.starts[BARE]
    for name, start in r.starts.items():
        if name != BARE:
            work = f"start to the first 200, {name} / {BARE}"
            yield Row(work, start.wall / bare.wall, "x", 2, 1.4)
    for name in (case.DERIVATION, case.DERIVATION_PG):
        yield Row(f"resident memory under load, {name}", r.rounds.megabytes(name), "MB", 150, 100)
    for name, stored in r.stored.items():
        of = f"of a derivation, {name}"
        yield Row(f"bodies and trace {of}", stored.held / 1000, "KB", 6, 5)
        yield Row(f"storage with every index {of}", stored.disk / 1000, "KB", 16, 13)
        yield Row(f"rows {of}", stored.rows, "", 60)
        yield Row(f"bodies {of}", stored.bodies, "", 21)
    yield _floor("audit verify, entries a second of CPU", r.verified, "/s", 20_000, 50_000)


def _of_derivations(r: "Results") -> Iterator[Row]:
    pairs = (
        (case.DERIVATION, case.PEER_DERIVATION),
        (case.DERIVATION_PG, case.PEER_DERIVATION_PG),
    )
    for name, peer in pairs:
        yield Row(f"{name}, CPU a request", r.rounds.cpu(name), "us", 1200, 900)
        yield _floor(f"{peer} / ours", r.rounds.ratio(peer, name), "x", 15, 25)
        yield Row(f"{name} / {case.ECHO}", r.rounds.ratio(name, case.ECHO), "x", 15, 11)
    for name in (case.BRIEF, case.BRIEF_PG):
        yield Row(f"{name}, CPU a request", r.rounds.cpu(name), "us", 700, 450)
    yield Row("engine alone", r.engine.derivation, "us", 250, 100)


def _of_hooks(r: "Results") -> Iterator[Row]:
    for name in (case.HOOK_OFF, case.HOOK_RS384, case.HOOK_ES384, case.HOOK_PG):
        yield Row(f"{name}, CPU a request", r.rounds.cpu(name) / 1000, "ms", 1.5, 1.0)
    peers = [p for p in (case.PEER_HOOK, case.HEALTHCHAIN_HOOK) if p in r.rounds.blocks]
    for peer in peers:
        yield _floor(f"{peer} / ours", r.rounds.ratio(peer, case.HOOK_OFF), "x", 10)


def _of_population(r: "Results") -> Iterator[Row]:
    one, two = r.population[1], r.population[2]
    yield _floor("population, patients a second of a core", one.of_core, "/s", 4000, 10_000)
    yield _floor("population, what the second process adds", two.rate / one.rate - 1, "", 0.9)
    yield Row("population, memory of the last third / of the second", one.growth, "x", 1.05)


def _floor(work: str, value: float, unit: str, bound: float, stretch: float | None = None) -> Row:
    return Row(work, value, unit, bound, stretch, is_floor=True)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _figure(value: float) -> str:
    """Four digits are more than a shared machine is good for."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _markdown(r: "Results", rows: Sequence[Row], box: Box, seconds: float) -> str:
    kept = sum(row.is_kept for row in rows)
    turns = len(next(iter(r.rounds.blocks.values())))
    parts = [
        f"Box: {box.in_words()}",
        "",
        f"{kept} of {len(rows)} kept. {turns} turns, {seconds / 60:.0f} minutes.",
        "",
        "| work | measured | bound (stretch) | |",
        "|---|---|---|---|",
        *(row.as_markdown() for row in rows),
        "",
        f"| side by side | CPU a request (us) | / {case.ECHO} | requests/s | MB |",
        "|---|---|---|---|---|",
        *(_side(r, name) for name in r.rounds.blocks),
        f"| orjson.loads of a derivation's request | {r.parse:.0f} | | | |",
        f"| engine alone | {r.engine.derivation:.0f} | | | |",
        "",
        "| open loop, 300 requests/s | p50 | p90 | p99 | p99.9 |",
        "|---|---|---|---|---|",
        *(_tail(name, ordered) for name, ordered in r.tails.items()),
        "",
        "| start | until the first 200 (s) | CPU (s) |",
        "|---|---|---|",
        *(f"| {name} | {s.wall:.2f} | {s.cpu:.2f} |" for name, s in r.starts.items()),
        "",
        "| population | patients/s | patients a second of CPU | MB |",
        "|---|---|---|---|",
        *(_people(count, run) for count, run in r.population.items()),
        "",
    ]
    return "\n".join(parts)


def _side(r: "Results", name: str) -> str:
    cpu, ratio = f"{r.rounds.cpu(name):,.0f}", f"{r.rounds.ratio(name, case.ECHO):.3g}"
    rate, memory = f"{r.rounds.rate(name):,.0f}", f"{r.rounds.megabytes(name):.0f}"
    return f"| {name} | {cpu} | {ratio} | {rate} | {memory} |"


def _people(count: int, run: Observed) -> str:
    name = "one process" if count == 1 else f"{count} processes"
    return f"| {name} | {run.rate:.0f} | {run.of_core:.0f} | {run.memory[1]:.0f} |"


def _tail(name: str, ordered: Sequence[float]) -> str:
    figures = (f"{quantile(ordered, share) * 1000:.3g} ms" for share in QUANTILES)
    return f"| {name} | {' | '.join(figures)} |"


def _json(r: "Results", rows: Sequence[Row], box: Box, seconds: float) -> bytes:
    told = {
        "box": asdict(box),
        "seconds": seconds,
        "rows": [{**asdict(row), "mark": row.mark} for row in rows],
        "blocks": {n: [asdict(b) for b in blocks] for n, blocks in r.rounds.blocks.items()},
        "engine": asdict(r.engine),
        "parse": r.parse,
        "tails": {
            name: {str(share): quantile(ordered, share) for share in QUANTILES}
            for name, ordered in r.tails.items()
        },
        "population": {n: [asdict(s) for s in p.seen] for n, p in r.population.items()},
        "starts": {name: asdict(start) for name, start in r.starts.items()},
        "stored": {name: asdict(one) for name, one in r.stored.items()},
        "verified": r.verified,
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"
