"""RAW files through LibRaw: one white balance and one scale for a bracket, nothing that depends on the content."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rawpy

from deepfuse.bracket import Exposure
from deepfuse.color import Image

WhiteBalance = tuple[float, float, float, float]

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # TIFF 6.0, section 2; of other types 1
_TRANSPOSED = 4
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


def check_whole(path: Path) -> None:
    """Refuse a RAW file of TIFF's structure whose first directory points beyond its end.

    LibRaw objects to missing pixels, but takes a missing colour matrix or white balance for zeros.

    Raises:
        ValueError: the file is cut short.
    """
    with path.open("rb") as file:
        signature, at = struct.unpack("<4sI", file.read(8).ljust(8))
        if (order := _BYTE_ORDERS.get(signature)) is None:
            return
        file.seek(at if order == "<" else int.from_bytes(at.to_bytes(4, "little"), "big"))
        (count,) = struct.unpack(f"{order}H", file.read(2).ljust(2, b"\0"))
        entries, end = file.read(12 * count), path.stat().st_size
    for tag, kind, values, offset in struct.iter_unpack(f"{order}HHII", entries[: len(entries) // 12 * 12]):
        size = values * _TYPE_BYTES.get(kind, 1)
        if size > 4 and offset + size > end:
            raise ValueError(f"expected {offset + size} bytes or more, got {end} (tag {tag}): cut short or damaged")


@contextmanager
def open_raw(path: Path) -> Iterator[RawFile]:
    """Open a RAW file; its pixels are not decoded yet.

    LibRaw takes a path only as UTF-8: a file of another name is read whole.
    """
    check_whole(path)
    try:
        source: str | io.BytesIO = str(path)
        str(path).encode()
    except UnicodeEncodeError:
        source = io.BytesIO(path.read_bytes())
    with rawpy.imread(source) as handle:
        yield RawFile(handle)
