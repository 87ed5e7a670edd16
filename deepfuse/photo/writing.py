"""Pixels to TIFF, PNG and JPEG files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from deepfuse.color import Image, Mask, as_uint16, from_float, to_float
from deepfuse.errors import PhotoError
from deepfuse.files import replacing
from deepfuse.metadata.embedded import NOTHING, Embedded
from deepfuse.photo.encoding import DEFAULT_ENCODING, ENCODERS, HAVE_ALPHA, Encoding, tiff_bytes, with_alpha
from deepfuse.photo.header import Depth

FRAME_LEVEL = 1  # of zstd, its fastest: see `write_frame`
_DEEPEST: dict[str, tuple[Depth, ...]] = {".jpg": ("8-bit",), ".jpeg": ("8-bit",), ".png": ("8-bit", "16-bit")}
_CONVERSIONS: dict[Depth, Callable[[Image], Image]] = {
    "8-bit": lambda image: image if image.dtype == np.uint8 else from_float(to_float(image), np.dtype(np.uint8)),
    "16-bit": as_uint16,
    "float": to_float,
}


def check_output(path: Path, *, sources: Sequence[Path], overwrite: bool, depth: Depth | None = None) -> None:
    """Refuse an output before any work is done for it.

    Raises:
        PhotoError: its suffix is none that can be written or none that holds `depth`, its folder is missing, it is one
            of the sources, or it exists and `overwrite` is false.
    """
    if path.suffix.lower() not in ENCODERS:
        raise PhotoError(f"{path}: expected an output of {', '.join(ENCODERS)}, got '{path.suffix}'")
    check_depth(path.suffix, depth)
    if not path.parent.is_dir():
        raise PhotoError(f"{path}: expected a folder to write into, got nothing at {path.parent}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        raise PhotoError(f"{path}: expected an output other than the frames, got one of them")
    if path.exists() and not overwrite:
        raise PhotoError(f"{path}: exists already; it is not overwritten")


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


def holds_alpha(suffix: str) -> bool:
    """Whether files of this suffix can be transparent."""
    return suffix.lower() in HAVE_ALPHA


def in_depth(image: Image, depth: Depth) -> Image:
    """Pixels of uint8, uint16 or float32 (0 to 1) in another depth."""
    return _CONVERSIONS[depth](image)


def write_photo(
    path: str | Path,
    image: Image,
    *,
    encoding: Encoding = DEFAULT_ENCODING,
    embedded: Embedded = NOTHING,
    shown: Mask | None = None,
) -> None:
    """Write pixels under their final name only when they are complete.

    Args:
        path: `.tif`, `.tiff` (any depth), `.png` (8 or 16 bits; float as 16) or `.jpg` (8 bits).
        image: (H, W, 3), or (H, W) for PNG, sRGB-encoded, uint8, uint16 or float32 from 0 to 1.
        encoding: how it is compressed.
        embedded: metadata and colour profile.
        shown: (H, W) of uint8, 1 where the pixels are picture and 0 where they are to be transparent, which JPEG
            cannot be; all of them are picture if `None`.

    Raises:
        PhotoError: another suffix, or no folder to write into.
        OSError: the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from deepfuse import read_photo, write_photo
    >>> with TemporaryDirectory() as folder:
    ...     write_photo(f"{folder}/half.png", np.full((2, 3, 3), 0.5, np.float32))
    ...     read_photo(f"{folder}/half.png")[0, 0].tolist()
    [32768, 32768, 32768]
    """
    path = Path(path)
    check_output(path, sources=(), overwrite=True)
    _write(path, encoded(path, image, encoding, embedded, shown))


def encoded(
    path: Path, image: Image, encoding: Encoding, embedded: Embedded = NOTHING, shown: Mask | None = None
) -> bytes | bytearray:
    """The bytes of a file of the path's suffix, with an alpha where not all is shown and the format has one."""
    if shown is not None and holds_alpha(path.suffix):
        image = with_alpha(image, shown)
    return ENCODERS[path.suffix.lower()](image, encoding, embedded)


def write_frame(path: Path, image: Image, shown: Mask | None = None) -> None:
    """Write a frame that stays in the pipeline, as TIFF with zstd: fewer viewers open it than deflate.

    It is transparent where `shown` (H, W) is 0.

    On a noisy frame of 12 megapixels and 16 bits it takes a fifth of deflate's time, and no more room.

    Raises:
        OSError: the file cannot be written.
    """
    _write(path, tiff_bytes(image if shown is None else with_alpha(image, shown), "zstd", FRAME_LEVEL))


def _write(path: Path, data: bytes | bytearray) -> None:
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise OSError(f"{path}: cannot be written: {error.strerror or error}") from error
