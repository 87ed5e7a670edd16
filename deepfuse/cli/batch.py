"""`deepfuse batch`: every bracket under a folder to one picture each."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deepfuse.cli.batch_said import outcome_line, planned, summary
from deepfuse.cli.ending import interrupted_by_sigterm
from deepfuse.cli.options import (
    Commands,
    add_command,
    add_fusing,
    add_grouping,
    found_brackets,
    fuse_options,
    progress,
    some_path,
    whole,
)
from deepfuse.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepfuse.batch import Batch, Job, Naming, Outcome
    from deepfuse.grouping import Grouping
    from deepfuse.registry import Found

DESCRIPTION = """Find the brackets among the photos under a folder, in any layout, and fuse each into OUT/SET.FORMAT.
Killed, it goes on where it was when it is run again: a set whose frames, options and model are as they were is not made
again. A set that cannot be read, or aligned as --if-unaligned says, is left out with the reason; the others go on.
OUT/.deepfuse/SET.json says what each picture was made of: the frames and their SHA-256, why they are one set, the
evidence of their alignment, the model, warnings and timings. OUT/looks.toml, where it is there, says what single sets
are made with in place of the options: [SET], and below it look = "punchy", controls, reference, crop and the like.
OUT/index.html and index.csv show all pictures and refused sets, first those that need care."""

HELP_ONLY = (
    "make this set alone: its id as `deepfuse brackets DIR` prints it, or a pattern such as 'day1__*' (may be given "
    "several times)"
)
HELP_NAME = (
    "of pictures, without suffix, such as {date}_{stem}_fused: {set} is the set's id (default), {stem} the name of its "
    "first photo, {folder} that of the folder, {date}, {time} and {camera} those of the photo; where several sets have "
    "one name, _2 and so on follows"
)
HELP_TREE = "put each picture into a folder in OUT as its photos lie in one in DIR"
HELP_OUTPUT = "made where it is not there; one in DIR is not searched for photos, then or later"
HELP_SCORE = "keep the MEF-SSIM of each picture in its record, and measures of it at 512 pixels"
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
    command.add_argument("-o", "--output", required=True, type=some_path, metavar="OUT", help=HELP_OUTPUT)
    command.add_argument("--name", type=_template, default="{set}", metavar="TEMPLATE", help=HELP_NAME)
    folders = command.add_mutually_exclusive_group()
    folders.add_argument("--tree", action="store_true", help=HELP_TREE)
    folders.add_argument("--flat", dest="tree", action="store_false", help="all pictures in OUT itself (default)")
    command.add_argument("--format", choices=("tif", "png", "jpg"), default="tif", help="of the pictures (default tif)")
    add_fusing(command)
    command.add_argument("--score", action="store_true", help=HELP_SCORE)
    command.add_argument("-j", "--jobs", type=whole(1, 999), metavar="N", help=HELP_JOBS)
    command.add_argument("--cluster", metavar="ADDRESS", help=HELP_CLUSTER)
    command.add_argument("--seconds", type=whole(1, 10**6), default=300, metavar="S", help=HELP_SECONDS)
    command.add_argument("-f", "--force", action="store_true", help=HELP_FORCE)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Find, leave out what is finished, fuse the rest, sum up."""
    from deepfuse.batch import (
        check_place,
        check_watched,
        keep_naming,
        leave_unsearched,
        picked,
        plan,
        renamed,
        sole_batch,
        write_sheet,
    )
    from deepfuse.photo import check_depth, check_folder
    from deepfuse.registry import model_folder

    started, output = time.perf_counter(), options.output
    check_depth(f".{options.format}", fuse_options(options, score=options.score).depth)
    check_place(options.source, output)
    if not options.dry_run:
        check_folder(output)
        check_watched(output, making_of(options))
        leave_unsearched(options.source, output)
    found = found_brackets(options)
    grouping = picked(found, options.only)
    with model_folder(options.model) as model:
        jobs = jobs_of(options, grouping, model, found)
        if options.dry_run:
            return planned(plan(jobs, grouping))
        with sole_batch(output), interrupted_by_sigterm():
            leave_unsearched(options.source, output)
            keep_naming(output, naming_of(options))
            for old in renamed(output, jobs, [group.bracket.scene for group in found.groups]):
                if not options.json:
                    say(f"renamed: {old.path.stem} is {old.job.scene} beside other sets", sys.stderr)
            batch = plan(jobs, grouping)
            try:
                outcomes = list(_worked_off(batch, options))
            finally:  # also of what was made until somebody interrupts it
                sheet = write_sheet(output, {group.bracket.scene for group in found.groups}, plan((), found).lost)
    return summary(batch, outcomes, grouping, sheet, time.perf_counter() - started)


def _template(text: str) -> str:
    """The type of the option `--name`."""
    from deepfuse.batch import check_template

    try:
        return check_template(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def naming_of(options: argparse.Namespace) -> Naming:
    """How `add_making` asked for pictures to be named."""
    from deepfuse.batch import Naming

    return Naming(options.name, options.tree)


def making_of(options: argparse.Namespace) -> dict[str, Any]:
    """What `add_making` asked for that decides on all pictures, as JSON values."""
    made = {"name": options.name, "tree": options.tree, "format": options.format, "model": options.model}
    return made | asdict(fuse_options(options, score=options.score))


def jobs_of(options: argparse.Namespace, grouping: Grouping, model: Found, found: Grouping) -> list[Job]:
    """Sets as jobs, made as the options and OUT/looks.toml say; `found` is all that there are: each has a name."""
    from deepfuse.batch import Making, choices_now, picture_names
    from deepfuse.model import weights_sha256

    brackets = [group.bracket for group in found.groups if group.evidence != "radiance"]
    making = Making(
        output=options.output,
        format=options.format,
        options=fuse_options(options, score=options.score),
        model=model.folder,
        model_name=model.name,
        model_sha256=weights_sha256(model.folder),
        names=picture_names(naming_of(options), brackets, options.source, options.output),
        choices=choices_now(options.output, brackets),
        force=options.force,
        measure=options.score,
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
    told = not options.json and sys.stderr is not None and not sys.stderr.isatty()
    with progress(outcomes, unit="set", total=total) as bar:
        for number, outcome in enumerate(bar, 1):
            failed += outcome.status == "failed"
            bar.set_postfix_str(f"{failed} failed" if failed else "", refresh=False)
            if told:
                say(f"{number}/{total} {outcome_line(outcome)}", sys.stderr)
            yield outcome
