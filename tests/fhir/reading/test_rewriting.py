"""References rewritten in place: nothing else changes, whatever the texts hold."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.fhir.reading.rewriting import references_in, rewritten

NAMES = {"urn:uuid:a": "Patient/1", "Observation/x": "Observation/2"}
TEXT = st.one_of(st.sampled_from([*NAMES, '"urn:uuid:a"', "\\", 'a"b', "é\u2028"]), st.text())
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["reference", "value", "valueUri", "div"]), TEXT),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


def expected(node: Any, key: str = "") -> Any:
    """The same, done on the parsed document."""
    match node:
        case dict():
            return {name: expected(value, name) for name, value in node.items()}
        case list():
            return [expected(one, key) for one in node]
        case str() if key in ("reference", "valueUri"):
            return NAMES.get(node, node)
        case _:
            return node


def in_lists(node: Any) -> bool:
    """Whether a list holds objects before a text: its name is then that of the object's last."""
    match node:
        case dict():
            return any(in_lists(value) for value in node.values())
        case list():
            return any(isinstance(one, dict | list) for one in node)
        case _:
            return False


@given(JSON, st.booleans())
def test_the_bytes_change_as_the_document_would(document: Any, is_ascii: bool) -> None:
    if in_lists(document):
        return
    body = json.dumps(document, ensure_ascii=is_ascii).encode()

    assert json.loads(rewritten(body, NAMES)) == expected(document)


def test_only_references_are_replaced() -> None:
    body = b'{"value": 1.10,"a":{"reference" :\n"urn:uuid:a"},"b":{"reference":"urn:uuid:ab"}}'

    assert rewritten(body, NAMES) == body.replace(b'"urn:uuid:a"', b'"Patient/1"')
    assert list(references_in(body)) == ["urn:uuid:a", "urn:uuid:ab"]
    assert rewritten(body, {}) is body


def test_links_of_a_narrative_follow() -> None:
    div = "<div><a href=\"urn:uuid:a\">1</a> <img src='urn:uuid:a'/> urn:uuid:a</div>"
    body = json.dumps({"div": div}).encode()

    found = json.loads(rewritten(body, NAMES))["div"]

    assert found == div.replace('"urn:uuid:a"', '"Patient/1"').replace(
        "'urn:uuid:a'", "'Patient/1'"
    )
