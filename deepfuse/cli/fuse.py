"""`deepfuse fuse`: the frames of one scene to one picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.cli.options import PHOTOS, Commands, add_command, check_count, names

if TYPE_CHECKING:
    from deepfuse.alignment import Alignment
    from deepfuse.color import Image

SMALLEST_SCORED_PX = 41  # below it, no window fits the smallest scale of MEF-SSIM
HELP_OUTPUT = ".tif or .png in the frames' own depth, or .jpg; an existing file is kept unless --force is given"
HELP_MODEL = "a model folder, or models:/NAME@ALIAS in MLflow (default: the shipped weights)"

HELP_QUALITY = "fast computes weights at a quarter of the size, in less time (default: best)"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "fuse", run, help="fuse the frames of one scene")
    command.add_argument("frames", nargs="+", type=Path, metavar="FRAME", help=f"two or more exposures: {PHOTOS}")
    command.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=HELP_OUTPUT)
    command.add_argument("--model", metavar="MODEL", help=HELP_MODEL)
    command.add_argument("--quality", choices=["best", "fast"], default="best", help=HELP_QUALITY)
    command.add_argument("--no-align", action="store_true", help="take the frames as aligned already")
    command.add_argument("-f", "--force", action="store_true", help="overwrite OUT")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Read, align, fuse, write."""
    from deepfuse.fusion import fuse
    from deepfuse.mef_ssim import mef_ssim
    from deepfuse.photo import check_output, read_photos, write_photo
    from deepfuse.registry import load_model

    check_count(options.frames)
    check_output(options.output, sources=options.frames, overwrite=options.force)
    model = load_model(options.model)
    frames = read_photos(options.frames)
    record: dict[str, Any] = {"output": printable(str(options.output)), "frames": names(options.frames)}
    if not options.no_align:
        alignment = _align(frames)
        frames = list(alignment.frames)
        record["alignment"] = alignment.record()
    fused = fuse(frames, model=model, quality=options.quality)
    height, width, _ = fused.shape
    record |= {
        "model": options.model or "shipped",
        "quality": options.quality,
        "width": width,
        "height": height,
        "dtype": str(fused.dtype),
    }
    if options.json:
        record["mef_ssim"] = mef_ssim(frames, fused) if min(height, width) >= SMALLEST_SCORED_PX else None
    write_photo(options.output, fused)
    return {**record, "text": f"{record['output']}: {width}×{height}, {len(frames)} exposures"}


def _align(frames: list[Image]) -> Alignment:
    from deepfuse.alignment import AlignmentError, align

    try:
        return align(frames)
    except AlignmentError as error:
        raise AlignmentError(f"{error}; --no-align takes the frames as they are", error.evidence) from error
