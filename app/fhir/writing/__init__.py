"""Decisions in, resources out."""

from app.fhir.writing.meta import collection, with_meta
from app.fhir.writing.outcome import operation_outcome, outcome, told, verdict
from app.fhir.writing.provenance import answer_provenance, provenance
from app.fhir.writing.writer import ResourceWriter

__all__ = [
    "ResourceWriter",
    "answer_provenance",
    "collection",
    "operation_outcome",
    "outcome",
    "provenance",
    "told",
    "verdict",
    "with_meta",
]
