"""When and how a photo was taken: all that can tell which photos belong together, without its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfuse.bracket import Exposure
from deepfuse.metadata.capture import bias_ev_of, exposure_mode_of, serial_of, taken_s
from deepfuse.metadata.makers import UNKNOWN, Bracketing
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits
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

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Capture:
        """That of which `dataclasses.asdict` made these values."""
        exposure, bracketing = Exposure(**values["exposure"]), Bracketing(**values["bracketing"])
        return cls(**{**values, "exposure": exposure, "bracketing": bracketing})


def read_capture(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Capture:
    """How a photo was taken, from its header and EXIF; damaged EXIF says nothing.

    Raises:
        PhotoError: not a readable photo, or larger than the limits.
    """
    with open_photo(path, limits) as photo:
        header, exif = photo.header, photo.metadata.exif
    return Capture(
        width=header.width,
        height=header.height,
        orientation=header.orientation,
        kind=header.group,
        camera=f"{header.camera} {serial_of(exif)}".strip(),
        exposure=header.exposure,
        taken_s=taken_s(exif),
        exposure_mode=exposure_mode_of(exif),
        bias_ev=bias_ev_of(exif),
        bracketing=exif.bracketing,
    )
