"""What the page's own worker process does: looks at a set, whole pictures at full size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from deepfuse.color import Image
from deepfuse.fusion.controls import NEUTRAL
from deepfuse.job.fuse import Fused, fuse_prepared
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import Prepared, prepare
from deepfuse.job.record import UsedModel
from deepfuse.model import Network, read_with_sha256
from deepfuse.monitoring.pictures import measured
from deepfuse.photo import Embedded, Encoding, encoded, in_depth

SIDE_PX = 1600  # of a look: what a screen shows of it
SHOWN = Encoding(jpeg_quality=90)
Stamp = tuple[tuple[Path, int, int], ...]
"""The frames of a set, each with its size in bytes and time of change in nanoseconds."""


def stamp(files: Sequence[Path]) -> Stamp:
    """The frames as they are now.

    Raises:
        OSError: one is not there.
    """
    return tuple((path, (found := path.stat()).st_size, found.st_mtime_ns) for path in files)


def fused(frames: Stamp, options: FuseOptions, model: Path, name: str, side_px: int | None) -> tuple[bytes, Any]:
    """The picture as JPEG, and its record in JSON values with measures that need no truth."""
    bracket = _bracket(frames, _without_look(options), side_px)
    made = _fused(frames, options, model, name, side_px)
    record = made.record.as_json() | {"measures": measured(bracket.aligned, made)}
    return _jpeg(made.pixels, bracket), record


def exposure(frames: Stamp, options: FuseOptions, index: int, side_px: int | None) -> bytes:
    """One frame as JPEG, laid on the others and cropped as the picture.

    Raises:
        IndexError: the frame was left out, or there is none of this place.
    """
    bracket = _bracket(frames, _without_look(options), side_px)
    place = bracket.files.index(frames[index][0]) if frames[index][0] in bracket.files else len(bracket.files)
    return _jpeg(bracket.aligned[place], bracket)


def moved(frames: Stamp, options: FuseOptions, side_px: int | None) -> bytes:
    """What moved as PNG: white where some frame shows another one's content, else black."""
    bracket = _bracket(frames, _without_look(options), side_px)
    shape = bracket.aligned[0].shape[:2]
    mask = np.maximum.reduce([*bracket.masks, np.zeros(shape, np.uint8)])
    return bytes(encoded(Path("moved.png"), np.asarray(mask, np.uint8), SHOWN))


def _without_look(options: FuseOptions) -> FuseOptions:
    """What decides on the frames before they are fused; what moved is always wanted."""
    return replace(options, controls=NEUTRAL, quality=None, score=False, depth=None, save_masks=options.deghost)


@lru_cache(4)
def _small_bracket(frames: Stamp, options: FuseOptions, side_px: int) -> Prepared:
    return prepare([path for path, _, _ in frames], options, side_px=side_px)


@lru_cache(1)
def _whole_bracket(frames: Stamp, options: FuseOptions) -> Prepared:
    return prepare([path for path, _, _ in frames], options)


def _bracket(frames: Stamp, options: FuseOptions, side_px: int | None) -> Prepared:
    return _small_bracket(frames, options, side_px) if side_px else _whole_bracket(frames, options)


@lru_cache(2)
def _fused(frames: Stamp, options: FuseOptions, model: Path, name: str, side_px: int | None) -> Fused:
    network, sha256 = _network(model)
    bracket = _bracket(frames, _without_look(options), side_px)
    return fuse_prepared(bracket, network, options, suffix=".tif", used=UsedModel(name, sha256))


@lru_cache(1)
def _network(model: Path) -> tuple[Network, str]:
    return read_with_sha256(model)


def _jpeg(pixels: Image, bracket: Prepared) -> bytes:
    """With the profile of its colour space, which browsers go by."""
    embedded = Embedded(icc=bracket.rendered.profile.icc)
    return bytes(encoded(Path("look.jpg"), in_depth(pixels, "8-bit"), SHOWN, embedded))
