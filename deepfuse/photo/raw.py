"""RAW files through LibRaw: one white balance and one scale for a bracket, nothing that depends on the content."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rawpy
from numpy.typing import NDArray

from deepfuse.bracket import Exposure
from deepfuse.color import Image
from deepfuse.metadata.capture import believed
from deepfuse.photo.balance import BalanceChoice, multipliers, white_point, xyz_of
from deepfuse.photo.directories import SensorPictures, sensor_pictures
from deepfuse.photo.mosaic import WhiteBalance, grey_world, saturation
from deepfuse.photo.packed_dng import PackedDng
from deepfuse.photo.pixels import upright_crop
from deepfuse.photo.profiles import NO_PROFILE, Profile, Space

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
_MOST_BORDER = 4  # times the picture
_MOST_GAIN = 1e4  # of one colour over another; no light needs so much
_ONE_CHANNEL: WhiteBalance = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class RawFile:
    """An open RAW file.

    Attributes:
        header: the file as LibRaw opens it; sizes and exposure come from here.
        holds: what its directories say.
        unpack: the file as LibRaw can decode it, where that is another one.
    """

    header: rawpy.RawPy
    holds: SensorPictures
    unpack: Callable[[], bytes] | None = None

    @cached_property
    def handle(self) -> rawpy.RawPy:
        """The file to be decoded; one that is packed as LibRaw does not know is unpacked for it here."""
        return rawpy.imread(io.BytesIO(self.unpack())) if self.unpack else self.header

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the developed picture, upright."""
        rows, columns = self._crop
        height, width = rows.stop - rows.start, columns.stop - columns.start
        return (height, width) if self.header.sizes.flip & _TRANSPOSED else (width, height)

    @property
    def _crop(self) -> tuple[slice, slice]:
        """The rows and columns, not turned, that a DNG's DefaultCrop leaves; LibRaw tells them of the whole sensor.

        What other files say of a crop is what their maker's own program shows: less than the sensor has.
        """
        sizes = self.header.sizes
        top, left = sizes.crop_top_margin - sizes.top_margin, sizes.crop_left_margin - sizes.left_margin
        bottom, right = top + sizes.crop_height, left + sizes.crop_width
        if not self.holds.dng or not (0 <= top < bottom <= sizes.height and 0 <= left < right <= sizes.width):
            return slice(0, sizes.height), slice(0, sizes.width)
        return slice(top, bottom), slice(left, right)

    @property
    def orientation(self) -> int:
        """The EXIF orientation that LibRaw undoes."""
        return _EXIF_ORIENTATIONS.get(self.header.sizes.flip, 1)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of the file."""
        frames = self.holds.frames
        return (f"it holds {frames} frames in one file: the first is used",) if frames > 1 else ()

    @property
    def exposure(self) -> Exposure:
        """The exposure as LibRaw finds it, also in makers' own tags."""
        other = self.header.other
        return Exposure(believed(other.shutter_speed), believed(other.iso_speed), believed(other.aperture))

    def white_balance(
        self, choice: BalanceChoice = "as-shot", white_xy: tuple[float, float] | None = None
    ) -> WhiteBalance | None:
        """The multipliers of R, G, B, G; `None` where the file says none, or the sensor has no colours.

        This unpacks the mosaic.
        `white_xy` is the chromaticity of the light where a DNG says that instead of multipliers: LibRaw passes over it.

        Raises:
            ValueError: the camera's colours are not known, which a colour temperature needs.
        """
        if self._monochrome:
            return None
        if choice == "auto":
            return grey_world(self.handle)
        if isinstance(choice, int):
            return self._balance_for(white_point(choice))
        told = self.handle.camera_whitebalance if choice == "as-shot" else self.handle.daylight_whitebalance
        balance = _four(told)
        if 0 < max(balance[:3]) < _MOST_GAIN * min(balance[:3]):
            return balance
        return self._balance_for(xyz_of(*white_xy)) if white_xy else None

    @property
    def _monochrome(self) -> bool:
        return bool(self.handle.num_colors == 1)

    def _balance_for(self, light: NDArray[np.float64]) -> WhiteBalance:
        return multipliers(
            light, _four(self.handle.daylight_whitebalance), self.handle.color_matrix[:, :3].astype(float)
        )

    def saturation(self, balance: WhiteBalance | None) -> int | None:
        """Levels above black at which the sensor ends, where that is below the file's white level."""
        return saturation(self.handle, balance) if balance else None

    def develop(self, development: Development = AS_IT_IS, target: Profile = NO_PROFILE) -> Image:
        """The picture, upright, in the target's space, 16 bits: (H, W, 3). The file is closed: its memory is free."""
        chosen = _ONE_CHANNEL if self._monochrome else development.white_balance
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
        crop = upright_crop(self._crop, rgb.shape[:2], development.orientation or self.orientation)
        self.handle.close()
        rgb = np.ascontiguousarray(rgb[crop])
        return rgb if rgb.shape[2] == 3 else np.repeat(rgb[..., :1], 3, axis=2)


def _four(told: list[float]) -> WhiteBalance:
    red, green, blue, green2 = told
    return red, green, blue, green2


@contextmanager
def open_raw(path: Path, file: BinaryIO) -> Iterator[RawFile]:
    """Open a RAW file, `file` being open for reading already; its pixels are not decoded yet.

    LibRaw takes a path only as UTF-8: a file of another name is read whole.
    """
    holds = sensor_pictures(file)
    source: str | BinaryIO = str(path)
    unpack: Callable[[], bytes] | None = None
    if holds.jpeg_xl:
        file.seek(0)
        packed = PackedDng(file.read(), holds.jpeg_xl)
        source, unpack = io.BytesIO(packed.described()), packed.unpacked
    elif not _is_text(path):
        file.seek(0)
        source = file
    with rawpy.imread(source) as header:
        raw = RawFile(header, holds, unpack)
        if unpack and header.sizes.raw_width * header.sizes.raw_height > _MOST_BORDER * math.prod(raw.size):
            raise ValueError("expected a picture of about the sensor's size")  # it alone is looked at for its size
        yield raw


def _is_text(path: Path) -> bool:
    try:
        return bool(str(path).encode())
    except UnicodeEncodeError:
        return False
