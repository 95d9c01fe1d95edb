"""Faults under load, and what was lost: `make faults` runs them all."""
