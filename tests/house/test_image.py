"""The container image as its file promises it; no Docker engine builds it here."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, rest), comments gone and continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [(word, rest.strip()) for word, rest in (line.split(maxsplit=1) for line in joined)]


def final_stage() -> list[tuple[str, str]]:
    """What the image that is shipped is made of."""
    all_of_them = instructions()
    starts = [place for place, (word, _) in enumerate(all_of_them) if word == "FROM"]
    return all_of_them[starts[-1] :]


def of(kind: str, stage: list[tuple[str, str]]) -> list[str]:
    return [rest for word, rest in stage if word == kind]


def test_the_service_runs_as_a_numbered_user_that_is_not_root() -> None:
    (user,) = of("USER", final_stage())

    uid, _, gid = user.partition(":")
    assert int(uid) > 0
    assert int(gid) > 0


def test_what_is_written_lies_in_one_volume_with_the_database_in_it() -> None:
    assert of("VOLUME", instructions()) == ['["/data"]']
    (environment,) = of("ENV", final_stage())
    assert "PAINPLAN_DATABASE_URL=sqlite:////data/painplan.db" in environment


def test_health_is_asked_with_python_of_the_path_that_says_the_process_lives() -> None:
    (check,) = of("HEALTHCHECK", final_stage())
    command = json.loads(check[check.index("CMD") + len("CMD") :])

    assert command[0] == "python"
    assert "http://127.0.0.1:8000/healthz" in command[-1]
    compile(command[-1], "HEALTHCHECK", "exec")


def test_it_serves_on_the_port_it_exposes() -> None:
    (command,) = of("CMD", final_stage())

    assert json.loads(command) == ["painplan", "serve", "--host", "0.0.0.0", "--port", "8000"]  # noqa: S104  (inside the container)
    assert of("EXPOSE", final_stage()) == ["8000"]


def test_the_image_decides_nothing_about_authentication() -> None:
    assert not [rest for word, rest in instructions() if word == "ENV" and "PAINPLAN_AUTH" in rest]


def test_every_package_in_the_image_comes_from_the_lock() -> None:
    installs = [
        part.strip()
        for run in of("RUN", instructions())
        for part in run.split("&&")
        if "pip install" in part
    ]

    assert installs[0] == "pip install --require-hashes -r /app/requirements.lock"
    assert all("--no-index" in part and "--no-deps" in part for part in installs[1:])


def test_every_file_that_is_copied_exists_and_is_let_through() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    copied = [rest.split()[:-1] for rest in of("COPY", instructions()) if "--from" not in rest]

    assert "*" in ignore
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name
        assert any(fnmatch(name, pattern) for pattern in let_through), name


def test_no_secret_and_no_history_reaches_the_build() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert ignore[[line.startswith("#") for line in ignore].index(False)] == "*"
    assert not {"!.git", "!.venv", "!tests", "!benchmarks"} & set(ignore)
