"""A photo file (RAW, TIFF, PNG, JPEG) ↔ display-referred pixels, and its exposure."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rawpy

from deepfuse.atomic import replacing
from deepfuse.bracket import PHOTO_SUFFIXES, RAW_SUFFIXES, Exposure
from deepfuse.color import Image
from deepfuse.errors import PhotoError
from deepfuse.photo.codecs import DECODERS, ENCODERS, SIZES, as_rgb
from deepfuse.photo.metadata import exposure_of, orientation_of, read_tags

LARGEST_PX = 250_000_000

WhiteBalance = tuple[float, float, float, float]


@dataclass(frozen=True)
class Header:
    """What a photo file says of itself before its pixels are decoded; `camera` is empty where unknown."""

    width: int
    height: int
    camera: str
    exposure: Exposure


def read_photo(path: str | Path, *, white_balance: WhiteBalance | None = None) -> Image:
    """The pixels of one photo, upright.

    Args:
        path: a RAW, TIFF, PNG or JPEG file.
        white_balance: multipliers of the sensor's R, G, B, G for RAW; the camera's own if `None`.

    Returns:
        (H, W, 3), sRGB-encoded: uint16 for RAW, else the file's own uint8, uint16 or float32 (0 to 1).

    Raises:
        PhotoError: the file cannot be read, is damaged, or is no photo of these kinds.
    """
    path = Path(path)
    read_header(path)
    with _blaming(path):
        if path.suffix.lower() in RAW_SUFFIXES:
            return _develop(path, white_balance)
        pixels = DECODERS[path.suffix.lower()](path)
        return _upright(as_rgb(pixels), orientation_of(read_tags(path)))


def read_photos(paths: Sequence[Path]) -> list[Image]:
    """The frames of one bracket, RAW developed with one white balance: that of its first RAW."""
    balances = (camera_white_balance(path) for path in paths if path.suffix.lower() in RAW_SUFFIXES)
    balance = next(balances, None)
    return [read_photo(path, white_balance=balance) for path in paths]


def camera_white_balance(path: Path) -> WhiteBalance | None:
    """The white balance the camera chose for a RAW file; `None` for other files or where there is none."""
    if path.suffix.lower() not in RAW_SUFFIXES:
        return None
    with _blaming(path), _open_raw(path) as raw:
        red, green, blue, green2 = raw.camera_whitebalance
    return (red, green, blue, green2) if min(red, green, blue) > 0 else None


def read_header(path: Path) -> Header:
    """Size as stored, camera and exposure of a photo file, without decoding its pixels.

    Raises:
        PhotoError: not a readable photo, or over 250 megapixels.
    """
    suffix = path.suffix.lower()
    if suffix not in PHOTO_SUFFIXES:
        raise PhotoError(f"{path}: expected a RAW, TIFF, PNG or JPEG file, got '{path.suffix}'")
    with _blaming(path):
        (width, height), exposure = _raw_header(path) if suffix in RAW_SUFFIXES else (SIZES[suffix](path), Exposure())
        if width * height > LARGEST_PX:
            raise PhotoError(f"{path}: expected at most {LARGEST_PX / 1e6:.0f} megapixels, got {width}×{height}")
        tags = read_tags(path)
    camera = " ".join(str(tags[key]).strip() for key in ("Image Make", "Image Model") if key in tags)
    return Header(width, height, camera, exposure_of(tags) or exposure)


def check_output(path: Path, *, sources: Sequence[Path], overwrite: bool) -> None:
    """Refuse an output before any work is done for it.

    Raises:
        PhotoError: its suffix is none that can be written, its folder is missing, it is one of the sources, or it
            exists and `overwrite` is false.
    """
    if path.suffix.lower() not in ENCODERS:
        raise PhotoError(f"{path}: expected an output of {', '.join(ENCODERS)}, got '{path.suffix}'")
    if not path.parent.is_dir():
        raise PhotoError(f"{path}: expected a folder to write into, got nothing at {path.parent}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        raise PhotoError(f"{path}: expected an output other than the frames, got one of them")
    if path.exists() and not overwrite:
        raise PhotoError(f"{path}: exists already; it is not overwritten")


def write_photo(path: str | Path, image: Image) -> None:
    """Write pixels under their final name only when they are complete.

    Args:
        path: `.tif`, `.tiff` (any depth, deflate), `.png` (8 or 16 bits; float as 16) or `.jpg` (8 bits).
        image: (H, W, 3), sRGB-encoded, uint8, uint16 or float32 from 0 to 1.

    Raises:
        PhotoError: another suffix, or no folder to write into.
        OSError: the file cannot be written.
    """
    path = Path(path)
    check_output(path, sources=(), overwrite=True)
    try:
        data = ENCODERS[path.suffix.lower()](image)
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise OSError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into a PhotoError that names the file."""
    try:
        yield
    except (PhotoError, MemoryError):
        raise
    except OSError as error:
        raise PhotoError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # decoders raise their own kinds, and struct, index and value errors on damage
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error
        raise PhotoError(f"{path}: cannot be decoded: {reason}") from error


def _develop(path: Path, white_balance: WhiteBalance | None) -> Image:
    """RAW to sRGB, 16 bits, with nothing that depends on the frame's content."""
    balance: dict[str, Any] = {"user_wb": list(white_balance)} if white_balance else {"use_camera_wb": True}
    with _open_raw(path) as raw:
        rgb: Image = raw.postprocess(
            gamma=(2.4, 12.92),
            no_auto_bright=True,
            adjust_maximum_thr=0.0,
            output_bps=16,
            output_color=rawpy.ColorSpace.sRGB,
            **balance,
        )
    return rgb


def _open_raw(path: Path) -> rawpy.RawPy:
    """LibRaw takes a path only as UTF-8; a file of another name is read whole."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return rawpy.imread(io.BytesIO(path.read_bytes()))
    return rawpy.imread(str(path))


def _raw_header(path: Path) -> tuple[tuple[int, int], Exposure]:
    with _open_raw(path) as raw:
        other = raw.other
        exposure = Exposure(other.shutter_speed or None, other.iso_speed or None, other.aperture or None)
        return (raw.sizes.width, raw.sizes.height), exposure


def _upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
