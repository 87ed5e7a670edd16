"""`deepfuse batch`: every bracket under a folder to one picture each."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.cli.options import (
    Commands,
    add_command,
    add_fusing,
    add_grouping,
    found_brackets,
    fuse_options,
    names,
    progress,
    whole,
)
from deepfuse.exits import NOTHING_TO_DO, SOME_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepfuse.batch import Batch, Job, Outcome
    from deepfuse.grouping import Grouping
    from deepfuse.registry import Found

DESCRIPTION = """Find the brackets among the photos under a folder, in any layout, and fuse each into OUT/SET.FORMAT.
Killed, it goes on where it was when it is run again: a set whose frames, options and model are as they were is not made
again. A set that cannot be read, or aligned as --if-unaligned says, is left out with the reason; the others go on.
OUT/.deepfuse/SET.json says what each picture was made of: the frames and their SHA-256, why they are one set, the
evidence of their alignment, the model, warnings and timings. OUT/looks.toml, where it is there, says what single sets
are made with in place of the options: [SET], and below it look = "punchy", controls, reference, crop and the like."""

HELP_ONLY = (
    "make this set alone: its id as `deepfuse brackets DIR` prints it, or a pattern such as 'day1__*' (may be given "
    "several times)"
)
HELP_OUTPUT = "made where it is not there; one in DIR is not searched for photos, then or later"
HELP_JOBS = "sets worked on at the same time (default: as many as cores and memory allow)"
HELP_CLUSTER = "of a Dask scheduler, tcp://HOST:8786, whose workers fuse the sets (default: what DEEPFUSE_CLUSTER says)"
HELP_FORCE = "overwrite files in OUT that no batch wrote, or that were changed since"
HELP_SECONDS = "how long a set may take, for each of its frames (default: 300)"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "batch", run, help="fuse every bracket under a folder")
    command.usage, command.description = "%(prog)s DIR -o OUT [options]", DESCRIPTION
    add_making(command)
    command.add_argument("--only", action="append", default=[], metavar="SET", help=HELP_ONLY)
    command.add_argument("-n", "--dry-run", action="store_true", help="say what would be made and make nothing")


def add_making(command: argparse.ArgumentParser) -> None:
    """The options of all commands that make a picture of each bracket under a folder."""
    add_grouping(command)
    command.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=HELP_OUTPUT)
    command.add_argument("--format", choices=("tif", "png", "jpg"), default="tif", help="of the pictures (default tif)")
    add_fusing(command)
    command.add_argument("--score", action="store_true", help="keep the MEF-SSIM of each picture in its record")
    command.add_argument("-j", "--jobs", type=whole(1, 999), metavar="N", help=HELP_JOBS)
    command.add_argument("--cluster", metavar="ADDRESS", help=HELP_CLUSTER)
    command.add_argument("--seconds", type=whole(1, 10**6), default=300, metavar="S", help=HELP_SECONDS)
    command.add_argument("-f", "--force", action="store_true", help=HELP_FORCE)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Find, leave out what is finished, fuse the rest, sum up."""
    from deepfuse.batch import check_place, leave_unsearched, picked, plan, sole_batch
    from deepfuse.photo import check_depth, check_folder
    from deepfuse.registry import model_folder

    started, output = time.perf_counter(), options.output
    check_depth(f".{options.format}", fuse_options(options, score=options.score).depth)
    check_place(options.source, output)
    if not options.dry_run:
        check_folder(output)
        leave_unsearched(options.source, output)
    grouping = picked(found_brackets(options), options.only)
    with model_folder(options.model) as model:
        jobs = jobs_of(options, grouping, model)
        if options.dry_run:
            return _planned(plan(jobs, grouping))
        with sole_batch(output):
            leave_unsearched(options.source, output)
            batch = plan(jobs, grouping)
            outcomes = list(_worked_off(batch, options))
    return _summary(batch, outcomes, grouping, time.perf_counter() - started)


def jobs_of(options: argparse.Namespace, grouping: Grouping, model: Found) -> list[Job]:
    """The sets that were found as jobs, made as the options and OUT/looks.toml say."""
    from deepfuse.batch import FILE, Making, read_choices
    from deepfuse.model import weights_sha256

    making = Making(
        output=options.output,
        format=options.format,
        options=fuse_options(options, score=options.score),
        model=model.folder,
        model_name=model.name,
        model_sha256=weights_sha256(model.folder),
        choices=read_choices(options.output / FILE),
        force=options.force,
    )
    return [
        making.job(one.bracket.scene, one.bracket.files, evidence=one.evidence, why=one.why, warnings=one.warnings)
        for one in grouping.groups
        if one.evidence != "radiance"
    ]


def _worked_off(batch: Batch, options: argparse.Namespace) -> Iterator[Outcome]:
    from deepfuse.batch import Pace
    from deepfuse.batch import run as work

    outcomes = work(batch, Pace(options.jobs, options.seconds, options.cluster))
    failed, total = 0, len(batch.todo) + len(batch.failures)
    with progress(outcomes, unit="set", total=total) as bar:
        for outcome in bar:
            failed += outcome.status == "failed"
            bar.set_postfix_str(f"{failed} failed" if failed else "", refresh=False)
            yield outcome


def _planned(batch: Batch) -> dict[str, Any]:
    todo = [
        {"set": job.scene, "output": printable(str(job.output)), "files": names(list(job.files))} for job in batch.todo
    ]
    lines = [f"would make {one['output']} of {len(one['files'])} frames" for one in todo]
    lines += [f"failed: {one.scene}: {printable(one.reason)}" for one in batch.failures]
    lines += _passed_over(batch)
    lines += [f"{len(todo)} sets would be fused, {len(batch.finished)} are finished already"]
    return {"todo": todo, "finished": [job.scene for job in batch.finished], "failed": _failures(batch.failures),
            "text": "\n".join(lines), "code": 0 if todo or batch.finished else NOTHING_TO_DO}  # fmt: skip


def _passed_over(batch: Batch) -> list[str]:
    return [f"left out: {printable(str(file))}: {why}" for file, why in batch.passed_over]


def _failures(outcomes: Any) -> list[dict[str, str]]:
    return [
        {"set": printable(one.scene), "reason": printable(one.reason)} for one in outcomes if one.status == "failed"
    ]


def _summary(batch: Batch, outcomes: list[Outcome], grouping: Grouping, seconds: float) -> dict[str, Any]:
    done = [one.scene for one in outcomes if one.status == "done"]
    finished = [*(job.scene for job in batch.finished), *(one.scene for one in outcomes if one.status == "finished")]
    failed = _failures(outcomes)
    lines = [f"warning: {one.scene}: {text}" for one in outcomes for text in one.warnings]
    lines += [f"failed: {one['set']}: {one['reason']}" for one in failed]
    lines += _passed_over(batch)
    if left_out := len(grouping.left_out):
        are = "1 photo is" if left_out == 1 else f"{left_out} photos are"
        lines.append(f"{are} in no set: `deepfuse brackets` says why")
    lines += [f"{len(done)} sets fused, {len(finished)} finished before, {len(failed)} failed, in {seconds:.0f} s"]
    code = SOME_FAILED if failed else 0 if done or finished else NOTHING_TO_DO
    warnings = [{"set": one.scene, "warning": text} for one in outcomes for text in one.warnings]
    return {"done": done, "finished": finished, "failed": failed, "warnings": warnings,
            "left_out": left_out,
            "damaged": [{"file": printable(str(file)), "reason": why} for file, why in batch.passed_over],
            "seconds": round(seconds, 1), "text": "\n".join(lines),
            "code": code}  # fmt: skip
