"""Schemathesis over the whole API, with what it needs to get beyond the door."""
