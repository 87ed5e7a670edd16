from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfuse.errors import DeepfuseError
from deepfuse.split import split_of
from deepfuse.training import patch_set as patch_set_module
from deepfuse.training import patches
from deepfuse.training.patch_set import PatchSet
from deepfuse.training.patches import Selection, cut_patches, schema, write_patches

SIZE = 16
SELECTION = Selection(size_px=SIZE, per_scene=30, exposures=4, flat_below=4, lost_above=0.5)
rng = np.random.default_rng(2)


def numbered(rows: int) -> pa.Table:
    """Rows whose pixels spell their number; every third has three exposures, the others two."""
    counts = [3 if number % 3 == 0 else 2 for number in range(rows)]
    luma = [number.to_bytes(4, "big") + bytes(k * SIZE**2 - 4) for number, k in enumerate(counts)]
    columns = [["s"] * rows, range(rows), range(rows), counts, *[[[1.0] * k for k in counts]] * 2, luma]
    fields = schema(SIZE)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=fields)


def numbers(batches: list[tuple[np.ndarray, np.ndarray]]) -> list[int]:
    return [int.from_bytes(patch.reshape(-1)[:4].tobytes(), "big") for luma, _ in batches for patch in luma]


def test_the_shares_of_the_splits_are_right() -> None:
    names = [f"scene {i}" for i in range(4000)]
    splits = [split_of(name, val=0.1, test=0.2) for name in names]
    shares = {split: count / len(names) for split, count in Counter(splits).items()}
    assert shares == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2}, abs=0.03)
    assert splits != [split_of(name, val=0.1, test=0.2, salt="other") for name in names]


SHARES = st.floats(0, 1).flatmap(lambda test: st.tuples(st.just(test), st.floats(0, 1 - test)))


@given(scene=st.text(), salt=st.text(max_size=5), shares=SHARES, more=st.floats(0, 1))
def test_a_scene_changes_its_split_only_for_other_shares(
    scene: str, salt: str, shares: tuple[float, float], more: float
) -> None:
    test, val = shares
    first = split_of(scene, val=val, test=test, salt=salt)
    assert first == split_of(scene, val=val, test=test, salt=salt)
    more *= 1 - test - val
    if first == "test":
        assert split_of(scene, val=val, test=test + more, salt=salt) == "test", "it leaves for a smaller share alone"
    else:
        assert split_of(scene, val=val + more, test=test, salt=salt) in (first, "val"), "training gives to validation"


@given(
    seed=st.integers(0, 99),
    count=st.integers(2, 6),
    most=st.integers(2, 6),
    size=st.tuples(st.integers(8, 90), st.integers(8, 90)),
)
def test_patches_come_from_where_they_say(seed: int, count: int, most: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    frames = [rng.integers(20, 230, size, dtype=np.uint8) for _ in range(count)]
    evs = [None if k == 1 else 12.0 - k for k in range(count)]
    table = cut_patches(f"s{seed}", frames, evs, replace(SELECTION, exposures=most))
    assert len(table) == (30 if min(size) >= SIZE else 0)
    for row in table.to_pylist():
        chosen = [evs.index(ev) for ev in row["evs"]]
        window = np.s_[row["y"] : row["y"] + SIZE, row["x"] : row["x"] + SIZE]
        assert chosen == sorted(set(chosen)), "from dark to bright"
        assert 2 <= row["exposures"] == len(chosen) <= most
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


def test_a_file_has_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "GROUP_BYTES", 1024 * 2 * SIZE**2 * patches.PARTS_OF_GROUP)
    table = numbered(2500)
    write_patches(tmp_path / "p.parquet", table)
    metadata = pq.read_metadata(tmp_path / "p.parquet")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [1024, 1024, 452]
    assert pq.read_table(tmp_path / "p.parquet").equals(table)


def write_scenes(folder: Path, table: pa.Table, ends: list[int]) -> PatchSet:
    """The rows in files of their own, from each end to the next; their names sort otherwise with a suffix."""
    folder.mkdir()
    bounds = [0, *sorted(ends), len(table)]
    for index, (start, stop) in enumerate(pairwise(bounds)):
        write_patches(folder / f"s{'-' * index}.parquet", table.slice(start, stop - start))
    return PatchSet(folder)


