"""`deepfuse fuse`: the frames of one scene to one picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.cli.options import PHOTOS, Commands, add_command, add_fusing, check_count, fuse_options, names

DESCRIPTION = """Fuse the exposures of one scene into one picture. Frames are developed alike, laid on each other and
cropped to what all of them show; what moved is taken from one of them. The picture is sRGB with its profile, upright,
and carries the camera, lens, place and date of the frame the others were laid on."""
HELP_OUTPUT = ".tif (8, 16 bits or float), .png (8 or 16) or .jpg (8); an existing file is kept unless --force is given"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "fuse", run, help="fuse the frames of one scene")
    command.description = DESCRIPTION
    command.add_argument("frames", nargs="+", type=Path, metavar="FRAME", help=f"two or more exposures: {PHOTOS}")
    command.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=HELP_OUTPUT)
    add_fusing(command)
    command.add_argument("-f", "--force", action="store_true", help="overwrite OUT and masks")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Read, align, fuse, write."""
    from deepfuse.alignment import AlignmentError
    from deepfuse.fuse_files import fuse_files, mask_files
    from deepfuse.photo import check_output, write_photo
    from deepfuse.registry import load_model

    check_count(options.frames)
    wanted, output = fuse_options(options, score=options.json), options.output
    check_output(output, sources=options.frames, overwrite=options.force, depth=wanted.depth)
    masks = mask_files(output, options.frames, wanted)
    for path in masks:
        check_output(path, sources=[output, *options.frames], overwrite=options.force)
    model = load_model(options.model)
    try:
        fused = fuse_files(options.frames, model, wanted, suffix=output.suffix)
    except AlignmentError as error:
        raise AlignmentError(f"{error}; --no-align takes the frames as they are", error.evidence) from error
    for path, mask in zip(masks, fused.masks, strict=True):
        write_photo(path, mask, encoding=wanted.encoding)
    write_photo(output, fused.pixels, encoding=wanted.encoding, embedded=fused.embedded)
    record: dict[str, Any] = {"output": printable(str(output)), "frames": names(options.frames)}
    record |= {"masks": names([*masks])} if masks else {}
    record |= {"model": options.model or "shipped", **fused.record}
    size = f"{record['width']}×{record['height']}, {record['depth']}, {len(options.frames)} exposures"
    warnings = [f"    warning: {warning}" for warning in record["warnings"]]
    return {**record, "text": "\n".join([f"{record['output']}: {size}", *warnings])}
