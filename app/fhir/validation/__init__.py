"""Strict R4 validation at the border."""

from app.fhir.validation.validator import Validator

__all__ = ["Validator"]
