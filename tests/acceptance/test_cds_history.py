"""What a hook leaves behind: the call, its reasons, its replay, feedback and what it does."""

import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from app.sql.verify import verify
from tests.acceptance.hooks import (
    JSON,
    SIGN,
    TRAMADOL,
    VIEW,
    actions,
    answered,
    call,
    card_of,
    imaging,
    medicine,
    opioid_with_sedative,
    prefetch,
    refused,
    request,
    rules,
    screened_findings,
)
from tests.acceptance.wire import AS_OF, Json, bundle, intake, screened
from tests.acceptance.wire import patient as a_patient
from tests.databases import Kept

SECRET = "token-that-nobody-keeps.Zm9v"
OURS = "https://painplan.health/fhir/CodeSystem/override-reason"
FEEDBACK = "/cds-services/clbp-order-sign/feedback"
IMAGING = "CDS-IMG-02"
SEVERE = "CDS-OPI-03"


def unscanned(of: str) -> Json:
    """A warning: an X-ray for chronic pain, every red flag answered no."""
    found = prefetch(of, observations=screened_findings(of))
    return request(SIGN, imaging(of), of=of, prefetch=found)


def severe(of: str) -> Json:
    return request(SIGN, medicine(TRAMADOL, of), of=of, prefetch=opioid_with_sedative(of))


@pytest.fixture
def somebody() -> str:
    return str(uuid.uuid4())


def decision_of(service: httpx.Client, answer: Json, more: str = "") -> Json:
    name = answer["extension"]["health.painplan.decision"].rpartition("/")[2]
    found = service.get(f"/decisions/{name}{more}")
    assert found.status_code == 200, found.text
    told: Json = found.json()
    return told


