"""JPEG XL files: their headers, and their pixels when asked."""

from __future__ import annotations

from functools import partial
from typing import BinaryIO

import imagecodecs
import numpy as np

from deepfuse.color import Image
from deepfuse.metadata.reading import read_blocks
from deepfuse.photo.boxes import boxes
from deepfuse.photo.header import Depth
from deepfuse.photo.jpeg_xl_header import CONTAINER, JpegXl, read_jpeg_xl
from deepfuse.photo.pixels import Stored, full_range
from deepfuse.photo.spaces import space_of_codes

_EXIF_AT = 4  # ISO/IEC 18181-2: behind an offset


def open_jpeg_xl(file: BinaryIO) -> Stored:
    """A still picture in standard range, in a colour space that its header names by numbers.

    A profile in it is not read: libjxl alone can unpack it, and the codecs here do not hand it on. libjxl turns the
    picture upright: the EXIF orientation must not count.
    """
    file.seek(0)
    data = file.read()
    said = read_jpeg_xl(data)
    if said.film:
        raise ValueError("expected a picture, got an animated JPEG XL")
    if said.codes is None:
        raise ValueError("expected a JPEG XL in a colour space of its own numbers, got a profile or another space")
    blocks = dict(boxes(data)) if data.startswith(CONTAINER) else {}
    metadata = read_blocks(blocks.get(b"Exif", b"")[_EXIF_AT:], blocks.get(b"xml ", b""))
    depth: Depth = "float" if said.floats else "8-bit" if said.bits == 8 else "16-bit"
    return Stored(
        said.width, said.height, depth, partial(_decode, file, said), space_of_codes(*said.codes),
        turned=True, metadata=metadata, alpha="associated" if said.alpha else "unassociated",
    )  # fmt: skip


def _decode(file: BinaryIO, said: JpegXl) -> Image:
    file.seek(0)
    pixels: Image = imagecodecs.jpegxl_decode(file.read())
    if pixels.shape[:2] != (said.height, said.width):
        raise ValueError(f"expected {said.width}×{said.height} pixels, got {pixels.shape[1]}×{pixels.shape[0]}")
    return pixels if said.floats or (pixels.dtype == np.uint8 and said.bits == 8) else full_range(pixels, said.bits)
