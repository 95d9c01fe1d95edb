"""The page of a decision in a browser: axe finds nothing, nothing is fetched, it prints.

Needs node, Chromium and the npm packages (``npm ci`` in this folder); ``.ci/run`` brings them.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.conftest import serving
from tests.acceptance.hooks import (
    SIGN,
    TRAMADOL,
    call,
    imaging,
    medicine,
    opioid_with_sedative,
    request,
)
from tests.acceptance.wire import AS_OF, CANON, bundle, finding, intake, patient, screened

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
CHROMIUM = Path("/usr/bin/chromium")
EXAMPLE = ROOT / "examples" / "chronic-low-back-pain.json"
PEG = ((9.0, "2026-02-01"), (7.5, "2026-04-01"), (4.0, "2026-05-28"))
ODI = ((40, "2026-02-01"), (34, "2026-04-01"), (22, "2026-05-28"))
PERCENT = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
PEG_CODE, ODI_CODE = "91147-9", "97909-6"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The service on a database of its own."""
    with serving(tmp_path_factory.mktemp("pages") / "painplan.db") as client:
        yield client


def page_of(service: httpx.Client, body: object) -> str:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    derived = service.post("/fhir/$derive", params={"asOf": AS_OF}, content=content)
    assert derived.status_code == 200, derived.text
    answer = service.get(f"/decisions/{derived.headers['X-Decision-Id']}.html")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def score(
    instrument: str,
    value: float,
    day: str,
    *,
    of: str = "p1",
    codes: str = "http://loinc.org",
    **unit: str,
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"{of}-{instrument}-{day}",
        "status": "final",
        "subject": {"reference": f"Patient/{of}"},
        "code": {"coding": [{"system": codes, "code": instrument}]},
        "effectiveDateTime": f"{day}T09:00:00Z",
        "valueQuantity": {"value": value, **unit},
    }


@pytest.fixture(scope="module")
def pages(service: httpx.Client) -> dict[str, str]:
    """A full plan with scores over time, and one that a red flag replaced."""
    told = (
        patient(),
        intake(screened(**{"goal-in-own-words": "<script>alert(1)</script> walk & <b>dance</b>"})),
        *(score(PEG_CODE, value, day) for value, day in PEG),
        *(score(ODI_CODE, value, day, **PERCENT) for value, day in ODI),
    )
    flagged = (patient(), finding("saddle-sensory-change", True))
    return {
        "example": page_of(service, EXAMPLE.read_bytes()),
        "scores": page_of(service, bundle(*told)),
        "emergency": page_of(service, bundle(*flagged)),
    }


@pytest.fixture(scope="module")
def review(service: httpx.Client) -> str:
    """Many drafts: cards, capped ones, undecided ones, one that no rule reads, hostile words."""
    hostile = {"text": "<script>alert(1)</script> & <b>low back pain</b>"}
    drafts = (
        medicine(TRAMADOL, id="m1", reasonCode=[hostile]),
        medicine("161", id="m2"),
        medicine("", id="m3", medicationCodeableConcept={"text": "unheardof"}),
        imaging(id="i1"),
        {"resourceType": "VisionPrescription", "id": "v1"},
    )
    answered = call(service, request(SIGN, *drafts, prefetch=opioid_with_sedative()))
    assert answered.status_code == 200, answered.text
    link = urlsplit(answered.json()["cards"][0]["links"][0]["url"]).path
    page = service.get(link)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for card in answered.json()["cards"]:
        assert f">{escape(card['summary'])}</h3>" in page.text
    return page.text


