"""What `deepfuse fuse` writes of the light of a scene: radiance, and pictures with room for highlights."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.cli.options import names
from deepfuse.errors import PhotoError

if TYPE_CHECKING:
    from deepfuse.job.fuse import Fused
    from deepfuse.job.options import FuseOptions
    from deepfuse.job.prepare import Prepared
    from deepfuse.radiance import Radiance

ALONE = (".exr", ".hdr", ".dng")  # files of no picture
_WITH_HDR = ".avif is written with --hdr"
_LIGHT = ".exr (with pip install 'deepfuse[hdr]'), .hdr and .dng hold the light of the scene in place of a picture"
_WITHOUT_HDR = ".tif, .tiff and .png are written without --hdr"


def alone(options: argparse.Namespace) -> bool:
    """Whether no picture is wanted, but the light alone."""
    return options.output.suffix.lower() in ALONE


def wanted(options: argparse.Namespace, chosen: FuseOptions) -> FuseOptions:
    """What is wanted of the frames: their light is known in sRGB, so that is where their own spaces are left.

    Raises:
        BracketError: another colour space was asked for.
    """
    from deepfuse.job.radiance import check_space

    if not (options.hdr or options.radiance or alone(options)):
        return chosen
    found = replace(chosen, profile="srgb" if chosen.profile == "keep" else chosen.profile)
    if options.hdr and options.output.suffix.lower() == ".avif":  # 10 bits, of which 8 would leave bands
        found = replace(found, depth=found.depth or "16-bit")
    check_space(found)
    return found


def check(options: argparse.Namespace, chosen: FuseOptions) -> None:
    """Refuse outputs before any work is done for them.

    Raises:
        PhotoError: one cannot be written.
        ValueError: they exclude each other.
    """
    from deepfuse.job.radiance import HDR_SUFFIXES
    from deepfuse.photo import check_output
    from deepfuse.photo.encoding import ENCODERS
    from deepfuse.radiance import RADIANCE_SUFFIXES, require_writer

    output, name = (
        partial(check_output, sources=options.frames, overwrite=options.force),
        printable(str(options.output)),
    )
    if alone(options) and (options.hdr or options.radiance or options.save_masks):
        raise ValueError(f"{name}: expected no --hdr, --radiance or --save-masks beside the light alone")
    if options.radiance and options.radiance.absolute() == options.output.absolute():
        raise ValueError(f"{name}: expected two names for the picture and the light, got one")
    if alone(options):
        output(options.output, suffixes=RADIANCE_SUFFIXES)
    elif options.hdr:
        with _advising(options.output, HDR_SUFFIXES, _WITHOUT_HDR):
            output(options.output, suffixes=HDR_SUFFIXES)
    else:
        asked = options.output.suffix.lower() in HDR_SUFFIXES
        with _advising(options.output, tuple(ENCODERS), _WITH_HDR if asked else f"{_WITH_HDR}; {_LIGHT}"):
            output(options.output, depth=chosen.depth)
    if options.radiance:
        output(options.radiance, suffixes=RADIANCE_SUFFIXES)
    for path in filter(None, (options.output, options.radiance)):
        require_writer(path.suffix)


@contextmanager
def _advising(path: Path, written: tuple[str, ...], otherwise: str) -> Iterator[None]:
    """Let the error about a suffix that is not written say what else can be done."""
    try:
        yield
    except PhotoError as error:
        if path.suffix.lower() in written:
            raise
        raise PhotoError(f"{error}; {otherwise}") from error


def write_alone(options: argparse.Namespace, prepared: Prepared) -> dict[str, Any]:
    """Write the light of a scene, without a picture and a network."""
    from deepfuse.job.radiance import radiance_of, write_light

    radiance = radiance_of(prepared)
    lost = write_light(options.output, radiance, prepared)
    height, width, _ = radiance.pixels.shape
    output = printable(str(options.output))
    record = {"output": output, "frames": names(options.frames), "width": width, "height": height}
    text = f"{output}: {width}×{height}, the light of {len(prepared.files)} exposures"
    said = [f"warning: {warning}" for warning in (*prepared.unaligned, *lost)]
    return {**record, **_exposures(prepared, radiance), "text": text, "said": said}


def write_beside(options: argparse.Namespace, chosen: FuseOptions, prepared: Prepared, fused: Fused) -> dict[str, Any]:
    """Write the picture with room for its highlights, and the light, where wanted; returns what is recorded."""
    if not (options.hdr or options.radiance):
        return {}
    from deepfuse.files import replacing
    from deepfuse.job.radiance import hdr_bytes, radiance_of, write_light
    from deepfuse.photo import written_file

    radiance = radiance_of(prepared)
    record = _exposures(prepared, radiance)
    if options.hdr:
        data, stops = hdr_bytes(options.output.suffix, fused, radiance, chosen.encoding)
        with replacing(written_file(options.output)) as temporary:
            temporary.write_bytes(data)
        record["highlight_stops"] = round(stops, 3)
        record |= {"depth": "10-bit"} if options.output.suffix.lower() == ".avif" else {}
    if options.radiance:
        write_light(options.radiance, radiance, prepared)  # the picture beside it says what is lost
        record["radiance"] = printable(str(options.radiance))
    return record


def lines(record: dict[str, Any]) -> list[str]:
    """What people read of it."""
    said = []
    if "highlight_stops" in record:
        said.append(f"    highlights go up to {record['highlight_stops']:.1f} stops beyond white")
    if "radiance" in record:
        said.append(f"    {record['radiance']}: the light of the scene")
    return said


def _exposures(prepared: Prepared, radiance: Radiance) -> dict[str, Any]:
    """How much more light each frame got than the base, in stops, as it was measured."""
    pairs = zip(prepared.files, radiance.exposures, strict=True)
    return {"exposure_stops": {printable(file.name): round(log2(times), 3) for file, times in pairs}}
