"""What is refused of a bracket and its picture before anything is decoded."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from deepfuse.job.options import FuseOptions
from deepfuse.photo import Header, check_file, check_room, written_depth


def check_distinct(files: Sequence[Path]) -> None:
    """Make sure that no photo is there twice: as the same file, a link to it, or a copy.

    Fused as another exposure, it would count double.

    Raises:
        PhotoError: something is no file.
        BracketError: a photo is there twice.
    """
    for file in files:
        check_file(file)
    for one, other in combinations(files, 2):
        if one.samefile(other) or filecmp.cmp(one, other, shallow=False):
            what = "the same file" if one.samefile(other) else "a copy of it"
            raise BracketError(
                f"{printable(str(one))}: expected other exposures beside it, got {what} ({printable(str(other))})"
            )


def check_picture_fits(header: Header, output: Path, options: FuseOptions) -> None:
    """Make sure that the format and the disk have room for a picture of the frames' size.

    Raises:
        PhotoError: they have not.
    """
    depth = written_depth(output.suffix, options.depth or header.depth)
    check_room(output, header.width, header.height, depth, options.encoding)
