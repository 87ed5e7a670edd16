"""What `deepfuse batch` says: before it begins, of each set, and of all of them in the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.cli.options import names
from deepfuse.exits import NOTHING_TO_DO, SOME_FAILED

if TYPE_CHECKING:
    from deepfuse.batch import Batch, Outcome
    from deepfuse.grouping import Grouping


def outcome_line(outcome: Outcome) -> str:
    """What became of one set.

    >>> from deepfuse.batch import Outcome
    >>> outcome_line(Outcome("hall", "done", seconds=2.08))
    'hall: done in 2.1 s'
    >>> outcome_line(Outcome("barn", "failed", "barn/2.jpg: damaged"))
    'barn: failed: barn/2.jpg: damaged'
    """
    if outcome.status == "done":
        return f"{outcome.scene}: done in {outcome.seconds:.1f} s"
    if outcome.status == "finished":
        return f"{outcome.scene}: finished before"
    return f"{outcome.scene}: {outcome.status}: {outcome.reason}"


def planned(batch: Batch) -> dict[str, Any]:
    """What would be made, as the record of the command."""
    todo = [
        {"set": job.scene, "output": printable(str(job.output)), "files": names(list(job.files))} for job in batch.todo
    ]
    lines = [f"would make {one['output']} of {len(one['files'])} frames" for one in todo]
    kept, failed = (_with_status(status, [*batch.kept, *batch.failures]) for status in ("kept", "failed"))
    lines += [*_told("kept", kept), *_told("failed", failed), *_passed_over(batch)]
    lines += [f"{len(todo)} sets would be fused, {len(batch.finished)} are finished already{_count_of(kept)}"]
    return {"todo": todo, "finished": [job.scene for job in batch.finished], "kept": kept, "failed": failed,
            "text": "\n".join(lines),
            "code": 0 if todo or batch.finished or kept else NOTHING_TO_DO}  # fmt: skip


def _passed_over(batch: Batch) -> list[str]:
    return [f"left out: {printable(str(file))}: {why}" for file, why in batch.passed_over]


def _with_status(status: str, outcomes: Iterable[Outcome]) -> list[dict[str, str]]:
    return [{"set": printable(one.scene), "reason": printable(one.reason)} for one in outcomes if one.status == status]


def _told(status: str, ones: Sequence[dict[str, str]]) -> list[str]:
    return [f"{status}: {one['set']}: {one['reason']}" for one in ones]


def _count_of(kept: Sequence[object]) -> str:
    return f", {len(kept)} kept as they were changed" if kept else ""


def summary(
    batch: Batch,
    outcomes: Sequence[Outcome],
    grouping: Grouping,
    sheet: tuple[Sequence[Path], Sequence[str]],
    seconds: float,
) -> dict[str, Any]:
    """What was made, as the record of the command; `sheet` is what `write_sheet` returns."""
    done = [one.scene for one in outcomes if one.status == "done"]
    finished = [*(job.scene for job in batch.finished), *(one.scene for one in outcomes if one.status == "finished")]
    kept, failed = (_with_status(status, [*batch.kept, *outcomes]) for status in ("kept", "failed"))
    lines = [f"warning: {one.scene}: {text}" for one in outcomes for text in one.warnings]
    lines += [*_told("kept", kept), *_told("failed", failed), *_passed_over(batch)]
    if left_out := sum(one.cause != "fused" for one in grouping.left_out):  # those are no photos
        are = "1 photo is" if left_out == 1 else f"{left_out} photos are"
        lines.append(f"{are} in no set: `deepfuse brackets` says why")
    written, notes = list(map(str, sheet[0])), list(sheet[1])
    lines += [*notes, *(f"see {printable(path)}" for path in written if path.endswith(".html"))]
    counts = f"{len(done)} sets fused, {len(finished)} finished before{_count_of(kept)}, {len(failed)} failed"
    lines += [f"{counts}, in {seconds:.0f} s"]
    code = SOME_FAILED if failed else 0 if done or finished or kept else NOTHING_TO_DO
    warnings = [{"set": one.scene, "warning": text} for one in outcomes for text in one.warnings]
    return {"done": done, "finished": finished, "kept": kept, "failed": failed, "warnings": warnings,
            "left_out": left_out, "sheet": list(map(printable, written)), "notes": notes,
            "damaged": [{"file": printable(str(file)), "reason": why} for file, why in batch.passed_over],
            "seconds": round(seconds, 1), "text": "\n".join(lines),
            "code": code}  # fmt: skip
