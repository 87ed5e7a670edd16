"""A prepared bracket → the fused picture, with all that goes into its file and its record."""

from __future__ import annotations

from dataclasses import dataclass

from deepfuse.bracket import printable
from deepfuse.color import Image
from deepfuse.fusion.fuse import fuse
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import Clock, Prepared
from deepfuse.job.record import PictureRecord, UsedModel
from deepfuse.metadata.transfer import transfer
from deepfuse.metrics.mef_ssim import mef_ssim
from deepfuse.model import Network
from deepfuse.photo import Embedded, in_depth, written_depth
from deepfuse.photo.profiles import srgb_profile

SMALLEST_SCORED_PX = 41  # below it, no window fits the smallest scale of MEF-SSIM


@dataclass(frozen=True)
class Fused:
    """The fused pixels in the depth they are written in, the metadata beside them, and the record of both."""

    pixels: Image
    embedded: Embedded
    record: PictureRecord


def fuse_prepared(
    bracket: Prepared, model: Network, options: FuseOptions, *, suffix: str, used: UsedModel | None = None
) -> Fused:
    """Fuse a bracket.

    Args:
        bracket: what `prepare` made of it.
        model: the network.
        options: what the user chose.
        suffix: of the file to be written, which decides what depth it can hold.
        used: what the record says of the network.

    Raises:
        ModelError: the network does not have the quality.
    """
    clock, score = Clock(), None
    quality = options.quality or model.qualities[0]
    fused = fuse(bracket.agreeing, model=model, quality=quality, controls=options.controls)
    clock.step("fuse")
    height, width, _ = fused.shape
    if options.score:
        score = mef_ssim(bracket.aligned, fused) if min(height, width) >= SMALLEST_SCORED_PX else None
        clock.step("score")
    depth = written_depth(suffix, options.depth or bracket.depth)
    names = [file.name for file in bracket.files]
    carried = transfer(bracket.metadata, bracket.base, names=names, width=width, height=height, icc=srgb_profile())
    record = PictureRecord(
        model=used,
        alignment=bracket.alignment,
        deghosting=bracket.deghosting,
        scored=options.score,
        mef_ssim=score,
        quality=quality,
        controls=options.controls,
        width_px=width,
        height_px=height,
        depth=depth,
        metadata_of=printable(names[bracket.base]),
        warnings=(*(bracket.deghosting.warnings if bracket.deghosting else ()), *carried.warnings),
        seconds=bracket.seconds | clock.seconds,
    )
    return Fused(in_depth(fused, depth), carried.embedded, record)
