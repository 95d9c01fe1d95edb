"""How many requests a client may send: one count for all the workers of a host, without a broker.

The workers share a small file in memory (mmap under a lock of the kernel). Each client has one
number in it, the moment at which all it has sent is paid off (the generic cell rate algorithm), in
the clock that all processes of a host share; a place that is paid off is free for the next client.
"""

import fcntl
import mmap
import os
import struct
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import NamedTuple

WINDOW = 60.0  # seconds in which a client may send its requests, also all at once
PLACES, PROBES = 16_384, 8
PLACE = struct.Struct("<16sd")


class Verdict(NamedTuple):
    """Whether the request may pass, how many more may at once, and after how many seconds all."""

    may_pass: bool
    left: int
    full_after: int
    retry_after: int


class RateLimit:
    """``per_minute`` requests a client, in a file that all workers of the host open."""

    def __init__(
        self, per_minute: int, file: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_minute = per_minute
        self._step = WINDOW / per_minute
        self._clock = clock
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if os.fstat(self._file).st_uid != os.getuid():
            os.close(self._file)
            raise PermissionError(f"{file} belongs to somebody else")
        os.ftruncate(self._file, PLACES * PLACE.size)
        self._map = mmap.mmap(self._file, PLACES * PLACE.size)

    def asks(self, client: str) -> Verdict:
        """Count one request of a client, if it may pass."""
        key = sha256(client.encode()).digest()[:16]
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            return self._counted(key, self._clock())
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _counted(self, key: bytes, now: float) -> Verdict:
        at, paid_off = self._place_of(key, now)
        after = max(paid_off, now) + self._step
        may_pass = after - now <= WINDOW + self._step / 1000
        if may_pass:
            PLACE.pack_into(self._map, at, key, after)
            paid_off = after
        owed = max(paid_off - now, 0.0)
        left = int((WINDOW - owed) / self._step + 0.001)
        wait = 0 if may_pass else max(ceil(after - now - WINDOW), 1)
        return Verdict(may_pass, left, ceil(owed), wait)

    def _place_of(self, key: bytes, now: float) -> tuple[int, float]:
        """Its own place, else a free one, else that of the one who is paid off next.

        A moment further ahead than a window is of an earlier run of the host: it is free, too.
        """
        first = int.from_bytes(key[:8]) % PLACES
        places = []
        for probe in range(PROBES):
            at = (first + probe) % PLACES * PLACE.size
            there, paid_off = PLACE.unpack_from(self._map, at)
            if paid_off > now + WINDOW * 2:
                paid_off = 0.0
            if there == key:
                return at, paid_off
            places.append((paid_off, at))
        return min(places)[1], 0.0

    def close(self) -> None:
        """Give the file back."""
        self._map.close()
        os.close(self._file)


def shared_file(service: str) -> Path:
    """Where the workers of one service on this host meet, and no other user's."""
    name = sha256(service.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"painplan-rate-{os.getuid()}-{name}"
