"""HTTP as it comes in: httptools' parser, which is in C, with a bound on how long a head may be.

uvicorn bounds the head of a request only with its parser in Python (h11), which costs a request
some 150 microseconds more; without a bound one connection could fill the memory with headers.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_AT_MOST = 64 * 1024
TOO_LONG = "The head of the request is too long."


class BoundedHead(HttpToolsProtocol):
    """uvicorn's protocol; a head of more than 64 KB is answered with 400, the connection closed.

    What is counted are whole reads from the socket (256 KB at most) after the one in which the
    head began, which may hold the end of a body, too.
    """

    _is_in_head = False
    _has_just_begun = False
    _head = 0

    def on_message_begin(self) -> None:
        """A head begins, perhaps in the middle of a read."""
        self._is_in_head = self._has_just_begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A body is bounded where it is read."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Count what comes as long as the head does not end."""
        super().data_received(data)
        if self._has_just_begun:
            self._has_just_begun, self._head = False, 0
        elif self._is_in_head:
            self._head += len(data)
        if self._head > HEAD_AT_MOST and not self.transport.is_closing():
            self.send_400_response(TOO_LONG)
