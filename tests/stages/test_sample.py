from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rawpy

from deepfuse.params import Sample
from deepfuse.simulation.camera import hand_motion
from deepfuse.stages import sample


def test_the_sample_is_raw_brackets_with_their_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sample, "OUT", Path("sample"))
    Path("sample").mkdir()
    sample.make_scene(2, Sample(scenes=3, width=96, height=64, seed=1))
    folder = Path("sample/scene_02_handheld")
    assert len(list(folder.glob("*.dng"))) == 3
    motion = np.array(json.loads((folder / "motion.json").read_text()))
    assert motion.shape == (3, 3, 3)
    assert (motion[1] == np.eye(3)).all()
    assert np.abs(motion[0] - np.eye(3)).max() > 0.1
    with rawpy.imread(str(next(iter(folder.glob("*.dng"))))) as raw:
        assert (raw.sizes.width, raw.sizes.height) == (96, 64)
    assert (folder / "truth.hdr").is_file()


def test_hand_motion_is_a_small_one() -> None:
    width, height = 768, 512
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], float).T
    for seed in range(20):
        for matrix in hand_motion(np.random.default_rng(seed), 3, width=width, height=height):
            moved = matrix @ corners
            shift = np.hypot(*(moved[:2] / moved[2] - corners[:2]))
            assert shift.max() < 0.04 * np.hypot(width, height)
