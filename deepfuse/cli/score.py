"""`deepfuse score`: MEF-SSIM and the other measures of a fused picture."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.cli.options import PHOTOS, Commands, add_command, check_count, names


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "score", run, help="MEF-SSIM and other measures of a fused picture")
    command.add_argument("fused", type=Path, metavar="FUSED", help=f"the fused picture: {PHOTOS}")
    command.add_argument("frames", nargs="+", type=Path, metavar="FRAME", help="the aligned exposures it was made of")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Read and score."""
    from deepfuse.evaluation import score
    from deepfuse.evaluation.report import MEANINGS
    from deepfuse.photo import read_photo, read_photos

    check_count(options.frames)
    frames, fused = read_photos(options.frames), read_photo(options.fused)
    scores = asdict(score(frames, fused))
    text = "\n".join(f"{name:22}{value:8.4f}  {MEANINGS[name]}" for name, value in scores.items())
    return {"fused": printable(str(options.fused)), "frames": names(options.frames), **scores, "text": text}
