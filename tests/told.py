"""What tests left for the end of the run: with pytest-xdist they ran in other processes."""

from itertools import chain

import pytest


def told(terminalreporter: pytest.TerminalReporter, name: str) -> list[object]:
    """Every value that a test recorded as a property of this name, in the order of their ends."""
    reports = chain.from_iterable(terminalreporter.stats.values())
    return [
        value
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "teardown"
        for key, value in report.user_properties
        if key == name
    ]
