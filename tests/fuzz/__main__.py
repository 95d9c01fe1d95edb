"""``make fuzz``: schemathesis with stateful links against a running service, for five minutes."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.acceptance.conftest import serving

ROOT = Path(__file__).parents[2]
SECONDS = 300


def main(seconds: int) -> int:
    """What schemathesis ends with: 0 when it found nothing."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "painplan.db", log_level="ERROR") as service,
    ):
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("st")),
                "run",
                str(ROOT / "openapi.yaml"),
                f"--url={service.base_url}",
                f"--max-time={seconds}",
                # That a body is valid R4 is more than the schemas say: a refusal is no finding.
                "--exclude-checks=positive_data_acceptance",
                "--continue-on-failure",
            ],
            cwd=ROOT,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
