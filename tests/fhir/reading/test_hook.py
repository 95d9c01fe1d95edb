"""Whatever stands in a request to a hook, it is read or refused; nothing else ever happens."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.orders.call import HookCall
from app.domain.problem import Refusal, Refused
from app.fhir.hooks import SERVICES
from app.fhir.reading.hook import read_call
from app.fhir.reading.hook_reader import HookReader
from app.fhir.validation import Validator
from tests.acceptance.hooks import SELECT, TRAMADOL, imaging, medicine, problem, request
from tests.fhir.reading.test_order import AS_OF

VALIDATOR = Validator.load()
SERVICE = SERVICES["clbp-order-select"]
SHORT = st.text(max_size=4)
LEAF = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | SHORT
JUNK = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(SHORT, inner, max_size=2),
    max_leaves=6,
)


def whole() -> dict[str, Any]:
    body = request(SELECT, medicine(TRAMADOL), imaging())
    body["fhirServer"] = "https://ehr.example/fhir"
    body["fhirAuthorization"] = {"access_token": "t", "token_type": "Bearer", "patient": "p1"}
    return body


def read(body: Any) -> HookCall:
    return read_call(orjson.dumps(body), SERVICE, VALIDATOR)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(node, dict):
        for name, child in node.items():
            found += places(child, (*path, name))
    elif isinstance(node, list):
        for number, child in enumerate(node):
            found += places(child, (*path, number))
    return found


PLACES = places(whole())[1:]


@given(st.sampled_from(PLACES), JUNK)
def test_any_part_may_be_anything(place: tuple[Any, ...], junk: Any) -> None:
    body = copy.deepcopy(whole())
    parent = body
    for name in place[:-1]:
        parent = parent[name]
    parent[place[-1]] = junk

    try:
        call = read(body)
    except Refusal:
        return
    known = [r for part in call.parts.values() for r in part.resources]
    orders, unread = HookReader(VALIDATOR).orders(call.drafts, known, as_of=AS_OF)
    assert len(orders) + len(unread) == len(call.drafts)
    assert {r.patient for r in known} <= {call.patient}


def test_the_context_is_kept_as_sent_and_holds_no_token() -> None:
    call = read(whole())

    assert orjson.loads(call.context) == whole()["context"]
    assert call.token == "t"
    assert "token='t'" not in repr(call)


def test_the_kept_context_gives_the_same_drafts() -> None:
    call = read(whole())

    again = HookReader(VALIDATOR).drafts(call.context, call.hook, call.patient)

    assert again == call.drafts
    assert [d.parsed for d in again] == [d.parsed for d in call.drafts]


@pytest.mark.parametrize("said", ["Patient/p1", "p1"])
def test_the_patient_may_be_a_reference(said: str) -> None:
    body = whole()
    body["context"]["patientId"] = said

    assert read(body).patient == "p1"


@pytest.mark.parametrize("said", ["", "a b", "../x", "p" * 65, "p1?x=1", "é"])
def test_a_patient_id_is_a_fhir_id(said: str) -> None:
    body = whole()
    body["context"]["patientId"] = said

    with pytest.raises(Refused, match="patientId"):
        read(body)


def test_a_single_resource_stands_for_a_bundle_of_one() -> None:
    body = whole()
    body["prefetch"]["conditions"] = problem()

    assert len(read(body).parts["conditions"].resources) == 1