@pytest.mark.parametrize("name", ["example", "scores", "emergency", "review"])
def test_a_browser_finds_nothing_wrong_with_it(
    pages: dict[str, str], review: str, name: str, tmp_path: Path
) -> None:
    if shutil.which("node") is None:
        pytest.skip("needs node")
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium ({CHROMIUM})")
    if not (FOLDER / "node_modules" / "axe-core").is_dir():
        pytest.skip("needs axe (npm ci in tests/pages)")
    file = tmp_path / "page.html"
    file.write_text({**pages, "review": review}[name], encoding="utf-8")
    looked = subprocess.run(
        ["node", "look.mjs", str(file), str(tmp_path)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert looked.returncode == 0, looked.stderr[-2000:]
    seen = json.loads(looked.stdout)

    assert seen["found"] == []
    assert seen["asked"] == []
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_it_says_what_was_decided_and_why(pages: dict[str, str]) -> None:
    page = pages["example"]

    assert "nociplastic" in page
    for heading in (
        "The plan",
        "What not to do",
        "Goals",
        "What keeps the pain going",
        "How scores went",
        "From facts to conclusions",
        "What is missing, and what it would change",
        "Why something is not here",
    ):
        assert f">{heading}</h2>" in page
    assert "<script" not in page


def test_what_a_person_wrote_is_text_and_nothing_else(pages: dict[str, str]) -> None:
    page = pages["scores"]

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; walk &amp; &lt;b&gt;dance&lt;/b&gt;" in page


def test_what_an_ehr_names_is_text_and_nothing_else(service: httpx.Client) -> None:
    """Names, displays, units and link ids: some of them come back in the lists of the page."""
    hostile = """</title></svg>"'><script>alert(1)</script><img src=x onerror=alert(2)>"""
    weight = score("29463-7", 80, "2026-05-01", of="h1", unit=hostile)
    medicine = {
        "resourceType": "MedicationRequest",
        "id": "h1-m",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/h1", "display": hostile},
        "medicationCodeableConcept": {"text": hostile},
    }
    answers = intake({}, of="h1", questionnaire="http://example.org/other")
    answers["item"] = [{"linkId": hostile, "text": hostile, "answer": [{"valueString": hostile}]}]
    born = patient("h1", name=[{"family": hostile, "text": hostile}])

    page = page_of(service, bundle(born, weight, medicine, answers))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "<img" not in page


def test_a_score_is_drawn_over_time_with_its_thresholds_and_told_in_words(
    pages: dict[str, str],
) -> None:
    page = pages["scores"]

    assert "3 values, 9.0 on 2026-02-01 and 4.0 on 2026-05-28; the scale runs from 0 to 10" in page
    assert page.count("<circle") == len(PEG) + len(ODI)
    assert "PEG of 7 or more" in page
    assert '<th scope="row">2026-05-28</th><td>4.0</td>' in page


def test_where_the_change_that_matters_is_known_each_value_is_held_against_it(
    pages: dict[str, str],
) -> None:
    """The larger of the minimal important change (10) and 30 % of the first value."""
    page = pages["scores"]

    assert "A change of 12 matters to people" in page.replace("12.0", "12")
    assert "<td>-6, less than what matters</td>" in page
    assert "<td>-18, better by what matters</td>" in page


def test_where_a_change_for_the_better_matters_is_drawn(service: httpx.Client) -> None:
    """Whichever way the scale goes: an ODI falls, a PSEQ rises."""
    ours = f"{CANON}/CodeSystem/instrument-score"
    told = (
        score(ODI_CODE, 40, "2026-04-01", of="b1", **PERCENT),
        score("pseq-total", 20, "2026-05-01", of="b1", codes=ours),
    )
    page = page_of(service, bundle(patient("b1"), *told))

    odi, pseq = (page[page.index(f'id="{name}-title"') :] for name in ("odi-score", "pseq-total"))
    assert re.search(r">28(\.0+)? better by what matters<", odi[: odi.index("</svg>")])
    assert ">26.5 better by what matters<" in pseq[: pseq.index("</svg>")]
    assert "Lower is better" in odi[: odi.index("</figure>")]
    assert "Higher is better" in pseq[: pseq.index("</figure>")]


def test_fifty_scores_are_all_drawn_and_only_some_are_labelled(service: httpx.Client) -> None:
    first = date(2019, 1, 7)
    days = [(first + timedelta(days=54 * n)).isoformat() for n in range(50)]
    many = [score(PEG_CODE, 9 - n % 7, day, of="b2") for n, day in enumerate(days)]
    page = page_of(service, bundle(patient("b2"), *many))

    drawing = page[page.index("<svg") : page.index("</svg>")]
    assert drawing.count("<circle") == len(days)
    assert 2 < drawing.count('text-anchor="middle"') <= 20
    assert page.count(f'<th scope="row">{days[25]}</th>') == 1


def test_two_scores_of_one_moment_that_differ_are_not_drawn(service: httpx.Client) -> None:
    other = {**score(PEG_CODE, 8, "2026-05-01", of="b3"), "id": "other"}
    first, second = ((5, "2026-04-01"), (3, "2026-05-01"))
    told = (*(score(PEG_CODE, *one, of="b3") for one in (first, second)), other)
    page = page_of(service, bundle(patient("b3"), *told))

    assert "One value, 5, on 2026-04-01" in page
    assert "conflicting values at one time: peg-score" in page


def test_a_plan_says_that_nobody_signed_its_content_and_what_became_of_it(
    service: httpx.Client,
) -> None:
    told = json.dumps(bundle(patient("s1"), intake(screened(), of="s1"))).encode()
    derived = service.post("/fhir/$derive", params={"asOf": AS_OF}, content=told)
    url = f"/decisions/{derived.headers['X-Decision-Id']}.html"
    before = service.get(url).text
    answer = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "outcome", "valueCode": "declined"},
            {"name": "practitioner", "valueReference": {"reference": "Practitioner/d"}},
        ],
    }
    plan = derived.json()["entry"][0]["resource"]["id"]
    service.post(f"/fhir/CarePlan/{plan}/$respond", json=answer).raise_for_status()

    assert "has not been signed by a clinician" in before
    assert "draft: nobody has answered it" in before
    assert "revoked: another plan, or none, is in force" in service.get(url).text


