import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.ehr.http import Web
from app.ehr.outside import NotReached
from tests.ehr.certificates import authority
from tests.ehr.hospital import Hospital, Names, Write, hospital, http

AT_MOST = 1000
HERE = ("127.0.0.1",)


@pytest.fixture
async def ehr() -> AsyncIterator[Hospital]:
    async with hospital() as found:
        yield found


async def fetch(url: str, names: Names | None = None) -> bytes:
    web = Web(names)
    try:
        return (await web.get(url, {}, at_most=AT_MOST)).body
    finally:
        await web.close()


def named(ehr: Hospital, host: str, path: str = "/fhir/x") -> str:
    return f"http://{host}:{ehr.base.rpartition(':')[2].partition('/')[0]}{path}"


async def test_an_answer_comes_back_whole(ehr: Hospital) -> None:
    ehr.answers["/fhir/x"] = http(b'{"a":1}')

    assert await fetch(f"{ehr.base}/x") == b'{"a":1}'
    assert ehr.asked[0].headers["accept-encoding"] == "identity"
    assert ehr.asked[0].headers["host"] == ehr.base.removeprefix("http://").removesuffix("/fhir")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "0.0.0.0",  # noqa: S104  (a destination)
        "224.0.0.1",
        "fe80::1",
    ],
)
async def test_a_name_that_leads_inside_is_not_followed(ehr: Hospital, address: str) -> None:
    """Issue 7, item 6: private by DNS, link-local, metadata, IPv6-mapped, NAT64."""
    with pytest.raises(NotReached, match="not one that may be asked"):
        await fetch(named(ehr, "ehr.example"), Names([address]))

    assert ehr.asked == []


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "64:ff9b::a9fe:a9fe"])  # noqa: S104  (a destination)
async def test_a_loopback_name_leads_to_loopback_only(ehr: Hospital, address: str) -> None:
    with pytest.raises(NotReached, match="not one that may be asked"):
        await fetch(named(ehr, "localhost"), Names([address]))


async def test_one_bad_address_among_good_ones_spoils_the_name(ehr: Hospital) -> None:
    """Rebinding within one answer: the good address would be tried first."""
    ehr.answers["/fhir/x"] = http(b"{}")

    with pytest.raises(NotReached, match="not one that may be asked"):
        await fetch(named(ehr, "localhost"), Names(["127.0.0.1", "169.254.169.254"]))

    assert ehr.asked == []


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """Rebinding between check and connection: there is no second question to any name server."""
    names = Names(["127.0.0.2"], ["169.254.169.254"])
    async with hospital("127.0.0.2") as ehr:
        ehr.answers["/fhir/x"] = http(b'"checked"')

        # The system's own name server would say 127.0.0.1, where nobody listens on this port.
        assert await fetch(named(ehr, "localhost"), names) == b'"checked"'

    assert names.asked == ["localhost"]


async def test_a_name_that_changes_is_checked_at_every_connection(ehr: Hospital) -> None:
    """DNS change between two calls."""
    ehr.answers["/fhir/x"] = http(b"{}", connection="close")
    names = Names(HERE, ["169.254.169.254"])
    web = Web(names)

    await web.get(named(ehr, "localhost"), {}, at_most=AT_MOST)
    with pytest.raises(NotReached, match="not one that may be asked"):
        await web.get(named(ehr, "localhost"), {}, at_most=AT_MOST)
    await web.close()

    assert names.asked == ["localhost", "localhost"]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1"])
async def test_an_odd_spelling_of_loopback_is_no_name_for_it(ehr: Hospital, host: str) -> None:
    with pytest.raises(NotReached):
        await fetch(named(ehr, host))

    assert ehr.asked == []


async def test_the_next_address_is_tried_when_one_does_not_listen(ehr: Hospital) -> None:
    ehr.answers["/fhir/x"] = http(b'"second"')

    assert await fetch(named(ehr, "localhost"), Names(["127.0.0.9", *HERE])) == b'"second"'


