"""Pixels to TIFF, PNG and JPEG files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from deepfuse.bracket import printable
from deepfuse.color import Image, Mask, as_uint16, from_float, to_float
from deepfuse.files import replacing
from deepfuse.metadata.embedded import NOTHING, Embedded
from deepfuse.photo.encoding import DEFAULT_ENCODING, ENCODERS, HAVE_ALPHA, Encoding, with_alpha
from deepfuse.photo.header import Depth
from deepfuse.photo.output import check_output, check_sides, written_file

_CONVERSIONS: dict[Depth, Callable[[Image], Image]] = {
    "8-bit": lambda image: image if image.dtype == np.uint8 else from_float(to_float(image), np.dtype(np.uint8)),
    "16-bit": as_uint16,
    "float": to_float,
}


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
        PhotoError: another suffix, no folder to write into, or a picture too large for the format.
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
    """The bytes of a file of the path's suffix, with an alpha where not all is shown and the format has one.

    Raises:
        PhotoError: the format does not hold so many pixels a side.
    """
    check_sides(path.suffix, image.shape[1], image.shape[0])
    if shown is not None and holds_alpha(path.suffix):
        image = with_alpha(image, shown)
    return ENCODERS[path.suffix.lower()](image, encoding, embedded)


def _write(path: Path, data: bytes | bytearray) -> None:
    try:
        with replacing(written_file(path)) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise OSError(f"{printable(str(path))}: cannot be written: {error.strerror or error}") from error
