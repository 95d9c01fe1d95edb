"""Which access tokens are believed, for how long, and what of them is remembered."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws

from app.domain.problem import Unauthenticated
from app.ehr import access_tokens
from app.ehr.access_tokens import AccessVerifier
from app.ehr.clients import TrustedClient
from app.ehr.jwk import SigningKey, signing_key
from app.ehr.tokens import Identity
from tests.ehr.signing import ISSUER, Json, compact, jwk, private_key, token

PUBLIC = "https://painplan.example"
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
AT = int(NOW.timestamp())
LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


class Keys:
    """Counts how often a key is looked for, and may forget it."""

    def __init__(self, *algorithms: str) -> None:
        self.keys = {alg: signing_key(jwk(alg, kid=alg)) for alg in algorithms}
        self.asked = 0

    async def find(self, kid: str) -> SigningKey | None:
        self.asked += 1
        return self.keys.get(kid)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def said(**more: Any) -> Json:
    claims = {
        "iss": ISSUER,
        "aud": f"{PUBLIC}/fhir",
        "iat": AT,
        "exp": AT + 300,
        "jti": str(uuid.uuid4()),
        "scope": "system/*.rs",
        **more,
    }
    return {name: value for name, value in claims.items() if value is not None}


def verifier(keys: Keys, clock: Clock | None = None, **client: Any) -> AccessVerifier:
    about = {"name": "North", "issuer": ISSUER, "tenant": "north", "scopes": ("system/*.rs",)}
    trusted = TrustedClient(**{**about, **client})
    return AccessVerifier([trusted], {"North": keys}, public_url=PUBLIC, clock=clock or Clock())


async def believed(claims: Any, alg: str = "ES384", **header: Any) -> Identity:
    sent = token(claims, alg=alg, kid=alg, **{"typ": "at+jwt", **header})
    return await verifier(Keys(alg)).verify(f"Bearer {sent}")


async def why_not(claims: Any, **header: Any) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await believed(claims, **header)
    return caught.value.problems[0].what


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "RS384", "PS256"])
async def test_every_asymmetric_algorithm_is_taken(alg: str) -> None:
    identity = await believed(said(), alg)

    assert identity.client.tenant == "north"
    assert identity.access is not None
    assert identity.access.allows("Observation", "s")
    assert not identity.access.allows("Observation", "c")


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "JWT", "AT+JWT", None])
async def test_the_types_of_access_tokens_are_taken(typ: str | None) -> None:
    assert (await believed(said(), typ=typ)).client.name == "North"


@pytest.mark.parametrize(
    "aud", [PUBLIC, f"{PUBLIC}/", f"{PUBLIC}/fhir", f"{PUBLIC}/fhir/", ["x", f"{PUBLIC}/fhir"]]
)
async def test_the_audience_is_the_service(aud: Any) -> None:
    assert (await believed(said(aud=aud))).client.name == "North"


@pytest.mark.parametrize(
    ("claims", "header", "why"),
    [
        ({"iss": "https://evil.example"}, {}, "issuer is not trusted"),
        ({"aud": f"{PUBLIC}/cds-services"}, {}, "audience"),
        ({"aud": "https://painplan.example.evil.example/fhir"}, {}, "audience"),
        ({"aud": []}, {}, "audience"),
        ({"exp": AT - 31, "iat": AT - 300}, {}, "expired"),
        ({"exp": AT + 7200}, {}, "longer than an hour"),
        ({"exp": AT + 7200, "iat": None}, {}, "longer than an hour"),
        ({"iat": AT + 120}, {}, "not valid yet"),
        ({"nbf": AT + 120}, {}, "not valid yet"),
        ({"exp": LAST_SECOND}, {}, "times cannot be read"),
        ({"exp": LAST_SECOND, "iat": None}, {}, "times cannot be read"),
        ({"tenant": "south"}, {}, "tenant"),
        ({"scope": None}, {}, "missing"),
        ({"scope": 7}, {}, "missing"),
        ({"exp": None}, {}, "missing"),
        ({"exp": "soon"}, {}, "missing"),
        ({"aud": None}, {}, "missing"),
        ({"patient": 7}, {}, "missing"),
        ({"jti": "x" * 256}, {}, "jti"),
        ({}, {"typ": "id_token"}, "typ"),
        ({}, {"alg": "none"}, "alg"),
        ({}, {"alg": "HS256"}, "alg"),
        ({}, {"alg": "ES256"}, "alg does not fit"),
        ({}, {"crit": ["b64"]}, "crit"),
        ({}, {"jku": "https://evil.example/jwks.json"}, "jku"),
        ({}, {"kid": ""}, "kid"),
    ],
)
async def test_what_is_refused_is_named_in_the_log(claims: Json, header: Json, why: str) -> None:
    sent = compact_with(said(**claims), header)

    with pytest.raises(Unauthenticated) as caught:
        await verifier(Keys("ES384")).verify(f"Bearer {sent}")
    assert why in caught.value.problems[0].what


def compact_with(claims: Json, header: Json) -> str:
    key, model = private_key("ES384", "ES384"), jws.JWSRegistry(algorithms=["ES384"])
    said = {"alg": "ES384", "kid": "ES384", "typ": "at+jwt", **header}
    return compact(said, claims, lambda text: model.get_alg("ES384").sign(text, key))


async def test_a_changed_scope_breaks_the_signature() -> None:
    head, _, signature = compact_with(said(), {}).split(".")
    payload = compact({}, said(scope="system/*.cruds"), lambda _: b"").split(".")[1]

    with pytest.raises(Unauthenticated, match="signature"):
        await verifier(Keys("ES384")).verify(f"Bearer {head}.{payload}.{signature}")


async def test_a_patient_may_be_a_reference_or_an_id() -> None:
    for patient in ("p1", "Patient/p1"):
        identity = await believed(said(patient=patient))
        assert identity.access is not None
        assert identity.access.patient == "p1"


async def test_scopes_may_be_a_list() -> None:
    identity = await believed(said(scope=["system/Observation.r"]))

    assert identity.access is not None
    assert identity.access.allows("Observation", "r")


async def test_a_verified_token_is_remembered_for_a_minute() -> None:
    """So that a burst of requests costs one signature, and a withdrawn key soon counts no more."""
    keys, clock = Keys("ES384"), Clock()
    one = verifier(keys, clock)
    sent = f"Bearer {compact_with(said(), {})}"

    first = await one.verify(sent)
    assert await one.verify(sent) is first
    assert keys.asked == 1
    keys.keys.clear()
    clock.now += timedelta(seconds=59)
    assert await one.verify(sent) is first
    clock.now += timedelta(seconds=2)
    with pytest.raises(Unauthenticated, match="kid"):
        await one.verify(sent)


async def test_a_remembered_token_expires() -> None:
    clock = Clock()
    one = verifier(Keys("ES384"), clock)
    sent = f"Bearer {compact_with(said(exp=AT + 10), {})}"

    assert (await one.verify(sent)).client.name == "North"
    clock.now += timedelta(seconds=41)
    with pytest.raises(Unauthenticated, match="expired"):
        await one.verify(sent)


async def test_a_refused_token_is_not_remembered() -> None:
    keys = Keys()
    one = verifier(keys)
    sent = f"Bearer {compact_with(said(), {})}"
    with pytest.raises(Unauthenticated):
        await one.verify(sent)
    keys.keys["ES384"] = signing_key(jwk("ES384", kid="ES384"))

    assert (await one.verify(sent)).client.name == "North"


async def test_many_tokens_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "REMEMBERED", 3)
    keys = Keys("ES384")
    one = verifier(keys)
    sent = [f"Bearer {compact_with(said(), {})}" for _ in range(5)]
    for text in (*sent, sent[-1], sent[0]):
        await one.verify(text)

    assert keys.asked == 6  # the last was known, the first had made room


async def test_a_client_without_scopes_is_given_none() -> None:
    one = verifier(Keys("ES384"), scopes=())

    identity = await one.verify(f"Bearer {compact_with(said(), {})}")

    assert identity.access is not None
    assert not identity.access.allows("Observation", "r")