async def test_a_name_that_does_not_resolve_is_not_reached(ehr: Hospital) -> None:
    with pytest.raises(NotReached):
        await fetch(named(ehr, "localhost"), Names([]))


async def test_a_redirect_is_not_followed(ehr: Hospital) -> None:
    ehr.answers["/fhir/x"] = http(b"", status=302, location=f"{ehr.base}/secret")
    web = Web()

    reply = await web.get(f"{ehr.base}/x", {}, at_most=AT_MOST)
    await web.close()

    assert reply.status == 302
    assert ehr.targets() == ["/fhir/x"]


async def test_a_compressed_answer_is_refused(ehr: Hospital) -> None:
    ehr.answers["/fhir/x"] = http(b"\x1f\x8b", content_encoding="gzip")

    with pytest.raises(NotReached, match="compressed"):
        await fetch(f"{ehr.base}/x")


async def test_an_answer_that_says_it_is_huge_is_not_read(ehr: Hospital) -> None:
    async def huge(write: Write) -> None:
        await write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")

    ehr.answers["/fhir/x"] = huge

    with pytest.raises(NotReached, match="too large"):
        await fetch(f"{ehr.base}/x")


async def test_an_answer_that_does_not_end_is_cut_off(ehr: Hospital) -> None:
    written = 0

    async def endless(write: Write) -> None:
        nonlocal written
        await write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            written += 1024
            await asyncio.sleep(0)

    ehr.answers["/fhir/x"] = endless

    with pytest.raises(NotReached, match="too large"):
        await fetch(f"{ehr.base}/x")
    assert written < 50_000_000


@pytest.mark.parametrize(
    "rubbish", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nCont", b"\0" * 99]
)
async def test_what_is_no_http_is_not_reached(ehr: Hospital, rubbish: bytes) -> None:
    async def say(write: Write) -> None:
        await write(rubbish)

    ehr.answers["/fhir/x"] = say

    with pytest.raises(NotReached):
        await fetch(f"{ehr.base}/x")


async def test_nobody_listening_is_not_reached() -> None:
    async with hospital() as gone:
        url = f"{gone.base}/x"

    with pytest.raises(NotReached):
        await fetch(url)


async def test_no_cookie_is_kept_for_another_caller(ehr: Hospital) -> None:
    ehr.answers["/fhir/x"] = http(b"{}", set_cookie="session=of-the-first; Path=/")
    web = Web()

    for _ in range(2):
        await web.get(f"{ehr.base}/x", {}, at_most=AT_MOST)
    await web.close()

    assert len(ehr.asked) == 2
    assert not any("cookie" in one.headers for one in ehr.asked)


async def test_no_proxy_of_the_environment_is_asked(
    ehr: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    ehr.answers["/fhir/x"] = http(b'"direct"')
    async with hospital() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base)

        assert await fetch(f"{ehr.base}/x") == b'"direct"'
        assert proxy.asked == []


async def test_tls_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CH-01: https to a checked address, with the name of the URL in the certificate."""
    trusted, context = authority(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with hospital(tls=context) as ehr:
        ehr.answers["/fhir/x"] = http(b'"secret"')
        port = ehr.base.rpartition(":")[2].partition("/")[0]

        assert await fetch(f"https://localhost:{port}/fhir/x", Names(HERE)) == b'"secret"'
        with pytest.raises(NotReached):
            await fetch(f"https://127.0.0.1:{port}/fhir/x")


async def test_a_certificate_of_a_stranger_is_refused(tmp_path: Path) -> None:
    _, context = authority(tmp_path, "localhost")
    async with hospital(tls=context) as ehr:
        port = ehr.base.rpartition(":")[2].partition("/")[0]

        with pytest.raises(NotReached):
            await fetch(f"https://localhost:{port}/fhir/x", Names(HERE))
        assert ehr.asked == []
