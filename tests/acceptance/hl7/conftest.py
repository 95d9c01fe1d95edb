"""HL7's validator for the tests of this folder: one JVM for all of them, or a skip saying why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.hl7.machine import Machine, missing


@pytest.fixture(scope="session")
def machine(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    lacking = missing()
    if lacking:
        pytest.skip(f"HL7's validator needs {', '.join(lacking)}; make validate says how")
    started = Machine(shared, tmp_path_factory.mktemp("hl7"))
    yield started
    started.close()
