"""A photo, or pixels, as a small JPEG that a page can show."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deepfuse.color import Image
from deepfuse.metadata.embedded import Embedded
from deepfuse.photo.encoding import Encoding
from deepfuse.photo.pixels import upright
from deepfuse.photo.preview import read_preview
from deepfuse.photo.reading import read_header
from deepfuse.photo.writing import encoded, in_depth
from deepfuse.proxy import reduced

SIDE_PX = 320
SEEN = 4  # pixels of the picture each way, in each of the thumbnail's, that are enough to look at
_SMALL = Encoding(jpeg_quality=80)


def thumbnail(path: Path) -> bytes:
    """A photo as a small JPEG, upright.

    Raises:
        PhotoError: it cannot be decoded.
    """
    return small_jpeg(upright(read_preview(path, SIDE_PX), read_header(path).orientation))


def small_jpeg(pixels: Image, icc: bytes = b"") -> bytes:
    """Pixels (H, W, 3) of any depth as a small JPEG, with the profile of their colour space, which browsers go by."""
    every = max(max(pixels.shape[:2]) // (SEEN * SIDE_PX), 1)
    few = np.ascontiguousarray(pixels[::every, ::every])
    small = np.ascontiguousarray(in_depth(reduced(few, SIDE_PX), "8-bit"))
    return bytes(encoded(Path("thumbnail.jpg"), small, _SMALL, Embedded(icc=icc)))
