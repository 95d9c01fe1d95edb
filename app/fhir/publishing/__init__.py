"""What we publish about ourselves (``fhir_profiles/``), generated from the code and the content."""

from app.fhir.publishing.files import drift, file_name, render, resources, write

__all__ = ["drift", "file_name", "render", "resources", "write"]
