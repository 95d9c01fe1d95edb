"""HL7's own validator (tools/validator): fetched once, run in one JVM for all that is asked."""

import json
import os
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.fhir.publishing import package
from tests.acceptance.wire import Json
from tests.conftest import ROOT
from tests.patients import knowledge

TOOLS = ROOT / "tools" / "validator"
BUILD = ROOT / "build" / "validator"
PROGRAMS = ("java", "javac", "mvn", "npm")
PACKAGES = (
    "hl7.terminology.r4#7.0.1",
    "hl7.fhir.uv.extensions.r4#5.3.0-ballot-tc1",
    "hl7.fhir.uv.sdc#4.0.0-ballot",
    "hl7.fhir.us.core#7.0.0",
)
HEAP = "-Xmx3g"
STARTS_WITHIN, ENDS_WITHIN = 900, 120  # seconds


@dataclass(frozen=True, slots=True)
class Issue:
    """What the validator says of one place."""

    severity: str
    id: str
    at: str
    text: str

    @property
    def is_error(self) -> bool:
        return self.severity in ("error", "fatal")


class Machine:
    """Validates batches of resources with our package loaded."""

    def __init__(self, shared: Path, folder: Path) -> None:
        environment = {**os.environ, "PAINPLAN_SHARED": str(shared)}
        subprocess.run([TOOLS / "prepare"], env=environment, check=True, timeout=STARTS_WITHIN)
        self.folder = folder
        self.ours = _install()
        self.process = self._started()

    def validated(self, resources: Iterable[tuple[str, Json]]) -> dict[str, list[Issue]]:
        """What it says of each, by name."""
        files: dict[str, str] = {}
        for name, resource in resources:
            file = self.folder / f"{len(files):04}-{name}.json"
            file.write_text(json.dumps(resource), encoding="utf-8")
            files[str(file)] = name
        assert len(set(files.values())) == len(files), "two resources of one name"
        said: dict[str, list[Issue]] = {}
        for path, name in files.items():
            said[name] = self._asked(path)
        return said

    def close(self) -> None:
        """End the JVM that was started here."""
        self.process.communicate(timeout=ENDS_WITHIN)

    def _asked(self, path: str) -> list[Issue]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            log = (self.folder / "validator.log").read_text(encoding="utf-8", errors="replace")
            pytest.fail("HL7's validator ended:\n" + "\n".join(deque(log.splitlines(), 30)))
        return [Issue(**issue) for issue in json.loads(line)["issues"]]

    def _started(self) -> "subprocess.Popen[str]":
        command = [
            "java",
            "-XX:+UseSerialGC",
            HEAP,
            f"-Duser.home={BUILD / 'home'}",
            "-cp",
            f"{BUILD / 'classes'}:{BUILD / 'lib'}/*",
            "Validate",
            *PACKAGES,
            self.ours,
        ]
        with (self.folder / "validator.log").open("wb") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )


def missing() -> list[str]:
    """The programs that it needs and that are not installed."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def _install() -> str:
    """Our package, as it is now, in the validator's cache."""
    content = knowledge()
    name = f"{package.NAME}#{content.version}"
    folder = BUILD / "home" / ".fhir" / "packages" / name
    shutil.rmtree(folder, ignore_errors=True)
    package.unpack(content, ROOT / "fhir_profiles", folder / "package")
    return name