def test_guidelines_that_disagree_are_told_beside_what_they_disagree_about(
    pages: dict[str, str],
) -> None:
    page = pages["example"]

    assert re.search(r"guidelines disagree: who: .*; uk: ", page)


def test_a_red_flag_leaves_the_escalation_alone(pages: dict[str, str]) -> None:
    page = pages["emergency"]

    front = page[: page.index(">The plan</h2>")]
    assert "Red flag cauda-equina: emergency (<code>B-CE-1</code>)." in front
    assert "ESC-01" in page
    assert "EX-01</code></th>" not in page[: page.index("Why something is not here")]


def test_a_review_says_what_was_said_and_what_was_not(review: str) -> None:
    for heading in (
        "What was said",
        "What could not be decided",
        "What was not shown",
        "What was not looked at",
        "The orders",
    ):
        assert f">{heading}</h2>" in review
    assert "more urgent cards took its place" in review
    assert "VisionPrescription/v1" in review
    assert "<script" not in review
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;low back pain&lt;/b&gt;" in review


def test_a_review_with_nothing_to_say_says_so(service: httpx.Client) -> None:
    sinusitis = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J01.90"}]}
    draft = medicine("723", reasonCode=[sinusitis])
    answered = call(service, request(SIGN, draft, prefetch={"patient": None}))
    assert answered.json()["cards"] == []

    page = service.get(f"/decisions/{answered.headers['X-Decision-Id']}.html")

    assert "No card was shown" in page.text
    assert ">What was said</h2>" not in page.text


def test_no_page_for_an_answer_to_a_plan(service: httpx.Client) -> None:
    assert service.get("/decisions/00000000-0000-0000-0000-000000000000.html").status_code == 404
    derived = service.post("/fhir/$derive", params={"asOf": AS_OF}, content=EXAMPLE.read_bytes())
    plan = derived.json()["entry"][0]["resource"]["id"]
    accepted = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "outcome", "valueCode": "accepted"},
            {"name": "practitioner", "valueReference": {"reference": "Practitioner/d"}},
        ],
    }
    answer = service.post(f"/fhir/CarePlan/{plan}/$respond", json=accepted)
    assert answer.status_code == 200, answer.text

    refused = service.get(f"/decisions/{answer.headers['X-Decision-Id']}.html")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
