"""A setting that cannot be used stops the start with a word, never with a stack trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.main import create_app
from app.settings import Settings

PAINPLAN = str(Path(sys.executable).with_name("painplan"))


def test_a_faulty_terminology_is_named(tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text("{", "utf-8")

    done = subprocess.run(
        [PAINPLAN, "serve", "--port", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={
            **os.environ,
            "PAINPLAN_TERMINOLOGY": str(tmp_path),
            "PAINPLAN_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        },
    )

    assert done.returncode == 2
    assert "map.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_that_authentication_is_off_everywhere_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/x.db", auth="off-insecure", log_level="INFO"
    )

    create_app(settings)

    assert "off-insecure" in capfd.readouterr().err
