"""Many brackets to many pictures: what is finished stays, one bad set never stops the rest."""

from deepfuse.batch.record import Outcome
from deepfuse.batch.run import Batch, Pace, plan, run, sole_batch
from deepfuse.batch.work import Job

__all__ = ["Batch", "Job", "Outcome", "Pace", "plan", "run", "sole_batch"]