def overridden(card: Json, **more: object) -> Json:
    reason = {key: card["overrideReasons"][0][key] for key in ("code", "system")}
    return {
        "card": card["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": datetime.now(UTC).isoformat(),
        "overrideReason": {"reason": reason, "userComment": "agreed with the patient"},
        **more,
    }


def told(service: httpx.Client, *entries: Json) -> Json:
    answer = service.post(FEEDBACK, json={"feedback": list(entries)}, headers=JSON)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_the_decision_explains_a_card_as_it_explains_a_plan(
    service: httpx.Client, somebody: str
) -> None:
    answer = answered(service, severe(somebody))
    decision = decision_of(service, answer)

    assert decision["kind"] == "order-review"
    assert [card["rule"] for card in decision["cards"]] == rules(answer)
    assert decision["cards"][0]["uuid"] == answer["cards"][0]["uuid"]
    rule = next(r for r in decision["rules"] if r["id"] == SEVERE)
    assert rule["value"] == "true"
    assert rule["label"]
    assert rule["evidence"]
    sources = {fact["source"] for fact in rule["facts"]}
    assert f"MedicationRequest/{somebody}-3322" in sources
    taken = next(f for f in rule["facts"] if f["source"] == f"MedicationRequest/{somebody}-3322")
    assert taken["digest"].startswith("sha256:")
    values = {r["value"] for r in decision["rules"]}
    assert values == {"true", "false", "unknown"}
    open_rules = [r for r in decision["rules"] if r["value"] == "unknown"]
    assert all(r["missing"] for r in open_rules)
    assert decision["lookedUp"]["medications"]["state"] == "all"
    assert decision["orders"][0]["reference"] == "MedicationRequest/m1"


@pytest.mark.parametrize("of_what", [severe, unscanned])
def test_replay_from_the_facts_is_identical(
    service: httpx.Client, somebody: str, of_what: object
) -> None:
    assert callable(of_what)
    answer = answered(service, of_what(somebody))

    assert decision_of(service, answer, "/replay")["identical"] is True


def test_patient_view_speaks_of_the_plan_on_record(service: httpx.Client, somebody: str) -> None:
    body = bundle(a_patient(somebody), intake(screened(), of=somebody))
    service.post("/fhir/$derive", params={"asOf": AS_OF}, json=body).raise_for_status()

    answer = answered(service, request(VIEW, of=somebody))

    summary = card_of(answer, "CDS-PV-01")["summary"]
    assert AS_OF[:10] in summary
    assert "not known" not in summary
    assert decision_of(service, answer, "/replay")["identical"] is True


def test_physiotherapy_is_matched_to_the_plan_on_record(
    service: httpx.Client, somebody: str
) -> None:
    body = bundle(
        a_patient(somebody),
        intake(screened(**{"pain-localised": True, "pain-mechanical-pattern": True}), of=somebody),
    )
    derived = service.post("/fhir/$derive", json=body).json()
    phenotype = next(
        e["resource"]["id"]
        for e in derived["entry"]
        if e["resource"]["resourceType"] == "Observation"
        and e["resource"]["code"]["coding"][0]["code"] == "pain-mechanism-phenotype"
    )
    draft = imaging(somebody, code={"text": "Physiotherapy referral"})

    answer = answered(service, request(SIGN, draft, of=somebody))

    changed = [a["resource"] for a in actions(answer) if a["type"] == "update"]
    assert "CDS-PT-01" in rules(answer)
    assert changed[0]["reasonReference"][0]["reference"].endswith(f"/fhir/Observation/{phenotype}")
    assert service.get(f"/fhir/Observation/{phenotype}").status_code == 200
    details = [d["coding"][0]["code"] for d in changed[0]["orderDetail"]]
    assert any(code.startswith("EX-") for code in details)
    assert decision_of(service, answer, "/replay")["identical"] is True
    again = answered(service, request(SIGN, changed[0], of=somebody))
    assert "CDS-PT-01" in rules(again)
    assert not list(actions(again))


def test_a_review_is_listed_with_the_patients_decisions(
    service: httpx.Client, somebody: str
) -> None:
    answered(service, severe(somebody))

    listed = service.get("/decisions", params={"patient": somebody}).json()["decisions"]

    assert listed[0]["kind"] == "order-review"
    assert SEVERE in listed[0]["cards"]


def test_plans_are_found_among_many_reviews(service: httpx.Client, somebody: str) -> None:
    body = bundle(a_patient(somebody), intake(screened(), of=somebody))
    service.post("/fhir/$derive", json=body).raise_for_status()
    answered(service, severe(somebody))

    def kinds(**more: str) -> list[str]:
        found = service.get("/decisions", params={"patient": somebody, **more})
        return [decision["kind"] for decision in found.json()["decisions"]]

    assert kinds() == ["order-review", "derive"]
    assert kinds(kind="derive") == ["derive"]
    assert kinds(kind="order-review") == ["order-review"]
    for kind in ("other", ""):
        answer = service.get("/decisions", params={"patient": somebody, "kind": kind})
        assert answer.status_code == 400


def test_a_review_has_no_provenance_and_is_no_plan_before(
    service: httpx.Client, somebody: str
) -> None:
    answer = answered(service, severe(somebody))
    decision = answer["extension"]["health.painplan.decision"].rpartition("/")[2]

    assert service.get(f"/fhir/Provenance/{decision}").status_code == 404
    body = bundle(a_patient(somebody), intake(screened(), of=somebody))
    assert service.post("/fhir/$derive", json=body).status_code == 200


def test_nothing_of_a_prefetch_becomes_server_data(service: httpx.Client, somebody: str) -> None:
    answered(service, severe(somebody))

    assert service.get(f"/fhir/MedicationRequest/{somebody}-3322").status_code == 404
    assert service.get(f"/fhir/Patient/{somebody}").status_code == 404


def test_ch_24_an_access_token_is_nowhere_in_the_database(
    service: httpx.Client, somebody: str, database: Kept
) -> None:
    body = severe(somebody)
    body["fhirServer"] = "https://ehr.example/fhir"
    body["fhirAuthorization"] = {
        "access_token": SECRET,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "painplan",
    }
    answered(service, body)

    values = database.everything()
    assert any(somebody.encode() in value for value in values)
    assert not any(SECRET.encode() in value for value in values)


def test_a_prefetch_is_not_kept_beyond_its_facts(
    service: httpx.Client, somebody: str, database: Kept
) -> None:
    body = severe(somebody)
    body["prefetch"]["patient"]["name"] = [{"family": "Unrepeatable-Name"}]
    answered(service, body)

    assert not any(b"Unrepeatable-Name" in value for value in database.everything())


def test_the_history_of_hooks_is_in_the_chain(
    service: httpx.Client, somebody: str, database: Kept
) -> None:
    card = answered(service, severe(somebody))["cards"][0]
    told(service, overridden(card))

    assert verify(database.url).is_intact


def counted(service: httpx.Client, rule: str) -> Json:
    rows = service.get("/cds-services-report").json()["rules"]
    zero = {"shown": 0, "accepted": 0, "overridden": 0, "reasons": {}}
    found: Json = next((row for row in rows if row["rule"] == rule), zero)
    return found


def test_ch_54_feedback_is_kept_against_the_rule(service: httpx.Client, somebody: str) -> None:
    before = counted(service, IMAGING)
    card = card_of(answered(service, unscanned(somebody)), IMAGING)

    assert told(service, overridden(card))["extension"]["health.painplan.kept"] == 1

    after = counted(service, IMAGING)
    assert after["shown"] == before["shown"] + 1
    assert after["overridden"] == before["overridden"] + 1
    reason = f"{OURS}|{card['overrideReasons'][0]['code']}"
    assert after["reasons"][reason] == before["reasons"].get(reason, 0) + 1


def test_ch_54_an_accepted_card_is_counted(service: httpx.Client, somebody: str) -> None:
    before = counted(service, IMAGING)
    card = card_of(answered(service, unscanned(somebody)), IMAGING)
    entry = {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}],
        "outcomeTimestamp": "2026-11-26T10:00:00Z",
    }

    told(service, entry)

    assert counted(service, IMAGING)["accepted"] == before["accepted"] + 1


