"""Maps of scene radiance: float32 (H, W, 3), linear Rec.709, and the Radiance .hdr files that hold them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.errors import PhotoError

Radiance = NDArray[np.float32]

REC709_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709-6, item 3.2
MAX_RADIANCE_PX = 200_000_000  # a panorama of 20,000 by 10,000, 2.4 GB in float32


def read_radiance(path: Path) -> Radiance:
    """Read a Radiance .hdr picture.

    Args:
        path: the file (Ward, Real Pixels, Graphics Gems II, 1991).

    Returns:
        (H, W, 3) linear Rec.709, in the file's own scale.

    Raises:
        PhotoError: the file is missing, not a Radiance picture, too large or damaged.
    """
    try:
        _require_header(path)
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except OSError as error:
        raise PhotoError(f"cannot read the radiance map: {error.strerror} ({path})") from error
    except cv2.error as error:
        raise PhotoError(f"cannot decode the radiance map: {error.err} ({path})") from error
    if pixels is None:
        raise PhotoError(f"cannot decode the radiance map ({path})")
    return _checked(np.asarray(pixels, np.float32)[..., ::-1], path)


def _require_header(path: Path) -> None:
    """Refuse, before decoding, what is no Radiance picture: run lengths let a small file claim any size."""
    with path.open("rb") as stream:
        header = stream.read(4096)
    size = re.search(rb"-Y (\d+) \+X (\d+)\n", header)
    if not header.startswith(b"#?") or size is None:
        raise PhotoError(f"expected a Radiance .hdr picture, got another format ({path})")
    pixel_count = int(size[1]) * int(size[2])
    if pixel_count > MAX_RADIANCE_PX:
        raise PhotoError(f"expected at most {MAX_RADIANCE_PX} pixels, got {pixel_count} ({path})")


def _checked(radiance: Radiance, path: Path) -> Radiance:
    if radiance.ndim != 3 or radiance.shape[2] != 3:
        raise PhotoError(f"expected radiance of shape (H, W, 3), got {radiance.shape} ({path})")
    if not np.isfinite(radiance).all():
        raise PhotoError(f"expected finite radiance, got NaN or Inf ({path})")
    return np.ascontiguousarray(radiance, np.float32)


def write_radiance(path: Path, radiance: Radiance) -> None:
    """Write a Radiance .hdr picture atomically; its 8-bit mantissas keep about 1 % of the brightest channel.

    Args:
        path: the file, ending in .hdr; its folder exists.
        radiance: (H, W, 3) linear Rec.709.

    Raises:
        PhotoError: the radiance has another shape, or NaN or Inf, or the file cannot be written.
    """
    if path.suffix != ".hdr":
        raise ValueError(f"expected a name ending in .hdr, got {path.name}")
    bgr = np.ascontiguousarray(_checked(radiance, path)[..., ::-1])
    # OpenCV chooses the format by the suffix, so the temporary name keeps it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp.hdr")
    try:
        if not cv2.imwrite(str(temporary), bgr):
            raise PhotoError(f"cannot write the radiance map ({path})")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise PhotoError(f"cannot write the radiance map: {error.strerror} ({path})") from error


def normalise_radiance(radiance: Radiance, *, key: float = 0.18) -> Radiance:
    """Scale radiance so that its log-average luminance is `key`.

    Args:
        radiance: (H, W, 3) linear Rec.709; negative values become 0.
        key: the wanted log-average; 0.18 is middle grey, 0.09 to 0.36 is usual.

    Returns:
        (H, W, 3), the same scene in another unit. Black pixels do not count in the average.

    Raises:
        ValueError: no pixel has light.

    Source: Reinhard et al. 2002, equations 1 and 2, doi:10.1145/566654.566575.

    >>> round(float(normalise_radiance(np.full((2, 2, 3), 7, np.float32), key=0.18)[0, 0, 0]), 4)
    0.18
    """
    light = np.maximum(radiance, 0.0)
    luminance = light @ REC709_LUMINANCE
    lit = luminance[luminance > 0.0]
    if lit.size == 0:
        raise ValueError("expected a scene with some light, got only black")
    log_average = np.exp(np.mean(np.log(lit, dtype=np.float64)))
    return np.asarray(light * (key / log_average), np.float32)
