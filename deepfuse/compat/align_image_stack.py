"""align_image_stack by our means: `deepfuse-align-image-stack`, or `python -m deepfuse.compat.align_image_stack`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deepfuse import __version__
from deepfuse.bracket import printable
from deepfuse.compat import program
from deepfuse.compat.program import add_noted, check_count, code_of, said, say_noted
from deepfuse.terminal import Parser

if TYPE_CHECKING:
    from deepfuse.alignment import Alignment
    from deepfuse.photo import Picture

USAGE = f"""align_image_stack: lay exposures of one scene on each other
align_image_stack version 2022.0.0 (deepfuse {__version__})

This is deepfuse in the place of Hugin's align_image_stack:
  deepfuse-align-image-stack [options] -a PREFIX INPUT INPUT...
  -a PREFIX         write PREFIX0000.tif and so on, in the order of the inputs, transparent where one shows nothing
  -C                crop to what all inputs show; else the whole input that the others are laid on is kept
  --dont-remap-ref  do not write that input
  -v                say how each input moved
  -h                this text
Other options of Hugin's are taken; projects (-p), radiance maps (-o), pairs for stereo (-S -A -P) are not made."""
_FLAGS = "-e -m -d -i -x -y -z -l --distortion --use-given-order --align-to-first --gpu".split()
_VALUED = "-t --corr -f -c -s -g".split()
_REFUSED = {
    "-o": "a radiance map, which is not made here",
    "-S": "pairs for stereo, which are not aligned here",
    "-A": "pairs for stereo, which are not aligned here",
    "-P": "pairs for stereo, which are not aligned here",
}
_VALUED_REFUSED = ("-o",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Align as a command line of align_image_stack asks; returns the exit code, which is that of `deepfuse`."""
    return code_of(lambda: _work(parser().parse_intermixed_args(arguments)))


def run() -> NoReturn:
    """The program."""
    program.run(main)


def parser() -> Parser:
    """The options; those that change nothing are taken and noted."""
    made = Parser(
        prog="deepfuse-align-image-stack", usage="%(prog)s [options] -a PREFIX INPUT INPUT...", add_help=False
    )
    made.set_defaults(noted=[])
    made.add_argument("-h", action="version", version=USAGE)
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.add_argument("files", nargs="*", type=Path)
    made.add_argument("-a", dest="prefix")
    made.add_argument("-C", dest="cropped", action="store_true")
    made.add_argument("-v", dest="verbose", action="count", default=0)
    made.add_argument("--dont-remap-ref", action="store_true")
    made.add_argument("-p", dest="project")
    for name in _REFUSED:
        action = "store" if name in _VALUED_REFUSED else "store_true"
        made.add_argument(name, dest=f"refused{name}", action=action)
    for name in _FLAGS:
        add_noted(made, name)
    for name in _VALUED:
        add_noted(made, name, value="X")
    return made


def _work(options: argparse.Namespace) -> None:
    """Read, align, write."""
    from deepfuse.job.checks import check_distinct
    from deepfuse.photo import check_output

    _check_wanted(options)
    check_count(options.files, 2)
    say_noted([*options.noted, *(["-p"] if options.project else [])])
    check_distinct(options.files)
    outputs = [Path(f"{options.prefix}{index:04d}.tif") for index in range(len(options.files))]
    for output in outputs:
        check_output(output, sources=options.files, overwrite=True)
    _write(outputs, *_aligned(options), options)


def _check_wanted(options: argparse.Namespace) -> None:
    for name, what in _REFUSED.items():
        if getattr(options, f"refused{name}"):
            raise ValueError(f"{name}: expected aligned frames to be asked for, got {what}")
    if options.prefix is None:
        raise ValueError("expected -a PREFIX, under which the aligned frames are written, got none")


def _aligned(options: argparse.Namespace) -> tuple[Alignment, list[Picture]]:
    from deepfuse.alignment import AlignmentError, align
    from deepfuse.photo import read_frames

    pictures = read_frames(options.files)
    frames, valid = [picture.pixels for picture in pictures], [picture.valid for picture in pictures]
    try:
        return align(frames, valid=valid, crop="common" if options.cropped else "none"), pictures
    except AlignmentError as error:
        raise error.named([printable(file.name) for file in options.files]) from error


def _write(
    outputs: Sequence[Path], result: Alignment, pictures: Sequence[Picture], options: argparse.Namespace
) -> None:
    """Write the frames, of which each has an alpha as who calls expects."""
    import numpy as np

    from deepfuse.job.aligned import write_aligned

    for index, (output, picture) in enumerate(zip(outputs, pictures, strict=True)):
        said(*(f"warning: {warning}" for warning in picture.warnings))
        if index == result.reference and options.dont_remap_ref:
            continue
        frame, valid = result.frames[index], result.valid[index]
        shown = np.ones(frame.shape[:2], np.uint8) if valid is None else valid
        lost = write_aligned(output, frame, shown, picture.metadata, name=options.files[index].name)
        said(*(f"warning: {warning}" for warning in lost))
        if options.verbose:
            said(_moved(index, result, options.files))


def _moved(index: int, result: Alignment, files: Sequence[Path]) -> str:
    found = result.evidence[index]
    name, target = (printable(files[frame].name) for frame in (index, found.registered_to))
    return f"{name}: moved by {found.shift_px:.1f} px against {target} ({found.method}, {found.inliers} matches)"


if __name__ == "__main__":
    run()