def test_a_card_counts_once_by_what_was_said_of_it_last(
    service: httpx.Client, somebody: str
) -> None:
    before = counted(service, IMAGING)
    card = card_of(answered(service, unscanned(somebody)), IMAGING)
    first, second = card["overrideReasons"][:2]
    said = [
        overridden(card, outcomeTimestamp="2026-11-26T10:00:00Z"),
        overridden(
            card, outcomeTimestamp="2026-11-26T10:02:00Z", overrideReason={"reason": second}
        ),
        {**GOOD, "card": card["uuid"], "outcomeTimestamp": "2026-11-26T10:01:00Z"},
    ]

    for entry in said:
        told(service, entry)

    after = counted(service, IMAGING)
    assert after["overridden"] == before["overridden"] + 1
    assert after["accepted"] == before["accepted"]
    names = [f"{r['system']}|{r['code']}" for r in (first, second)]
    more = [after["reasons"].get(n, 0) - before["reasons"].get(n, 0) for n in names]
    assert more == [0, 1]


GOOD: Json = {
    "card": "x",
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "s"}],
    "outcomeTimestamp": "2026-11-26T10:00:00Z",
}


@pytest.mark.parametrize("name", ["card", "outcome", "acceptedSuggestions", "outcomeTimestamp"])
def test_ch_55_what_is_required_is_missed_by_name(service: httpx.Client, name: str) -> None:
    entry = {key: value for key, value in GOOD.items() if key != name}

    answer = service.post(FEEDBACK, json={"feedback": [entry]}, headers=JSON)

    refused(answer, 422, f"feedback[0].{name}")


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"outcome": "ignored"}, "feedback[0].outcome"),
        ({"outcomeTimestamp": "2026-11-26"}, "feedback[0].outcomeTimestamp"),
        ({"card": "a\x00b"}, "feedback[0].card"),
        ({"acceptedSuggestions": []}, "feedback[0].acceptedSuggestions"),
        ({"acceptedSuggestions": [{}]}, "feedback[0].acceptedSuggestions[0].id"),
        ({"outcome": "overridden", "overrideReason": {}}, "feedback[0].overrideReason"),
        (
            {"outcome": "overridden", "overrideReason": {"reason": {"system": "x"}}},
            "feedback[0].overrideReason.reason.code",
        ),
    ],
)
def test_ch_55_what_is_wrong_is_named(service: httpx.Client, changed: Json, where: str) -> None:
    answer = service.post(FEEDBACK, json={"feedback": [{**GOOD, **changed}]}, headers=JSON)

    refused(answer, 422, where)


@pytest.mark.parametrize("body", [{}, {"feedback": []}, {"feedback": {}}, [], {"feedback": [1]}])
def test_ch_55_what_is_no_feedback_is_422(service: httpx.Client, body: object) -> None:
    assert service.post(FEEDBACK, json=body, headers=JSON).status_code == 422


