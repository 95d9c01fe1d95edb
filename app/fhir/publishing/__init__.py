"""What we publish about ourselves (``fhir_profiles/``), generated from the code and the content."""

from app.fhir.publishing.files import (
    drift,
    drift_of_files,
    examples_in,
    file_name,
    render,
    resources,
    write,
    write_files,
)
from app.fhir.publishing.package import EXAMPLES, pack

__all__ = [
    "EXAMPLES",
    "drift",
    "drift_of_files",
    "examples_in",
    "file_name",
    "pack",
    "render",
    "resources",
    "write",
    "write_files",
]
