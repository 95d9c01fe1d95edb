"""Clients that derive without a pause, and what each of them was told."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.acceptance.wire import AS_OF, bundle, intake, patient, screened

CLIENTS = 6
# Whom a client trusts: loading the world's authorities costs more than what is asked here.
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
WAITS_AT_MOST = 120.0


@dataclass(slots=True)
class Load:
    """Every request of every client by its patient: answered, refused, or cut off."""

    url: str
    name: str = "c"
    answered: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    is_over: bool = False

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until the clients have got that far, however slow the machine is."""
        until = time.monotonic() + WAITS_AT_MOST
        while not is_so():
            assert time.monotonic() < until, "the service does not get that far"
            time.sleep(0.005)

    def until_answered(self, number: int) -> None:
        """Wait for so many more answers."""
        wanted = len(self.answered) + number
        self.until(lambda: len(self.answered) >= wanted)

    def run(self, client_number: int) -> None:
        """Send until it is over; remember every answer that arrived whole."""
        with httpx.Client(base_url=self.url, timeout=60, verify=NOBODY) as client:
            number = 0
            while not self.is_over:
                id_ = f"{self.name}{client_number}-{number}"
                number += 1
                try:
                    answer = derive(client, id_)
                except httpx.TransportError:
                    self.cut_off.add(id_)
                    time.sleep(0.02)
                    continue
                if answer.status_code == httpx.codes.OK:
                    self.answered[id_] = (answer.headers["x-decision-id"], answer.content)
                else:
                    self.refused[id_] = f"{answer.status_code} {answer.text}"
                    time.sleep(0.02)


@contextmanager
def loaded(url: str, name: str = "c") -> Iterator[Load]:
    """Under load; afterwards all clients have ended."""
    load = Load(url, name)
    threads = [threading.Thread(target=load.run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.is_over = True
        for thread in threads:
            thread.join()


def derive(client: httpx.Client, id_: str) -> httpx.Response:
    """The same request for the same person, to the byte."""
    body = bundle(patient(id_), intake(screened(pain_localised=True), of=id_))
    return client.post(
        "/fhir/$derive",
        params={"asOf": AS_OF},
        json=body,
        headers={"Content-Type": "application/fhir+json"},
    )
