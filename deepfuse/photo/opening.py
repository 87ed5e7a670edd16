"""A photo file of any kind, opened: its header now, its pixels when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfuse.bracket import Exposure, printable
from deepfuse.color import Image
from deepfuse.errors import PhotoError
from deepfuse.photo.codecs import open_jpeg, open_png, open_tiff
from deepfuse.photo.header import Header
from deepfuse.photo.heic import open_heic
from deepfuse.photo.kinds import Kind, kind_of
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits, check_file, check_size
from deepfuse.photo.metadata import exposure_of, orientation_of, read_tags
from deepfuse.photo.profiles import adobe_rgb
from deepfuse.photo.raw import WhiteBalance, open_raw
from deepfuse.photo.stored import Stored, as_rgb, upright

Tags = dict[str, Any]

_OPENERS: dict[Kind, Callable[[Path], Stored]] = {
    "JPEG": open_jpeg, "PNG": open_png, "TIFF": open_tiff, "HEIC": open_heic,
}  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """An open photo file.

    `decode` works once; it takes the white balance for RAW, the camera's own if `None`. `white_balance` is what the
    camera chose; asking for it holds the mosaic in memory. `exif` is the EXIF block where it must be handed on.
    """

    header: Header
    decode: Callable[[WhiteBalance | None], Image]
    white_balance: Callable[[], WhiteBalance | None] = lambda: None
    exif: bytes = b""


@contextmanager
def open_photo(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[Photo]:
    """Open a photo file and read its header, which is checked against the limits.

    Raises:
        PhotoError: the file cannot be read, is damaged, too large, or no photo; `decode` raises it too.
    """
    check_file(path, limits)
    with ExitStack() as stack:
        with _blaming(path):
            kind = kind_of(path)
            photo = _raw_photo(path, stack) if kind == "RAW" else _picture(path, kind)
            check_size(path, photo.header.width, photo.header.height, limits)
        yield photo


def _raw_photo(path: Path, stack: ExitStack) -> Photo:
    raw = stack.enter_context(open_raw(path))
    tags = read_tags(path)
    exposure = exposure_of(tags) or raw.exposure
    header = Header(*raw.size, _camera(tags), exposure, "RAW", "16-bit", raw.orientation)

    def decode(white_balance: WhiteBalance | None) -> Image:
        with _blaming(path):
            return raw.develop(white_balance)

    def white_balance() -> WhiteBalance | None:
        with _blaming(path):
            return raw.white_balance()

    return Photo(header, decode, white_balance)


def _picture(path: Path, kind: Kind) -> Photo:
    stored = _OPENERS[kind](path)
    tags = read_tags(path, stored.exif)
    orientation = 1 if stored.turned else orientation_of(tags)
    profile = adobe_rgb() if kind == "JPEG" and not stored.profile.name and _says_adobe_rgb(tags) else stored.profile
    size = (stored.height, stored.width) if orientation > 4 else (stored.width, stored.height)
    exposure = exposure_of(tags) or Exposure()
    header = Header(*size, _camera(tags), exposure, kind, stored.depth, orientation, profile.name)

    def decode(_: WhiteBalance | None) -> Image:
        with _blaming(path):
            return upright(as_rgb(stored.decode(), profile), orientation)

    return Photo(header, decode, exif=stored.exif)


def _camera(tags: Tags) -> str:
    return " ".join(str(tags[key]).strip() for key in ("Image Make", "Image Model") if key in tags)


def _says_adobe_rgb(tags: Tags) -> bool:
    """Whether EXIF names the optional colour space of DCF 2.0, as cameras do that embed no profile."""
    return str(tags.get("Interoperability InteroperabilityIndex", "")).strip() == "R03"


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
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
