"""The log: one JSON line an event, as those who collect it know it."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from app.logs import configure

LOG = logging.getLogger("app.somewhere")


def test_a_line_says_what_when_and_how_grave(capfd: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    LOG.warning("not audited", extra={"status": 401, "rules": ["CDS-IMG-02"]})

    line = json.loads(capfd.readouterr().err)

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "not audited",
        "level": "warning",
        "status": 401,
        "rules": ["CDS-IMG-02"],
    }


def test_its_time_is_that_of_the_event_in_utc(capfd: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    LOG.info("head")

    at = datetime.fromisoformat(json.loads(capfd.readouterr().err)["timestamp"])

    assert at.tzinfo == UTC
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_a_library_is_named_and_says_no_more_than_its_message(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure("INFO")
    logging.getLogger("uvicorn.error").warning("stopping", extra={"color_message": "x"})

    line = json.loads(capfd.readouterr().err)

    assert line.keys() == {"event", "level", "logger", "timestamp"}
    assert (line["event"], line["logger"]) == ("stopping", "uvicorn.error")


def test_an_exception_is_told_by_its_kind_and_place_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure("INFO")
    for name in ("app.somewhere", "asyncio"):
        try:
            int("Canary")
        except ValueError:
            logging.getLogger(name).exception("Canary")

    said = capfd.readouterr().err

    assert "Canary" not in said
    for line in map(json.loads, said.splitlines()):
        assert (line["event"], line["kind"]) == ("fault", "ValueError")
        assert line["at"][-1].startswith("test_logs.py")


def test_what_lies_below_the_level_is_not_written(capfd: pytest.CaptureFixture[str]) -> None:
    configure("WARNING")
    LOG.info("request")

    assert capfd.readouterr().err == ""


def test_a_service_that_is_configured_again_says_everything_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure("WARNING")
    configure("INFO")
    LOG.info("request")

    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_line_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError(len(text), "No space left on device")

        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    configure("INFO")
    monkeypatch.setattr("sys.stderr", Full())

    LOG.info("request")
