"""Luma patches of two or more exposures: cut, select, and stream through Parquet, one file a scene."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfuse.errors import DeepfuseError
from deepfuse.files import replacing

Grey = NDArray[np.uint8]
Means = NDArray[np.float32]

GROUP_BYTES = 4 * 2**20  # 56 pairs of 192 px, 512 of 64 px: large enough to be read fast
PARTS_OF_GROUP = 8  # row groups of a file: where a group ends within a file, little is read in vain
SHUFFLED_GROUPS = 16  # in memory at once: 64 MiB of pairs
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
            row_group_size=-(-_group_rows(_size_px(table.schema.metadata)) // PARTS_OF_GROUP),
            compression="lz4",
            use_dictionary=["scene"],
            column_encoding={"luma": "PLAIN"},
        )


def _size_px(metadata: Mapping[bytes, bytes]) -> int:
    return int(metadata[b"shape"].split(b",")[-1])


def _group_rows(size_px: int) -> int:
    return max(1, GROUP_BYTES // (2 * size_px**2))


class PatchSet:
    """The patches of a folder of Parquet files, one a scene, read in shuffled batches.

    Scenes stand in the order of their ids, and what is random depends on the rows alone: neither the files that rows
    are in nor the row groups in those decide an order.

    Args:
        path: a folder of files of `write_patches`; one that is not there has no patches, for DVC keeps no empty folder.

    Raises:
        DeepfuseError: a file is no readable patch file, or has patches of another size.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_px = 0
        self._files: list[tuple[Path, pq.FileMetaData]] = []
        self._parts: list[tuple[int, int]] = []  # a file, and one of its row groups
        rows, exposures = [0], [np.empty(0, np.int32)]
        for index, file in enumerate(sorted(path.glob("*.parquet"), key=lambda file: file.stem)):
            metadata, counts = self._look(file)
            self._files.append((file, metadata))
            self._parts += [(index, group) for group in range(metadata.num_row_groups)]
            rows += [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            exposures.append(counts)
        self._starts = np.cumsum(rows)
        self._exposures = np.concatenate(exposures)

    def _look(self, file: Path) -> tuple[pq.FileMetaData, NDArray[np.int32]]:
        """What a file is, and the number of exposures of each of its patches."""
        try:
            with pq.ParquetFile(file) as opened:
                metadata, size_px = opened.metadata, _size_px(opened.metadata.metadata)
                exposures = opened.read(["exposures"])["exposures"].to_numpy()
        except (OSError, pa.ArrowException, KeyError, TypeError) as error:
            raise DeepfuseError(f"{file}: expected a Parquet file of patches, got: {error}") from error
        if size_px != (self.size_px or size_px):
            raise DeepfuseError(f"{file}: expected patches of {self.size_px} px as in the files before, got {size_px}")
        self.size_px = size_px
        return metadata, exposures

    def __len__(self) -> int:
        return len(self._exposures)

    @property
    def pixel_count(self) -> int:
        """Pixels of all exposures of all patches; each is a byte."""
        return int(self._exposures.sum()) * self.size_px**2

    def batch_count(self, batch_size: int) -> int:
        """How many batches `batches` yields."""
        return int(sum(-(-rows // batch_size) for rows in np.bincount(self._exposures)))

    def batches(self, batch_size: int, *, seed: int | None = None) -> Iterator[tuple[Grey, Means]]:
        """All patches once, in batches (B, K, size, size) of luma and (B, K) of means; K is the same in a batch.

        Args:
            batch_size: patches a batch; the last one of each K may be smaller.
            seed: fixes the order; `None` keeps the files'. Groups of rows are shuffled, and the rows within every 16 of
                them, which bounds the memory.
        """
        rng = None if seed is None else np.random.default_rng(seed)
        of_group = np.array_split(np.arange(len(self)), self._group_starts()[1:])
        order = np.arange(len(of_group)) if rng is None else rng.permutation(len(of_group))
        waiting: dict[int, list[tuple[Grey, Means]]] = {}
        for start in range(0, len(order), SHUFFLED_GROUPS):
            rows = self._read(np.concatenate([of_group[group] for group in order[start : start + SHUFFLED_GROUPS]]))
            for row in range(len(rows)) if rng is None else rng.permutation(len(rows)):
                exposures = len(rows[row][1])
                batch = waiting.setdefault(exposures, [])
                batch.append(rows[row])
                if len(batch) == batch_size:
                    yield _stacked(waiting.pop(exposures))
        for _, batch in sorted(waiting.items()):
            yield _stacked(batch)

    def _group_starts(self) -> NDArray[np.intp]:
        return np.arange(0, len(self), _group_rows(self.size_px or 1))

    def _read(self, rows: NDArray[np.intp]) -> list[tuple[Grey, Means]]:
        """The patches (K, size, size) of some rows, without a copy, and their means (K,)."""
        found: dict[int, tuple[Grey, Means]] = {}
        parts = np.unique(np.searchsorted(self._starts, rows, side="right") - 1).tolist()
        for index, of_file in groupby(parts, key=lambda part: self._parts[part][0]):
            found |= self._read_file(index, list(of_file))
        return [found[row] for row in rows.tolist()]

    def _read_file(self, index: int, parts: list[int]) -> dict[int, tuple[Grey, Means]]:
        """The rows of some row groups of one file."""
        path, metadata = self._files[index]
        with pq.ParquetFile(path, metadata=metadata, memory_map=True) as file:
            table = file.read_row_groups([self._parts[part][1] for part in parts], ["luma", "means"])
        rows = chain.from_iterable(range(*self._starts[part : part + 2].tolist()) for part in parts)
        shape = -1, self.size_px, self.size_px
        return {
            row: (luma.reshape(shape), np.array(means, np.float32))
            for row, luma, means in zip(rows, _binaries(table["luma"]), table["means"].to_pylist(), strict=True)
        }


def _binaries(column: pa.ChunkedArray) -> Iterator[Grey]:
    """The bytes of each row, without a copy."""
    for chunk in column.chunks:
        offsets = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        pixels = np.frombuffer(chunk.buffers()[2], np.uint8)
        for start, stop in pairwise(offsets.tolist()):
            yield pixels[start:stop]


def _stacked(rows: list[tuple[Grey, Means]]) -> tuple[Grey, Means]:
    patches, means = zip(*rows, strict=True)
    return np.stack(patches), np.stack(means)
