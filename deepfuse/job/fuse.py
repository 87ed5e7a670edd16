"""A bracket's files, or what was prepared of them → the fused picture, with all that goes into its file and record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.color import Image
from deepfuse.fusion.fuse import fuse, shipped_model
from deepfuse.job.options import BY_DEFAULT, FuseOptions
from deepfuse.job.prepare import Clock, Prepared, prepare
from deepfuse.metrics.mef_ssim import mef_ssim
from deepfuse.model import Network
from deepfuse.photo import Embedded, in_depth, written_depth
from deepfuse.photo.carrying import carry

SMALLEST_SCORED_PX = 41  # below it, no window fits the smallest scale of MEF-SSIM
ANY_DEPTH = ".tif"


@dataclass(frozen=True)
class Fused:
    """A fused picture before it is written.

    Attributes:
        pixels: (H, W, 3), sRGB-encoded, in the depth they are written in: uint8, uint16 or float32 (0 to 1).
        embedded: the metadata to be written beside them.
        record: how the picture was made, in JSON values.
        masks: one a frame, (H, W) of uint8, where they were asked for: 255 where it shows another frame.
    """

    pixels: Image
    embedded: Embedded
    record: dict[str, Any]
    masks: tuple[Image, ...] = ()


def fuse_files(
    files: Sequence[str | Path], *, model: Network | None = None, options: FuseOptions = BY_DEFAULT
) -> Fused:
    """Fuse the photo files of one scene, as the command `deepfuse fuse` does, without writing the picture.

    Args:
        files: two or more exposures, RAW, TIFF, PNG, JPEG or HEIC, in any order.
        model: the network; the shipped one if `None`.
        options: what is done with them; by default they are aligned and what moved is taken from one of them. Where it
            names no depth, the pixels are in that of the frames.

    Returns:
        The picture, what is to be embedded in its file, and the record of how it was made.

    Raises:
        ValueError: fewer than two files.
        PhotoError: a frame cannot be read.
        BracketError: the frames cannot be one bracket.
        AlignmentError: they cannot be registered surely; `FuseOptions(align=False)` takes them as they are.
        ModelError: the network does not have the quality.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from deepfuse import FuseOptions, fuse_files, write_photo
    >>> with TemporaryDirectory() as folder:
    ...     for level in (60, 180):
    ...         write_photo(f"{folder}/{level}.png", np.full((64, 96, 3), level, np.uint8))
    ...     fused = fuse_files([f"{folder}/60.png", f"{folder}/180.png"], options=FuseOptions(align=False))
    >>> fused.pixels.shape, fused.record["depth"], fused.record["quality"]
    ((64, 96, 3), '8-bit', 'fast')
    >>> round(float(fused.pixels.mean()), -1)
    140.0
    """
    if len(files) < 2:
        raise ValueError(f"expected 2 or more exposures, got {len(files)}")
    paths = [Path(file) for file in files]
    fused = fuse_prepared(prepare(paths, options), model or shipped_model(), options, suffix=ANY_DEPTH)
    return replace(fused, record={"frames": [printable(str(path)) for path in paths], **fused.record})


def fuse_prepared(bracket: Prepared, model: Network, options: FuseOptions, *, suffix: str) -> Fused:
    """Fuse a bracket.

    Args:
        bracket: what `prepare` made of it.
        model: the network.
        options: what the user chose.
        suffix: of the file to be written, which decides what depth it can hold.

    Raises:
        ModelError: the network does not have the quality.
    """
    clock, record = Clock(), dict(bracket.record)
    quality = options.quality or model.qualities[0]
    fused = fuse(bracket.agreeing, model=model, quality=quality, controls=options.controls)
    clock.step("fuse")
    height, width, _ = fused.shape
    if options.score:
        scored = min(height, width) >= SMALLEST_SCORED_PX
        record["mef_ssim"] = mef_ssim(bracket.aligned, fused) if scored else None
        clock.step("score")
    depth = written_depth(suffix, options.depth or bracket.depth)
    carried = carry(bracket.files, bracket.base, width=width, height=height)
    record |= {"quality": quality, "controls": asdict(options.controls)}
    record |= {"width": width, "height": height, "depth": depth}
    record["metadata_of"] = printable(bracket.files[bracket.base].name)
    record |= {"warnings": [*bracket.warnings, *carried.warnings], "seconds": bracket.seconds | clock.seconds}
    return Fused(in_depth(fused, depth), carried.embedded, record, bracket.masks)
