"""HL7's validator over all that we publish and all that we emit: no error, no unlisted warning."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.acceptance.hl7.emitted import emitted
from tests.acceptance.hl7.machine import Issue, Machine
from tests.acceptance.wire import Json
from tests.conftest import ROOT

LISTED = Path(__file__).parent / "warnings.toml"


def published() -> Iterator[tuple[str, Json]]:
    """Every resource of fhir_profiles/, its examples included."""
    for file in sorted((ROOT / "fhir_profiles").rglob("*.json")):
        if file.name != "package.json":
            yield file.stem, json.loads(file.read_bytes())


def counted(resource: Json) -> int:
    """A Bundle counts with what it holds."""
    held = [e["resource"] for e in resource.get("entry", ()) if "resource" in e]
    return 1 + sum(map(counted, held))


def unlisted(said: dict[str, list[Issue]]) -> tuple[list[str], list[str]]:
    """Warnings without a reason, and reasons without a warning."""
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))["warning"]
    used: Counter[int] = Counter()
    open_ones = []
    for name, issues in said.items():
        for issue in issues:
            if issue.severity != "warning":
                continue
            found = [n for n, one in enumerate(listed) if re.search(one["says"], issue.text)]
            used.update(found[:1])
            if not found:
                open_ones.append(f"{name} {issue.at}: {issue.text}")
    return open_ones, [one["says"] for n, one in enumerate(listed) if not used[n]]


def test_hl7_accepts_everything_that_is_published_and_emitted(
    machine: Machine, service: httpx.Client, say: Callable[[str], None]
) -> None:
    resources = [*published(), *emitted(service)]

    said = machine.validated(resources)

    errors = [f"{n} {i.at}: {i.text}" for n, issues in said.items() for i in issues if i.is_error]
    total = sum(counted(resource) for _, resource in resources)
    severities = Counter(i.severity for issues in said.values() for i in issues)
    say(
        f"HL7's validator: {total} resources in {len(resources)} documents, "
        f"{len(errors)} errors, {severities['warning']} warnings"
    )
    open_ones, unused = unlisted(said)
    assert not errors, "\n".join(errors)
    assert not open_ones, "\n".join(open_ones)
    assert not unused, f"listed in {LISTED.name} and not said any more: {unused}"
    assert total > 800
