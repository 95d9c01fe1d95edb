"""What a schema has against a document, as far as it is worth its time."""

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

# All faults are found at once, 20 microseconds and 3 KB each, before the first is told: a body of
# 5 MB has room for 600,000. Of a document beyond these nodes (half a megabyte) one is told.
NODES_AT_MOST = 20_000
# Looking ends with so many problems of one document.
FOUND_AT_MOST = 2_000


def faults(schema: Draft202012Validator, document: dict[str, Any]) -> Iterator[ValidationError]:
    """Every fault; of a large document the first."""
    if not _is_large(document):
        yield from schema.iter_errors(document)
        return
    try:
        schema.validate(document)
    except ValidationError as error:
        yield error


def _is_large(document: dict[str, Any]) -> bool:
    nodes = 0
    stack: list[Any] = [document]
    while stack and nodes <= NODES_AT_MOST:
        node = stack.pop()
        children = node.values() if type(node) is dict else node
        nodes += len(children)
        stack.extend(child for child in children if type(child) is dict or type(child) is list)
    return nodes > NODES_AT_MOST
