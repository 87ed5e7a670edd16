"""`deepfuse align`: the frames of one scene, laid on each other, with the evidence."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.cli.options import PHOTOS, Commands, add_aligning, add_command, check_count, names, some_path
from deepfuse.cli.refusal import with_advice

if TYPE_CHECKING:
    from deepfuse.alignment import Alignment, Registration
    from deepfuse.motion import Moved
    from deepfuse.photo import Picture

HELP_OUTPUT = (
    "folder for alignment.json and the aligned frames (NAME_aligned.tif, in the frames' own depth, with their "
    "metadata, transparent where a frame shows nothing)"
)


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "align", run, help="lay hand-held frames of one scene on each other")
    command.add_argument("frames", nargs="+", type=some_path, metavar="FRAME", help=f"two or more exposures: {PHOTOS}")
    command.add_argument("-o", "--output", required=True, type=some_path, metavar="DIR", help=HELP_OUTPUT)
    add_aligning(command)
    command.add_argument("-f", "--force", action="store_true", help="overwrite files in DIR")
    command.add_argument("-n", "--dry-run", action="store_true", help="align and report, write nothing")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Read, align, write."""
    from deepfuse.files import write_json
    from deepfuse.job.aligned import write_aligned
    from deepfuse.job.checks import check_distinct
    from deepfuse.job.prepare import turned_frames
    from deepfuse.motion import completed, detect_motion, shown_by
    from deepfuse.photo import check_folder, check_output

    check_count(options.frames)
    check_distinct(options.frames)
    outputs = [options.output / f"{printable(path.stem)}_aligned.tif" for path in options.frames]
    if len(set(outputs)) < len(outputs):
        raise ValueError(f"expected frames of different names, got {', '.join(names(options.frames))}")
    if not options.dry_run:
        check_folder(options.output)
        for output in outputs if options.output.exists() else ():
            check_output(output, sources=options.frames, overwrite=options.force)
    result, pictures = _aligned(options)
    outputs = [outputs[index] for index in result.kept]
    frames = completed(result.frames, result.valid, result.base)
    motion = detect_motion(frames, result.base, told=shown_by(2, result.valid))
    turned = turned_frames(options.frames, pictures) if options.orientation == "auto" else ()
    passed_over = [text for picture in pictures for text in picture.warnings]
    said = [*passed_over, *turned, *result.warnings(_names(options.frames))]
    record = {"frames": names(options.frames), "outputs": names(outputs), "turned": list(turned), **result.record()}
    record |= {"motion": motion.record()}
    if not options.dry_run:
        options.output.mkdir(parents=True, exist_ok=True)
        for index, output, frame, shown in zip(result.kept, outputs, result.frames, result.valid, strict=True):
            name = options.frames[index].name
            said += write_aligned(output, frame, shown, pictures[index].metadata, name=name)
        write_json(options.output / "alignment.json", record)
    return {**record, "text": _text(options, result, motion), "said": [f"warning: {warning}" for warning in said]}


def _aligned(options: argparse.Namespace) -> tuple[Alignment, list[Picture]]:
    from deepfuse.alignment import AlignmentError, align
    from deepfuse.photo import read_frames

    pictures = read_frames(options.frames, orientation=options.orientation)
    try:
        found = align(
            [picture.pixels for picture in pictures],
            valid=[picture.valid for picture in pictures],
            if_unaligned=options.if_unaligned,
            crop=options.crop,
        )
    except AlignmentError as error:
        raise with_advice(error, options.frames, options.if_unaligned, skippable=False) from error
    return found, pictures


def _names(files: list[Path]) -> list[str]:
    return [printable(path.name) for path in files]


def _text(options: argparse.Namespace, result: Alignment, motion: Moved) -> str:
    rows = [f"{'frame':32}{'moved px':>10}{'left px':>9}{'matches':>9}{'differs':>9}  by"]
    shares = dict(zip(result.kept, motion.share_by_frame, strict=True))
    for path, found in zip(options.frames, result.evidence, strict=True):
        unknown = motion.warnings or found.frame not in shares
        differs = "unknown" if unknown else f"{shares[found.frame]:.2%}"
        rows.append(f"{printable(path.name):32}{_evidence(found, result):28}{differs:>9}  {_method(found, result)}")
    _, _, width, height = result.crop
    moved = motion.warnings or (f"something moved in {motion.share:.2%} of it",)
    left = "common to all frames" if options.crop == "common" else "left"
    common = f"{width}×{height} pixels are {left}, {result.kept_area:.1%} of the picture"
    return "\n".join([*rows, common, *moved])


def _evidence(found: Registration, result: Alignment) -> str:
    placed = found.frame not in (result.reference, *result.dropped, *result.as_is)
    return f"{found.shift_px:10.2f}{found.residual_px:9.2f}{found.inliers:9}" if placed else ""


def _method(found: Registration, result: Alignment) -> str:
    if found.frame == result.reference:
        return "the reference"
    if found.frame in result.dropped:
        return "left out"
    return "taken where it is" if found.frame in result.as_is else found.method
