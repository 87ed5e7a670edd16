"""Luma patches of two or more exposures: cut, select, and write as Parquet, one file a scene."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfuse.files import replacing

Grey = NDArray[np.uint8]

GROUP_BYTES = 4 * 2**20  # 56 pairs of 192 px, 512 of 64 px: large enough to be read fast
PARTS_OF_GROUP = 8  # row groups of a file: where a group ends within a file, little is read in vain
SHARE_OF_PAIRS = 0.5  # pairs are what the paper trains on, and the most common bracket
SHARE_OF_EXTREMES = 0.5  # of the patches that hold the darkest and the brightest exposure on purpose
CANDIDATES = 8  # places tried for each patch wanted: a scene that is mostly flat or clipped gives fewer
CLIPPED_LOW, CLIPPED_HIGH = 5, 250  # grey levels; within 2 % of either end little structure is left


@dataclass(frozen=True)
class Selection:
    """Which patches are kept: their size, their number a scene, and when one is flat or lost.

    Half of the patches hold two exposures, the others three up to `exposures`, where the scene has them. `flat_below`
    is in grey levels of 255: below it in every exposure, the standard deviation makes a patch flat. A patch is lost if
    more than the share `lost_above` of its pixels is clipped in every exposure.
    """

    size_px: int
    per_scene: int
    exposures: int
    flat_below: float
    lost_above: float


def schema(size_px: int) -> pa.Schema:
    """One patch a row: where it was cut, and its K exposures from dark to bright.

    Of each exposure its value, the mean luma of the whole picture from 0 to 1, and the luma of the patch.
    """
    return pa.schema(
        [
            pa.field("scene", pa.string(), nullable=False),
            pa.field("x", pa.int32(), nullable=False),
            pa.field("y", pa.int32(), nullable=False),
            pa.field("exposures", pa.int32(), nullable=False),
            pa.field("evs", pa.list_(pa.float32()), nullable=False),
            pa.field("means", pa.list_(pa.float32()), nullable=False),
            pa.field("luma", pa.binary(), nullable=False),
        ],
        metadata={"shape": f"exposures,{size_px},{size_px}", "dtype": "uint8", "range": "luma 0 to 255, sRGB-encoded"},
    )


def cut_patches(scene: str, frames: Sequence[Grey], evs: Sequence[float | None], selection: Selection) -> pa.Table:
    """Patches of one scene, at random places and of random exposures, both fixed by its id.

    Args:
        scene: the scene's id.
        frames: luma of K ≥ 2 aligned exposures from dark to bright, (H, W).
        evs: their exposure values, `None` where unknown.
        selection: which patches to keep.

    Returns:
        A table of `schema`, with at most `selection.per_scene` rows; fewer where the picture is flat, lost or too
        small.

    >>> noise = np.random.default_rng(0).integers(20, 230, (64, 80), np.uint8)
    >>> selection = Selection(size_px=16, per_scene=5, exposures=2, flat_below=1, lost_above=0.5)
    >>> len(cut_patches("scene_00", [noise // 4, noise], [8.0, 6.0], selection))
    5
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(scene.encode()).digest()[:8], "big"))
    size, (height, width) = selection.size_px, frames[0].shape
    means = [float(frame.mean(dtype=np.float64)) / 255 for frame in frames]
    rows: list[tuple[object, ...]] = []
    for _ in range(selection.per_scene * CANDIDATES if min(height, width) >= size else 0):
        if len(rows) == selection.per_scene:
            break
        y, x = (int(start) for start in rng.integers(0, [height - size + 1, width - size + 1]))
        chosen = _some_exposures(len(frames), selection.exposures, rng)
        patch = np.stack([frames[k][y : y + size, x : x + size] for k in chosen])
        if _useful(patch, selection):
            rows.append((scene, x, y, len(chosen), *([of[k] for k in chosen] for of in (evs, means)), patch.tobytes()))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema(size))
    fields = schema(size)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=fields)


def _some_exposures(available: int, most: int, rng: np.random.Generator) -> list[int]:
    """Indices of the exposures of one patch: every gap between two of them occurs, wide ones most often."""
    most = min(most, available)
    count = 2 if most == 2 or rng.random() < SHARE_OF_PAIRS else int(rng.integers(3, most + 1))
    if rng.random() < SHARE_OF_EXTREMES:
        between = rng.choice(np.arange(1, available - 1), count - 2, replace=False)
        return [0, *sorted(between.tolist()), available - 1]
    return sorted(rng.choice(available, count, replace=False).tolist())


def _useful(patch: Grey, selection: Selection) -> bool:
    if patch.std(axis=(1, 2)).max() < selection.flat_below:
        return False
    clipped = ((patch <= CLIPPED_LOW) | (patch >= CLIPPED_HIGH)).all(axis=0)
    return bool(clipped.mean() <= selection.lost_above)


def write_patches(path: Path, table: pa.Table) -> None:
    """Write a table of `schema`, the patches of one scene, as a Parquet file."""
    with replacing(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=-(-group_rows(size_px_of(table.schema.metadata)) // PARTS_OF_GROUP),
            compression="lz4",
            use_dictionary=["scene"],
            column_encoding={"luma": "PLAIN"},
        )


def size_px_of(metadata: Mapping[bytes, bytes]) -> int:
    """Width and height of the patches in a file, by the metadata of its schema."""
    return int(metadata[b"shape"].split(b",")[-1])


def group_rows(size_px: int) -> int:
    """How many patches are shuffled as one."""
    return max(1, GROUP_BYTES // (2 * size_px**2))
