"""A small picture of a photo, as cheaply as its format allows: to compare, not to look at."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import rawpy
from numpy.typing import NDArray
from PIL import Image as PillowImage

from deepfuse.bracket import RAW_SUFFIXES
from deepfuse.color import to_float
from deepfuse.errors import PhotoError
from deepfuse.photo import read_photo

Preview = NDArray[np.float32]


def read_preview(path: Path, side_px: int) -> Preview:
    """A photo at most `side_px` on its longer side, not turned upright.

    A JPEG is decoded at the nearest smaller scale, a RAW through the JPEG in it, or half-size where it has none.

    Returns:
        (h, w, 3), sRGB-encoded, 0 to 1.

    Raises:
        PhotoError: the photo cannot be decoded.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in RAW_SUFFIXES:
            return _small(_raw(path), side_px)
        if suffix in (".jpg", ".jpeg"):
            return _small(_jpeg(path, side_px), side_px)
    except Exception as error:  # decoders raise their own kinds on damage
        raise PhotoError(f"{path}: cannot be decoded: {error}") from error
    return _small(to_float(read_photo(path)), side_px)


def _jpeg(source: Path | io.BytesIO, side_px: int) -> Preview:
    with PillowImage.open(source, formats=["JPEG"]) as image:
        image.draft("RGB", (side_px, side_px))
        return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)


def _raw(path: Path) -> Preview:
    with rawpy.imread(io.BytesIO(path.read_bytes())) as raw:
        try:
            thumbnail = raw.extract_thumb()
            if thumbnail.format == rawpy.ThumbFormat.JPEG:
                return _jpeg(io.BytesIO(bytes(thumbnail.data)), 256)
        except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
            pass
        pixels = raw.postprocess(half_size=True, use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0)
        return np.asarray(pixels, np.float32) / np.float32(255)


def _small(picture: Preview, side_px: int) -> Preview:
    scale = side_px / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)
