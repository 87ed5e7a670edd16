from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfuse.errors import DeepfuseError
from deepfuse.split import split_of
from deepfuse.training import patches
from deepfuse.training.patches import PatchSet, Selection, cut_patches, schema, write_patches

SIZE = 16
SELECTION = Selection(size_px=SIZE, per_scene=30, exposures=4, flat_below=4, lost_above=0.5)
rng = np.random.default_rng(2)


def numbered(rows: int) -> pa.Table:
    """Rows whose pixels spell their number; every third has three exposures, the others two."""
    counts = [3 if number % 3 == 0 else 2 for number in range(rows)]
    luma = [number.to_bytes(4, "big") + bytes(k * SIZE**2 - 4) for number, k in enumerate(counts)]
    columns = [["s"] * rows, range(rows), range(rows), counts, [[1.0] * k for k in counts], luma]
    fields = schema(SIZE)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=fields)


def numbers(batches: list[np.ndarray]) -> list[int]:
    return [int.from_bytes(patch.reshape(-1)[:4].tobytes(), "big") for batch in batches for patch in batch]


def test_a_scene_keeps_its_split_and_the_shares_are_right() -> None:
    names = [f"scene {i}" for i in range(4000)]
    first = [split_of(name, val=0.1, test=0.2) for name in names]
    assert first == [split_of(name, val=0.1, test=0.2) for name in names]
    shares = {split: count / len(names) for split, count in Counter(first).items()}
    assert shares == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2}, abs=0.03)
    assert first != [split_of(name, val=0.1, test=0.2, salt="other") for name in names]


def test_a_scene_leaves_the_test_split_only_for_a_smaller_share() -> None:
    names = [f"scene {i}" for i in range(500)]
    small = {name for name in names if split_of(name, val=0.1, test=0.1) == "test"}
    large = {name for name in names if split_of(name, val=0.1, test=0.3) == "test"}
    assert small < large


def test_patches_come_from_where_they_say() -> None:
    frames = [rng.integers(20, 230, (80, 90), dtype=np.uint8) for _ in range(3)]
    table = cut_patches("s", frames, [12.0, None, 6.0], SELECTION)
    assert len(table) == 30
    for row in table.to_pylist():
        chosen = [[12.0, None, 6.0].index(ev) for ev in row["evs"]]
        window = np.s_[row["y"] : row["y"] + SIZE, row["x"] : row["x"] + SIZE]
        assert row["exposures"] == len(chosen)
        assert row["luma"] == np.stack([frames[k][window] for k in chosen]).tobytes()


def test_every_gap_between_exposures_occurs_and_half_are_pairs() -> None:
    frames = [rng.integers(20, 230, (80, 90), dtype=np.uint8) for _ in range(5)]
    evs = [4.0, 3.0, 2.0, 1.0, 0.0]
    rows = cut_patches("s", frames, evs, replace(SELECTION, per_scene=400)).to_pylist()
    assert {(row["evs"][0], row["evs"][-1]) for row in rows} == {(a, b) for a in evs for b in evs if a > b}
    assert all(row["evs"] == sorted(set(row["evs"]), reverse=True) for row in rows)
    counts = Counter(row["exposures"] for row in rows)
    assert counts.keys() == {2, 3, 4}
    assert counts[2] == pytest.approx(200, abs=40)
    two = cut_patches("s", frames, evs, replace(SELECTION, exposures=2))
    assert set(two["exposures"].to_pylist()) == {2}


def test_the_same_scene_gives_the_same_patches() -> None:
    frames = [rng.integers(20, 230, (80, 90), dtype=np.uint8) for _ in range(2)]
    assert cut_patches("s", frames, [1, 0], SELECTION).equals(cut_patches("s", frames, [1, 0], SELECTION))


def test_flat_and_lost_patches_are_dropped() -> None:
    noise = rng.integers(20, 230, (64, 64), dtype=np.uint8)
    flat = np.full((64, 64), 100, np.uint8)
    white = np.full((64, 64), 255, np.uint8)
    lost = np.where(noise > 80, 255, noise).astype(np.uint8)
    assert len(cut_patches("s", [flat, white], [1, 0], SELECTION)) == 0
    assert len(cut_patches("s", [lost, white], [1, 0], SELECTION)) == 0
    assert len(cut_patches("s", [noise, white], [1, 0], SELECTION)) == 30


def test_a_picture_smaller_than_a_patch_gives_none() -> None:
    assert len(cut_patches("s", [np.zeros((8, 90), np.uint8)] * 2, [1, 0], SELECTION)) == 0


def test_the_file_streams_in_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "ROW_GROUP_BYTES", 1024 * 2 * SIZE**2)
    table = numbered(2500)
    rows = write_patches(tmp_path / "p.parquet", (table.slice(i, 300) for i in range(0, 2500, 300)), size_px=SIZE)
    assert rows == 2500
    metadata = pq.read_metadata(tmp_path / "p.parquet")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [1024, 1024, 452]
    assert pq.read_table(tmp_path / "p.parquet").equals(table)


def test_batches_hold_every_patch_once_and_one_number_of_exposures_each(tmp_path: Path) -> None:
    write_patches(tmp_path / "p.parquet", [numbered(2500)], size_px=SIZE)
    patch_set = PatchSet(tmp_path / "p.parquet")
    assert len(patch_set) == 2500
    assert patch_set.pixel_count == (2500 * 2 + 834) * SIZE**2
    batches = list(patch_set.batches(64, seed=1))
    assert len(batches) == patch_set.batch_count(64) == 27 + 14
    assert {batch.shape for batch in batches[:-2]} == {(64, 2, SIZE, SIZE), (64, 3, SIZE, SIZE)}
    assert sorted(numbers(batches)) == list(range(2500))
    assert all(number % 3 == 0 for number in numbers([batch for batch in batches if batch.shape[1] == 3]))
    in_order = numbers([batch for batch in patch_set.batches(64) if batch.shape[1] == 2])
    assert in_order == [number for number in range(2500) if number % 3]


def test_the_seed_decides_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_patches(tmp_path / "p.parquet", [numbered(3000)], size_px=SIZE)
    patch_set = PatchSet(tmp_path / "p.parquet")
    first = numbers(list(patch_set.batches(64, seed=1)))
    assert first == numbers(list(patch_set.batches(64, seed=1)))
    assert first != numbers(list(patch_set.batches(64, seed=2)))
    monkeypatch.setattr(patches, "SHUFFLED_GROUPS", 1)
    bounded = numbers(list(patch_set.batches(64, seed=1)))
    assert sorted(bounded) == list(range(3000))
    assert bounded != sorted(bounded)


def test_no_patch_is_a_file_too(tmp_path: Path) -> None:
    write_patches(tmp_path / "p.parquet", [], size_px=SIZE)
    assert list(PatchSet(tmp_path / "p.parquet").batches(8, seed=1)) == []


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_text("no")
    with pytest.raises(DeepfuseError, match=r"p\.parquet"):
        PatchSet(tmp_path / "p.parquet")
