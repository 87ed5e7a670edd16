"""What is refused before anything is decoded: what is no regular file, and what claims to be too large."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.errors import PhotoError
from deepfuse.files import kind_of_file


@dataclass(frozen=True)
class Limits:
    """The largest frame in megapixels, the largest file in gigabytes (10⁹ bytes), the most frames of a bracket.

    By default above what cameras make in one shot, 150 megapixels, and in one bracket, nine frames. `links` says
    whether links are followed.
    """

    megapixels: float = 250.0
    file_gb: float = 2.0
    frames: int = 15
    links: bool = True

    @classmethod
    def of_data(cls, megapixels: float, file_gb: float, frames: int) -> Limits:
        """Those of what DVC tracks, where a link leads to what no version holds."""
        return cls(megapixels, file_gb, frames, links=False)


DEFAULT_LIMITS = Limits()


def check_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Make sure that a path is a file that may be opened: a named pipe would wait for ever.

    Raises:
        PhotoError: nothing there, no regular file, a link where none counts, or one empty or larger than the limit.
    """
    try:
        found = path.stat(follow_symlinks=limits.links)
    except OSError as error:
        raise PhotoError(f"{printable(str(path))}: cannot be read: {error.strerror}") from error
    if wrong := _fault(found, limits):
        raise PhotoError(f"{printable(str(path))}: {wrong}")


def _fault(found: os.stat_result, limits: Limits) -> str:
    if not stat.S_ISREG(found.st_mode):
        return f"expected a file, got {kind_of_file(found.st_mode)}"
    if not found.st_size:
        return "expected a photo, got an empty file"
    if found.st_size > limits.file_gb * 1e9:
        return f"expected at most {limits.file_gb:g} GB, got {found.st_size / 1e9:.1f} GB"
    return ""


def check_size(path: Path, width: int, height: int, limits: Limits) -> None:
    """Refuse a picture by the size its header claims.

    Raises:
        PhotoError: no pixel, or more than the limit.
    """
    if width < 1 or height < 1:
        raise PhotoError(f"{printable(str(path))}: expected a picture, got {width}×{height} pixels")
    if width * height > limits.megapixels * 1e6:
        limit = f"{limits.megapixels:g} megapixels"
        raise PhotoError(f"{printable(str(path))}: expected at most {limit}, got {width}×{height}")
