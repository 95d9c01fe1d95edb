"""A whole population: NDJSON in, one decision a line out, the same decisions as the service."""

from app.population.command import population

__all__ = ["population"]
