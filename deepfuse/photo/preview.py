"""A small picture of a photo, as cheaply as its format allows: to compare, not to look at."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import rawpy
from numpy.typing import NDArray

from deepfuse.bracket import printable
from deepfuse.color import to_float
from deepfuse.errors import PhotoError
from deepfuse.metadata.exif import read_exif
from deepfuse.metadata.jpeg import Jpeg
from deepfuse.metadata.tiff import integer, text
from deepfuse.photo.deep_jpeg import frame_header
from deepfuse.photo.extents import check_extents
from deepfuse.photo.kinds import kind_of
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits, check_file, check_size
from deepfuse.photo.opening import open_photo
from deepfuse.photo.profiles import NO_PROFILE
from deepfuse.photo.raw import Development, open_raw
from deepfuse.proxy import averaged, size_within

Preview = NDArray[np.float32]
Check = Callable[[int, int], None]
"""Refuses a picture by its width and height."""

_CHANGED, _TAKEN = 0x0132, 0x9003  # EXIF DateTime and DateTimeOriginal
_JPEG_OFFSET, _JPEG_BYTES = 0x0201, 0x0202  # EXIF JPEGInterchangeFormat and its length
_SAME_SHAPE = 0.02  # of the aspect ratio; many cameras letterbox their thumbnails into 4:3
_AS_STORED = Development(orientation=1)
_RAW_JPEG_PX = 256  # the JPEG in a RAW file is decoded no smaller than this


def read_preview(path: Path, side_px: int, *, limits: Limits = DEFAULT_LIMITS) -> Preview:
    """A photo at most `side_px` on its longer side, not turned upright.

    Of a JPEG it is the thumbnail that the camera put in, or the picture decoded at the nearest scale above; of a RAW
    the JPEG in it, or the picture at half size where it has none.

    Returns:
        (h, w, 3), sRGB-encoded, 0 to 1.

    Raises:
        PhotoError: the photo cannot be decoded.
    """
    check_file(path, limits)
    try:
        with path.open("rb") as file:
            kind = kind_of(path, file)
            frame = frame_header(file) if kind == "JPEG" else None
            file.seek(0)
            if kind == "RAW":
                return _raw(path, file, side_px, partial(check_size, path, limits=limits))
            if kind == "JPEG" and not (frame and frame.deep):
                return _jpeg(file, side_px, partial(check_size, path, limits=limits))
    except (PhotoError, MemoryError):
        raise
    except Exception as error:  # decoders raise their own kinds on damage
        raise PhotoError(f"{printable(str(path))}: cannot be decoded: {error}") from error
    with open_photo(path, limits) as photo:
        picture = to_float(photo.decode(_AS_STORED, NO_PROFILE).pixels)
    return averaged(picture, size_within(picture.shape[1], picture.shape[0], side_px))


def _jpeg(file: BinaryIO, side_px: int, check: Check) -> Preview:
    with Jpeg(file) as image:
        check(*image.size)
        size = size_within(*image.size, side_px)
        if (thumbnail := _thumbnail(image)) is not None:
            return averaged(thumbnail, size)
        return averaged(_draft(image, side_px), size)


def _thumbnail(image: Jpeg) -> Preview | None:
    """The thumbnail in EXIF, if the camera made it with the picture: programs that edit one may leave the other."""
    try:
        block = io.BytesIO(image.exif_block)
        exif = read_exif(block)
        if text(exif.image, _CHANGED) != text(exif.photo, _TAKEN):
            return None
        block.seek(integer(exif.thumbnail, _JPEG_OFFSET) or 0)
        data = block.read(integer(exif.thumbnail, _JPEG_BYTES) or 0)
        with Jpeg(io.BytesIO(data)) as small:
            ratio = (small.width * image.height) / (small.height * image.width)
            return _floats(small) if abs(ratio - 1) < _SAME_SHAPE and small.width <= image.width else None
    except Exception:  # EXIF is written by anyone, and the picture itself is still there
        return None


def _draft(image: Jpeg, side_px: int) -> Preview:
    image.draft("RGB", (side_px, side_px))
    return _floats(image)


def _raw(path: Path, file: BinaryIO, side_px: int, check: Check) -> Preview:
    check_extents(path, file)
    with open_raw(path, file) as raw:
        sizes = raw.handle.sizes
        check(sizes.raw_width, sizes.raw_height)
        picture = _jpeg_in_raw(raw.header, check)
        if picture is None:
            pixels = raw.handle.postprocess(
                half_size=True, use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, user_flip=0
            )
            colours = pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)  # a sensor without colours
            picture = np.asarray(colours, np.float32) / np.float32(255)
    return averaged(picture, size_within(picture.shape[1], picture.shape[0], side_px))


def _jpeg_in_raw(raw: rawpy.RawPy, check: Check) -> Preview | None:
    try:
        thumbnail = raw.extract_thumb()
        if thumbnail.format != rawpy.ThumbFormat.JPEG:
            return None
        with Jpeg(io.BytesIO(bytes(thumbnail.data))) as image:
            check(*image.size)
            return _draft(image, _RAW_JPEG_PX)
    except (rawpy.LibRawError, OSError, SyntaxError, PhotoError):  # the picture itself may still be whole
        return None


def _floats(image: Jpeg) -> Preview:
    return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
