"""What EXIF says of how a photo was taken; `None` or nothing where it does not say, or says what cannot be."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from deepfuse.bracket import Exposure
from deepfuse.metadata.exif import Exif
from deepfuse.metadata.tiff import integer, number, text

_TIME, _F_NUMBER, _ISO, _MODE, _BIAS = 0x829A, 0x829D, 0x8827, 0xA402, 0x9204
# ISOSpeed, RecommendedExposureIndex, StandardOutputSensitivity: 32 bits, where ISO ends at 16 (EXIF 2.32, 4.6.5).
_LONG_ISO, _MOST_ISO = (0x8833, 0x8832, 0x8831), 65535
_MAKE, _MODEL, _SERIAL = 0x010F, 0x0110, 0xA431
_ORIENTATION, _INTEROP_INDEX = 0x0112, 1
_LEAST, _MOST, _MOST_BIAS_EV = 1e-9, 1e9, 50.0  # beyond any camera: seconds, ISO, f-numbers; stops
_WHITE_XY = 0xC629  # AsShotWhiteXY, Adobe DNG Specification 1.4
# Each date with its sub-seconds and its offset from UTC: DateTimeOriginal, then DateTimeDigitized.
_DATES = ((0x9003, 0x9291, 0x9011), (0x9004, 0x9292, 0x9012))


def exposure_of(exif: Exif) -> Exposure | None:
    """The exposure, from the first directory where some makers put it there; `None` without an exposure time."""

    def positive(key: int) -> float | None:
        value = number(exif.photo if key in exif.photo else exif.image, key)
        return value if value and _LEAST < value < _MOST else None

    iso = positive(_ISO)
    if iso is None or iso >= _MOST_ISO:
        iso = next((value for key in _LONG_ISO if (value := positive(key))), iso)
    time_s = positive(_TIME)
    return Exposure(time_s, iso, positive(_F_NUMBER)) if time_s else None


def orientation_of(exif: Exif) -> int:
    """The EXIF orientation, 1 to 8 (EXIF 2.32, tag 0x0112); 1 where it says nothing or nonsense."""
    orientation = number(exif.image, _ORIENTATION) or 1
    return int(orientation) if orientation in range(1, 9) else 1


def camera_of(exif: Exif) -> str:
    """Make and model; empty where unknown."""
    return " ".join(name for key in (_MAKE, _MODEL) if (name := text(exif.image, key)))


def serial_of(exif: Exif) -> str:
    """The camera's serial number; empty where unknown."""
    return text(exif.photo, _SERIAL)


def is_adobe_rgb(exif: Exif) -> bool:
    """Whether EXIF names the optional colour space of DCF 2.0, as cameras do that embed no profile."""
    return text(exif.interop, _INTEROP_INDEX) == "R03"


def white_xy_of(exif: Exif) -> tuple[float, float] | None:
    """The chromaticity of the light as shot, where a DNG says it so."""
    x, y = (number(exif.image, _WHITE_XY, index) for index in (0, 1))
    return (x, y) if x and y and x > 0 and y > 0 and x + y < 1 else None


def exposure_mode_of(exif: Exif) -> int | None:
    """EXIF ExposureMode."""
    return integer(exif.photo, _MODE)


def bias_ev_of(exif: Exif) -> float | None:
    """The exposure compensation in stops; larger is brighter."""
    bias = number(exif.photo, _BIAS)
    return bias if bias is not None and abs(bias) < _MOST_BIAS_EV else None


def taken_s(exif: Exif) -> float | None:
    """When it was taken, in seconds since 1970; of the camera's clock, UTC where the file gives the offset.

    The file's DateTime is no capture time: programs that edit a photo set it.
    """
    for date, fraction, offset in _DATES:
        try:
            moment = datetime.strptime(text(exif.photo, date)[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        digits = re.match(r"\d+", text(exif.photo, fraction))
        part = float(f"0.{digits[0]}") if digits else 0.0
        return moment.timestamp() + part - _offset_s(text(exif.photo, offset))
    return None


def _offset_s(written: str) -> float:
    match = re.fullmatch(r"([+-])(\d\d):(\d\d)", written)
    return 0.0 if match is None else (-1 if match[1] == "-" else 1) * (int(match[2]) * 3600 + int(match[3]) * 60)
