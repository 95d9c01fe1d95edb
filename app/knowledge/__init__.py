"""Reads and checks the clinical content; content/ is what clinicians review."""

from app.knowledge.loading import load, load_from

__all__ = ["load", "load_from"]
