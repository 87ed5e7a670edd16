"""What EXIF says of how a photo was taken; `None` or nothing where it does not say, or says what cannot be."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from deepfuse.bracket import Exposure
from deepfuse.metadata.exif import Exif
from deepfuse.metadata.tiff import integer, number, text

_TIME, _F_NUMBER, _ISO, _MODE, _BIAS = 0x829A, 0x829D, 0x8827, 0xA402, 0x9204
_SHUTTER_SPEED, _APERTURE, _MOST_APEX = 0x9201, 0x9202, 64.0  # APEX: in stops, EXIF 2.32, annex C
# ISOSpeed, RecommendedExposureIndex, StandardOutputSensitivity: 32 bits, where ISO ends at 16 (EXIF 2.32, 4.6.5).
_LONG_ISO, _MOST_ISO = (0x8833, 0x8832, 0x8831), 65535
_MAKE, _MODEL, _SERIAL = 0x010F, 0x0110, 0xA431
_ORIENTATION, _INTEROP_INDEX = 0x0112, 1
_ORIENTATIONS, _LONGEST = range(1, 9), 20  # letters of one that is text
_LEAST, _MOST, _MOST_BIAS_EV = 1e-9, 1e9, 50.0  # beyond any camera: seconds, ISO, f-numbers; stops
_WHITE_XY = 0xC629  # AsShotWhiteXY, Adobe DNG Specification 1.4
# Each date with its sub-seconds and its offset from UTC: DateTimeOriginal, then DateTimeDigitized.
_DATES = ((0x9003, 0x9291, 0x9011), (0x9004, 0x9292, 0x9012))


def exposure_of(exif: Exif) -> Exposure | None:
    """The exposure, from the first directory where some makers put it there; `None` without an exposure time."""

    tags = {**exif.image, **exif.photo}

    def positive(key: int) -> float | None:
        return believed(number(tags, key))

    iso = positive(_ISO)
    if iso is None or iso >= _MOST_ISO:
        iso = next((value for key in _LONG_ISO if (value := positive(key))), iso)
    time_s = positive(_TIME) if _TIME in tags else believed(_power(0.5, number(tags, _SHUTTER_SPEED)))
    f_number = positive(_F_NUMBER) if _F_NUMBER in tags else believed(_power(math.sqrt(2), number(tags, _APERTURE)))
    return Exposure(time_s, iso, f_number) if time_s else None


def believed(value: float | None) -> float | None:
    """A time, an ISO or an f-number that a camera can have; `None` for others."""
    return value if value and _LEAST < value < _MOST else None


def _power(base: float, apex: float | None) -> float | None:
    return None if apex is None or abs(apex) > _MOST_APEX else base**apex


def orientation_of(exif: Exif) -> int:
    """The EXIF orientation, 1 to 8 (EXIF 2.32, tag 0x0112); 1 where it says nothing or nonsense.

    It should be a SHORT; other types of number count too, and a number that is written as text.
    """
    told = _orientation(exif)
    return int(told) if told in _ORIENTATIONS else 1


def orientation_warning(exif: Exif) -> tuple[str, ...]:
    """What is to be said of an orientation that is none; some programs write 0 where they do not know it."""
    told = _orientation(exif)
    if told in (0, *_ORIENTATIONS):
        return ()
    named = told[:_LONGEST] if isinstance(told, str) else f"{told:g}"
    return (f"its EXIF orientation is {named}: expected 1 to 8, taken as upright",)


def _orientation(exif: Exif) -> float | str:
    value, written = number(exif.image, _ORIENTATION), text(exif.image, _ORIENTATION)
    if value is None and written.isdecimal() and len(written) == 1:
        value = float(written)
    return value if value is not None else written or 0


def camera_of(exif: Exif) -> str:
    """Make and model, the make once where the model begins with it; empty where unknown."""
    make, model = text(exif.image, _MAKE), text(exif.image, _MODEL)
    words = make.casefold().split()
    repeated = words == model.casefold().split()[: len(words)]
    return model if repeated else f"{make} {model}".strip()


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
        if (moment := _moment(exif, date)) is not None:
            digits = re.match(r"\d+", text(exif.photo, fraction))
            part = float(f"0.{digits[0]}") if digits else 0.0
            return moment.timestamp() + part - _offset_s(text(exif.photo, offset))
    return None


def taken_at(exif: Exif) -> datetime | None:
    """When it was taken as the camera's clock showed it, to the second, called UTC wherever that was."""
    return next((moment for date, _, _ in _DATES if (moment := _moment(exif, date)) is not None), None)


def _moment(exif: Exif, date: int) -> datetime | None:
    try:
        return datetime.strptime(text(exif.photo, date)[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _offset_s(written: str) -> float:
    match = re.fullmatch(r"([+-])(\d\d):(\d\d)", written)
    return 0.0 if match is None else (-1 if match[1] == "-" else 1) * (int(match[2]) * 3600 + int(match[3]) * 60)
