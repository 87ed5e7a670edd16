"""How far new scenes are from old ones: found where there is a shift, silent where there is none or too few scenes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from deepfuse.bracket import Exposure, Frame
from deepfuse.manifest import Scene
from deepfuse.monitoring.arrived import Arrived, arrived, arrived_csv, noise, read_arrived, traits
from deepfuse.monitoring.drift import Shift, chance_psi, psi, shifts


def scenes(
    count: int, seed: int, *, gap: float = 6.0, noise: float = 1.0, camera: str = "Durian X14", refused: float = 0.0
) -> list[Arrived]:
    rng = np.random.default_rng(seed)
    return [
        Arrived(f"{seed}-{index}", True) if rng.random() < refused
        else Arrived(f"{seed}-{index}", False, camera, 3, 24.0, gap, float(rng.beta(1, 20)), 0.0,
                     float(rng.normal(noise, 0.2)), float(rng.beta(1, 50)))
        for index in range(count)
    ]  # fmt: skip


def compared(old: list[Arrived], new: list[Arrived]) -> dict[str, Shift]:
    return {shift.feature: shift for shift in shifts(old, [*old, *new], bound=0.25, least=20)}


def over(old: list[Arrived], new: list[Arrived]) -> set[str]:
    return {name for name, shift in compared(old, new).items() if shift.over}


def test_refusals_are_called_so_however_rare() -> None:
    old = [Arrived(f"old{index}", index < 2) for index in range(30)]
    assert compared(old, scenes(30, 2, refused=0.2))["refused"].bins == ("no", "yes")


def test_the_index_is_that_of_the_formula() -> None:
    shares = [(0.2, 0.5), (0.8, 0.5)]
    exact = sum((q - p) * math.log(q / p) for p, q in shares)
    assert psi([20000, 80000], [50000, 50000]) == pytest.approx(exact, rel=1e-3)
    assert psi([5, 7, 9], [5, 7, 9]) == 0
    assert psi([10, 0], [0, 10]) == pytest.approx(2 * (10 / 11) * math.log(21), rel=1e-9)


@pytest.mark.parametrize(("free", "table"), [(1, 6.635), (4, 13.277), (9, 21.666)])  # χ² at 0.99
def test_chance_is_that_of_the_table_of_chi_squared(free: int, table: float) -> None:
    assert chance_psi(free + 1, 50, 25) * 50 / 3 == pytest.approx(table, rel=0.03)


def test_scenes_that_are_no_different_are_rarely_said_to_be() -> None:
    trials = [compared(scenes(40, seed), scenes(25, seed + 1000)) for seed in range(60)]
    told = [shift for trial in trials for shift in trial.values()]
    assert all(shift.psi is not None for shift in told)
    assert sum(shift.over for shift in told) <= 0.01 * len(told)
    plain = sum(shift.psi > 0.25 for trial in trials for shift in trial.values() if shift.psi is not None)
    assert plain > 10 * sum(shift.over for shift in told), "the bound alone would lie"


@pytest.mark.parametrize(
    ("change", "named"),
    [({"gap": 8.0}, "gap_ev"), ({"noise": 1.4}, "noise"), ({"camera": "New"}, "camera"), ({"refused": 0.5}, "refused")],
)
def test_a_shift_is_found_by_its_name(change: dict[str, object], named: str) -> None:
    assert over(scenes(60, 1), scenes(40, 2, **change)) == {named}  # type: ignore[arg-type]


def test_with_too_few_scenes_nobody_can_tell() -> None:
    for old, new in ((19, 40), (40, 19), (0, 40), (40, 0)):
        found = compared(scenes(old, 1), scenes(new, 2, gap=8.0))
        assert all(shift.psi is None and not shift.over for shift in found.values())
    assert over(scenes(20, 1), scenes(20, 2, gap=8.0)) == {"gap_ev"}


def test_what_is_known_already_is_no_news() -> None:
    old = scenes(40, 1)
    assert all(sum(shift.after) == 0 for shift in compared(old, []).values())


def test_bins_are_told_in_words_and_what_no_file_says_is_one() -> None:
    old = [Arrived(str(index), False, frames=3, gap_ev=float(index), noise=None) for index in range(40)]
    found = compared(old, [])
    assert found["frames"].bins == ("3",)
    assert found["noise"].bins == ("unknown",)
    assert found["gap_ev"].bins == ("< 9.75", "9.75–19.5", "19.5–29.2", "≥ 29.2")
    assert found["gap_ev"].before == (10, 10, 10, 10)
    more = compared(old, [Arrived(f"new{index}", False, frames=5, gap_ev=None) for index in range(20)])
    assert more["frames"].bins == ("3", "> 3")
    assert more["gap_ev"].after == (0, 0, 0, 0, 20)


def test_noise_is_measured_on_what_is_smooth() -> None:
    slope = np.tile(np.linspace(0.2, 0.8, 300, dtype=np.float32)[:, None, None], (1, 300, 3))
    slope[:, 140:160] = 1
    rng = np.random.default_rng(0)
    grey = rng.normal(0, 3 / 255, (300, 300, 1)).astype(np.float32)
    assert noise(slope) == pytest.approx(0, abs=1e-3)
    assert noise(np.clip(slope + grey, 0, 1)) == pytest.approx(3, rel=0.1)
    assert noise(np.rint(65535 * np.clip(slope + grey, 0, 1)).astype(np.uint16)) == pytest.approx(3, rel=0.1)
    assert noise(slope[:2]) == 0


def test_clipping_is_of_the_frame_that_could_hold_it() -> None:
    dark, bright = np.full((10, 10, 3), 100, np.uint8), np.full((10, 10, 3), 200, np.uint8)
    dark[:3, :, 0], bright[:2] = 255, 0
    assert traits([dark, bright]) == {"burnt": 0.3, "black": 0.2, "noise": 0.0}


def test_a_scene_comes_back_from_its_line(tmp_path: Path) -> None:
    frames = tuple(Frame(f"{ev}.dng", "0", 'A "b", c', Exposure(), ev, 3000, 2000) for ev in (3.0, 0.0, -3.0))
    barn = Scene("barn", frames, moving=0.01)
    barn.alignment_file(tmp_path).write_text(json.dumps({"traits": {"burnt": 0.1, "black": 0.0, "noise": 1.5}}))
    known = arrived(barn, tmp_path)
    assert known == Arrived("barn", False, 'A "b", c', 3, 6.0, 6.0, 0.1, 0.0, 1.5, 0.01)
    lines = [known, arrived(Scene("cave", reason="too dark"), tmp_path)]
    assert read_arrived(arrived_csv(lines)) == lines
    for camera, today in (
        ("Acme Acme X 1", "Acme X 1"),
        ("Alder P10 Alder P10", "Alder P10"),
        ("Acme X X", "Acme X X"),
    ):
        [line] = read_arrived(arrived_csv([Arrived("old", False, camera, 3)]))
        assert line.camera == today, "as an earlier version wrote it"
