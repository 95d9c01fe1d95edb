"""What `make bench` puts side by side: floors, peers and the product, each a service of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fixtures import submission
from benchmarks.hook_fixture import hook_request
from benchmarks.load import Load, migrated, uvicorn
from benchmarks.postgres import Postgres
from benchmarks.signed import Signer

ROOT = Path(__file__).parent.parent
HEALTHCHAIN = ROOT / "build" / "healthchain" / "bin" / "python"
FHIR = {"Content-Type": "application/fhir+json"}
JSON = {"Content-Type": "application/json"}
DERIVE, HOOK = "/fhir/$derive", "/cds-services/clbp-order-sign"
NOT_KEPT = f"{DERIVE}?persist=false"
OURS = uvicorn("app.main:create_app", "--factory")
PEER = uvicorn("benchmarks.peer:app")
# Requests in a block: enough CPU to be read in hundredths of a second, few enough for many turns.
MANY, SOME, FEW = 3000, 250, 25
RAW, ECHO = "raw ASGI echo", "bare FastAPI echo"
DERIVATION, DERIVATION_PG = "derivation, SQLite", "derivation, PostgreSQL"
PEER_DERIVATION, PEER_DERIVATION_PG = "peer derivation, SQLite", "peer derivation, PostgreSQL"
BRIEF, BRIEF_PG = "persist=false, SQLite", "persist=false, PostgreSQL"
HOOK_OFF, HOOK_PG = "hook, SQLite, auth off", "hook, PostgreSQL, auth off"
HOOK_RS384, HOOK_ES384 = "hook, SQLite, RS384 tokens", "hook, SQLite, ES384 tokens"
PEER_HOOK, HEALTHCHAIN_HOOK = "peer hook, SQLite", "HealthChain hook (stores nothing)"


@dataclass(frozen=True, slots=True)
class Case:
    """A service, and blocks of requests to it; ``body`` makes the request of a number.

    ``is_same_again`` is for an echo: it may be sent the same bodies in every block.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    path: str
    body: Callable[[int], bytes]
    headers: Mapping[str, str]
    size: int
    is_same_again: bool = False
    signer: Signer | None = field(default=None, repr=False)

    def block(self, number: int, size: int) -> Load:
        """Requests that no other block has sent."""
        start = 0 if self.is_same_again else number * self.size
        few = min(size, SOME) if self.is_same_again else size
        bodies = [self.body(start + n) for n in range(few)] * max(1, size // few)
        tokens = self.signer.tokens(HOOK, len(bodies)) if self.signer else []
        return Load(self.path, bodies, self.headers, tokens)


@dataclass(frozen=True, slots=True)
class Databases:
    """Where each service keeps its history: files in a folder, databases on a PostgreSQL."""

    folder: Path
    postgres: Postgres

    def file(self, name: str) -> Path:
        """A SQLite file."""
        return self.folder / f"{name}.db"

    def sqlite(self, name: str) -> dict[str, str]:
        """The environment of a service on a file that is there and migrated."""
        return migrated(f"sqlite:///{self.file(name)}")

    def postgresql(self, name: str) -> dict[str, str]:
        """The same on a PostgreSQL."""
        return migrated(self.postgres.fresh(name))


def cases(at: Databases) -> Iterator[Case]:
    """All of them; that of HealthChain only where its environment was made."""
    yield echo(RAW, "benchmarks.raw:app")
    yield echo(ECHO)
    file = {"PEER_DATABASE": f"sqlite+aiosqlite:///{at.file('peer')}"}
    other = at.postgres.fresh("peer").replace("postgresql:", "postgresql+asyncpg:", 1)
    yield Case(PEER_DERIVATION, PEER, file, "/derive", submission, FHIR, FEW)
    there = {"PEER_DATABASE": other}
    yield Case(PEER_DERIVATION_PG, PEER, there, "/derive", submission, FHIR, FEW)
    yield derivation(DERIVATION, at.sqlite("derivation"))
    yield derivation(DERIVATION_PG, at.postgresql("derivation"))
    yield Case(BRIEF, OURS, at.sqlite("brief"), NOT_KEPT, submission, FHIR, SOME)
    yield Case(BRIEF_PG, OURS, at.postgresql("brief"), NOT_KEPT, submission, FHIR, SOME)
    yield Case(HOOK_OFF, OURS, at.sqlite("hook"), HOOK, hook_request, JSON, SOME)
    yield Case(HOOK_PG, OURS, at.postgresql("hook"), HOOK, hook_request, JSON, SOME)
    for name, alg in ((HOOK_RS384, "RS384"), (HOOK_ES384, "ES384")):
        signer = Signer(alg)
        trusting = {**at.sqlite(f"hook-{alg}"), **signer.settings(at.folder)}
        yield Case(name, OURS, trusting, HOOK, hook_request, JSON, SOME, signer=signer)
    hooks = {"PEER_DATABASE": f"sqlite+aiosqlite:///{at.file('peer-hook')}"}
    yield Case(PEER_HOOK, PEER, hooks, HOOK, hook_request, JSON, FEW)
    if HEALTHCHAIN.exists():
        yield _healthchain()


def echo(name: str, target: str = "benchmarks.echo:app") -> Case:
    """A floor: the bytes come back."""
    command = uvicorn(target)
    return Case(name, command, {}, "/echo", submission, FHIR, MANY, is_same_again=True)


def derivation(name: str, environment: Mapping[str, str]) -> Case:
    """The product's main work, kept."""
    return Case(name, OURS, environment, DERIVE, submission, FHIR, SOME)


def _healthchain() -> Case:
    command = [str(HEALTHCHAIN), "-m", "uvicorn", "--app-dir", "benchmarks/healthchain"]
    command += ["service:app", "--port", "{port}", "--log-level", "error", "--no-access-log"]
    path = "/cds/cds-services/bench"
    return Case(HEALTHCHAIN_HOOK, command, {}, path, hook_request, JSON, FEW)
