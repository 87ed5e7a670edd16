"""What is refused of a bracket and its picture before anything is decoded."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from deepfuse.grouping.formats import format_named, one_photo
from deepfuse.grouping.shots import Shot
from deepfuse.grouping.similarity import Album
from deepfuse.job.options import FuseOptions
from deepfuse.photo import Header, check_file, check_room, written_depth
from deepfuse.photo.capture import read_capture
from deepfuse.photo.preview import read_preview


def check_distinct(files: Sequence[Path]) -> None:
    """Make sure that no photo is there twice: as the same file, a link to it, a copy, or in another format.

    Fused as another exposure, it would count double.

    Raises:
        PhotoError: something is no file, or one of two files of one name and different formats cannot be read.
        BracketError: a photo is there twice.
    """
    for file in files:
        check_file(file)
    album = Album(read_preview)
    for one, other in combinations(files, 2):
        if one.samefile(other) or filecmp.cmp(one, other, shallow=False):
            what = "the same file" if one.samefile(other) else "a copy of it"
            raise BracketError(
                f"{printable(str(one))}: expected other exposures beside it, got {what} ({printable(str(other))})"
            )
        if _one_name(one, other) and one_photo(Shot(other, read_capture(other)), [Shot(one, read_capture(one))], album):
            raise BracketError(
                f"{printable(str(one))}: expected other exposures beside it, got the same photo in another format "
                f"({printable(str(other))}): take one of them"
            )


def _one_name(one: Path, other: Path) -> bool:
    """Whether files lie beside each other under one name, in different formats."""
    alike = one.parent == other.parent and one.stem.lower() == other.stem.lower()
    return alike and format_named(one) != format_named(other)


def check_picture_fits(header: Header, output: Path, options: FuseOptions) -> None:
    """Make sure that the format and the disk have room for a picture of the frames' size.

    Raises:
        PhotoError: they have not.
    """
    depth = written_depth(output.suffix, options.depth or header.depth)
    check_room(output, header.width, header.height, depth, options.encoding)
