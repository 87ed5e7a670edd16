"""The patches of many scenes, streamed from their Parquet files in shuffled batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfuse.errors import DeepfuseError
from deepfuse.training.patches import Grey, group_rows, size_px_of

Means = NDArray[np.float32]
Counts = Mapping[int, int]
"""How many patches hold so many exposures."""

SHUFFLED_GROUPS = 16  # in memory at once: 64 MiB of pairs


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
        size_px_of(metadata.metadata)
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
            size_px = size_px_of(metadata.metadata)
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

    def batches(
        self, batch_size: int, *, seed: int | None = None, most: int | None = None
    ) -> Iterator[tuple[Grey, Means]]:
        """All patches once, in batches (B, K, size, size) of luma and (B, K) of means; K is the same in a batch.

        Args:
            batch_size: patches a batch; the last one of each K may be smaller.
            seed: fixes the order; `None` keeps the files'. Groups of rows are shuffled, and the rows within every 16 of
                them, which bounds the memory.
            most: patches that the caller will take, of which no more are read at once; `None` for all.
        """
        rng = None if seed is None else np.random.default_rng(seed)
        of_group = np.array_split(np.arange(len(self)), self._group_starts()[1:])
        order = np.arange(len(of_group)) if rng is None else rng.permutation(len(of_group))
        waiting: dict[int, list[tuple[Grey, Means]]] = {}
        for start in range(0, len(order), SHUFFLED_GROUPS):
            rows = np.concatenate([of_group[group] for group in order[start : start + SHUFFLED_GROUPS]])
            shuffled = rows if rng is None else rows[rng.permutation(len(rows))]
            for patch in self._in_parts(shuffled, most or max(len(rows), 1)):
                exposures = len(patch[1])
                batch = waiting.setdefault(exposures, [])
                batch.append(patch)
                if len(batch) == batch_size:
                    yield _stacked(waiting.pop(exposures))
        for _, batch in sorted(waiting.items()):
            yield _stacked(batch)

    def _group_starts(self) -> NDArray[np.intp]:
        return np.arange(0, len(self), group_rows(self.size_px or 1))

    def _in_parts(self, rows: NDArray[np.intp], size: int) -> Iterator[tuple[Grey, Means]]:
        """The patches of some rows, of which so many are read at once."""
        for start in range(0, len(rows), size):
            yield from self._read(rows[start : start + size])

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
