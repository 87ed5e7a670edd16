"""Scores by hand."""

from __future__ import annotations

from deepfuse.evaluation import Score
from deepfuse.metrics.table import METRICS


def scored(*values: float) -> Score:
    """A score of these values, in the order of the table."""
    return Score(dict(zip((metric.name for metric in METRICS), values, strict=True)))


def changed(score: Score, **values: float) -> Score:
    """A score with other values of some measures."""
    return Score({**score, **values})