@settings(max_examples=12)
@given(
    rows=st.integers(1, 700),
    ends=st.lists(st.floats(0, 1), max_size=4),
    batch_size=st.integers(1, 200),
    seed=st.one_of(st.none(), st.integers(0, 9)),
    group=st.integers(1, 300),
    groups=st.integers(1, 4),
)
def test_batches_hold_every_patch_once_and_one_number_of_exposures_each(
    tmp_path_factory: pytest.TempPathFactory,
    rows: int,
    ends: list[float],
    batch_size: int,
    seed: int | None,
    group: int,
    groups: int,
) -> None:
    folder = tmp_path_factory.mktemp("p")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "GROUP_BYTES", group * 2 * SIZE**2)
        patch.setattr(patch_set_module, "SHUFFLED_GROUPS", groups)
        patch_set = write_scenes(folder / "many", numbered(rows), [int(end * rows) for end in ends])
        batches = list(patch_set.batches(batch_size, seed=seed))
        alone = list(write_scenes(folder / "one", numbered(rows), []).batches(batch_size, seed=seed))
    threes = -(-rows // 3)
    assert len(patch_set) == rows
    assert patch_set.pixel_count == (2 * rows + threes) * SIZE**2
    assert len(batches) == patch_set.batch_count(batch_size)
    assert numbers(batches) == numbers(alone), "it does not matter which file a patch is in"
    assert sum(len(luma) < batch_size for luma, _ in batches) <= 2, "one of each number of exposures"
    for k in (2, 3):
        found = numbers([batch for batch in batches if batch[0].shape[1] == k])
        expected = [number for number in range(rows) if (number % 3 == 0) == (k == 3)]
        assert (found if seed is None else sorted(found)) == expected


def test_the_order_of_a_seed_is_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an independent rule: the same patches give the same weights as when they were all in one file."""
    monkeypatch.setattr(patches, "GROUP_BYTES", 7 * 2 * SIZE**2)
    patch_set = write_scenes(tmp_path / "p", numbered(300), [5, 5, 130])
    found = numbers(list(patch_set.batches(1, seed=3)))
    rng, expected = np.random.default_rng(3), []
    groups = rng.permutation(43)  # of 7 rows, the last of 6
    for start in range(0, 43, 16):
        rows = [row for group in groups[start : start + 16] for row in range(300)[7 * group : 7 * group + 7]]
        expected += [rows[index] for index in rng.permutation(len(rows))]
    assert found == expected
    for most in (1, 50, 112, 113):
        assert numbers(list(patch_set.batches(1, seed=3, most=most))) == expected, "however many are read at once"


def test_the_seed_decides_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patch_set = write_scenes(tmp_path / "p", numbered(3000), [1000])
    first = numbers(list(patch_set.batches(64, seed=1)))
    assert first == numbers(list(patch_set.batches(64, seed=1)))
    assert first != numbers(list(patch_set.batches(64, seed=2)))
    monkeypatch.setattr(patch_set_module, "SHUFFLED_GROUPS", 1)
    bounded = numbers(list(patch_set.batches(64, seed=1)))
    assert sorted(bounded) == list(range(3000))
    assert bounded != sorted(bounded)


def test_a_scene_without_a_patch_is_a_file_too(tmp_path: Path) -> None:
    write_patches(tmp_path / "flat.parquet", schema(SIZE).empty_table())
    assert list(PatchSet(tmp_path).batches(8, seed=1)) == []
    write_patches(tmp_path / "good.parquet", numbered(3))
    assert sorted(numbers(list(PatchSet(tmp_path).batches(8, seed=1)))) == [0, 1, 2]
    assert list(PatchSet(tmp_path / "none").batches(8, seed=1)) == []


def test_another_file_is_refused(tmp_path: Path) -> None:
    write_patches(tmp_path / "a.parquet", numbered(3))
    (tmp_path / "p.parquet").write_text("no")
    with pytest.raises(DeepfuseError, match=r"p\.parquet: expected a Parquet file of patches"):
        PatchSet(tmp_path)


def test_patches_of_another_size_are_refused(tmp_path: Path) -> None:
    write_patches(tmp_path / "a.parquet", numbered(3))
    write_patches(tmp_path / "b.parquet", schema(SIZE + 1).empty_table())
    with pytest.raises(DeepfuseError, match=r"b\.parquet: expected patches of 16 px .*, got 17"):
        PatchSet(tmp_path)
