"""The domain imports the standard library only, whatever import-linter's list has forgotten."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAIN = sorted((ROOT / "app" / "domain").rglob("*.py"))


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_domain_imports_the_standard_library_only(path: Path) -> None:
    for name in imports(path.read_text(encoding="utf-8")):
        top = name.split(".")[0]
        assert name.startswith("app.domain") or top in sys.stdlib_module_names, name


@pytest.mark.parametrize("path", DOMAIN, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_domain_has_no_clock_no_chance_and_no_door_to_the_outside(path: Path) -> None:
    outside = {
        "random",
        "secrets",
        "time",
        "socket",
        "sqlite3",
        "subprocess",
        "os",
        "urllib",
        "http",
    }
    source = path.read_text(encoding="utf-8")

    assert not {name.split(".")[0] for name in imports(source)} & outside
    for word in ("uuid4(", "uuid1(", "datetime.now(", "date.today(", "utcnow("):
        assert word not in source, word


def test_only_one_module_goes_to_the_network() -> None:
    """The guard of addresses holds as long as nobody walks around it.

    The demo and the examples ask our own service, the client is for others.
    """
    network = {"aiohttp", "http", "httpcore", "httpx", "requests", "socket", "urllib3"}
    harmless = {"http", "http.cookiejar"}  # names of statuses; in the one module, no cookie
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "app").rglob("*.py")
        for name in imports(path.read_text(encoding="utf-8"))
        if name.split(".")[0] in network and name not in harmless
    }

    assert found == {"app/ehr/http.py", "app/demo.py", "app/examples.py", "app/client.py"}
