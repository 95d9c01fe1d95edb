"""What every test may rely on: the shared folder, hypothesis profiles, and no silent skip in CI."""

import os
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from app.sql.migrate import migrate
from tests.databases import KINDS, Kept, Server, a_file, a_server
from tests.told import told

ROOT = Path(__file__).resolve().parents[1]
SAID = "said"

# Timing belongs to benchmarks, so no deadline. In CI the same examples run every time; on a
# developer's machine hypothesis goes on looking for new ones.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
# For make mutation: the examples of ci, without the search for the smallest one that fails.
settings.register_profile(
    "mutation", deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
settings.register_profile("thorough", deadline=None, max_examples=4000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the clinical documents and HL7's examples (PAINPLAN_SHARED)."""
    folder = ROOT / os.environ.get("PAINPLAN_SHARED", "../shared")
    if not folder.is_dir():
        pytest.skip("needs ../shared (PAINPLAN_SHARED)")
    return folder.resolve()


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """A line for the end of the run, in whichever of its processes the test is."""
    return partial(record_property, SAID)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL, one for the session."""
    with a_server() as server:
        yield server


@pytest.fixture(scope="module", params=KINDS)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """A history of this module's own, once on each kind of database."""
    if request.param == "sqlite":
        yield a_file(tmp_path_factory.mktemp("history") / "painplan.db")
        return
    server: Server = request.getfixturevalue("postgresql")
    kept = server.fresh()
    yield kept
    server.drop(kept)


@pytest.fixture(scope="module")
def beside(
    database: Kept, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """Another one of the same kind, for a second service with other settings."""
    if database.is_sqlite:
        yield a_file(tmp_path_factory.mktemp("beside") / "painplan.db")
        return
    server: Server = request.getfixturevalue("postgresql")
    kept = server.fresh()
    yield kept
    server.drop(kept)


@pytest.fixture(params=KINDS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """A migrated and empty database of one test's own, once on each kind."""
    if request.param == "sqlite":
        kept = a_file(tmp_path / "painplan.db")
        migrate(kept.url)
        yield kept
        return
    server: Server = request.getfixturevalue("postgresql")
    kept = server.fresh()
    yield kept
    server.drop(kept)


def _skips_count_as_failures() -> bool:
    """True in CI (.ci/run sets PAINPLAN_NO_SKIP=1): there, a skipped test has failed."""
    return os.environ.get("PAINPLAN_NO_SKIP", "0") not in ("", "0")


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as skipped too, but it did run.
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"skipped where no test may skip (PAINPLAN_NO_SKIP): {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if _skips_count_as_failures():
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _skips_count_as_failures():
        _fail_if_skipped(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that tests are about."""
    lines = told(terminalreporter, SAID)
    if lines:
        terminalreporter.section("what tests say")
    for line in lines:
        terminalreporter.line(str(line))
