"""The main job on a shipped example, through the real service, for a person (``make demo``)."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import orjson
from rich.console import Console

from app.main import ROOT
from app.printing import print_plan

EXAMPLE = ROOT / "examples" / "chronic-low-back-pain.json"
AS_OF = "2026-06-01T09:00:00Z"
STARTS_WITHIN = 60.0


def main() -> None:
    """Start the service on a database of its own, derive, look the decision up, replay, verify."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PAINPLAN_DATABASE_URL": f"sqlite:///{folder}/demo.db"}
        port = _free_port()
        service = subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port)],
            env=environment,
            stderr=(Path(folder) / "service.log").open("wb"),
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _wait(client, service)
                _show(client, console)
        finally:
            service.terminate()
            service.wait(30)
        verified = subprocess.run(
            [sys.executable, "-m", "app.cli", "audit", "verify"],
            env=environment,
            check=True,
            capture_output=True,
        )
        console.print(f"History: {verified.stdout.decode().strip()}")


def _show(client: httpx.Client, console: Console) -> None:
    console.print(f"POST /fhir/$derive?asOf={AS_OF}  ({EXAMPLE.name})\n")
    answer = client.post(
        "/fhir/$derive",
        params={"asOf": AS_OF},
        content=EXAMPLE.read_bytes(),
        headers={"Content-Type": "application/fhir+json"},
    )
    answer.raise_for_status()
    print_plan(answer.content, console)
    decision = answer.headers["X-Decision-Id"]
    found = client.get(f"/decisions/{decision}").raise_for_status().json()
    true = [r for r in found["rules"] if r["value"] == "true" and r["id"][0] in "CDE"]
    console.print(f"\n[bold]Why[/bold]  GET /decisions/{decision}")
    for rule in true:
        facts = ", ".join(f"{f['input']}={f['value']}" for f in rule["facts"])
        console.print(f"  {rule['id']}: {rule['label']} [dim]({facts})[/dim]")
    replay = orjson.loads(client.get(f"/decisions/{decision}/replay").raise_for_status().content)
    console.print(f"\nReplayed from what is stored: identical = {replay['identical']}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(client: httpx.Client, service: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if service.poll() is not None:
            sys.exit("The service did not start; run 'painplan serve' to see why.")
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    sys.exit("The service was not ready in time.")


if __name__ == "__main__":
    main()
