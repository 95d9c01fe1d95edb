"""CH-57 to CH-63: which tokens are believed, and that no other is."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.problem import Unauthenticated
from app.ehr.clients import TrustedClient
from app.ehr.http import Web
from app.ehr.jwk import ALGORITHMS, signing_key
from app.ehr.keys import FetchedKeys, PinnedKeys
from app.ehr.tokens import Identity, TokenVerifier
from tests.ehr.hospital import Hospital, hospital
from tests.ehr.signing import ISSUER, KID, claims, compact, jwk, private_key, token

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
PUBLIC = "https://painplan.example"
PATH = "/cds-services/clbp-order-select"
HERE = f"{PUBLIC}{PATH}"
SKEW = timedelta(seconds=30)
Json = dict[str, Any]


def verifier(*algorithms: str, **client: Any) -> TokenVerifier:
    """One client, North, with a key for each algorithm."""
    keys = tuple(signing_key(jwk(alg)) for alg in algorithms or ("ES384",))
    north = TrustedClient(name="North", issuer=ISSUER, keys=keys, **client)
    pinned = {"North": PinnedKeys(keys)}
    return TokenVerifier([north], pinned, public_url=PUBLIC, clock=lambda: NOW)


def said(**more: Any) -> Json:
    """Good claims, but for what is named."""
    return claims(more.pop("aud", HERE), NOW, **more)


async def believed(sent: str, path: str = PATH, **client: Any) -> Identity:
    return await verifier(**client).verify(f"Bearer {sent}", path)


async def why_not(sent: str, path: str = PATH, **client: Any) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await believed(sent, path, **client)
    return refused.value.problems[0].what


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
async def test_every_asymmetric_algorithm_is_taken(alg: str) -> None:
    """CH-59: ES384 and RS384 at least."""
    found = await verifier(alg).verify(f"Bearer {token(said(jti='j1'), alg=alg)}", PATH)

    assert found.client.name == "North"
    assert found.jti == "j1"
    assert found.until == NOW + timedelta(seconds=300) + SKEW


async def test_the_shape_of_the_reference_client_is_believed(shared: Any) -> None:
    """CH-58, with the header and the claims of the recorded calls; only the key is another."""
    file = shared / "data" / "interop" / "cds-hooks-requests" / "headers.json"
    for name, call in orjson.loads(file.read_bytes()).items():
        recorded = call["authorization"]
        payload, header = recorded["jwtPayload"], recorded["jwtHeader"]
        key = signing_key(jwk(kid=header["kid"]))
        sandbox = TrustedClient(name="Sandbox", issuer=payload["iss"], keys=(key,))
        verifies = TokenVerifier(
            [sandbox],
            {"Sandbox": PinnedKeys([key])},
            public_url="http://127.0.0.1:8090",
            clock=partial(datetime.fromtimestamp, payload["iat"] + 1, UTC),
        )

        found = await verifies.verify(
            f"Bearer {token(payload, **header)}", call["url"].removeprefix("http://127.0.0.1:8090")
        )

        assert found.jti == payload["jti"], name


@pytest.mark.parametrize("missing", ["alg", "kid", "typ"])
async def test_every_header_is_required(missing: str) -> None:
    """CH-58."""
    header = {"alg": "ES384", "kid": KID, "typ": "JWT"}
    del header[missing]
    sent = compact(header, said(), lambda _: b"x" * 96)

    assert "missing" in await why_not(sent)


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "jti"])
async def test_every_claim_is_required(missing: str) -> None:
    """CH-58."""
    payload = said()
    del payload[missing]

    assert "missing" in await why_not(token(payload))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", 5),
        ("aud", 5),
        ("aud", [5]),
        ("exp", "1795468918"),
        ("exp", True),
        ("iat", None),
        ("jti", 5),
        ("jti", ""),
        ("jti", "j" * 256),
        ("jti", "a\x00b"),
        ("tenant", 5),
        ("exp", 10**400),
        ("exp", 1e308),
        ("iat", -1e308),
    ],
)
async def test_a_claim_of_another_type_is_no_claim(claim: str, value: Any) -> None:
    payload = {**said(), claim: value}
    body = str(payload).replace("'", '"').encode() if value == 10**400 else payload

    assert await why_not(token(body))


@pytest.mark.parametrize("typ", ["jwt", "JOSE", "at+jwt", ""])
async def test_the_typ_is_jwt(typ: str) -> None:
    """CH-58."""
    assert "typ" in await why_not(token(said(), typ=typ))


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "HS256", "HS384", "HS512", "ES256K", "", "EdDSA"]
)
async def test_no_other_algorithm_is_taken_whatever_it_signed_with(alg: str) -> None:
    """CH-59: neither none nor anything symmetric, the public key as its secret included."""
    header = {"alg": alg, "kid": KID, "typ": "JWT"}
    secrets = [b"", private_key().as_pem(private=False), orjson.dumps(jwk()), b"secret"]
    for secret in secrets:
        for digest in (hashlib.sha256, hashlib.sha384, hashlib.sha512):
            sent = compact(header, said(), partial(_hmac, secret, digest))
            assert "alg" in await why_not(sent)
    assert "compact form" in await why_not(compact(header, said(), lambda _: b""))


def _hmac(secret: bytes, digest: Any, text: bytes) -> bytes:
    return hmac.digest(secret, text, digest)


async def test_the_algorithm_is_the_one_of_the_key() -> None:
    """CH-59: an RSA key is no EC key, and a key with an alg is for that one."""
    sent = token(said(), alg="RS256", kid=KID)
    assert "alg does not fit" in await why_not(sent)

    key = signing_key({**jwk("RS256"), "alg": "PS384"})
    north = TrustedClient(name="North", issuer=ISSUER, keys=(key,))
    strict = TokenVerifier(
        [north], {"North": PinnedKeys([key])}, public_url=PUBLIC, clock=lambda: NOW
    )
    with pytest.raises(Unauthenticated, match="alg does not fit"):
        await strict.verify(f"Bearer {sent}", PATH)


@pytest.mark.parametrize(
    "audience",
    [HERE, [HERE], ["https://other.example", HERE]],
)
async def test_the_audience_is_the_endpoint_alone_or_in_a_list(audience: Any) -> None:
    """CH-60."""
    assert (await believed(token(said(aud=audience)))).client.issuer == ISSUER


@pytest.mark.parametrize(
    "audience",
    [
        PUBLIC,
        f"{PUBLIC}/cds-services",
        f"{PUBLIC}/cds-services/clbp-order-sign",
        f"{HERE}/",
        f"{HERE}/feedback",
        "https://other.example/cds-services/clbp-order-select",
        "http://painplan.example/cds-services/clbp-order-select",
        "",
        [],
        [PUBLIC],
    ],
)
async def test_another_audience_is_refused(audience: Any) -> None:
    """CH-60: compared with the configured address, to the letter."""
    assert "audience" in await why_not(token(said(aud=audience)))


async def test_feedback_takes_the_endpoint_and_the_service() -> None:
    """CH-60: the sandbox signs ``.../feedback``, others sign the service."""
    for audience in (HERE, f"{HERE}/feedback"):
        await believed(token(said(aud=audience)), f"{PATH}/feedback")
    assert await why_not(token(said(aud=f"{PUBLIC}/cds-services")), f"{PATH}/feedback")


async def test_discovery_has_an_audience_too() -> None:
    """CH-60."""
    await believed(token(said(aud=f"{PUBLIC}/cds-services")), "/cds-services")
    assert "audience" in await why_not(token(said()), "/cds-services")


async def test_a_client_may_know_us_under_an_address_of_its_own() -> None:
    sent = token(said(aud=f"https://painplan.north.example{PATH}"))

    await believed(sent, audience="https://painplan.north.example")
    assert "audience" in await why_not(sent)


async def test_an_issuer_that_is_not_listed_is_refused() -> None:
    """CH-61."""
    for issuer in ("https://evil.example", f"{ISSUER}/", ISSUER.upper(), ""):
        assert "issuer" in await why_not(token(said(iss=issuer)))


@pytest.mark.parametrize(
    ("exp", "iat", "why"),
    [
        (-31, -200, "expired"),
        (-30, -200, "expired"),
        (300, 31, "not valid yet"),
        (3601, 0, "longer than an hour"),
        (10, 20, "longer than an hour, or none"),
        (0, 0, "longer than an hour, or none"),
        (10**9, 10**9 - 300, "not valid yet"),
    ],
)
async def test_the_times_are_bounded(exp: int, iat: int, why: str) -> None:
    """CH-58, CH-63: two clocks may differ by half a minute, and a token lives an hour at most."""
    at = int(NOW.timestamp())

    assert why in await why_not(token(said(exp=at + exp, iat=at + iat)))


@pytest.mark.parametrize(("exp", "iat"), [(-29, -200), (300, 30), (3600, 0), (300.5, -0.5)])
async def test_clocks_may_differ_a_little(exp: float, iat: float) -> None:
    at = int(NOW.timestamp())

    await believed(token(said(exp=at + exp, iat=at + iat)))


async def test_the_last_second_that_there_is_has_none_after_it() -> None:
    """Without a signature anybody can send it who knows an issuer."""
    last = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())

    assert "times cannot be read" in await why_not(token(said(exp=last, iat=last - 300)))


async def test_a_token_that_begins_later_is_not_valid_yet() -> None:
    assert "not valid yet" in await why_not(token(said(nbf=int(NOW.timestamp()) + 60)))


async def test_a_tenant_is_the_configured_one_or_not_said() -> None:
    """CH-63: one id space a client; what names another, or one where none is configured, is not."""
    await believed(token(said(tenant="north")), tenant="north")
    await believed(token(said()), tenant="north")
    assert "tenant" in await why_not(token(said(tenant="south")), tenant="north")
    assert "tenant" in await why_not(token(said(tenant="north")))


async def test_a_kid_that_the_client_does_not_have_is_refused() -> None:
    assert "kid" in await why_not(token(said(), kid="north-2"))


async def test_a_signature_of_another_key_is_refused() -> None:
    other = token(said(), kid="another")
    sent = compact({"alg": "ES384", "kid": KID, "typ": "JWT"}, said(), lambda _: b"\x01" * 96)
    header, _, _ = token(said()).split(".")
    _, payload, signature = other.split(".")

    assert "signature" in await why_not(sent)
    assert "signature" in await why_not(f"{header}.{payload}.{signature}")


async def test_a_changed_claim_breaks_the_signature() -> None:
    header, _, signature = token(said()).split(".")
    _, payload, _ = token(said(jti="another")).split(".")

    assert "signature" in await why_not(f"{header}.{payload}.{signature}")


async def test_the_order_is_issuer_audience_expiry_tenant_signature() -> None:
    """CH-63: what is wrong first is what the log names."""
    wrong: Json = {"iss": "x", "aud": "x", "exp": 1, "iat": 0, "tenant": "x"}
    right = said(tenant="north")
    named = []
    for claim in ("iss", "aud", "exp", "tenant", None):
        named.append(await why_not(token({**right, **wrong}, kid="unknown"), tenant="north"))
        if claim:
            del wrong[claim]
        if claim == "exp":
            del wrong["iat"]

    assert [why.split()[0] for why in named] == ["issuer", "audience", "it", "tenant", "kid"]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer a.b.",
        "Bearer ..",
        "Basic dTpw",
        "Bearer é.b.c",
        "Bearer a.b.c\n",
        "Bearer " + "a" * 9000 + ".b.c",
        "Bearer e30.e30.e30",
        "Bearer W10.W10.W10",
        "Bearer " + "A" * 101 + ".b.c",
    ],
)
async def test_what_is_no_token_is_refused(authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier().verify(authorization, PATH)


async def test_the_scheme_is_read_in_any_case() -> None:
    await verifier().verify(f"bearer {token(said())}", PATH)


async def test_a_critical_header_that_nobody_knows_is_refused() -> None:
    assert "crit" in await why_not(token(said(), crit=["exp"], exp=1))


async def test_an_unknown_header_is_passed_over() -> None:
    await believed(token(said(), x5t="abc", extra={"a": 1}))


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=120))
async def test_no_bytes_are_ever_a_fault_of_ours(head: bytes, body: bytes, sign: bytes) -> None:
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (head, body, sign))
    with pytest.raises(Unauthenticated):
        await verifier().verify(f"Bearer {'.'.join(parts)}", PATH)


# Keys by address: jku (CH-61, CH-62).


@pytest.fixture
async def ehr() -> AsyncIterator[Hospital]:
    async with hospital() as found:
        found.says("/fhir/jwks", {"keys": [jwk()]})
        yield found


async def fetching(ehr: Hospital, sent: str) -> Identity:
    web = Web()
    url = f"{ehr.base}/jwks"
    keys = FetchedKeys(url, web)
    north = TrustedClient(name="North", issuer=ISSUER, jwks_url=url)
    verifies = TokenVerifier([north], {"North": keys}, public_url=PUBLIC, clock=lambda: NOW)
    try:
        return await verifies.verify(f"Bearer {sent}", PATH)
    finally:
        await keys.close()
        await web.close()


async def test_keys_come_from_the_configured_address(ehr: Hospital) -> None:
    """CH-62: with the same jku, or without one."""
    await fetching(ehr, token(said(), jku=f"{ehr.base}/jwks"))
    await fetching(ehr, token(said()))
    assert ehr.targets() == ["/fhir/jwks"] * 2


async def test_another_jku_is_refused_and_nobody_is_asked(ehr: Hospital) -> None:
    """CH-61: no outbound call."""
    async with hospital() as evil:
        evil.says("/fhir/jwks", {"keys": [jwk()]})
        for jku in (
            f"{evil.base}/jwks",
            f"{ehr.base}/jwks?x=1",
            f"{ehr.base}/JWKS",
            "",
            "file:///",
        ):
            with pytest.raises(Unauthenticated, match="jku"):
                await fetching(ehr, token(said(), jku=jku))
        assert evil.asked == []
    assert ehr.asked == []


async def test_with_keys_in_the_file_a_jku_is_the_issuers_own_or_refused() -> None:
    """CH-61: compared, never fetched; the reference client always sends one."""
    await believed(token(said(), jku=f"{ISSUER}/.well-known/jwks.json"))
    for jku in ("https://evil.example/jwks.json", "http://ehr.north.example/jwks.json", "x"):
        assert "jku" in await why_not(token(said(), jku=jku))


async def test_nobody_is_asked_for_a_token_that_fails_before(ehr: Hospital) -> None:
    """CH-63: strangers, wrong audiences and old tokens cost no call."""
    for payload in (said(iss="https://evil.example"), said(aud=PUBLIC), said(exp=1, iat=0)):
        with pytest.raises(Unauthenticated):
            await fetching(ehr, token(payload))

    assert ehr.asked == []
