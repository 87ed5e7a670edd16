"""Pixels to TIFF, PNG and JPEG files."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image as PillowImage

from deepfuse.atomic import replacing
from deepfuse.color import Image, from_float, to_float
from deepfuse.errors import PhotoError

JPEG_QUALITY = 95
FRAME_LEVEL = 1  # of zstd


def check_output(path: Path, *, sources: Sequence[Path], overwrite: bool) -> None:
    """Refuse an output before any work is done for it.

    Raises:
        PhotoError: its suffix is none that can be written, its folder is missing, it is one of the sources, or it
            exists and `overwrite` is false.
    """
    if path.suffix.lower() not in ENCODERS:
        raise PhotoError(f"{path}: expected an output of {', '.join(ENCODERS)}, got '{path.suffix}'")
    if not path.parent.is_dir():
        raise PhotoError(f"{path}: expected a folder to write into, got nothing at {path.parent}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        raise PhotoError(f"{path}: expected an output other than the frames, got one of them")
    if path.exists() and not overwrite:
        raise PhotoError(f"{path}: exists already; it is not overwritten")


def write_photo(path: str | Path, image: Image) -> None:
    """Write pixels under their final name only when they are complete.

    Args:
        path: `.tif`, `.tiff` (any depth, deflate), `.png` (8 or 16 bits; float as 16) or `.jpg` (8 bits).
        image: (H, W, 3), sRGB-encoded, uint8, uint16 or float32 from 0 to 1.

    Raises:
        PhotoError: another suffix, or no folder to write into.
        OSError: the file cannot be written.
    """
    path = Path(path)
    check_output(path, sources=(), overwrite=True)
    _write(path, ENCODERS[path.suffix.lower()](image))


def write_frame(path: Path, image: Image) -> None:
    """Write a frame that stays in the pipeline, as TIFF with zstd: fewer viewers open it than deflate.

    On a noisy frame of 12 megapixels and 16 bits it takes a fifth of deflate's time, and no more room.

    Raises:
        OSError: the file cannot be written.
    """
    _write(path, _encode_tiff(image, compression="zstd", level=FRAME_LEVEL))


def _write(path: Path, data: bytes | memoryview) -> None:
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise OSError(f"{path}: cannot be written: {error.strerror or error}") from error


def _encode_tiff(image: Image, compression: str = "deflate", level: int = 6) -> memoryview:
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, image, photometric="rgb", compression=compression, compressionargs={"level": level}, predictor=True,
        metadata=None,
    )  # fmt: skip
    return buffer.getbuffer()


def _encode_png(image: Image) -> bytes:
    if image.dtype == np.float32:
        image = from_float(image, np.dtype(np.uint16))
    return bytes(imagecodecs.png_encode(image))


def _encode_jpeg(image: Image) -> bytes:
    buffer = io.BytesIO()
    image = image if image.dtype == np.uint8 else from_float(to_float(image), np.dtype(np.uint8))
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


ENCODERS: dict[str, Callable[[Image], bytes | memoryview]] = {
    ".tif": _encode_tiff, ".tiff": _encode_tiff, ".png": _encode_png, ".jpg": _encode_jpeg, ".jpeg": _encode_jpeg,
}  # fmt: skip
