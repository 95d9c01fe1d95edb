"""Every HTTP request of ours: the only module with httpx, and the guard around it.

Each connection resolves its host once, checks every address it got against our own table and goes
to a checked one, so that a name server cannot answer differently a second time. No proxy, cookie,
redirect or compression; the size is counted while the body arrives.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from app.ehr.addresses import may_connect
from app.ehr.origins import names_loopback
from app.ehr.outside import NotReached, Reply, Resolve

CONNECT_WITHIN = 1.0  # seconds, shared by the addresses of a host
ADDRESSES_TRIED = 4
RESOLVERS = 16  # threads of their own: a slow name server must not hold up the journal
CONNECTIONS, IDLE, IDLE_FOR = 64, 16, 5.0
NETWORK_FAULTS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpcore.ConnectionNotAvailable,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
)


class Web:
    """The outside, as far as we go: GET, bounded, without a memory for cookies."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._names = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="names")
        tls = httpx.create_ssl_context(trust_env=False)
        tls.load_default_certs()  # a hospital's own authority, installed on the host
        pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=CONNECTIONS,
            max_keepalive_connections=IDLE,
            keepalive_expiry=IDLE_FOR,
            network_backend=_Checked(resolve or self._resolve),
        )
        self._client = httpx.AsyncClient(
            transport=_Pool(pool),
            timeout=None,  # noqa: S113  (whoever calls sets one deadline over everything)
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def get(self, url: str, headers: Mapping[str, str], *, at_most: int) -> Reply:
        """The answer, whatever its status. NotReached; the caller sets the deadline."""
        try:
            async with self._client.stream("GET", url, headers=_sent(headers)) as response:
                return await _read(response, at_most)
        except NETWORK_FAULTS:
            raise NotReached("it could not be reached") from None

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        self._names.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._names, _look_up, host, port)
        return tuple(dict.fromkeys(found))


def _look_up(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _sent(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "Accept-Encoding": "identity", "User-Agent": "painplan"}


async def _read(response: httpx.Response, at_most: int) -> Reply:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NotReached("its answer is compressed, which was not asked for")
    if int(_length(response)) > at_most:
        raise NotReached("its answer is too large")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > at_most:
            raise NotReached("its answer is too large")
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Reply(response.status_code, media, bytes(body))


def _length(response: httpx.Response) -> str:
    said: str = response.headers.get("content-length", "")
    return said if said.isascii() and said.isdigit() else "0"


class _Checked(httpcore.AsyncNetworkBackend):
    """Resolves once, checks every address, connects to a checked one; TLS keeps the name."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first checked address that takes one."""
        del timeout  # ours is shorter
        addresses = (await self._addresses(host, port))[:ADDRESSES_TRIED]
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, CONNECT_WITHIN / len(addresses), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise NotReached("it could not be reached")

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        found = await self._resolve(host, port)
        named = names_loopback(host)
        if not found or not all(may_connect(one, is_loopback_named=named) for one in found):
            raise NotReached("its address is not one that may be asked")
        return found

    async def sleep(self, seconds: float) -> None:
        """As asyncio."""
        await asyncio.sleep(seconds)


class _Pool(httpx.AsyncBaseTransport):
    """httpx over a pool whose network backend is ours (its own transport takes none)."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send and give back, streaming."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore.Request(request.method, url, headers=request.headers.raw)
        answer = await self._pool.handle_async_request(sent)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), request=request
        )

    async def aclose(self) -> None:
        """Close the pool."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()
