"""What is counted: requests, decisions, cards, batches; never a patient. And what is deployed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.settings import Settings
from tests.acceptance.load import derive as derived
from tests.acceptance.test_kill import running
from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened
from tests.databases import Server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
ID = "p-metrics-4711"
SPREAD = 12
DRAINED_WITHIN = 10  # seconds, as app/cli/serve.py gives them


def samples(service: httpx.Client) -> dict[tuple[str, str], float]:
    answer = service.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found = (SAMPLE.match(line) for line in answer.text.splitlines())
    return {(m[1], m[2] or ""): float(m[3]) for m in found if m}


def derive(service: httpx.Client) -> httpx.Response:
    told = bundle(patient(ID), intake(screened(), of=ID))
    return service.post("/fhir/$derive", params={"asOf": AS_OF}, json=told).raise_for_status()


def test_a_derivation_is_counted_by_what_it_concludes(service: httpx.Client) -> None:
    before = samples(service)
    answer = derive(service)
    after = samples(service)

    decision = service.get(f"/decisions/{answer.headers['X-Decision-Id']}").json()
    labels = f'gate="{decision["gate"]}",mechanism="{decision["mechanism"]}"'
    counted = ("painplan_decisions_total", labels)
    assert after[counted] - before.get(counted, 0) == 1
    request = ("painplan_requests_total", 'method="POST",route="derive",status="200"')
    assert after[request] - before.get(request, 0) == 1
    for name in ("painplan_journal_sets_count", "painplan_journal_commit_seconds_count"):
        assert after[name, ""] > before.get((name, ""), 0)


def test_no_patient_and_no_path_is_in_it(service: httpx.Client) -> None:
    derive(service)
    service.get(f"/fhir/Patient/{ID}")
    service.request("PROPFIND", f"/fhir/Patient/{ID}")
    text = service.get("/metrics").text

    assert ID not in text
    assert "PROPFIND" not in text
    assert 'method="other"' in text


def test_a_card_is_counted_by_its_rule(service: httpx.Client) -> None:
    call = json.loads((ROOT / "examples/cds-hooks/order-sign.json").read_text("utf-8"))
    answer = service.post(
        "/cds-services/clbp-order-sign", json=call, headers={"Content-Type": "application/json"}
    ).raise_for_status()
    cards = answer.json()["cards"]
    assert cards
    counted = samples(service)

    for card in cards:
        rule = card["source"]["topic"]["code"]
        labels = f'indicator="{card["indicator"]}",rule="{rule}"'
        assert counted["painplan_cards_total", labels] >= 1


def test_the_dashboard_asks_for_what_is_counted(service: httpx.Client) -> None:
    derive(service)
    board = json.loads((DEPLOY / "grafana/painplan.json").read_text("utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"painplan_\w+", target["expr"])
    }
    answered = service.get("/metrics").text
    families = set(re.findall(r"^# TYPE (\w+) ", answered, re.MULTILINE))
    known = families | {f"{f}_{end}" for f in families for end in ("bucket", "sum", "count")}

    assert asked
    assert asked <= known


def _containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    template = document.get("spec", {}).get("template", {}).get("spec", {})
    return list(template.get("containers", ()))


def _kubernetes() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes/painplan.yaml").read_text("utf-8")))


def _settings() -> set[str]:
    return {f"PAINPLAN_{name.upper()}" for name in Settings.model_fields}


def test_what_is_deployed_sets_only_what_there_is() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    in_compose = {n for s in compose["services"].values() for n in s.get("environment", ())}
    in_cluster = {e["name"] for d in _kubernetes() for c in _containers(d) for e in c["env"]}

    named = {n for n in in_compose | in_cluster if n.startswith("PAINPLAN_")}
    assert named
    assert named <= _settings()


def test_what_is_deployed_with_several_workers_counts_them_together() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    several = [s for s in compose["services"].values() if "--workers" in s.get("command", ())]

    assert several
    assert all(s["environment"]["PROMETHEUS_MULTIPROC_DIR"] in s["tmpfs"] for s in several)


@pytest.mark.parametrize("document", _kubernetes(), ids=lambda d: d["kind"])
def test_a_pod_is_nobody_special_and_writes_nowhere(document: dict[str, Any]) -> None:
    for container in _containers(document):
        pod = document["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= container["resources"].keys()


def test_who_is_stopped_in_a_cluster_has_time_for_what_it_has_begun() -> None:
    """Routes lead to a pod for a while after it was told to stop, and then it answers the rest."""
    (pod,) = (d["spec"]["template"]["spec"] for d in _kubernetes() if d["kind"] == "Deployment")
    (container,) = pod["containers"]
    command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]

    assert command == "sleep"
    assert pod["terminationGracePeriodSeconds"] > int(seconds) + DRAINED_WITHIN


def test_its_probes_are_answered(service: httpx.Client) -> None:
    probes = [
        container[kind]["httpGet"]["path"]
        for document in _kubernetes()
        for container in _containers(document)
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
        if kind in container
    ]
    assert len(probes) == 3
    assert {service.get(path).status_code for path in probes} == {200}


def test_one_scrape_tells_of_every_worker(postgresql: Server, tmp_path: Path) -> None:
    kept = postgresql.fresh()
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    try:
        with running(kept, "--workers", "2", environment=shared) as (url, _):
            for number in range(SPREAD):
                with httpx.Client(base_url=url, timeout=60) as connection:  # for whichever worker
                    derived(connection, f"spread-{number}").raise_for_status()
            with httpx.Client(base_url=url, timeout=60) as connection:
                found = samples(connection)
    finally:
        postgresql.drop(kept)

    decisions = sum(v for (name, _), v in found.items() if name == "painplan_decisions_total")
    assert decisions == SPREAD


WAITS = """
import os, signal, app.metrics
app.metrics.waiting(7)
print(app.metrics.exposition().decode(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_was_killed_has_nothing_waiting(tmp_path: Path) -> None:
    shared = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    asked = "import app.metrics; print(app.metrics.exposition().decode())"
    told = [
        subprocess.run(
            [sys.executable, "-c", code], env=shared, capture_output=True, text=True, check=False
        ).stdout
        for code in (WAITS, asked)
    ]

    assert "painplan_journal_waiting 7.0" in told[0]
    assert "painplan_journal_waiting 7.0" not in told[1]
