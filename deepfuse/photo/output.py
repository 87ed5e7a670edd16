"""What is refused of an output before any work is done for it, and which file is written under its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from deepfuse.bracket import printable
from deepfuse.errors import PhotoError
from deepfuse.photo.encoding import ARE_JPEG, ENCODERS, Encoding
from deepfuse.photo.header import Depth

JPEG_SIDE_PX = 65_500  # libjpeg's JPEG_MAX_DIMENSION
_LEAST_PACKED, _LEAST_JPEG = 1 / 8, 1 / 100  # of the bytes of the pixels: smaller than files of photos get
_TIFF = (".tif", ".tiff")
_DEEPEST: dict[str, tuple[Depth, ...]] = {".jpg": ("8-bit",), ".jpeg": ("8-bit",), ".png": ("8-bit", "16-bit")}


def check_output(
    path: Path,
    *,
    sources: Sequence[Path],
    overwrite: bool,
    depth: Depth | None = None,
    suffixes: Sequence[str] = tuple(ENCODERS),
) -> None:
    """Refuse an output before any work is done for it; `suffixes` are those that its file may have.

    Raises:
        PhotoError: its suffix is none that can be written or that holds `depth`, its folder is missing or cannot be
            written into, it is one of the sources or no file, or it exists and `overwrite` is false.
    """
    name = printable(str(path))
    if path.suffix.lower() not in suffixes:
        got = "a folder" if path.is_dir() else f"'{path.suffix}'" if path.suffix else "no suffix"
        raise PhotoError(f"{name}: expected an output of {', '.join(suffixes)}, got {got}")
    with _naming(path):
        check_depth(path.suffix, depth)
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        raise PhotoError(f"{name}: expected an output other than the frames, got one of them")
    if path.exists() and not path.is_file():
        raise PhotoError(f"{name}: expected a file to write, got {'a folder' if path.is_dir() else 'something else'}")
    if os.path.lexists(path) and not overwrite:
        there = "exists already" if path.exists() else "is a link to nothing"
        raise PhotoError(f"{name}: {there}; it is not overwritten without --force")
    folder = written_file(path).parent
    if not folder.is_dir():
        raise PhotoError(f"{name}: expected a folder to write into, got nothing at {printable(str(folder))}")
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Make sure that files can be written into a folder, or into the one that is there of those in which it is made.

    Raises:
        PhotoError: it is no folder, or read-only.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        got = "a file" if there.is_file() else "something else"
        raise PhotoError(f"{printable(str(folder))}: expected a folder, got {got} at {printable(str(there))}")
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise PhotoError(f"{printable(str(there))}: cannot be written into: {error.strerror or error}") from error


def written_file(path: Path) -> Path:
    """The file that is written under a name: where it is a link, what that leads to, and the link stays.

    Raises:
        PhotoError: the link leads to itself.
    """
    try:
        return path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError) as error:
        raise PhotoError(f"{printable(str(path))}: expected a file, got a link that leads to itself") from error


def check_room(path: Path, width: int, height: int, depth: Depth, encoding: Encoding) -> None:
    """Refuse a picture that its format cannot hold, or for which the disk has not even the least that it can need.

    Args:
        path: where it goes, in a folder that is there.
        width: in pixels.
        height: in pixels.
        depth: of the pixels, which the format holds.
        encoding: how they are compressed.

    Raises:
        PhotoError: it is too wide or high for its format, or too large for the disk.
    """
    with _naming(path):
        check_sides(path.suffix, width, height)
    folder = written_file(path).parent
    need, free = least_bytes(path.suffix, width, height, depth, encoding), shutil.disk_usage(folder).free
    if free < need:
        sizes = f"{need / 1e6:.0f} MB or more free for {width}×{height} pixels, got {free / 1e6:.0f} MB"
        raise PhotoError(f"{printable(str(folder))}: expected {sizes}")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors with the name of the file that they are about."""
    try:
        yield
    except PhotoError as error:
        raise PhotoError(f"{printable(str(path))}: {error}") from error


def check_depth(suffix: str, depth: Depth | None) -> None:
    """Refuse a depth that files of this suffix cannot hold; `None` asks for none.

    Raises:
        PhotoError: it is deeper.
    """
    if depth and (held := written_depth(suffix, depth)) != depth:
        raise PhotoError(f"expected a depth up to {held} for '{suffix}', got {depth}")


def written_depth(suffix: str, depth: Depth) -> Depth:
    """The depth that a file of this suffix holds of pixels of another one."""
    held = _DEEPEST.get(suffix.lower(), (depth,))
    return depth if depth in held else held[-1]


def check_sides(suffix: str, width: int, height: int) -> None:
    """Refuse a picture of more pixels a side than files of this suffix hold.

    Raises:
        PhotoError: it has.
    """
    if suffix.lower() in ARE_JPEG and max(width, height) > JPEG_SIDE_PX:
        most = f"at most {JPEG_SIDE_PX} pixels a side for '{suffix}'"
        raise PhotoError(f"expected {most}, got {width}×{height}; .tif and .png hold more")


def least_bytes(suffix: str, width: int, height: int, depth: Depth, encoding: Encoding) -> int:
    """The least that a file of a photo can need on disk."""
    samples = width * height * 3
    if suffix.lower() in ARE_JPEG:
        return int(samples * _LEAST_JPEG)
    packed = encoding.compression != "none" if suffix.lower() in _TIFF else encoding.png_level > 0
    return int(samples * {"8-bit": 1, "16-bit": 2, "float": 4}[depth] * (_LEAST_PACKED if packed else 1))
