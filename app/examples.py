"""The examples in fhir_profiles/example: shipped patients through the real service.

Every kind of resource that the service emits, once for each place where it differs. The time
of the commit is left out, so the same content gives the same bytes.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from typing import Any

import httpx

from app.fhir.publishing import file_name, render
from app.main import ROOT, create_app
from app.settings import Settings

EXAMPLES = ROOT / "examples"
AS_OF = "2026-06-01T09:00:00Z"
ADDRESS = "http://127.0.0.1:8000"
JSON = {"Content-Type": "application/fhir+json"}
Json = dict[str, Any]


def example_files() -> dict[str, str]:
    """File name to content: what goes in, the Bundle that comes out, and each part of it."""
    derived = asyncio.run(_derived())
    files: dict[str, str] = {}
    for name, sent, answer in derived:
        for what, bundle in (("sent", sent), ("derived", _stable(answer))):
            named = _with_id(bundle, f"{name}-{what}")
            files[file_name(named)] = render(named)
        for resource in _parts(answer):
            files.setdefault(_name_of(resource, name), render(resource))
    return files


async def _derived() -> list[tuple[str, Json, Json]]:
    """(name, what was sent, what $derive answered) for each shipped example."""
    sent = {f.stem: json.loads(f.read_bytes()) for f in sorted(EXAMPLES.glob("*.json"))}
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(_settings(folder))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=JSON) as client,
        ):
            return [(name, body, await _answer(client, body)) for name, body in sent.items()]


async def _answer(client: httpx.AsyncClient, body: Json) -> Json:
    answer = await client.post("/fhir/$derive", params={"asOf": AS_OF}, json=body)
    derived: Json = answer.raise_for_status().json()
    return derived


def _settings(folder: str) -> Settings:
    """As shipped, whatever the environment says."""
    shipped = Settings.model_construct()
    return Settings(
        database_url=f"sqlite:///{folder}/examples.db",
        public_url=ADDRESS,
        auth="off",
        log_level="ERROR",
        **{
            name: getattr(shipped, name)
            for name in ("crisis_text", "guideline_profile", "terminology", "tenant")
        },
    )


def _with_id(bundle: Json, id_: str) -> Json:
    """The Bundle under an id, by which a guide can list it."""
    rest = {name: value for name, value in bundle.items() if name != "resourceType"}
    return {"resourceType": "Bundle", "id": id_, **rest}


def _parts(answer: Json) -> Iterator[Json]:
    for entry in _stable(answer)["entry"]:
        yield entry["resource"]


def _stable(answer: Json) -> Json:
    """Without the time of the commit, the one thing that is another every time."""
    for entry in answer["entry"]:
        meta = entry["resource"]["meta"]
        meta.pop("lastUpdated", None)
    return answer


def _name_of(resource: Json, example: str) -> str:
    """By what it says, not by its id, which is another for every content."""
    said = resource.get("code") or resource.get("description")
    codings = said.get("coding", ()) if isinstance(said, dict) else ()
    names = [example, *(coding["code"] for coding in codings[:1])]
    return file_name({**resource, "id": "-".join(names)})
