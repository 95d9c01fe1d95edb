"""Scoring of instruments: published arithmetic, no cut-offs (those are findings)."""

from app.domain.scoring.counts import product, regions
from app.domain.scoring.score import Score, Scoring
from app.domain.scoring.sums import mean, percentage, prorated, summed

SCORING: dict[str, Scoring] = {
    "sum": summed,
    "prorated-sum": prorated,
    "mean": mean,
    "percentage": percentage,
    "product": product,
    "regions": regions,
}

__all__ = ["SCORING", "Score", "Scoring"]
