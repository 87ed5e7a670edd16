"""RAW files through LibRaw: one white balance and one scale for a bracket, nothing that depends on the content."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rawpy
from numpy.typing import NDArray

from deepfuse.bracket import Exposure
from deepfuse.color import Image
from deepfuse.metadata.tiff import Block
from deepfuse.photo.balance import BalanceChoice, multipliers, white_point, xyz_of
from deepfuse.photo.mosaic import WhiteBalance, grey_world, saturation
from deepfuse.photo.profiles import NO_PROFILE, Profile, Space

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TRANSPOSED = 4  # a bit of LibRaw's flip
_EXIF_ORIENTATIONS = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}  # by LibRaw's flip
_FLIPS = {orientation: flip for flip, orientation in _EXIF_ORIENTATIONS.items()}
# LibRaw's name, and its gamma: the power, and the slope near black.
_SPACES: dict[Space, tuple[rawpy.ColorSpace, tuple[float, float]]] = {
    "srgb": (rawpy.ColorSpace.sRGB, (2.4, 12.92)),
    "p3": (rawpy.ColorSpace.P3D65, (2.4, 12.92)),
    "adobe-rgb": (rawpy.ColorSpace.Adobe, (563 / 256, 0)),
    "prophoto": (rawpy.ColorSpace.ProPhoto, (1.8, 0)),
    "rec2020": (rawpy.ColorSpace.Rec2020, (1 / 0.45, 4.5)),
}


@dataclass(frozen=True)
class Development:
    """What is alike for the RAW frames of a bracket.

    Attributes:
        white_balance: multipliers of the sensor's R, G, B, G; the camera's own if `None`.
        white_level: levels above black that become white; each file's own if `None`.
        orientation: the EXIF orientation to undo, 1 to 8; each file's own if `None`.
    """

    white_balance: WhiteBalance | None = None
    white_level: int | None = None
    orientation: int | None = None


AS_IT_IS = Development()


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

    def white_balance(
        self, choice: BalanceChoice = "as-shot", white_xy: tuple[float, float] | None = None
    ) -> WhiteBalance | None:
        """The multipliers of R, G, B, G, `None` where the file says none; this unpacks the mosaic.

        `white_xy` is the chromaticity of the light where a DNG says that instead of multipliers: LibRaw passes over it.

        Raises:
            ValueError: the camera's colours are not known, which a colour temperature needs.
        """
        if choice == "auto":
            return grey_world(self.handle)
        if isinstance(choice, int):
            return self._balance_for(white_point(choice))
        told = self.handle.camera_whitebalance if choice == "as-shot" else self.handle.daylight_whitebalance
        balance = _four(told)
        if min(balance[:3]) > 0:
            return balance
        return self._balance_for(xyz_of(*white_xy)) if white_xy else None

    def _balance_for(self, light: NDArray[np.float64]) -> WhiteBalance:
        return multipliers(
            light, _four(self.handle.daylight_whitebalance), self.handle.color_matrix[:, :3].astype(float)
        )

    def saturation(self, balance: WhiteBalance | None) -> int | None:
        """Levels above black at which the sensor ends, where that is below the file's white level."""
        return saturation(self.handle, balance) if balance else None

    def develop(self, development: Development = AS_IT_IS, target: Profile = NO_PROFILE) -> Image:
        """The picture, upright, in the target's space, 16 bits: (H, W, 3). The file is closed: its memory is free."""
        chosen = development.white_balance
        wanted: dict[str, Any] = {"user_wb": list(chosen)} if chosen else {"use_camera_wb": True}
        if development.white_level:
            wanted["user_sat"] = development.white_level
        if development.orientation:
            wanted["user_flip"] = _FLIPS[development.orientation]
        space, gamma = _SPACES[target.space or "srgb"]
        try:
            rgb: Image = self.handle.postprocess(
                gamma=gamma,
                no_auto_bright=True,
                adjust_maximum_thr=0.0,
                output_bps=16,
                output_color=space,
                **wanted,
            )
        except rawpy.LibRawUnsufficientMemoryError as error:
            raise MemoryError from error
        self.handle.close()
        return rgb if rgb.shape[2] == 3 else np.repeat(rgb[..., :1], 3, axis=2)  # a sensor without colours


def _four(told: list[float]) -> WhiteBalance:
    red, green, blue, green2 = told
    return red, green, blue, green2


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
