"""Luma patches of two or more exposures: cut, select, and stream through Parquet, one file a scene."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfuse.errors import DeepfuseError
from deepfuse.files import replacing

Grey = NDArray[np.uint8]
Means = NDArray[np.float32]
Counts = Mapping[int, int]
"""How many patches hold so many exposures."""

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


def exposure_counts(file: Path) -> Counts:
    """How many of the patches in a file hold so many exposures.

    Raises:
        DeepfuseError: it is no readable patch file.
    """
    try:
        found = pq.read_table(file, columns=["exposures"])["exposures"].to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise _no_patches(file, error) from error
    return dict(sorted(Counter(found).items()))


def _read_metadata(file: Path) -> pq.FileMetaData:
    try:
        metadata = pq.read_metadata(file)
        _size_px(metadata.metadata)
    except (OSError, pa.ArrowException, KeyError, TypeError) as error:
        raise _no_patches(file, error) from error
    return metadata


def _no_patches(file: Path, error: Exception) -> DeepfuseError:
    return DeepfuseError(f"{file}: expected a Parquet file of patches, got: {error}")


class PatchSet:
    """The patches of a folder of Parquet files, one a scene, read in shuffled batches.

    Scenes stand in the order of their ids, and what is random depends on the rows alone: neither the files that rows
    are in nor the row groups in those decide an order.

    Args:
        path: a folder of files of `write_patches`; one that is not there has no patches, for DVC keeps no empty folder.
        counts: what `exposure_counts` says of each file, by its name, where that is known: then none is opened before
            patches of it are wanted.

    Raises:
        DeepfuseError: a file is no readable patch file, or has patches of another size.
    """

    def __init__(self, path: Path, counts: Mapping[str, Counts] | None = None) -> None:
        self.path = path
        self._files = sorted(path.glob("*.parquet"), key=lambda file: file.stem)
        self._opened: dict[Path, pq.FileMetaData] = {}
        self._size_px = 0
        of_file = [exposure_counts(file) if counts is None else counts[file.name] for file in self._files]
        self._starts = np.cumsum([0, *(sum(count.values()) for count in of_file)])
        self._counts = sum(map(Counter, of_file), Counter[int]())
        if counts is None:
            for file in self._files:
                self._metadata(file)

    def _metadata(self, file: Path) -> pq.FileMetaData:
        """What a file is, looked at once."""
        if file not in self._opened:
            metadata = _read_metadata(file)
            size_px = _size_px(metadata.metadata)
            if size_px != (self._size_px or size_px):
                raise DeepfuseError(f"{file}: expected patches of {self._size_px} px as in other files, got {size_px}")
            self._opened[file], self._size_px = metadata, size_px
        return self._opened[file]

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def size_px(self) -> int:
        """Width and height of a patch; 0 where there is none."""
        if self._files:
            self._metadata(self._files[0])
        return self._size_px

    @property
    def pixel_count(self) -> int:
        """Pixels of all exposures of all patches; each is a byte."""
        return sum(exposures * patches for exposures, patches in self._counts.items()) * self.size_px**2

    def batch_count(self, batch_size: int) -> int:
        """How many batches `batches` yields."""
        return sum(-(-patches // batch_size) for patches in self._counts.values())

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
        files = np.searchsorted(self._starts, rows, side="right") - 1
        for index in np.unique(files).tolist():
            start = int(self._starts[index])
            of_file = self._read_file(self._files[index], rows[files == index] - start)
            found |= {start + row: patch for row, patch in of_file.items()}
        return [found[row] for row in rows.tolist()]

    def _read_file(self, path: Path, rows: NDArray[np.intp]) -> dict[int, tuple[Grey, Means]]:
        """The rows of one file, and others of the same row groups."""
        metadata = self._metadata(path)
        ends = np.cumsum([0, *(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))])
        groups = np.unique(np.searchsorted(ends, rows, side="right") - 1).tolist()
        with pq.ParquetFile(path, metadata=metadata, memory_map=True) as file:
            table = file.read_row_groups(groups, ["luma", "means"])
        numbers = chain.from_iterable(range(*ends[group : group + 2].tolist()) for group in groups)
        shape = -1, self.size_px, self.size_px
        return {
            row: (luma.reshape(shape), np.array(means, np.float32))
            for row, luma, means in zip(numbers, _binaries(table["luma"]), table["means"].to_pylist(), strict=True)
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
