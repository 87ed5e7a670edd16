"""A prepared bracket → the light of its scene, and the fused picture with room for its highlights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from deepfuse.job.carried import carried_over
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import Prepared
from deepfuse.metadata.capture import exposure_of
from deepfuse.photo import Encoding
from deepfuse.photo.encoding import encode_avif, encode_jpeg
from deepfuse.radiance import (
    Radiance,
    gain_map_of,
    hdr_picture,
    merge_radiance,
    pq_picture,
    ultra_hdr_jpeg,
    write_radiance,
)

if TYPE_CHECKING:
    from deepfuse.job.fuse import Fused  # torch, which light needs not

HDR_SUFFIXES = (".jpg", ".jpeg", ".avif")


def check_space(options: FuseOptions) -> None:
    """Refuse a colour space whose light is not known.

    Raises:
        BracketError: the pixels are wanted in another one than that of sRGB.
    """
    if options.profile != "srgb":
        raise BracketError(f"expected a profile of srgb for the light of a scene, got {options.profile}")


def radiance_of(bracket: Prepared) -> Radiance:
    """The light of the scene, linear, in the primaries of sRGB; 1 is white of the frame the others were laid on.

    Of RAW it is the sensor's; what another file says was bent by its camera's own curve, which nobody knows.

    Raises:
        RadianceError: nobody can tell how much more light one frame got than another.
    """
    exposures = [exposure_of(one.exif) for one in bracket.metadata]
    evs = [None if one is None else one.ev for one in exposures]
    return merge_radiance(bracket.agreeing, evs, bracket.base, [printable(file.name) for file in bracket.files])


def write_light(path: Path, radiance: Radiance, bracket: Prepared) -> tuple[str, ...]:
    """Write the light of a bracket with the metadata of its base; returns what could not be carried over.

    Raises:
        OSError: the file cannot be written.
    """
    carried = carried_over(bracket, path.suffix, linear=True)
    write_radiance(path, radiance, carried.embedded)
    return carried.warnings


def hdr_bytes(suffix: str, fused: Fused, radiance: Radiance, encoding: Encoding) -> tuple[bytes, float]:
    """The file of a picture with room for highlights, and the stops that they go beyond white.

    Args:
        suffix: ".jpg" for an Ultra HDR JPEG, of which the picture alone is what other programs show; ".avif" for 10
            bits by the curve of PQ.
        fused: the picture, in sRGB.
        radiance: of the same bracket.
        encoding: how a JPEG is compressed, and an AVIF likewise.
    """
    gain = gain_map_of(fused.pixels, radiance)
    if suffix.lower() == ".avif":
        light = hdr_picture(fused.pixels, gain)
        return encode_avif(pq_picture(light), encoding.jpeg_quality), gain.stops
    return ultra_hdr_jpeg(encode_jpeg(fused.pixels, encoding, fused.embedded), gain), gain.stops
