"""Scores by hand."""

from __future__ import annotations

from deepfuse.evaluation import Score
from deepfuse.metrics.table import METRICS


def scored(**values: float) -> Score:
    """A score of these values; the other measures are at their best."""
    return Score({metric.name: metric.best for metric in METRICS} | values)


def changed(score: Score, **values: float) -> Score:
    """A score with other values of some measures."""
    return Score({**score, **values})
