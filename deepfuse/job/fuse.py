"""A bracket's files, or what was prepared of them → the fused picture, with all that goes into its file and record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.color import Image, Mask
from deepfuse.fusion.fuse import fuse, shipped_model
from deepfuse.fusion.wrapping import Wrap, fused_round
from deepfuse.job.carried import carried_over
from deepfuse.job.clock import Clock
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import Prepared, prepare
from deepfuse.job.record import PictureRecord, UsedModel
from deepfuse.metrics.mef_ssim import mef_ssim
from deepfuse.model import Network
from deepfuse.photo import Depth, Embedded, holds_alpha, in_depth, written_depth
from deepfuse.photo.profiles import description

SMALLEST_SCORED_PX = 41  # below it, no window fits the smallest scale of MEF-SSIM
ANY_DEPTH = ".tif"  # holds each depth, so the pixels keep theirs


@dataclass(frozen=True)
class Fused:
    """A fused picture before it is written.

    Attributes:
        pixels: (H, W, 3), in the space of the embedded profile and the depth they are written in: uint8, uint16 or
            float32 (0 to 1).
        embedded: the metadata to be written beside them.
        record: how the picture was made.
        masks: one a file, (H, W) of uint8, where they were asked for: 255 where it shows another frame.
        shown: (H, W) of uint8, 0 where no frame shows anything: transparent where the format can be; else 1. `None`
            where all is shown.
    """

    pixels: Image
    embedded: Embedded
    record: PictureRecord
    masks: tuple[Image, ...] = ()
    shown: Mask | None = None


def fuse_files(
    files: Sequence[str | Path], *, model: Network | None = None, options: FuseOptions | None = None
) -> Fused:
    """Fuse the photo files of one scene, as the command `deepfuse fuse` does, without writing the picture.

    Args:
        files: two or more exposures, of any kind that `read_photo` takes, in any order.
        model: the network; the shipped one if `None`.
        options: what is done with them; if `None`, they are aligned and what moved is shown as in one of them. Where it
            names no depth, the pixels are in that of the frames.

    Returns:
        The picture, what is to be embedded in its file, and the record of how it was made.

    Raises:
        ValueError: fewer than two files.
        PhotoError: a frame cannot be read.
        BracketError: the frames cannot be one bracket.
        AlignmentError: they cannot be registered reliably; `FuseOptions(if_unaligned="drop")` leaves such frames out,
            "as-is" takes them where they are.
        ModelError: the network does not have the quality.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from deepfuse import FuseOptions, fuse_files, write_photo
    >>> with TemporaryDirectory() as folder:
    ...     for level in (60, 180):
    ...         write_photo(f"{folder}/{level}.png", np.full((64, 96, 3), level, np.uint8))
    ...     fused = fuse_files([f"{folder}/60.png", f"{folder}/180.png"], options=FuseOptions(align=False))
    >>> fused.pixels.shape, fused.record.depth, fused.record.quality
    ((64, 96, 3), '8-bit', 'fast')
    >>> round(float(fused.pixels.mean()), -1)
    130.0
    """
    if len(files) < 2:
        raise ValueError(f"expected 2 or more exposures, got {len(files)}")
    paths, options = [Path(file) for file in files], options or FuseOptions()
    return fuse_prepared(prepare(paths, options), model or shipped_model(), options, suffix=ANY_DEPTH)


def fuse_prepared(
    bracket: Prepared,
    model: Network,
    options: FuseOptions,
    *,
    suffix: str,
    used: UsedModel | None = None,
    wrap: Wrap = "none",
) -> Fused:
    """Fuse a bracket.

    Args:
        bracket: what `prepare` made of it.
        model: the network.
        options: what the user chose.
        suffix: of the file to be written, which decides what depth it can hold.
        used: what the record says of the network.
        wrap: which of the picture's edges meet, as those of a panorama all the way round do.

    Raises:
        ModelError: the network does not have the quality.
    """
    clock, score = Clock(), None
    quality = options.quality or model.qualities[0]
    fused = fused_round(bracket.agreeing, wrap, partial(fuse, model=model, quality=quality, controls=options.controls))
    clock.step("fuse")
    height, width, _ = fused.shape
    if options.score:
        score = mef_ssim(bracket.aligned, fused) if min(height, width) >= SMALLEST_SCORED_PX else None
        clock.step("score")
    depth = written_depth(suffix, options.depth or bracket.depth)
    frames = tuple(printable(file.name) for file in bracket.files)
    profile = bracket.rendered.profile
    carried = carried_over(bracket, suffix)
    record = PictureRecord(
        model=used,
        alignment=bracket.alignment,
        frames=frames,
        deghosting=bracket.deghosting,
        scored=options.score,
        mef_ssim=score,
        quality=quality,
        controls=options.controls,
        width_px=width,
        height_px=height,
        orientation=bracket.orientation,
        depth=depth,
        profile=description(profile.icc) if profile.icc else "sRGB",
        white_balance=bracket.rendered.white_balance,
        metadata_of=frames[bracket.base],
        warnings=(*_warnings(bracket, frames, depth, suffix), *carried.warnings),
        seconds=bracket.seconds | clock.seconds,
    )
    return Fused(in_depth(fused, depth), carried.embedded, record, bracket.masks, bracket.shown)


def _warnings(bracket: Prepared, frames: Sequence[str], depth: Depth, suffix: str) -> tuple[str, ...]:
    """What whoever looks at the picture should know of it, but for its metadata."""
    return (
        *bracket.rendered.warnings,
        *bracket.unaligned,
        *bracket.turned,
        *_banding(bracket, depth),
        *_unseen(bracket, suffix),
        *(bracket.deghosting.notes(frames) if bracket.deghosting else ()),
    )


def _banding(bracket: Prepared, depth: Depth) -> tuple[str, ...]:
    """A warning where 8 bits are spread over a wide gamut."""
    coarse = depth == "8-bit" and bracket.rendered.wide
    return ("8 bits are few for a gamut wider than sRGB: smooth parts may show bands",) if coarse else ()


def _unseen(bracket: Prepared, suffix: str) -> tuple[str, ...]:
    """A warning where the picture shows something that no frame does."""
    if bracket.shown is None or holds_alpha(suffix):
        return ()
    share = 1 - float(bracket.shown.mean())
    return (
        f"{share:.1%} of the picture are shown by no frame: '{suffix}' cannot be transparent, the edge goes on there",
    )
