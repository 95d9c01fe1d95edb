"""The file of trusted clients: what it may say, and how it is told what it may not."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from app.domain.problem import Refused
from app.ehr.clients import TrustedClient, read_clients, servers
from tests.ehr.signing import jwk

EXAMPLE = """
[[client]]
name = "North EHR"
tenant = "north"
issuer = "https://ehr.north.example"
jwks_url = "https://ehr.north.example/jwks.json"
audience = "https://painplan.north.example"
fhir_servers = ["https://ehr.north.example/fhir"]
scopes = ["system/*.cruds"]
guideline_profile = "uk"
"""
MINIMAL = {"name": "North", "issuer": "https://north", "jwks_url": "https://north/jwks"}


def toml(*tables: dict[str, Any]) -> str:
    """Tables as TOML; JSON is TOML for texts, lists and numbers."""
    lines = []
    for table in tables:
        lines.append("[[client]]")
        lines += [f"{key} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return orjson.dumps(value).decode()


def read(folder: Path, text: str, *, is_http_allowed: bool = False) -> tuple[TrustedClient, ...]:
    file = folder / "clients.toml"
    file.write_text(text, "utf-8")
    return read_clients(file, is_http_allowed=is_http_allowed)


def refusal(folder: Path, text: str) -> list[str]:
    """Every problem as its place and its words."""
    with pytest.raises(Refused) as refused:
        read(folder, text)
    return [f"{problem.where}: {problem.what}" for problem in refused.value.problems]


def test_the_example_of_the_contract_is_read(tmp_path: Path) -> None:
    (client,) = read(tmp_path, EXAMPLE)

    assert client.name == "North EHR"
    assert client.tenant == "north"
    assert client.issuer == "https://ehr.north.example"
    assert client.jwks_url == "https://ehr.north.example/jwks.json"
    assert client.audience == "https://painplan.north.example"
    assert [str(server) for server in client.fhir_servers] == ["https://ehr.north.example/fhir"]
    assert client.scopes == ("system/*.cruds",)
    assert client.guideline_profile == "uk"


def test_the_key_of_the_reference_client_is_read(tmp_path: Path, shared: Path) -> None:
    """CH-62: keys out of band, as the sandbox publishes its own."""
    file = shared / "data" / "interop" / "cds-hooks-sandbox" / "jwks.json"
    jwks = orjson.loads(file.read_bytes())

    (client,) = read(
        tmp_path, toml({"name": "Sandbox", "issuer": "https://sandbox.cds-hooks.org", "jwks": jwks})
    )

    assert [key.kid for key in client.keys] == [jwks["keys"][0]["kid"]]
    assert client.keys[0].algorithms == {"ES384"}


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"nmae": "x"}, "client 'North': nmae", "not known"),
        ({"name": None}, "client 1: name", "missing"),
        ({"name": ""}, "client 1: name", "no text"),
        ({"name": 5}, "client 1: name", "no text"),
        ({"issuer": None}, "client 'North': issuer", "missing"),
        ({"issuer": "x\ny"}, "client 'North': issuer", "no text"),
        ({"tenant": "../x"}, "client 'North': tenant", "letters"),
        ({"jwks_url": None}, "client 'North': jwks", "either jwks or jwks_url"),
        ({"jwks": {"keys": [jwk()]}}, "client 'North': jwks", "not both"),
        ({"jwks_url": "http://north/jwks"}, "client 'North': jwks_url", "http"),
        ({"jwks_url": "https://u:p@north/jwks"}, "client 'North': jwks_url", "user name"),
        ({"jwks_url": 5}, "client 'North': jwks_url", "no text"),
        ({"audience": "painplan"}, "client 'North': audience", "https://"),
        ({"fhir_servers": "https://north/fhir"}, "client 'North': fhir_servers", "no list"),
        ({"fhir_servers": ["http://north/fhir"]}, "client 'North': fhir_servers", "http"),
        ({"fhir_servers": ["https://u@north/fhir"]}, "client 'North': fhir_servers", "user name"),
        ({"scopes": ["everything"]}, "client 'North': scopes", "no SMART scope"),
        ({"scopes": ["system/*.dus"]}, "client 'North': scopes", "no SMART scope"),
        ({"scopes": ["system/*."]}, "client 'North': scopes", "no SMART scope"),
        ({"scopes": "system/*.cruds"}, "client 'North': scopes", "no list"),
        ({"guideline_profile": "fr"}, "client 'North': guideline_profile", "who, uk, us"),
    ],
)
def test_what_is_wrong_is_named_by_client_and_key(
    tmp_path: Path, change: dict[str, Any], where: str, what: str
) -> None:
    table = {key: value for key, value in {**MINIMAL, **change}.items() if value is not None}

    (problem, *_) = refusal(tmp_path, toml(table))

    assert problem.startswith(f"PAINPLAN_CLIENTS: {where}: ")
    assert what in problem


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ({"kty": "oct", "kid": "s", "k": "c2VjcmV0"}, "symmetric"),
        (jwk(kid=""), "no kid"),
        (jwk(use="enc"), "use is not sig"),
        (jwk(key_ops=["sign"]), "verify"),
        ({**jwk(), "alg": "HS384"}, "none of ES384"),
        ({**jwk(), "alg": "RS256"}, "none of ES384"),
        (jwk(d="c2VjcmV0"), "private"),
        (jwk(crv="secp256k1"), "crv"),
        (jwk(x="AAAA"), "not on the curve"),
        (jwk(x=None), "not on the curve"),
        ({"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AAAA"}, "neither EC nor RSA"),
        ({"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"}, "at least 2048"),
        ({"kty": "RSA", "kid": "r", "e": "AQAB"}, "cannot be read"),
    ],
)
def test_a_key_that_cannot_verify_is_refused_with_its_kid(
    tmp_path: Path, key: dict[str, Any], what: str
) -> None:
    """CH-59: no symmetric key, and none that is not meant for signatures."""
    table = {"name": "North", "issuer": "https://north", "jwks": {"keys": [key]}}

    (problem, *_) = refusal(tmp_path, toml(table))

    assert problem.startswith("PAINPLAN_CLIENTS: client 'North': jwks: key ")
    assert what in problem


def test_one_kid_is_one_key(tmp_path: Path) -> None:
    table = {"name": "North", "issuer": "https://north", "jwks": {"keys": [jwk(), jwk()]}}

    assert "twice" in refusal(tmp_path, toml(table))[0]


def test_a_second_issuer_asks_for_tenants(tmp_path: Path) -> None:
    south = {"name": "South", "issuer": "https://south", "jwks_url": "https://south/jwks"}

    problems = refusal(tmp_path, toml(MINIMAL, {**south, "tenant": "south"}))

    assert len(problems) == 1
    assert problems[0].startswith("PAINPLAN_CLIENTS: client 'North': tenant: ")


def test_a_name_or_an_issuer_stands_there_once(tmp_path: Path) -> None:
    problems = refusal(tmp_path, toml(*[{**MINIMAL, "tenant": "north"}] * 2))

    assert len(problems) == 2
    assert all("twice" in problem for problem in problems)


@pytest.mark.parametrize("text", ["", "client = 5", "[[client]\n", "x = 1\n[[client]]\n", "\x00"])
def test_a_file_that_is_no_list_of_clients_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text)[0].startswith("PAINPLAN_CLIENTS: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"nobody\.toml: No such file"):
        read_clients(tmp_path / "nobody.toml", is_http_allowed=False)


def test_a_private_http_server_is_for_development_only(tmp_path: Path) -> None:
    """CH-01: http only with authentication off."""
    text = toml({**MINIMAL, "fhir_servers": ["http://10.0.0.5/fhir"]})

    assert "http" in refusal(tmp_path, text)[0]
    assert read(tmp_path, text, is_http_allowed=True)[0].fhir_servers


def test_the_servers_for_all_are_separated_by_commas() -> None:
    found = servers(" https://a.example/fhir/, http://localhost:8091/fhir ,", is_http_allowed=False)

    assert [str(one) for one in found] == ["https://a.example/fhir", "http://localhost:8091/fhir"]


def test_a_server_for_all_that_is_none_is_named() -> None:
    with pytest.raises(Refused) as refused:
        servers("https://a.example/fhir, a.example, http://b.example", is_http_allowed=False)

    assert [problem.where for problem in refused.value.problems] == ["PAINPLAN_FHIR_SERVERS"] * 2
    assert "'a.example'" in refused.value.problems[0].what
