"""A photo file of any kind, opened: its header now, its pixels when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from deepfuse.bracket import Exposure, printable
from deepfuse.errors import PhotoError
from deepfuse.metadata.capture import (
    camera_of,
    exposure_of,
    is_adobe_rgb,
    orientation_of,
    orientation_warning,
    white_xy_of,
)
from deepfuse.metadata.placement import place_of
from deepfuse.metadata.reading import Metadata, read_file, with_sidecar
from deepfuse.photo.avif import open_avif
from deepfuse.photo.balance import BalanceChoice
from deepfuse.photo.codecs import open_jpeg, open_tiff
from deepfuse.photo.extents import check_extents
from deepfuse.photo.header import Header
from deepfuse.photo.heic import open_heic
from deepfuse.photo.jpeg2000 import open_jpeg2000
from deepfuse.photo.jpeg_xl import open_jpeg_xl
from deepfuse.photo.kinds import Kind, kind_of
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits, check_file, check_size
from deepfuse.photo.mosaic import WhiteBalance
from deepfuse.photo.pixels import Decoded, Stored, as_rgb, in_range, shown, upright
from deepfuse.photo.png import open_png
from deepfuse.photo.profiles import NO_PROFILE, Profile
from deepfuse.photo.raw import Development, open_raw
from deepfuse.photo.spaces import named_space
from deepfuse.photo.tails import constant_tail
from deepfuse.photo.webp import open_webp

_OPENERS: dict[Kind, Callable[[BinaryIO], Stored]] = {
    "JPEG": open_jpeg, "PNG": open_png, "HEIC": open_heic, "AVIF": open_avif, "WebP": open_webp,
    "JPEG 2000": open_jpeg2000, "JPEG XL": open_jpeg_xl,
}  # fmt: skip
# Their pixels end the file and have no check sum.
_PACKED: tuple[Kind, ...] = ("JPEG", "HEIC", "AVIF", "WebP", "JPEG 2000")


@dataclass(frozen=True)
class Photo:
    """An open photo file, all of whose metadata are read.

    `decode` works once; it takes how RAW is developed, and the space of the pixels. `profile` is the space that they
    are stored in, `raw` whether they are a sensor's. `warnings` are what the user should know of the file, by its name.
    `white_balance` and `saturation` are what the mosaic says; asking for them holds it in memory.
    """

    header: Header
    metadata: Metadata
    decode: Callable[[Development, Profile], Decoded]
    profile: Profile = NO_PROFILE
    raw: bool = False
    white_balance: Callable[[BalanceChoice], WhiteBalance | None] = lambda _: None
    saturation: Callable[[WhiteBalance | None], int | None] = lambda _: None
    warnings: tuple[str, ...] = ()


@contextmanager
def open_photo(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[Photo]:
    """Open a photo file, once for all, and read its header, which is checked against the limits, and its metadata.

    Raises:
        PhotoError: the file cannot be read, is damaged, too large, or no photo; `decode` raises it too.
    """
    check_file(path, limits)
    with ExitStack() as stack:
        with blaming(path):
            file = stack.enter_context(path.open("rb"))
            kind = kind_of(path, file)
            check = partial(check_size, path, limits=limits)
            photo = _raw_photo(path, file, stack) if kind == "RAW" else _picture(path, file, kind, check)
            check(photo.header.width, photo.header.height)
        yield photo


def _raw_photo(path: Path, file: BinaryIO, stack: ExitStack) -> Photo:
    unwritten = check_extents(path, file)
    raw = stack.enter_context(open_raw(path, file))
    metadata = with_sidecar(read_file(file), path)
    exposure = exposure_of(metadata.exif) or raw.exposure
    white_xy = white_xy_of(metadata.exif)
    header = Header(
        *raw.size, camera_of(metadata.exif), exposure, "RAW", "16-bit", raw.orientation, frames=raw.holds.frames
    )

    def decode(development: Development, target: Profile) -> Decoded:
        with blaming(path):
            return Decoded(raw.develop(development, target))

    def white_balance(choice: BalanceChoice) -> WhiteBalance | None:
        with blaming(path):
            return raw.white_balance(choice, white_xy)

    def saturation(balance: WhiteBalance | None) -> int | None:
        with blaming(path):
            return raw.saturation(balance)

    return Photo(
        header, metadata, decode, raw=True, white_balance=white_balance, saturation=saturation,
        warnings=_named(path, (*raw.warnings, *unwritten)),
    )  # fmt: skip


def _picture(path: Path, file: BinaryIO, kind: Kind, check: Callable[[int, int], None]) -> Photo:
    stored = open_tiff(file, check) if kind == "TIFF" else _OPENERS[kind](file)
    exif = stored.metadata.exif
    orientation, misread = (1, ()) if stored.turned else (orientation_of(exif), orientation_warning(exif))
    unnamed = kind == "JPEG" and not stored.profile.name  # cameras embed no profile, and say it in EXIF
    profile = named_space("adobe-rgb") if unnamed and is_adobe_rgb(exif) else stored.profile
    size = (stored.height, stored.width) if orientation > 4 else (stored.width, stored.height)
    exposure = exposure_of(exif) or Exposure()
    header = Header(
        *size, camera_of(exif), exposure, kind, stored.depth, orientation, profile.name, place=place_of(exif)
    )

    def decode(development: Development, target: Profile) -> Decoded:
        turned = development.orientation or orientation
        with blaming(path):
            found = shown(stored.decode(), stored.alpha)
            valid = None if found.valid is None else upright(found.valid, turned)
            rgb, warnings = in_range(found.pixels)
            pixels = upright(as_rgb(rgb, profile, target), turned)
            return Decoded(pixels, valid, _named(path, (*found.warnings, *warnings)))

    passed_over = (profile.warning,) if profile.warning else ()
    unwritten = constant_tail(file) if kind in _PACKED else ()
    warnings = _named(path, (*stored.warnings, *unwritten, *misread, *passed_over))
    return Photo(header, with_sidecar(stored.metadata, path), decode, profile, warnings=warnings)


def _named(path: Path, warnings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{printable(path.name)}: {warning}" for warning in warnings)


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into a PhotoError that names the file."""
    name = printable(str(path))
    try:
        yield
    except (PhotoError, MemoryError):
        raise
    except OSError as error:
        raise PhotoError(f"{name}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # decoders raise their own kinds, and struct, index and value errors on damage
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise PhotoError(f"{name}: cannot be decoded: {' '.join(reason.split())}") from error
