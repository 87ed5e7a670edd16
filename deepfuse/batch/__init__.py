"""Many brackets to many pictures: what is finished stays, one bad set never stops the rest."""

from deepfuse.batch.arrivals import Arrivals
from deepfuse.batch.choices import FILE, chosen, read_choices, write_choices
from deepfuse.batch.jobs import Making
from deepfuse.batch.names import Naming, check_template, keep_naming, picture_names, read_format, read_naming
from deepfuse.batch.picking import picked
from deepfuse.batch.place import check_place, leave_unsearched
from deepfuse.batch.record import Outcome
from deepfuse.batch.run import Batch, Pace, plan, run, sole_batch
from deepfuse.batch.sheet import write_sheet
from deepfuse.batch.superseded import choices_now, renamed
from deepfuse.batch.watch import Event, Watch
from deepfuse.batch.watched import check_watched, sole_watch
from deepfuse.batch.work import Job, fail, fuse_set

__all__ = [
    "FILE",
    "Arrivals",
    "Batch",
    "Event",
    "Job",
    "Making",
    "Naming",
    "Outcome",
    "Pace",
    "Watch",
    "check_place",
    "check_template",
    "check_watched",
    "choices_now",
    "chosen",
    "fail",
    "fuse_set",
    "keep_naming",
    "leave_unsearched",
    "picked",
    "picture_names",
    "plan",
    "read_choices",
    "read_format",
    "read_naming",
    "renamed",
    "run",
    "sole_batch",
    "sole_watch",
    "write_choices",
    "write_sheet",
]
