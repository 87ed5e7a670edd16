"""Photo files that are parts of a larger picture, such as Hugin's → frames that can be fused, without aligning them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deepfuse.alignment import lay_placed
from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from deepfuse.job.clock import Clock
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import LaidFrames, Prepared, middle, prepared_of
from deepfuse.photo import DEFAULT_LIMITS, Picture, Rendering, check_room, read_frames, written_depth
from deepfuse.photo.limits import check_size

Canvas = tuple[int, int, int, int]
"""x, y, width and height in pixels of the larger picture."""


def prepare_placed(
    files: Sequence[Path], options: FuseOptions, output: Path, canvas: Canvas | None = None
) -> tuple[Prepared, Canvas]:
    """Lay frames where their files say that they belong, fill what one does not show, and remove ghosts.

    Args:
        files: one or more, of any size, transparent where they show nothing.
        options: what the user chose; the frames are taken where they are.
        output: where the picture goes.
        canvas: the part that is wanted; the smallest that holds all frames if `None`.

    Returns:
        The frames, and the part that they are.

    Raises:
        PhotoError: a frame cannot be read, or the picture is too large.
        BracketError: the frames cannot be one bracket, or one has nothing on the canvas.
    """
    clock = Clock()
    pictures = read_frames(
        files, options.depth, Rendering(options.white_balance, options.profile), orientation="as-is", apart=True
    )
    clock.step("read")
    canvas = canvas or _around(pictures)
    check_size(output, *canvas[2:], DEFAULT_LIMITS)
    depth = written_depth(output.suffix, options.depth or pictures[0].header.depth)
    check_room(output, *canvas[2:], depth, options.encoding)
    laid = _laid(files, pictures, canvas)
    return prepared_of(files, pictures, laid, options, clock), canvas


def _laid(files: Sequence[Path], pictures: Sequence[Picture], canvas: Canvas) -> LaidFrames:
    frames, valid = [picture.pixels for picture in pictures], [picture.valid for picture in pictures]
    headers = [picture.header for picture in pictures]
    try:
        found = lay_placed(frames, valid, [header.place for header in headers], box=canvas)
    except ValueError as error:
        raise BracketError(f"{', '.join(printable(file.name) for file in files)}: {error}") from error
    return LaidFrames(found.frames, found.valid, middle(headers), tuple(range(len(files))), None)


def _around(pictures: Sequence[Picture]) -> Canvas:
    headers = [picture.header for picture in pictures]
    left, top = (min(header.place[axis] for header in headers) for axis in (0, 1))
    right = max(header.place[0] + header.width for header in headers)
    bottom = max(header.place[1] + header.height for header in headers)
    return left, top, right - left, bottom - top
