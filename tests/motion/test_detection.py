"""What moved is told apart from what exposures show differently, and is the same whoever asks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.motions import HEIGHT, IDENTITY, WIDTH, bracket, hand_motion
from support.movers import moving, scene, shot

from deepfuse.alignment import align
from deepfuse.bracket import Exposure, Frame
from deepfuse.cli import main
from deepfuse.manifest import Scene
from deepfuse.motion import detect_motion, remove_ghosts
from deepfuse.params import Align
from deepfuse.photo import write_photo, writing_pages
from deepfuse.stages import align as stage

MOVER_SHARE = 60 * 30 / (240 * 320)


def test_nothing_moves_in_a_still_scene_that_a_hand_shot() -> None:
    aligned = align(bracket((-2.0, 0.0, 2.0), (hand_motion(5.0, -4.0, 1.0), IDENTITY, hand_motion(-4.0, 3.0, -0.5))))
    assert detect_motion(aligned.frames, aligned.reference).share < 0.005


def test_the_share_is_that_of_what_moved() -> None:
    frames = bracket((0.0, 1.5), (IDENTITY, IDENTITY))
    side = 60
    for frame, x, level in ((frames[0], 60, 90), (frames[1], 220, 150)):
        frame[100 : 100 + side, x : x + side] = level
    found = detect_motion(frames, 0)
    moved = 2 * side**2 / (WIDTH * HEIGHT)
    assert found.known_share is not None
    assert moved < found.known_share < 1.8 * moved  # with a margin that fades out
    assert found.share_by_frame == (0.0, found.share)


def test_what_is_detected_is_what_is_replaced() -> None:
    frames = moving(5, 1)
    found, made = detect_motion(frames, 2), remove_ghosts(frames, 2)
    assert found.regions == made.regions == 1
    assert found.share == made.share > MOVER_SHARE
    assert found.record()["by_frame"] == made.record()["replaced"]


def test_a_change_of_light_is_unknown_motion() -> None:
    lit = scene() * np.where(np.arange(240) < 96, 8, 0.5).astype(np.float32)[:, None, None]
    found = detect_motion([shot(scene(), -1), shot(lit, 0)], 0)
    assert found.known_share is None
    (warning,) = found.warnings
    assert found.record() == {"share": None, "regions": 0, "by_frame": None, "warnings": [warning]}
    assert "light changed" in warning
    assert "fused" not in warning


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, frame in zip(paths, moving(3, 2), strict=True):
        write_photo(path, frame)
    return [str(path) for path in paths]


def test_all_commands_say_the_same_of_what_moved(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["align", *files, "-o", str(tmp_path / "aligned"), "--json"]) == 0
    aligned = json.loads(capsys.readouterr().out)
    assert main(["fuse", *files, "-o", str(tmp_path / "out.png"), "--json"]) == 0
    fused = json.loads(capsys.readouterr().out)
    assert aligned["motion"]["share"] == fused["deghosting"]["share"] > MOVER_SHARE
    assert aligned["motion"]["by_frame"] == fused["deghosting"]["replaced"]
    assert json.loads((tmp_path / "aligned/alignment.json").read_text())["motion"] == aligned["motion"]
    for record in (aligned, fused["alignment"]):
        assert {"disagreeing_share", "moving"}.isdisjoint(record["evidence"][0]), "registration alone"
    assert main(["align", *files, "-o", str(tmp_path / "aligned"), "--dry-run"]) == 0
    assert f"something moved in {aligned['motion']['share']:.2%}" in capsys.readouterr().out


def test_the_stage_says_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "FRAMES", tmp_path)
    frames = moving(3, 2)
    recorded = Scene("set", tuple(Frame(f"{i}.png", "", "", Exposure(), None, 320, 240) for i in range(3)))
    with writing_pages(recorded.file(tmp_path)) as write:
        for frame in frames:
            write(frame, None)
    (tmp_path / "out").mkdir()
    made = stage.make_aligned(recorded, Align(min_inliers=25, min_kept=0.5), tmp_path / "out")
    record = json.loads(made.alignment_file(tmp_path / "out").read_text())
    found = remove_ghosts(frames, record["reference"])
    assert made.moving == found.share > MOVER_SHARE
    assert record["motion"]["share"] == found.record()["share"]
