"""CH-22 to CH-26: what the prefetch did not bring is fetched, within bounds, where allowed."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from app.domain.orders.ehr import EhrAccess, Looked, Outcome, Query
from app.ehr.fhir_server import PAGE_AT_MOST, PAGES_AT_MOST, FhirServers
from app.ehr.http import Web
from app.ehr.origins import place
from app.logs import configure
from tests.ehr.hospital import (
    Hospital,
    Json,
    Names,
    Write,
    condition,
    hospital,
    http,
    searchset,
)

TOKEN = "of-this-call-only.Zm9v"
CONDITIONS = "Condition?patient=p1"
WITHIN = 1.0
NOT_FHIR = [
    http(b"<html>", media="text/html"),
    http(b"{", media="application/fhir+json"),
    http(b"[]"),
    http(b'{"resourceType":"Bundle","type":"collection"}'),
    http(b'{"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}'),
    http(b'{"resourceType":"Bundle","type":"searchset","entry":{}}'),
    http(b'{"resourceType":"Bundle","type":"searchset","link":[{"url":5}]}'),
    http(b'{"resourceType":"Bundle","x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    http(b'{"resourceType":"Bundle","x":"\xff"}'),
    http(b"", status=204),
    http(b'{"resourceType":"OperationOutcome"}', status=400),
    http(b"", status=401),
    http(b"", status=403),
    http(b"{}", status=404),
    http(b"{}", status=500),
    http(b"", status=302, location="http://127.0.0.1:1/"),
]


@pytest.fixture
async def ehr() -> AsyncIterator[Hospital]:
    async with hospital() as found:
        yield found


async def ask(
    server: str, *paths: str, within: float = WITHIN, token: str = TOKEN, client: str = "north"
) -> Sequence[Outcome]:
    """One outcome a path; the server is allowed to the client ``north``."""
    web = Web()
    servers = FhirServers(web, for_all=[], by_client={"north": [place(server)]})
    wanted = [Query(path, path) for path in paths]
    try:
        access = EhrAccess(server, client, token)
        outcomes: Mapping[str, Outcome] = await servers.search(wanted, access, within=within)
    finally:
        await web.close()
    assert list(outcomes) == list(paths)
    return list(outcomes.values())


async def one(server: str, path: str, **more: Any) -> Outcome:
    (outcome,) = await ask(server, path, **more)
    return outcome


def patient(id_: str = "p1") -> Json:
    return {"resourceType": "Patient", "id": id_}


async def test_a_read_and_a_search_are_answered_with_the_bytes_of_the_ehr(ehr: Hospital) -> None:
    """CH-22: able to work from FHIR access alone."""
    ehr.answers["/fhir/Patient/p1"] = http(b'{"resourceType": "Patient", "id":"p1" }')
    ehr.says("/fhir/Condition?patient=p1&_count=100", searchset(condition()))

    read, search = await ask(ehr.base, "Patient/p1", "Condition?patient=p1&_count=100")

    assert read == Outcome(Looked.ALL, (b'{"resourceType": "Patient", "id":"p1" }',))
    assert search.state is Looked.ALL
    assert b'"c1"' in search.pages[0]


async def test_every_request_carries_the_token_and_asks_for_fhir(ehr: Hospital) -> None:
    """CH-24: on each call, the next page included."""
    ehr.says(f"/fhir/{CONDITIONS}", searchset(condition(), following="?patient=p1&page=2"))
    ehr.says("/fhir/Condition?patient=p1&page=2", searchset(condition("c2")))

    await ask(ehr.base, CONDITIONS, "Patient/p1")

    assert len(ehr.asked) == 3
    for request in ehr.asked:
        assert request.method == "GET"
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["accept"] == "application/fhir+json"


async def test_without_a_token_none_is_made_up(ehr: Hospital) -> None:
    await ask(ehr.base, CONDITIONS, token="")

    assert "authorization" not in ehr.asked[0].headers


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a b", "ü", "a" * 9000, '"a"'])
async def test_a_token_that_no_header_holds_is_not_sent(ehr: Hospital, token: str) -> None:
    """CH-25: malformed authorisation."""
    outcome = await one(ehr.base, CONDITIONS, token=token)

    assert outcome.state is Looked.NOT
    assert ehr.asked == []


async def test_nothing_found_is_an_answer(ehr: Hospital) -> None:
    ehr.says(f"/fhir/{CONDITIONS}", searchset(total=0))

    outcomes = await ask(ehr.base, CONDITIONS, "Patient/p1")

    assert [outcome.state for outcome in outcomes] == [Looked.ALL, Looked.ALL]
    assert outcomes[1].pages == ()


@pytest.mark.parametrize("rubbish", NOT_FHIR, ids=range(len(NOT_FHIR)))
async def test_what_cannot_be_used_has_failed_and_is_not_nothing(
    ehr: Hospital, rubbish: bytes
) -> None:
    ehr.answers[f"/fhir/{CONDITIONS}"] = rubbish

    outcome = await one(ehr.base, CONDITIONS)

    assert outcome.state is Looked.FAILED
    assert outcome.pages == ()
    assert outcome.why.endswith(".")
    assert len(ehr.asked) == 1


@pytest.mark.parametrize("body", [patient("p2"), condition("p1"), searchset(patient())])
async def test_a_read_that_brings_another_resource_has_failed(ehr: Hospital, body: Json) -> None:
    ehr.says("/fhir/Patient/p1", body)

    assert (await one(ehr.base, "Patient/p1")).state is Looked.FAILED


@pytest.mark.parametrize(
    "stranger",
    [
        condition("c9", of="p2"),
        {"resourceType": "Condition", "subject": {"reference": "http://ehr/fhir/Patient/p2"}},
        {"resourceType": "Condition", "subject": {"reference": "Patient/p2/_history/1"}},
        {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p2"}},
        patient("p2"),
    ],
)
@pytest.mark.parametrize("path", [CONDITIONS, "Condition?subject=Patient/p1"])
async def test_one_resource_of_another_patient_spoils_the_search(
    ehr: Hospital, stranger: Json, path: str
) -> None:
    """The wrong-patient defence: nothing of that answer is used."""
    ehr.says(f"/fhir/{path}", searchset(condition(), following=f"{ehr.base}/Condition?page=2"))
    ehr.says("/fhir/Condition?page=2", searchset(stranger))

    outcome = await one(ehr.base, path)

    assert outcome == Outcome(Looked.FAILED, why="Its answer is about somebody else.")


async def test_every_page_is_read(ehr: Hospital) -> None:
    """CH-23: the link next is followed, relative or absolute."""
    ehr.says(f"/fhir/{CONDITIONS}", searchset(condition(), following="?page=2", total=3))
    ehr.says("/fhir/Condition?page=2", searchset(condition("c2"), following=f"{ehr.base}?page=3"))
    ehr.says("/fhir?page=3", searchset(condition("c3")))

    outcome = await one(ehr.base, CONDITIONS)

    assert outcome.state is Looked.ALL
    assert len(outcome.pages) == 3


async def test_a_page_elsewhere_is_not_read_and_the_token_stays_here(ehr: Hospital) -> None:
    """CH-23, CH-24: paging to another origin."""
    async with hospital() as elsewhere:
        for link in (f"{elsewhere.base}?page=2", f"{ehr.base}/../admin", "http://169.254.169.254/"):
            ehr.says(f"/fhir/{CONDITIONS}", searchset(condition(), following=link))

            outcome = await one(ehr.base, CONDITIONS)

            assert outcome.state is Looked.SOME
            assert len(outcome.pages) == 1
        assert elsewhere.asked == []
    assert set(ehr.targets()) == {f"/fhir/{CONDITIONS}"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_elsewhere_is_not_followed_and_the_token_stays_here(
    ehr: Hospital, status: int
) -> None:
    async with hospital() as elsewhere:
        elsewhere.says(f"/fhir/{CONDITIONS}", searchset(condition()))
        there = f"{elsewhere.base}/{CONDITIONS}"
        ehr.answers[f"/fhir/{CONDITIONS}"] = http(b"", status=status, location=there)

        outcome = await one(ehr.base, CONDITIONS)

        assert outcome.state is Looked.FAILED
        assert elsewhere.asked == []
    assert ehr.targets() == [f"/fhir/{CONDITIONS}"]


async def test_a_name_that_leads_inside_from_the_second_page_on_is_not_followed(
    ehr: Hospital,
) -> None:
    """DNS change in the middle of a search: the token goes to no metadata service."""
    page = searchset(condition(), following=f"?page=2&{CONDITIONS.partition('?')[2]}")
    ehr.says(f"/fhir/{CONDITIONS}", page, connection="close")
    base = ehr.base.replace("127.0.0.1", "localhost")
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    web = Web(names)
    servers = FhirServers(web, for_all=[], by_client={"north": [place(base)]})

    access = EhrAccess(base, "north", TOKEN)
    outcomes = await servers.search([Query("k", CONDITIONS)], access, within=WITHIN)
    await web.close()

    assert outcomes["k"].state is Looked.SOME
    assert ehr.targets() == [f"/fhir/{CONDITIONS}"]
    assert names.asked == ["localhost", "localhost"]


async def test_pages_without_end_are_counted(ehr: Hospital) -> None:
    ehr.says(f"/fhir/{CONDITIONS}", searchset(condition(), following="?patient=p1"))

    outcome = await one(ehr.base, CONDITIONS)

    assert outcome.state is Looked.SOME
    assert len(ehr.asked) == PAGES_AT_MOST


@pytest.mark.parametrize(
    "page",
    [
        searchset(condition(), total=2),
        searchset(
            condition(), {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
        ),
    ],
)
async def test_a_search_that_says_it_is_not_all_is_not_all(ehr: Hospital, page: Json) -> None:
    ehr.says(f"/fhir/{CONDITIONS}", page)

    assert (await one(ehr.base, CONDITIONS)).state is Looked.SOME


async def test_a_warning_beside_the_matches_and_what_is_included_do_no_harm(ehr: Hospital) -> None:
    page = searchset(
        condition(), {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    )
    page["entry"].append(
        {"resource": {"resourceType": "Medication"}, "search": {"mode": "include"}}
    )
    ehr.says(f"/fhir/{CONDITIONS}", {**page, "total": 1})

    assert (await one(ehr.base, CONDITIONS)).state is Looked.ALL


async def test_a_slow_ehr_gives_what_came_in_time(ehr: Hospital) -> None:
    """CH-26: the deadline holds for the whole call, and what arrived counts."""

    async def slow(write: Write) -> None:
        await asyncio.sleep(5)
        await write(http(b"{}"))

    ehr.says("/fhir/Patient/p1", patient())
    ehr.says(f"/fhir/{CONDITIONS}", searchset(condition(), following="?page=2"))
    ehr.answers["/fhir/Condition?page=2"] = slow
    ehr.answers["/fhir/Observation?patient=p1"] = slow
    started = time.monotonic()

    came = await ask(ehr.base, "Patient/p1", CONDITIONS, "Observation?patient=p1", within=0.4)

    assert time.monotonic() - started < 0.9
    assert [outcome.state for outcome in came] == [Looked.ALL, Looked.SOME, Looked.FAILED]
    assert len(came[1].pages) == 1
    assert came[2].why == "It did not answer in time."


async def test_calls_that_were_cut_off_leave_room_for_the_next(ehr: Hospital) -> None:
    async def slow(write: Write) -> None:
        await asyncio.sleep(5)
        await write(http(b"{}"))

    ehr.answers[f"/fhir/{CONDITIONS}"] = slow
    ehr.says("/fhir/Patient/p1", patient())
    web = Web()
    servers = FhirServers(web, for_all=[place(ehr.base)], by_client={})
    access = EhrAccess(ehr.base, "north", TOKEN)
    many = [Query(f"k{number}", CONDITIONS) for number in range(30)]

    for _ in range(8):
        outcomes = await servers.search(many, access, within=0.1)
        assert {outcome.state for outcome in outcomes.values()} == {Looked.FAILED}
    last = await servers.search([Query("k", "Patient/p1")], access, within=WITHIN)
    await web.close()

    assert last["k"].state is Looked.ALL


async def test_an_ehr_that_dribbles_is_cut_off_in_time(ehr: Hospital) -> None:
    async def dribble(write: Write) -> None:
        await write(b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n")
        await write(b"Content-Length: 1000\r\n\r\n")
        for _ in range(50):
            await write(b" ")
            await asyncio.sleep(0.1)

    ehr.answers[f"/fhir/{CONDITIONS}"] = dribble
    started = time.monotonic()

    outcome = await one(ehr.base, CONDITIONS, within=0.3)

    assert outcome.state is Looked.FAILED
    assert time.monotonic() - started < 0.8


async def test_searches_run_side_by_side(ehr: Hospital) -> None:
    async def slow(write: Write) -> None:
        await asyncio.sleep(0.2)
        await write(http(b'{"resourceType":"Bundle","type":"searchset"}', connection="close"))

    paths = [f"Observation?patient=p1&code={n}" for n in range(8)]
    for path in paths:
        ehr.answers[f"/fhir/{path}"] = slow
    started = time.monotonic()

    outcomes = await ask(ehr.base, *paths)

    assert {outcome.state for outcome in outcomes} == {Looked.ALL}
    assert time.monotonic() - started < 0.8


async def test_a_huge_page_is_refused(ehr: Hospital) -> None:
    ehr.answers[f"/fhir/{CONDITIONS}"] = http(b" " * (PAGE_AT_MOST + 1))

    outcome = await one(ehr.base, CONDITIONS)

    assert outcome == Outcome(Looked.FAILED, why="Its answer is too large.")


async def test_all_pages_of_a_call_together_are_bounded(ehr: Hospital) -> None:
    filler = b'{"resourceType":"Bundle","type":"searchset","x":"' + b"x" * (PAGE_AT_MOST - 60)
    paths = [f"Observation?patient=p1&code={n}" for n in range(6)]
    for path in paths:
        ehr.answers[f"/fhir/{path}"] = http(filler + b'"}')

    outcomes = await ask(ehr.base, *paths, within=5)

    states = [outcome.state for outcome in outcomes]
    assert states.count(Looked.ALL) == 4
    assert states.count(Looked.FAILED) == 2


async def test_a_server_that_is_not_allowed_is_not_asked(ehr: Hospital) -> None:
    """Contract §5: not called, and no error."""
    for server, client in (
        (ehr.base, "south"),
        (f"{ehr.base}/r4", "north"),
        ("http://169.254.169.254/latest/meta-data", "north"),
        ("http://user@127.0.0.1/fhir", "north"),
        ("rubbish", "north"),
    ):
        web = Web()
        servers = FhirServers(web, for_all=[], by_client={"north": [place(ehr.base)]})
        access = EhrAccess(server, client, TOKEN)
        outcomes = await servers.search([Query("k", CONDITIONS)], access, within=WITHIN)
        await web.close()

        assert outcomes["k"].state is Looked.NOT
    assert ehr.asked == []


@pytest.mark.parametrize(
    "host",
    """
    10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 [fd12::1] 169.254.169.254 [fe80::1] 127.0.0.2
    localhost [::1] [::ffff:10.0.0.1] [::ffff:127.0.0.1] [::ffff:169.254.169.254]
    [64:ff9b::a9fe:a9fe] [2002:7f00:1::] 0.0.0.0 2130706433 inside.example
    """.split(),
)
async def test_a_server_inside_that_is_not_listed_is_not_even_looked_up(
    ehr: Hospital, host: str
) -> None:
    names = Names(["127.0.0.1"])
    web = Web(names)
    servers = FhirServers(web, for_all=[], by_client={"north": [place(ehr.base)]})

    access = EhrAccess(ehr.base.replace("127.0.0.1", host), "north", TOKEN)
    outcomes = await servers.search([Query("k", CONDITIONS)], access, within=WITHIN)
    await web.close()

    assert outcomes["k"].state is Looked.NOT
    assert (names.asked, ehr.asked) == ([], [])


async def test_a_server_of_the_settings_is_everybodys(ehr: Hospital) -> None:
    ehr.says(f"/fhir/{CONDITIONS}", searchset())
    web = Web()
    servers = FhirServers(web, for_all=[place(ehr.base)], by_client={})

    access = EhrAccess(f"{ehr.base.replace('http', 'HTTP')}/", "anonymous")
    outcomes = await servers.search([Query("k", CONDITIONS)], access, within=WITHIN)
    await web.close()

    assert outcomes["k"].state is Looked.ALL


async def test_a_stopped_ehr_and_no_time_left_are_told_apart() -> None:
    async with hospital() as gone:
        base = gone.base

    assert (await one(base, CONDITIONS)).state is Looked.FAILED
    assert (await one(base, CONDITIONS, within=0)).state is Looked.NOT


async def test_neither_token_nor_patient_is_logged_or_shown(
    ehr: Hospital, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """CH-24: the token is used and forgotten, also when things go wrong."""
    configure("INFO")
    caplog.set_level(logging.INFO)
    path = "Condition?patient=a-patient-of-ours"
    ehr.answers[f"/fhir/{path}"] = http(b"", status=500)

    outcomes = await ask(ehr.base, path, "Patient/a-patient-of-ours")

    said = "".join((*capfd.readouterr(), caplog.text, *(repr(outcome) for outcome in outcomes)))
    said += repr(EhrAccess(ehr.base, "north", TOKEN))
    assert TOKEN not in said
    assert "a-patient-of-ours" not in said
