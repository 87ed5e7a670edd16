"""How good a model is, and whether it is better than another."""

from deepfuse.evaluation.cost import Cost, measure_costs
from deepfuse.evaluation.guards import check_max_worse, guards, reference_checks, reference_guards, reference_means
from deepfuse.evaluation.judging import SURE_GAIN, failures, judge
from deepfuse.evaluation.scoring import (
    Method,
    Score,
    Trial,
    fuse_average,
    fuse_mertens,
    held_out_scenes,
    methods,
    score,
    score_cache,
    score_scenes,
)
from deepfuse.evaluation.verdict import Check, Contender, OnReference, Verdict

__all__ = [
    "SURE_GAIN",
    "Check",
    "Contender",
    "Cost",
    "Method",
    "OnReference",
    "Score",
    "Trial",
    "Verdict",
    "check_max_worse",
    "failures",
    "fuse_average",
    "fuse_mertens",
    "guards",
    "held_out_scenes",
    "judge",
    "measure_costs",
    "methods",
    "reference_checks",
    "reference_guards",
    "reference_means",
    "score",
    "score_cache",
    "score_scenes",
]
