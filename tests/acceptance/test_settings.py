"""A setting that cannot be used stops the start with a word, never with a stack trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

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


@pytest.mark.parametrize(
    "url", ["", "painplan.example", "ftp://x.example", "https://x.example/y?z=1", "https://a b"]
)
def test_a_public_address_that_is_none_is_refused(url: str) -> None:
    """Every link, every fullUrl and the audience of every token begins with it."""
    with pytest.raises(ValidationError, match="is no address such as"):
        Settings(public_url=url)


def test_a_public_address_may_have_a_path_and_a_slash_at_its_end() -> None:
    assert Settings(public_url="https://x.example/painplan/").public_url.endswith("/painplan")