def test_ch_56_several_cards_and_repeats_are_kept_once_each(
    service: httpx.Client, somebody: str
) -> None:
    first = card_of(answered(service, unscanned(somebody)), IMAGING)
    second = card_of(answered(service, severe(somebody)), SEVERE)
    entries: Sequence[Json] = (overridden(first), overridden(second))

    kept = [
        told(service, *entries, entries[0])["extension"]["health.painplan.kept"],
        told(service, *entries)["extension"]["health.painplan.kept"],
        told(service, overridden(first))["extension"]["health.painplan.kept"],
    ]

    assert kept == [2, 0, 1]


def test_feedback_about_a_card_that_we_never_showed_is_taken_and_named(
    service: httpx.Client,
) -> None:
    answer = told(service, {**GOOD, "card": "no-card-of-ours"})

    assert answer["extension"]["health.painplan.unknown"] == ["no-card-of-ours"]
    assert service.get("/cds-services-report").json()["unknownCards"] >= 1


def test_an_accepted_override_makes_the_rule_silent_about_that_class(
    service: httpx.Client, somebody: str
) -> None:
    told(service, overridden(card_of(answered(service, unscanned(somebody)), IMAGING)))

    again = answered(service, unscanned(somebody))

    assert IMAGING not in rules(again)
    dropped = again["extension"]["health.painplan.suppressed"]
    assert {"rule": IMAGING, "order": "ServiceRequest/i1", "why": "snoozed"} in dropped
    decision = decision_of(service, again)
    assert decision["snoozes"][0]["rule"] == IMAGING
    assert decision_of(service, again, "/replay")["identical"] is True
    other = str(uuid.uuid4())
    assert IMAGING in rules(answered(service, unscanned(other)))


def test_an_override_that_was_taken_back_silences_nothing(
    service: httpx.Client, somebody: str
) -> None:
    card = card_of(answered(service, unscanned(somebody)), IMAGING)
    told(service, overridden(card, outcomeTimestamp="2026-11-26T10:00:00Z"))
    assert IMAGING not in rules(answered(service, unscanned(somebody)))

    taken_back = {**GOOD, "card": card["uuid"], "outcomeTimestamp": "2026-11-26T10:01:00Z"}
    told(service, taken_back)

    assert IMAGING in rules(answered(service, unscanned(somebody)))


@pytest.mark.parametrize(
    "reason",
    [
        {"reason": {"code": "red-flag-present", "system": "https://example.org/other"}},
        {"userComment": "no"},
    ],
)
def test_an_override_for_no_reason_that_was_offered_silences_nothing(
    service: httpx.Client, somebody: str, reason: Json
) -> None:
    card = card_of(answered(service, unscanned(somebody)), IMAGING)
    told(service, overridden(card, overrideReason=reason))

    assert IMAGING in rules(answered(service, unscanned(somebody)))


def test_a_critical_card_is_never_silenced(service: httpx.Client, somebody: str) -> None:
    told(service, overridden(card_of(answered(service, severe(somebody)), SEVERE)))

    assert SEVERE in rules(answered(service, severe(somebody)))


def test_every_call_and_its_feedback_are_audited(
    service: httpx.Client, somebody: str, database: Kept
) -> None:
    card = answered(service, severe(somebody))["cards"][0]
    told(service, overridden(card))

    rows = database.rows(
        f"SELECT operation FROM audit_event WHERE patient = '{somebody}'"  # noqa: S608
        " ORDER BY sequence, position"
    )
    assert [operation for (operation,) in rows] == ["order-sign", "feedback"]


def test_a_refused_call_keeps_nothing(service: httpx.Client, somebody: str, database: Kept) -> None:
    body = severe(somebody)
    body["prefetch"]["conditions"] = prefetch("p2")["conditions"]
    assert call(service, body).status_code == 422

    assert not any(somebody.encode() in value for value in database.everything())


def test_painplan_alerts_prints_what_the_report_says(
    service: httpx.Client, somebody: str, database: Kept
) -> None:
    told(service, overridden(card_of(answered(service, unscanned(somebody)), IMAGING)))
    environment = {**os.environ, "PAINPLAN_DATABASE_URL": database.url}
    command = [str(Path(sys.executable).parent / "painplan"), "alerts"]

    table = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    as_json = subprocess.run([*command, "--json"], env=environment, capture_output=True, check=True)

    assert IMAGING in table.stdout
    assert as_json.stdout.strip() == service.get("/cds-services-report").content
