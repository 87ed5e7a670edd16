"""A small picture of a photo, as cheaply as its format allows: to compare, not to look at."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import rawpy
from numpy.typing import NDArray

from deepfuse.color import to_float
from deepfuse.errors import PhotoError
from deepfuse.metadata.exif import read_exif
from deepfuse.metadata.jpeg import Jpeg
from deepfuse.metadata.tiff import integer, text
from deepfuse.photo.deep_jpeg import frame_header
from deepfuse.photo.kinds import kind_of
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits
from deepfuse.photo.raw import open_raw
from deepfuse.photo.reading import read_photo
from deepfuse.proxy import averaged, size_within

Preview = NDArray[np.float32]

_CHANGED, _TAKEN = 0x0132, 0x9003  # EXIF DateTime and DateTimeOriginal
_JPEG_OFFSET, _JPEG_BYTES = 0x0201, 0x0202  # EXIF JPEGInterchangeFormat and its length
_SAME_SHAPE = 0.02  # of the aspect ratio; many cameras letterbox their thumbnails into 4:3
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
    try:
        with path.open("rb") as file:
            kind = kind_of(path, file)
            frame = frame_header(file) if kind == "JPEG" else None
            file.seek(0)
            if kind == "RAW":
                return _raw(path, file, side_px)
            if kind == "JPEG" and not (frame and frame.deep):
                return _jpeg(file, side_px)
    except PhotoError:
        raise
    except Exception as error:  # decoders raise their own kinds on damage
        raise PhotoError(f"{path}: cannot be decoded: {error}") from error
    picture = to_float(read_photo(path, limits=limits))
    return averaged(picture, size_within(picture.shape[1], picture.shape[0], side_px))


def _jpeg(file: BinaryIO, side_px: int) -> Preview:
    with Jpeg(file) as image:
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


def _raw(path: Path, file: BinaryIO, side_px: int) -> Preview:
    with open_raw(path, file) as raw:
        picture = _jpeg_in_raw(raw.header)
        if picture is None:
            pixels = raw.handle.postprocess(
                half_size=True, use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0
            )
            colours = pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)  # a sensor without colours
            picture = np.asarray(colours, np.float32) / np.float32(255)
    return averaged(picture, size_within(picture.shape[1], picture.shape[0], side_px))


def _jpeg_in_raw(raw: rawpy.RawPy) -> Preview | None:
    try:
        thumbnail = raw.extract_thumb()
        if thumbnail.format != rawpy.ThumbFormat.JPEG:
            return None
        with Jpeg(io.BytesIO(bytes(thumbnail.data))) as image:
            return _draft(image, _RAW_JPEG_PX)
    except (rawpy.LibRawError, OSError, SyntaxError):  # the picture itself may still be whole
        return None


def _floats(image: Jpeg) -> Preview:
    return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)
