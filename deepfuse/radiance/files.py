"""Radiance to files: OpenEXR, TIFF of floats, Radiance HDR, linear DNG."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import tifffile

from deepfuse.color import Float
from deepfuse.errors import DeepfuseError, NotInstalledError
from deepfuse.files import replacing
from deepfuse.metadata.embedded import NOTHING, Embedded, into_tiff
from deepfuse.radiance.attributes import exr_attributes
from deepfuse.radiance.merge import Radiance

_XYZ_TO_SRGB = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)  # IEC 61966-2-1
_LINEAR_RAW, _D65 = 34892, 21  # DNG 1.7, PhotometricInterpretation and CalibrationIlluminant
_WHITE = 65535
_SHORT, _LONG, _BYTE, _ASCII, _RATIONAL, _SRATIONAL = 3, 4, 1, 2, 5, 10


def radiance_bytes(suffix: str, radiance: Radiance, embedded: Embedded = NOTHING) -> bytes:
    """The bytes of a file of linear light in the primaries of sRGB; 1 is white of the base frame, but for DNG.

    Args:
        suffix: one of `RADIANCE_SUFFIXES`. `.exr` and `.tif` are float32, `.hdr` is RGBE, `.dng` is 16 bits, linear, of
            which the brightest light is white and BaselineExposure brings back the base frame's.
        radiance: what `merge_radiance` made.
        embedded: metadata; `.exr` has them as its standard attributes, `.hdr` has no place for them. A profile is left
            out: it is that of a picture.
    """
    return _WRITERS[suffix.lower()](radiance, replace(embedded, icc=b""))


def write_radiance(path: Path, radiance: Radiance, embedded: Embedded) -> None:
    """Write radiance and metadata under its final name only when it is complete.

    Raises:
        OSError: the file cannot be written.
    """
    data = radiance_bytes(path.suffix, radiance, embedded)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def require_writer(suffix: str) -> None:
    """Ask for the package that files of this suffix need.

    Raises:
        NotInstalledError: it is not there.
    """
    if suffix.lower() == ".exr" and find_spec("OpenEXR") is None:
        raise NotInstalledError(".exr: OpenEXR is not installed: pip install 'deepfuse[hdr]', or write .tif")


def _exr(radiance: Radiance, embedded: Embedded) -> bytes:
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **exr_attributes(embedded)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "radiance.exr"
        OpenEXR.File(header, {"RGB": np.ascontiguousarray(radiance.pixels)}).write(str(path))
        return path.read_bytes()


def _tiff(radiance: Radiance, embedded: Embedded) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, radiance.pixels, photometric="rgb", compression="adobe_deflate", predictor=3, metadata=None,
        byteorder="<",
    )  # fmt: skip
    return _with(embedded, buffer)


def _hdr(radiance: Radiance, _: Embedded) -> bytes:
    done, data = cv2.imencode(".hdr", np.ascontiguousarray(radiance.pixels[..., ::-1]))
    if not done:
        raise DeepfuseError(".hdr: the picture cannot be encoded")
    return bytes(data)


def _dng(radiance: Radiance, embedded: Embedded) -> bytes:
    top = max(float(radiance.pixels.max()), 1e-6)
    pixels = _scaled(radiance.pixels, top)
    baseline = round(np.log2(top) * 100)
    tags = [
        (50706, _BYTE, 4, (1, 4, 0, 0), True),  # DNGVersion
        (50707, _BYTE, 4, (1, 1, 0, 0), True),  # DNGBackwardVersion
        (50708, _ASCII, 0, "deepfuse merged radiance", True),  # UniqueCameraModel
        (50714, _SHORT, 3, (0, 0, 0), True),  # BlackLevel
        (50717, _LONG, 3, (_WHITE,) * 3, True),  # WhiteLevel
        (
            50721,
            _SRATIONAL,
            9,
            tuple(n for v in _XYZ_TO_SRGB for n in (round(v * 10_000), 10_000)),
            True,
        ),  # ColorMatrix1
        (50728, _RATIONAL, 3, (1, 1) * 3, True),  # AsShotNeutral
        (50730, _SRATIONAL, 1, (baseline, 100), True),  # BaselineExposure
        (50778, _SHORT, 1, _D65, True),  # CalibrationIlluminant1
    ]
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, pixels, photometric=_LINEAR_RAW, planarconfig="contig", metadata=None, byteorder="<", extratags=tags
    )
    return _with(embedded, buffer)


def _with(embedded: Embedded, tiff: io.BytesIO) -> bytes:
    data = bytearray(tiff.getbuffer())
    into_tiff(data, embedded)
    return bytes(data)


def _scaled(pixels: Float, top: float) -> np.ndarray:
    return np.asarray(np.round(np.clip(pixels / np.float32(top), 0, 1) * _WHITE), np.uint16)


_WRITERS: dict[str, Callable[[Radiance, Embedded], bytes]] = {
    ".exr": _exr, ".tif": _tiff, ".tiff": _tiff, ".hdr": _hdr, ".dng": _dng,
}  # fmt: skip
RADIANCE_SUFFIXES = tuple(_WRITERS)
