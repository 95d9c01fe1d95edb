"""A plan after its answer: valid R4, within our profile, changed where the answer says."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.frame import Frame
from app.domain.history import ResourceVersion
from app.domain.response import ActivityAnswer, Change, Outcome, PlanStatus, Reason, Response
from app.fhir.validation import Validator
from app.fhir.writing import ResourceWriter
from tests.fhir.publishing.conformance import violations
from tests.fhir.publishing.published import shipped
from tests.patients import a_patient, knowledge, screened

Json = dict[str, Any]
AT = datetime(2026, 11, 26, 12, 30, 15, 250000, tzinfo=UTC)
DECISION = "6a3f0f5e-3c3b-5d0e-9a51-0d9f5a1b2c3d"
MARKUP = '<b>never</b> & "no" ]]> <!-- -->'


@cache
def proposal() -> ResourceVersion:
    """A plan as it is stored after its derivation."""
    frame = Frame(
        DECISION,
        "p1",
        (),
        "1",
        "sha256:0",
        "1.0.0",
        replaces="c0",
        practitioner="Practitioner/asks",
    )
    plan, *_ = ResourceWriter().write(screened(a_patient()).decide(), knowledge(), frame)
    digest = hashlib.sha256(plan.body).digest()
    return ResourceVersion("CarePlan", plan.id, 1, "p1", plan.status, digest, plan.body, "derived")


@cache
def validator() -> Validator:
    return Validator.load()


def before() -> Json:
    plan: Json = orjson.loads(proposal().body)
    return plan


def ids(plan: Json) -> list[str]:
    return [row["detail"]["code"]["coding"][0]["code"] for row in plan["activity"]]


def accepted(*answers: ActivityAnswer, note: str = "", practitioner: str | None = None) -> Change:
    response = Response(Outcome.CHANGED, answers, practitioner, note)
    return Change(proposal().id, PlanStatus.ACTIVE, response)


def after(change: Change) -> Json:
    plan: Json = orjson.loads(ResourceWriter().answered(proposal(), change, AT).body)
    return plan


def flaws(plan: Json) -> list[str]:
    said = [f"{p.where}: {p.what}" for p in validator().problems(plan)]
    return said + violations(plan, shipped()["StructureDefinition", "painplan-careplan"])


reasons = st.builds(
    Reason,
    st.sampled_from(["", "Too far", MARKUP]),
    st.sampled_from([(), (("http://x.example", "c", "A word"),), (("", "c", ""),)]),
)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    names = draw(st.lists(st.sampled_from(ids(before())), unique=True, max_size=6))
    response = Response(
        draw(st.sampled_from(Outcome)),
        tuple(ActivityAnswer(n, draw(st.sampled_from(Outcome)), draw(reasons)) for n in names),
        draw(st.sampled_from([None, "Practitioner/x", "PractitionerRole/x", "Practitioner/asks"])),
        draw(st.sampled_from(["", "In spring again.", MARKUP])),
    )
    status = PlanStatus.ACTIVE if response.is_acceptance else PlanStatus.REVOKED
    replaces = draw(st.lists(st.sampled_from(["c0", "c1", "c2"]), unique=True))
    return draw(
        st.sampled_from(
            [
                Change(proposal().id, status, response, tuple(replaces)),
                Change(proposal().id, PlanStatus.REVOKED, replaced_by="c9"),
            ]
        )
    )


@given(changes())
def test_every_version_is_valid_r4_and_keeps_our_profile(change: Change) -> None:
    assert flaws(after(change)) == []


@given(changes())
def test_the_same_answer_gives_the_same_bytes(change: Change) -> None:
    once, again = (ResourceWriter().answered(proposal(), change, AT) for _ in range(2))

    assert once == again
    assert once.id == proposal().id
    assert once.status == change.status.value


@given(changes())
def test_nothing_else_of_the_plan_changes(change: Change) -> None:
    was, now = before(), after(change)

    touched = {"status", "intent", "text", "activity", "contributor", "note", "replaces"}
    assert {k: v for k, v in was.items() if k not in touched} == {
        k: v for k, v in now.items() if k not in touched
    }
    assert ids(now) == ids(was)
    for old, new in zip(was["activity"], now["activity"], strict=True):
        rest = {k: v for k, v in new["detail"].items() if k not in ("status", "statusReason")}
        assert rest == {k: v for k, v in old["detail"].items() if k != "status"}


def test_an_accepted_plan_is_in_force_and_what_was_declined_is_cancelled_with_its_reason() -> None:
    plan = after(
        accepted(
            ActivityAnswer("EX-01", Outcome.DECLINED, Reason("Too far")),
            ActivityAnswer("SN-01", Outcome.DECLINED),
            ActivityAnswer("ED-01", Outcome.CHANGED, Reason("By telephone")),
            ActivityAnswer("FL-01", Outcome.ACCEPTED),
        )
    )

    details = dict(zip(ids(plan), (row["detail"] for row in plan["activity"]), strict=True))
    assert (plan["status"], plan["intent"]) == ("active", "plan")
    assert details["EX-01"]["status"] == "cancelled"
    assert details["EX-01"]["statusReason"] == {"text": "Too far"}
    assert details["SN-01"]["status"] == "cancelled"
    assert "no reason" in details["SN-01"]["statusReason"]["text"]
    assert details["ED-01"]["status"] == "not-started"
    assert details["ED-01"]["statusReason"] == {"text": "By telephone"}
    others = [d for id_, d in details.items() if id_ not in ("EX-01", "SN-01", "ED-01")]
    assert {d["status"] for d in others} == {"not-started"}
    assert not any("statusReason" in d for d in others)


def test_a_declined_plan_is_revoked_and_was_never_more_than_a_proposal() -> None:
    response = Response(Outcome.DECLINED, note="The patient prefers to wait.")

    plan = after(Change(proposal().id, PlanStatus.REVOKED, response))

    assert (plan["status"], plan["intent"]) == ("revoked", "proposal")
    assert plan["note"] == [
        {"time": "2026-11-26T12:30:15.250000Z", "text": "The patient prefers to wait."}
    ]


def test_the_narrative_tells_the_answer_first_and_escapes_its_words() -> None:
    change = accepted(
        ActivityAnswer("EX-01", Outcome.DECLINED, Reason(MARKUP)),
        note=MARKUP,
        practitioner="Practitioner/x",
    )

    div = after(change)["text"]["div"]

    said = div.index("Accepted on 2026-11-26 by Practitioner/x.")
    assert said < div.index("Declined: EX-01") < div.index("Note: ") < div.index("hypothesis")
    assert "<b>never</b>" not in div


def test_a_plan_that_ends_names_the_one_accepted_in_its_place() -> None:
    plan = after(Change(proposal().id, PlanStatus.REVOKED, replaced_by="c9"))

    assert plan["status"] == "revoked"
    assert "CarePlan/c9 was accepted in its place" in plan["text"]["div"]
    assert "note" not in plan


def test_the_plans_that_end_stand_beside_the_one_before() -> None:
    response = Response(Outcome.ACCEPTED)

    plan = after(Change(proposal().id, PlanStatus.ACTIVE, response, replaces=("c1", "c0")))

    assert [r["reference"] for r in plan["replaces"]] == ["CarePlan/c0", "CarePlan/c1"]


@pytest.mark.parametrize(
    ("practitioner", "author"),
    [
        ("Practitioner/x", {"authorReference": {"reference": "Practitioner/x"}}),
        ("PractitionerRole/x", {}),
    ],
)
def test_who_answers_is_named(practitioner: str, author: Json) -> None:
    plan = after(accepted(note="So be it.", practitioner=practitioner))

    assert plan["contributor"][-1] == {"reference": practitioner}
    assert {k: v for k, v in plan["note"][0].items() if k.startswith("author")} == author


def test_who_asked_and_answers_is_named_once() -> None:
    plan = after(accepted(practitioner="Practitioner/asks"))

    assert plan["contributor"] == [{"reference": "Practitioner/asks"}]
