"""`deepfuse score`: MEF-SSIM and the other measures of a fused picture."""

from __future__ import annotations

import argparse
from typing import Any

from deepfuse.bracket import printable
from deepfuse.cli.options import PHOTOS, Commands, add_command, check_count, names, some_path

HELP_FRAMES = "the aligned exposures it was made of"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "score", run, help="MEF-SSIM and other measures of a fused picture")
    command.add_argument("fused", type=some_path, metavar="FUSED", help=f"the fused picture: {PHOTOS}")
    command.add_argument("frames", nargs="+", type=some_path, metavar="FRAME", help=HELP_FRAMES)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Read and score."""
    from deepfuse.evaluation import score
    from deepfuse.metrics.table import METRICS
    from deepfuse.photo import read_photo, read_photos

    check_count(options.frames)
    frames, fused = read_photos(options.frames), read_photo(options.fused)
    if frames[0].shape != fused.shape:
        size, wanted = (f"{one.shape[1]}×{one.shape[0]}" for one in (fused, frames[0]))
        raise ValueError(f"{printable(str(options.fused))}: expected {wanted} pixels like the frames, got {size}")
    scores = score(frames, fused)
    text = "\n".join(f"{metric.name:22}{scores[metric.name]:8.4f}  {metric.description}" for metric in METRICS)
    return {"fused": printable(str(options.fused)), "frames": names(options.frames), **scores, "text": text}
