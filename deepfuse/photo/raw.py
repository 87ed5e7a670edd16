"""RAW files through LibRaw: one white balance and one scale for a bracket, nothing that depends on the content."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import rawpy

from deepfuse.bracket import Exposure
from deepfuse.color import Image
from deepfuse.metadata.tiff import Block

WhiteBalance = tuple[float, float, float, float]

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TRANSPOSED = 4  # a bit of LibRaw's flip
_EXIF_ORIENTATIONS = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}  # by LibRaw's flip


@dataclass(frozen=True)
class RawFile:
    """An open RAW file."""

    handle: rawpy.RawPy

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the developed picture, upright."""
        sizes = self.handle.sizes
        return (sizes.height, sizes.width) if sizes.flip & _TRANSPOSED else (sizes.width, sizes.height)

    @property
    def orientation(self) -> int:
        """The EXIF orientation that LibRaw undoes."""
        return _EXIF_ORIENTATIONS.get(self.handle.sizes.flip, 1)

    @property
    def exposure(self) -> Exposure:
        """The exposure as LibRaw finds it, also in makers' own tags."""
        other = self.handle.other
        return Exposure(other.shutter_speed or None, other.iso_speed or None, other.aperture or None)

    def white_balance(self) -> WhiteBalance | None:
        """The multipliers of R, G, B, G that the camera chose, `None` where it says none; this unpacks the mosaic."""
        red, green, blue, green2 = self.handle.camera_whitebalance
        return (red, green, blue, green2) if min(red, green, blue) > 0 else None

    def develop(self, white_balance: WhiteBalance | None) -> Image:
        """The picture, upright, sRGB, 16 bits: (H, W, 3). The file is closed after it, which frees its memory."""
        balance: dict[str, Any] = {"user_wb": list(white_balance)} if white_balance else {"use_camera_wb": True}
        try:
            rgb: Image = self.handle.postprocess(
                gamma=(2.4, 12.92),
                no_auto_bright=True,
                adjust_maximum_thr=0.0,
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                **balance,
            )
        except rawpy.LibRawUnsufficientMemoryError as error:
            raise MemoryError from error
        self.handle.close()
        return rgb


def check_whole(file: BinaryIO) -> None:
    """Refuse a RAW file of TIFF's structure whose first directory points beyond its end.

    LibRaw objects to missing pixels, but takes a missing colour matrix or white balance for zeros.

    Raises:
        ValueError: the file is cut short.
    """
    file.seek(0)
    if (order := _BYTE_ORDERS.get(file.read(4))) is None:
        return
    block, end = Block(file, 0, order), file.seek(0, io.SEEK_END)
    for place in block.places(block.start):
        if place.offset + place.bytes > end:
            raise ValueError(
                f"expected {place.offset + place.bytes} bytes or more, got {end} (tag {place.tag}): "
                "cut short or damaged"
            )


@contextmanager
def open_raw(path: Path, file: BinaryIO) -> Iterator[RawFile]:
    """Open a RAW file, `file` being open for reading already; its pixels are not decoded yet.

    LibRaw takes a path only as UTF-8: a file of another name is read whole.
    """
    check_whole(file)
    source: str | BinaryIO = str(path)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        file.seek(0)
        source = file
    with rawpy.imread(source) as handle:
        yield RawFile(handle)
