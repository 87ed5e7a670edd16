"""`deepfuse fuse`: the frames of one scene to one picture."""

from __future__ import annotations

import argparse
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.cli import light
from deepfuse.cli.folder import bracket_in, check_named, default_output, with_found
from deepfuse.cli.options import (
    PHOTOS,
    Commands,
    add_command,
    add_fusing,
    check_count,
    fuse_options,
    names,
    some_path,
)
from deepfuse.cli.refusal import with_advice
from deepfuse.heap import look_for_cycles_seldom

if TYPE_CHECKING:
    from deepfuse.job.options import FuseOptions
    from deepfuse.job.prepare import Prepared
    from deepfuse.job.record import PictureRecord

DESCRIPTION = """Fuse the exposures of one scene into one picture. Frames are developed alike, laid on each other and
cropped to what all of them show, or as --crop says; what moved is shown as in one of them. The picture is in the
frames' own colour space where they share one, else in sRGB, with the profile, upright, and carries the camera, lens,
place and date of the frame the others were laid on. A folder in place of the frames stands for the one bracket in it,
as `brackets` finds it; `batch` fuses the sets of a folder that holds several."""
USAGE = "%(prog)s FRAME FRAME [FRAME ...] [-o OUT] [options]\n       %(prog)s DIR [-o OUT] [options]"
HELP_FRAMES = f"two or more exposures: {PHOTOS}; or one folder with them"
HELP_OUTPUT = (
    ".tif (8, 16 bits or float), .png (8 or 16) or .jpg (8); .exr, .hdr or .dng for the light of the scene in place of "
    "a picture; an existing file is kept unless --force is given (default: FIRST_fused beside the first frame, of the "
    "frames' own kind where that is JPEG or PNG, else .tif; .jpg with --hdr)"
)
HELP_HDR = (
    "with room for highlights beyond white: .jpg as Ultra HDR (ISO 21496-1), which shows the same picture where no "
    "program knows of that, or .avif of 10 bits (PQ); in sRGB"
)
HELP_RADIANCE = (
    "write the light of the scene too, linear, in the primaries of sRGB: .exr, .tif (float), .hdr, or .dng, which raw "
    "developers open; sound of RAW, of other files as far as their curve is that of sRGB"
)


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "fuse", run, help="fuse the frames of one scene")
    command.usage, command.description = USAGE, DESCRIPTION
    command.add_argument("frames", nargs="+", type=some_path, metavar="FRAME", help=HELP_FRAMES)
    command.add_argument("-o", "--output", type=some_path, metavar="OUT", help=HELP_OUTPUT)
    command.add_argument("--hdr", action="store_true", help=HELP_HDR)
    command.add_argument("--radiance", type=some_path, metavar="FILE", help=HELP_RADIANCE)
    add_fusing(command)
    command.add_argument("-f", "--force", action="store_true", help="overwrite OUT and masks")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Find the frames and a name where they are not said, then read, align, fuse, write."""
    found = bracket_in(options.frames[0]) if len(options.frames) == 1 and options.frames[0].is_dir() else None
    options.frames = list(found.files) if found else options.frames
    check_named(options.frames)
    check_count(options.frames)
    chosen = fuse_options(options, score=options.json)
    if options.output is None:
        options.output = default_output(options.frames, depth=chosen.depth, hdr=options.hdr)
    record = _made(options, light.wanted(options, chosen))
    return with_found(record, found) if found else record


def _made(options: argparse.Namespace, wanted: FuseOptions) -> dict[str, Any]:
    from deepfuse.job.masks import mask_files
    from deepfuse.job.prepare import prepare
    from deepfuse.photo import check_output

    light.check(options, wanted)
    masks = mask_files(options.output, options.frames, wanted)
    for path in masks:
        check_output(path, sources=[options.output, *options.frames], overwrite=options.force)
    alone = light.alone(options)
    pool = options.beside or ThreadPoolExecutor(1)  # prepares while torch is imported
    try:
        bracket = pool.submit(prepare, options.frames, wanted, None if alone else options.output)
        if alone:
            record = light.write_alone(options, _prepared(options, bracket))
        else:
            record = _fuse(options, wanted, bracket, masks)
    except BaseException:
        pool.shutdown(wait=False)  # a refused model or Ctrl-C does not wait for frames that nobody wants any more
        raise
    pool.shutdown(wait=True)  # its thread is at its end, and else might not quite be there when the program leaves
    return record


def _prepared(options: argparse.Namespace, bracket: Future[Prepared]) -> Prepared:
    from deepfuse.alignment import AlignmentError

    try:
        return bracket.result()
    except AlignmentError as error:
        raise with_advice(error, options.frames, options.if_unaligned, skippable=True) from error


def _fuse(
    options: argparse.Namespace, wanted: FuseOptions, bracket: Future[Prepared], masks: tuple[Path, ...]
) -> dict[str, Any]:
    look_for_cycles_seldom()  # among the objects of torch, as they load, they are a tenth of the time
    from deepfuse.job.fuse import fuse_prepared
    from deepfuse.job.record import UsedModel
    from deepfuse.model import read_with_sha256
    from deepfuse.photo import write_photo
    from deepfuse.registry import model_folder

    output = options.output
    with model_folder(options.model) as found:
        model, sha256 = read_with_sha256(found.folder)
    prepared = _prepared(options, bracket)
    fused = fuse_prepared(prepared, model, wanted, suffix=output.suffix, used=UsedModel(found.name, sha256))
    told = light.write_beside(options, wanted, prepared, fused)
    if not options.hdr:
        write_photo(output, fused.pixels, encoding=wanted.encoding, embedded=fused.embedded, shown=fused.shown)
    for path, mask in zip(masks, fused.masks, strict=True):
        write_photo(path, mask, encoding=wanted.encoding)
    record: dict[str, Any] = {"output": printable(str(output)), "frames": names(options.frames)}
    record |= {"masks": names([*masks])} if masks else {}
    said = [f"warning: {warning}" for warning in prepared.unaligned]
    text = "\n".join([_text(record["output"], prepared, fused.record, told.get("depth")), *light.lines(told)])
    return {**record, **fused.record.as_json(), **told, "text": text, "said": said}


def _text(output: str, bracket: Prepared, record: PictureRecord, depth: str | None) -> str:
    frames = len(bracket.files)
    lines = [f"{output}: {record.width_px}×{record.height_px}, {depth or record.depth}, {frames} exposures"]
    moved = record.deghosting.share if record.deghosting else 0
    share = f"{moved:.1%}" if moved >= 0.001 else "less than 0.1%"
    if record.deghosting and moved:
        lines += [f"    {share} of the picture moved and is shown as in {record.frames[record.deghosting.reference]}"]
    others = [warning for warning in record.warnings if warning not in bracket.unaligned]
    return "\n".join([*lines, *(f"    warning: {warning}" for warning in others)])
