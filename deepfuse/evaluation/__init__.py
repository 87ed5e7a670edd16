"""How good a model is, and whether it is better than another."""

from deepfuse.evaluation.cost import Cost, measure_costs
from deepfuse.evaluation.guards import check_max_worse, guards
from deepfuse.evaluation.judging import judge
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
from deepfuse.evaluation.verdict import Check, Contender, Verdict

__all__ = [
    "Check",
    "Contender",
    "Cost",
    "Score",
    "Verdict",
    "aligned_frames",
    "check_max_worse",
    "fuse_average",
    "fuse_mertens",
    "guards",
    "held_out_scenes",
    "judge",
    "measure_costs",
    "methods",
    "score",
    "score_scenes",
]
