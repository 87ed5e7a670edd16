"""Luma patches of exposure pairs: cut, select, split by scene, and stream through Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deepfuse.atomic import replacing
from deepfuse.errors import DeepfuseError

Grey = NDArray[np.uint8]
SplitName = Literal["train", "val", "test"]

ROW_GROUP = 1024
SHUFFLED_GROUPS = 16
CANDIDATES = 8
CLIPPED_LOW, CLIPPED_HIGH = 5, 250


@dataclass(frozen=True)
class Selection:
    """Which patches are kept: their size, their number a scene, and when one is flat or lost.

    `flat_below` is in grey levels of 255: below it in every exposure, the standard deviation makes a patch flat.
    A patch is lost if more than the share `lost_above` of its pixels is clipped in every exposure.
    """

    size_px: int
    per_scene: int
    flat_below: float
    lost_above: float


def split_of(scene: str, *, val: float, test: float, salt: str = "") -> SplitName:
    """The split of a scene, from a hash of its id alone: other scenes never move it."""
    position = int.from_bytes(hashlib.sha256(f"{salt}{scene}".encode()).digest()[:8], "big") / 2**64
    return "test" if position < test else "val" if position < test + val else "train"


def schema(size_px: int) -> pa.Schema:
    """One patch pair a row: dark and bright luma, where they were cut, and their exposure values."""
    return pa.schema(
        [
            pa.field("scene", pa.string(), nullable=False),
            pa.field("x", pa.int32(), nullable=False),
            pa.field("y", pa.int32(), nullable=False),
            pa.field("ev_dark", pa.float32()),
            pa.field("ev_bright", pa.float32()),
            pa.field("luma", pa.binary(2 * size_px**2), nullable=False),
        ],
        metadata={"shape": f"2,{size_px},{size_px}", "dtype": "uint8", "range": "luma 0 to 255, sRGB-encoded"},
    )


def cut_patches(scene: str, frames: Sequence[Grey], evs: Sequence[float | None], selection: Selection) -> pa.Table:
    """Patch pairs of one scene, at random places fixed by its id.

    Args:
        scene: the scene's id.
        frames: luma of K ≥ 2 aligned exposures from dark to bright, (H, W).
        evs: their exposure values, `None` where unknown.
        selection: which patches to keep.

    Returns:
        A table of `schema`, with at most `selection.per_scene` rows, shared among the extreme pair and, for three
        frames or more, the two pairs with the middle frame. Fewer where the picture is flat, lost or too small.
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(scene.encode()).digest()[:8], "big"))
    pairs = _pairs(len(frames))
    rows = []
    for index, (dark, bright) in enumerate(pairs):
        wanted = selection.per_scene // len(pairs) + (index < selection.per_scene % len(pairs))
        for x, y, pixels in _choose((frames[dark], frames[bright]), wanted, selection, rng):
            rows.append((scene, x, y, evs[dark], evs[bright], pixels.tobytes()))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    fields = schema(selection.size_px)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=fields)


def _pairs(k: int) -> list[tuple[int, int]]:
    return [(0, 1)] if k == 2 else [(0, k - 1), (0, k // 2), (k // 2, k - 1)]


def _choose(
    pair: tuple[Grey, Grey], wanted: int, selection: Selection, rng: np.random.Generator
) -> Iterator[tuple[int, int, Grey]]:
    size = selection.size_px
    height, width = pair[0].shape
    if min(height, width) < size:
        return
    for y, x in rng.integers(0, [height - size + 1, width - size + 1], (wanted * CANDIDATES, 2)):
        if wanted == 0:
            return
        patch = np.stack([frame[y : y + size, x : x + size] for frame in pair])
        if _useful(patch, selection):
            wanted -= 1
            yield int(x), int(y), patch


def _useful(patch: Grey, selection: Selection) -> bool:
    if patch.std(axis=(1, 2)).max() < selection.flat_below:
        return False
    clipped = ((patch <= CLIPPED_LOW) | (patch >= CLIPPED_HIGH)).all(axis=0)
    return bool(clipped.mean() <= selection.lost_above)


def write_patches(path: Path, tables: Iterable[pa.Table], *, size_px: int) -> int:
    """Stream tables of `schema` into one Parquet file; memory holds one row group. Returns the rows written."""
    fields = schema(size_px)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary, fields, compression="lz4", use_dictionary=["scene"], column_encoding={"luma": "PLAIN"}
        ) as writer,
    ):
        pending, rows = fields.empty_table(), 0
        for table in tables:
            pending = pa.concat_tables([pending, table])
            while len(pending) >= ROW_GROUP:
                writer.write_table(pending.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
                pending = pending.slice(ROW_GROUP).combine_chunks()
            rows += len(table)
        writer.write_table(pending, row_group_size=ROW_GROUP)
    return rows


class PatchSet:
    """The patches of one Parquet file, read in shuffled batches.

    Args:
        path: a file of `write_patches`.

    Raises:
        DeepfuseError: not a readable patch file.
    """

    def __init__(self, path: Path) -> None:
        try:
            metadata = pq.read_metadata(path)
            self.shape = tuple(int(n) for n in metadata.metadata[b"shape"].split(b","))
        except (OSError, pa.ArrowException, KeyError) as error:
            raise DeepfuseError(f"{path}: expected a Parquet file of patches, got: {error}") from error
        self.path = path
        self._rows = metadata.num_rows
        self._groups = metadata.num_row_groups

    def __len__(self) -> int:
        return int(self._rows)

    def batches(self, batch_size: int, *, seed: int | None = None) -> Iterator[Grey]:
        """All patches once, in batches (B, 2, size, size) of luma; the last batch may be smaller.

        Args:
            batch_size: patches a batch.
            seed: fixes the order; `None` keeps the file's. Row groups are shuffled, and the rows within every 16 of
                them, which bounds the memory.
        """
        rng = None if seed is None else np.random.default_rng(seed)
        groups = np.arange(self._groups) if rng is None else rng.permutation(self._groups)
        rest = np.empty((0, *self.shape), np.uint8)
        with pq.ParquetFile(self.path) as file:
            for start in range(0, len(groups), SHUFFLED_GROUPS):
                column = file.read_row_groups(groups[start : start + SHUFFLED_GROUPS].tolist(), ["luma"])["luma"]
                rows = self._decode(column)
                rest = np.concatenate([rest, rows if rng is None else rows[rng.permutation(len(rows))]])
                while len(rest) >= batch_size:
                    yield rest[:batch_size]
                    rest = rest[batch_size:]
        if len(rest):
            yield rest

    def _decode(self, column: pa.ChunkedArray) -> Grey:
        size = int(np.prod(self.shape))
        parts = [
            np.frombuffer(chunk.buffers()[1], np.uint8)[chunk.offset * size : (chunk.offset + len(chunk)) * size]
            for chunk in column.chunks
        ]
        return np.concatenate(parts or [np.empty(0, np.uint8)]).reshape(-1, *self.shape)
