"""Blocks of requests in turns, so that a busy minute of the machine falls on everybody.

A figure is the median of its blocks, and a ratio the median of the ratios within each turn.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.cases import Case
from benchmarks.load import Block, Server, server

AT_LEAST, AT_MOST = 3, 9


@dataclass(slots=True)
class Rounds:
    """The blocks of each case, in the order of the turns."""

    blocks: dict[str, list[Block]] = field(default_factory=dict)

    def cpu(self, name: str) -> float:
        """CPU microseconds a request of the service's processes."""
        return median(block.cpu for block in self.blocks[name])

    def rate(self, name: str) -> float:
        """Requests a second with eight clients."""
        return median(block.rate for block in self.blocks[name])

    def megabytes(self, name: str) -> float:
        """The most resident memory of the service's processes."""
        return max(block.megabytes for block in self.blocks[name])

    def ratio(self, name: str, other: str) -> float:
        """How many times the CPU of ``other`` a request costs."""
        pairs = zip(self.blocks[name], self.blocks[other], strict=True)
        return median(one.cpu / two.cpu for one, two in pairs)


def in_turns(cases: Sequence[Case], *, seconds: float, share: int) -> Rounds:
    """As many turns as fit into ``seconds``, of blocks with ``1 / share`` of their requests.

    The first block of each warms up and does not count.
    """
    rounds = Rounds({case.name: [] for case in cases})
    with ExitStack() as running:
        services: list[tuple[Case, Server]] = []
        for case in cases:
            started = server(case.command, ready="/healthz", environment=case.environment)
            services.append((case, running.enter_context(started)))
        for case, on in services:
            case.block(0, max(1, case.size // share)).sent(on)
        until = time.monotonic() + seconds
        turn = 0
        while turn < AT_LEAST or (turn < AT_MOST and time.monotonic() < until):
            turn += 1
            for case, on in services:
                load = case.block(turn, max(1, case.size // share))
                rounds.blocks[case.name].append(load.sent(on))
            sys.stderr.write(f"turn {turn}\n")
    return rounds
