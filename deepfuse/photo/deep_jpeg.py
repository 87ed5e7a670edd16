"""JPEG files that Pillow does not decode: of 12 bits, and lossless ones of 2 to 16 bits."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import imagecodecs
import numpy as np

from deepfuse.color import Image
from deepfuse.metadata.jpeg import Jpeg, segments
from deepfuse.metadata.reading import read_jpeg
from deepfuse.photo.header import Depth
from deepfuse.photo.pixels import Stored, full_range
from deepfuse.photo.profiles import profile_of

# ITU-T T.81, table B.1; T.87 for JPEG-LS.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE, _LOSSLESS, _JPEG_LS = 0xC0, 0xC3, 0xF7
_HIERARCHICAL = (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF)
_END = b"\xff\xd9"


@dataclass(frozen=True)
class FrameHeader:
    """A JPEG's frame header: its marker, where that lies, bits of a sample, size in pixels, components."""

    marker: int
    at: int
    bits: int
    height: int
    width: int
    components: int

    @property
    def deep(self) -> bool:
        """Whether Pillow cannot decode it."""
        return self.bits != 8 or self.marker in (_LOSSLESS, _JPEG_LS, *_HIERARCHICAL)


def frame_header(file: BinaryIO) -> FrameHeader | None:
    """The first frame header of a JPEG; `None` where there is none before the picture begins.

    Raises:
        SyntaxError: the picture begins too late.
    """
    file.seek(0)
    for marker, at, _ in segments(file):
        if marker in _FRAMES or marker == _JPEG_LS:
            file.seek(at + 4)
            rest = file.read(6)
            return FrameHeader(marker, at, *struct.unpack(">BHHB", rest)) if len(rest) == 6 else None
    return None


def open_deep_jpeg(file: BinaryIO, frame: FrameHeader) -> Stored:
    """A JPEG of 12 bits, or a lossless one; both decode to 16 bits.

    Its metadata are read by Pillow, to which the frame is shown as one that it knows.
    """
    if frame.marker == _JPEG_LS or frame.marker in _HIERARCHICAL:
        raise ValueError(f"expected a JPEG, got {'JPEG-LS' if frame.marker == _JPEG_LS else 'a hierarchical one'}")
    if frame.marker != _LOSSLESS and (frame.bits != 12 or frame.marker == _BASELINE):
        raise ValueError(f"expected a JPEG of 8 or 12 bits, got a {frame.bits}-bit frame of kind {frame.marker:X}")
    if frame.components not in (1, 3):
        raise ValueError(f"expected a grey or RGB JPEG, got {frame.components} components")
    file.seek(0)
    shown = bytearray(file.read())
    shown[frame.at + 1], shown[frame.at + 4] = _BASELINE, 8
    with Jpeg(io.BytesIO(shown)) as image:
        profile = profile_of(image.info.get("icc_profile") or b"", grey=frame.components == 1)
        metadata = read_jpeg(image)
    depth: Depth = "8-bit" if frame.bits == 8 else "16-bit"
    return Stored(frame.width, frame.height, depth, partial(_decode, file, frame), profile, metadata=metadata)


def _decode(file: BinaryIO, frame: FrameHeader) -> Image:
    file.seek(0)
    data = file.read()
    if data.rfind(_END) < frame.at:  # libjpeg fills in what is missing
        raise ValueError("expected the end of the picture: cut short")
    pixels: Image = imagecodecs.jpeg8_decode(data)
    if pixels.shape[:2] != (frame.height, frame.width):
        raise ValueError(f"expected {frame.width}×{frame.height} pixels, got {pixels.shape[1]}×{pixels.shape[0]}")
    return pixels if pixels.dtype == np.uint8 and frame.bits == 8 else full_range(pixels, frame.bits)
