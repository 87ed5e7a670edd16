"""How good a model is, and whether it is better than another."""

from deepfuse.evaluation.cost import Cost, measure_costs
from deepfuse.evaluation.guards import check_max_worse, guards, reference_checks, reference_guards
from deepfuse.evaluation.judging import failures, judge
from deepfuse.evaluation.scoring import (
    Score,
    aligned_frames,
    fuse_average,
    fuse_mertens,
    held_out_scenes,
    methods,
    score,
    score_scenes,
)
from deepfuse.evaluation.verdict import Check, Contender, OnReference, Verdict

__all__ = [
    "Check",
    "Contender",
    "Cost",
    "OnReference",
    "Score",
    "Verdict",
    "aligned_frames",
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
    "score",
    "score_scenes",
]
