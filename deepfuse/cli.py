"""The command `deepfuse`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError, ModelError

if TYPE_CHECKING:
    from deepfuse.alignment import Alignment
    from deepfuse.color import Image

BAD_INPUT, MODEL_REFUSED = 4, 5
SMALLEST_SCORED_PX = 41  # below it, no window fits the smallest scale of MEF-SSIM
PHOTOS = "RAW, TIFF, PNG or JPEG"
HELP_OUTPUT = ".tif or .png in the frames' own depth, or .jpg; an existing file is kept unless --force is given"
HELP_MODEL = "a model folder, or models:/NAME@ALIAS in MLflow (default: the shipped weights)"
EPILOG = "exit codes: 0 done, 2 wrong usage, 4 bad input, 5 model refused"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch's threads must not spin where other programs run
    try:
        record: dict[str, Any] = options.run(options)
    except ModelError as error:
        return _fail(error, MODEL_REFUSED)
    except (DeepfuseError, OSError, ValueError, TypeError) as error:
        return _fail(error, BAD_INPUT)
    text = record.pop("text")
    print(json.dumps(record, indent=2, ensure_ascii=False) if options.json else text)
    return 0


def _fail(error: Exception, code: int) -> int:
    print(f"deepfuse: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deepfuse", description="Fuse brackets of exposures into one picture.")
    parser.add_argument("--version", action="version", version=f"deepfuse {version('deepfuse')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    fuse = commands.add_parser("fuse", help="fuse the frames of one scene", epilog=EPILOG)
    fuse.add_argument("frames", nargs="+", type=Path, metavar="FRAME", help=f"two or more exposures: {PHOTOS}")
    fuse.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=HELP_OUTPUT)
    fuse.add_argument("--model", metavar="MODEL", help=HELP_MODEL)
    fuse.add_argument("--no-align", action="store_true", help="take the frames as aligned already")
    fuse.add_argument("-f", "--force", action="store_true", help="overwrite OUT")
    fuse.set_defaults(run=_fuse)
    score = commands.add_parser("score", help="MEF-SSIM and other measures of a fused picture", epilog=EPILOG)
    score.add_argument("fused", type=Path, metavar="FUSED", help=f"the fused picture: {PHOTOS}")
    score.add_argument("frames", nargs="+", type=Path, metavar="FRAME", help="the aligned exposures it was made of")
    score.set_defaults(run=_score)
    for command in (fuse, score):
        command.add_argument("--json", action="store_true", help="print a record in JSON")
    return parser


def _fuse(options: argparse.Namespace) -> dict[str, Any]:
    from deepfuse.fusion import fuse
    from deepfuse.mef_ssim import mef_ssim
    from deepfuse.photo import check_output, read_photos, write_photo
    from deepfuse.registry import load_model

    _check_count(options.frames)
    check_output(options.output, sources=options.frames, overwrite=options.force)
    model = load_model(options.model)
    frames = read_photos(options.frames)
    record: dict[str, Any] = {"output": printable(str(options.output)), "frames": _names(options.frames)}
    if not options.no_align:
        alignment = _align(frames)
        frames = list(alignment.frames)
        record["alignment"] = alignment.record()
    fused = fuse(frames, model=model)
    height, width, _ = fused.shape
    record |= {"model": options.model or "shipped", "width": width, "height": height, "dtype": str(fused.dtype)}
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


def _score(options: argparse.Namespace) -> dict[str, Any]:
    from deepfuse.evaluation import score
    from deepfuse.photo import read_photo, read_photos
    from deepfuse.report import MEANINGS

    _check_count(options.frames)
    frames, fused = read_photos(options.frames), read_photo(options.fused)
    scores = asdict(score(frames, fused))
    text = "\n".join(f"{name:22}{value:8.4f}  {MEANINGS[name]}" for name, value in scores.items())
    return {"fused": printable(str(options.fused)), "frames": _names(options.frames), **scores, "text": text}


def _names(paths: list[Path]) -> list[str]:
    return [printable(str(path)) for path in paths]


def _check_count(frames: list[Path]) -> None:
    if len(frames) < 2:
        raise ValueError(f"expected 2 or more exposures, got 1 ({frames[0]})")


if __name__ == "__main__":
    sys.exit(main())
