"""The photo files of one bracket → the fused picture, with all that goes into its file and its record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deepfuse.alignment import align
from deepfuse.bracket import printable
from deepfuse.color import Image
from deepfuse.controls import NEUTRAL, Controls
from deepfuse.deghosting import remove_ghosts
from deepfuse.fusion import fuse
from deepfuse.mef_ssim import mef_ssim
from deepfuse.model import Network
from deepfuse.model.quality import Quality, check_quality
from deepfuse.photo import DEFAULT_ENCODING, Depth, Embedded, Encoding, Header, in_depth, read_bracket, written_depth
from deepfuse.photo.carrying import carry
from deepfuse.photo.reading import AT_ONCE

SMALLEST_SCORED_PX = 41  # below it, no window fits the smallest scale of MEF-SSIM
_DEPTHS: tuple[Depth, ...] = ("8-bit", "16-bit", "float")


@dataclass(frozen=True)
class FuseOptions:
    """How a bracket is fused and written.

    If they are `None`, `quality` is the first that the network has and `depth` that of the frames. `score` asks for the
    MEF-SSIM, `save_masks` for what `deghost` replaced.
    """

    align: bool = True
    quality: Quality | None = None
    depth: Depth | None = None
    score: bool = False
    encoding: Encoding = DEFAULT_ENCODING
    controls: Controls = NEUTRAL
    deghost: bool = True
    save_masks: bool = False


@dataclass(frozen=True)
class Fused:
    """The fused pixels in the depth they are written in, the metadata beside them, and the record in JSON values.

    `masks` are one a frame, (height, width) of uint8, where they were asked for: 255 where it shows another frame.
    """

    pixels: Image
    embedded: Embedded
    record: dict[str, Any]
    masks: tuple[Image, ...] = ()


@dataclass
class _Clock:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def step(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name], self.last = round(now - self.last, 3), now


def fuse_files(files: Sequence[Path], model: Network, options: FuseOptions, *, suffix: str) -> Fused:
    """Develop and align one bracket, remove its ghosts and fuse it.

    Args:
        files: the frames, in any order.
        model: the network.
        options: what the user chose.
        suffix: of the file to be written, which decides what depth it can hold.

    Raises:
        ModelError: the network does not have the quality.
        PhotoError: a frame cannot be read.
        BracketError: the frames cannot be one bracket.
        AlignmentError: they cannot be registered surely.
    """
    quality = options.quality or model.qualities[0]
    check_quality(quality, model.arch, model.qualities)
    clock = _Clock()
    headers, frames = _read(files, options.depth)
    clock.step("read")
    base, record, warnings = _middle(headers), dict[str, Any](), list[str]()
    if options.align:
        alignment = align(frames)
        frames, base = list(alignment.frames), alignment.reference
        record["alignment"] = alignment.record()
        clock.step("align")
    agreeing, masks = tuple(frames), tuple[Image, ...]()
    if options.deghost:
        found = remove_ghosts(frames, base)
        agreeing, record["deghosting"] = found.frames, found.record()
        warnings += found.warnings
        masks = tuple(found.mask(index) for index in range(len(frames))) if options.save_masks else ()
        clock.step("deghost")
    fused = fuse(agreeing, model=model, quality=quality, controls=options.controls)
    clock.step("fuse")
    height, width, _ = fused.shape
    if options.score:
        record["mef_ssim"] = mef_ssim(frames, fused) if min(height, width) >= SMALLEST_SCORED_PX else None
        clock.step("score")
    depth = written_depth(suffix, options.depth or headers[0].depth)
    carried = carry(files, base, width=width, height=height)
    record |= {"quality": quality, "controls": asdict(options.controls)}
    record |= {"width": width, "height": height, "depth": depth}
    record["metadata_of"] = printable(files[base].name)
    record |= {"warnings": [*warnings, *carried.warnings], "seconds": clock.seconds}
    return Fused(in_depth(fused, depth), carried.embedded, record, masks)


def mask_files(output: Path, files: Sequence[Path], options: FuseOptions) -> tuple[Path, ...]:
    """Where the masks of a bracket's frames go: beside the picture, `PICTURE_mask_FRAME.png`; nowhere if not wanted.

    Raises:
        ValueError: frames of one name.
    """
    if not options.save_masks:
        return ()
    paths = tuple(output.with_name(f"{output.stem}_mask_{file.stem}.png") for file in files)
    if len(set(paths)) < len(paths):
        raise ValueError(f"expected frames of different names, got {', '.join(printable(file.name) for file in files)}")
    return paths


def _read(files: Sequence[Path], depth: Depth | None) -> tuple[list[Header], list[Image]]:
    """Frames at their own depth, or at the wanted one if that is deeper: else its further levels would stay empty."""
    headers, frames = [], []
    for header, frame in read_bracket(files, at_once=AT_ONCE):
        deeper = depth is not None and _DEPTHS.index(depth) > _DEPTHS.index(header.depth)
        headers.append(header)
        frames.append(in_depth(frame, depth) if depth and deeper else frame)
    return headers, frames


def _middle(headers: Sequence[Header]) -> int:
    """The middle exposure; the middle file where one is unknown."""
    evs = [header.exposure.ev for header in headers]
    order = sorted(range(len(evs)), key=lambda index: 0.0 if None in evs else evs[index] or 0.0)
    return order[len(order) // 2]
