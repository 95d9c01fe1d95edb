"""HTTP as it comes in: httptools' parser, which is in C, with a bound on how long a head may be.

uvicorn bounds the head of a request only with its parser in Python (h11), which costs a request
some 150 microseconds more; without a bound one connection could fill the memory with headers.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_AT_MOST = 64 * 1024
TOO_LONG = "The head of the request is too long."
INVALID = "Invalid HTTP request received."
UPGRADE, CONNECT = b"upgrade", b"CONNECT"


class BoundedHead(HttpToolsProtocol):
    """uvicorn's protocol; a head of more than 64 KB is answered with 400, the connection closed.

    What is counted are whole reads from the socket (256 KB at most) that bring neither a body nor
    the begin or the end of a head, and so what follows a body and the extensions of a chunk, too.
    What is sent as a header after the body is left out: it is too late to say anything.

    No request is taken as one for another protocol. httptools would skip its body and read that as
    the next request; clients that offer HTTP/2 (Java's does, of itself) would never get one across.
    """

    _is_in_head = False
    _brings_something = False
    _head = 0

    def on_message_begin(self) -> None:
        """A head begins, perhaps in the middle of a read."""
        self._is_in_head = self._brings_something = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of the head; what comes after a body is none."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A body is bounded where it is read."""
        self._is_in_head, self._brings_something = False, True
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of it."""
        self._brings_something = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """It is whole, but for one that is read again."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Count what comes as long as it brings nothing."""
        self._unset_keepalive_if_required()
        self._brings_something = False
        try:
            self._read(data)
        except httptools.HttpParserError:
            self.logger.warning(INVALID)
            self.send_400_response(INVALID)
            return
        self._head = 0 if self._brings_something else self._head + len(data)
        if self._head > HEAD_AT_MOST and not self.transport.is_closing():
            self.send_400_response(TOO_LONG)

    def _read(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read(self._without_upgrade() + data[upgrade.args[0] :])

    def _without_upgrade(self) -> bytes:
        """The head that was just read, without asking for another protocol, for a new parser."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == CONNECT:
            raise httptools.HttpParserError(INVALID)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        lines = [b"%s %s HTTP/%s" % (method, self.url, version.encode())]
        lines += [b"%s: %s" % (name, value) for name, value in self.headers if name != UPGRADE]
        return b"\r\n".join((*lines, b"", b""))
