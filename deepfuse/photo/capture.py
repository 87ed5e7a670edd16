"""When and how a photo was taken: all that can tell which photos belong together, without its pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deepfuse.bracket import Exposure
from deepfuse.photo.ifd import NO_EXIF, Exif, Tags, read_exif
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits
from deepfuse.photo.makers import UNKNOWN, Bracketing, read_bracketing
from deepfuse.photo.metadata import exif_file
from deepfuse.photo.opening import open_photo

AUTO_BRACKET = 2  # EXIF ExposureMode
NO_EXPOSURE = Exposure()


@dataclass(frozen=True)
class Capture:
    """How one photo was taken; `None` where the file does not say.

    Attributes:
        width: upright, in pixels; `height` likewise, `orientation` is the EXIF one undone for that, 1 to 8.
        kind: RAW, or the depth of the pixels: what may stand together in one bracket.
        camera: make, model and serial number; empty where unknown.
        taken_s: when, in seconds since 1970; of the camera's clock, UTC where the file gives the offset.
        exposure_mode: EXIF ExposureMode; 2 is an automatic bracket.
        bias_ev: the exposure compensation in stops; larger is brighter.
        bracketing: what the maker note says.
    """

    width: int
    height: int
    orientation: int = 1
    kind: str = ""
    camera: str = ""
    exposure: Exposure = NO_EXPOSURE
    taken_s: float | None = None
    exposure_mode: int | None = None
    bias_ev: float | None = None
    bracketing: Bracketing = UNKNOWN


def read_capture(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Capture:
    """How a photo was taken, from its header and EXIF; damaged EXIF says nothing.

    Raises:
        PhotoError: not a readable photo, or larger than the limits.
    """
    with open_photo(path, limits) as photo:
        header = photo.header
    exif, bracketing = _tags(path, photo.exif)
    serial = exif.photo[0xA431].text if 0xA431 in exif.photo else ""
    return Capture(
        width=header.width,
        height=header.height,
        orientation=header.orientation,
        kind=header.group,
        camera=f"{header.camera} {serial}".strip(),
        exposure=header.exposure,
        taken_s=_taken(exif.photo),
        exposure_mode=_integer(exif.photo, 0xA402),
        bias_ev=next(iter(exif.photo[0x9204].numbers), None) if 0x9204 in exif.photo else None,
        bracketing=bracketing,
    )


def _tags(path: Path, block: bytes) -> tuple[Exif, Bracketing]:
    try:
        with exif_file(path, block) as file:
            exif = read_exif(file)
            return exif, read_bracketing(exif)
    except Exception:  # EXIF is written by anyone; what cannot be read says nothing
        return NO_EXIF, UNKNOWN


def _integer(tags: Tags, key: int) -> int | None:
    return int(tags[key].numbers[0]) if key in tags and tags[key].numbers else None


def _taken(photo: Tags) -> float | None:
    """DateTimeOriginal with its sub-seconds and its offset from UTC, else DateTimeDigitized with its own.

    The file's DateTime is no capture time: programs that edit a photo set it.
    """
    for date, fraction, offset in ((0x9003, 0x9291, 0x9011), (0x9004, 0x9292, 0x9012)):
        text = {key: photo[key].text if key in photo else "" for key in (date, fraction, offset)}
        try:
            moment = datetime.strptime(text[date][:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        digits = re.match(r"\d+", text[fraction])
        part = float(f"0.{digits[0]}") if digits else 0.0
        return moment.timestamp() + part - _offset_s(text[offset])
    return None


def _offset_s(text: str) -> float:
    match = re.fullmatch(r"([+-])(\d\d):(\d\d)", text)
    return 0.0 if match is None else (-1 if match[1] == "-" else 1) * (int(match[2]) * 3600 + int(match[3]) * 60)
