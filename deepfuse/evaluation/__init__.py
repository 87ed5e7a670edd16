"""How good a model is, and whether it is better than another."""

from deepfuse.evaluation.cost import Cost, measure_costs
from deepfuse.evaluation.judging import Check, Contender, Verdict, judge
from deepfuse.evaluation.scoring import (
    Score,
    fuse_average,
    fuse_mertens,
    held_out_scenes,
    methods,
    read_frames,
    score,
    score_scenes,
)

__all__ = [
    "Check",
    "Contender",
    "Cost",
    "Score",
    "Verdict",
    "fuse_average",
    "fuse_mertens",
    "held_out_scenes",
    "judge",
    "measure_costs",
    "methods",
    "read_frames",
    "score",
    "score_scenes",
]
