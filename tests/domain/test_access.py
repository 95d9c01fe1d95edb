"""What scopes allow: versions 1 and 2, the most that a client may be given, and one patient."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.access import Access, access_of

ALL = ("system/*.cruds",)


def allowed(said: str, at_most: str = "system/*.cruds", patient: str | None = None) -> Access:
    return access_of(said.split(), at_most.split(), patient)


def letters(access: Access, type_: str = "Observation") -> str:
    return "".join(one for one in "cruds" if access.allows(type_, one))


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        ("system/Observation.rs", "rs"),
        ("system/Observation.cruds", "cruds"),
        ("system/Observation.read", "rs"),
        ("system/Observation.write", "cud"),
        ("system/Observation.*", "cruds"),
        ("system/*.read", "rs"),
        ("system/*.*", "cruds"),
        ("user/*.s", "s"),
        ("system/Observation.r system/Observation.s", "rs"),
        ("system/Observation.sr", ""),
        ("system/Observation.dus", ""),
        ("system/Observation.", ""),
        ("system/Observation.rs?category=vital-signs", ""),
        ("system/Condition.rs", ""),
        ("observation.read", ""),
        ("openid fhirUser launch offline_access", ""),
        ("SYSTEM/Observation.rs", ""),
        ("", ""),
    ],
)
def test_a_scope_allows_its_letters_and_no_other(scope: str, wanted: str) -> None:
    assert letters(allowed(scope)) == wanted


@pytest.mark.parametrize(
    ("said", "at_most", "wanted"),
    [
        ("system/*.cruds", "system/*.rs", "rs"),
        ("system/*.cruds", "system/Observation.r", "r"),
        ("system/Observation.rs", "system/Condition.rs", ""),
        ("system/Observation.rs", "", ""),
        ("system/Observation.rs", "user/*.rs", ""),
        ("user/Observation.rs", "system/*.rs", "rs"),
        ("system/*.rs", "patient/*.rs", ""),
    ],
)
def test_the_clients_most_is_not_exceeded(said: str, at_most: str, wanted: str) -> None:
    assert letters(allowed(said, at_most)) == wanted


def test_a_type_that_is_not_named_in_the_most_stays_closed() -> None:
    access = allowed("system/*.cruds", "system/Observation.r")

    assert not letters(access, "Condition")


def test_patient_scopes_need_a_patient() -> None:
    assert letters(allowed("patient/*.rs")) == ""
    access = allowed("patient/*.rs", patient="p1")
    assert letters(access) == "rs"
    assert access.patient == "p1"


def test_a_launch_patient_confines_whatever_the_scopes_are() -> None:
    assert allowed("system/*.cruds", patient="p1").patient == "p1"


@pytest.mark.parametrize(
    ("scope", "patient", "wanted"),
    [
        ("system/AuditEvent.rs", None, "rs"),
        ("system/*.rs", None, ""),
        ("system/*.*", None, ""),
        ("user/AuditEvent.rs", None, ""),
        ("patient/AuditEvent.rs", "p1", ""),
        ("system/AuditEvent.rs", "p1", ""),
    ],
)
def test_the_audit_has_a_scope_of_its_own(scope: str, patient: str | None, wanted: str) -> None:
    assert letters(allowed(scope, patient=patient), "AuditEvent") == wanted


def test_who_may_read_the_audit_alone_reads_nothing_else() -> None:
    access = allowed("system/*.cruds", "system/AuditEvent.rs")

    assert not any(letters(access, type_) for type_ in ("AuditEvent", "Observation", "Patient"))


SCOPES = st.from_regex(
    r"\A(system|user|patient)/(\*|Observation|Condition|AuditEvent)\.(read|write|\*|c?r?u?d?s?)\Z"
)


@given(st.lists(SCOPES), st.lists(SCOPES), st.sampled_from([None, "p1"]))
def test_less_is_never_more(said: list[str], at_most: list[str], patient: Any) -> None:
    """What is allowed under a limit is allowed without one, and asking twice adds nothing."""
    limited = access_of(said, at_most, patient)
    open_ = access_of(said, ALL, patient)

    for type_ in ("Observation", "Condition", "AuditEvent", "Patient"):
        assert set(letters(limited, type_)) <= set(letters(open_, type_))
        assert letters(access_of([*said, *said], at_most, patient), type_) == letters(
            limited, type_
        )
