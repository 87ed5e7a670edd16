"""What moved leaves no ghost, and what stood still is not touched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.movers import HEIGHT, MOVER, WIDTH, moving, scene, shot, shots, with_mover
from support.reference_photo import decode, encode

from deepfuse import fuse, remove_ghosts
from deepfuse.batch import Job
from deepfuse.batch.work import fuse_set
from deepfuse.cli import main
from deepfuse.color import to_float
from deepfuse.fusion.looks import default_look
from deepfuse.job.options import FuseOptions
from deepfuse.model import SHIPPED, weights_sha256
from deepfuse.motion import proxies, replacement
from deepfuse.motion.proxies import make_proxy
from deepfuse.motion.tones import tone_curve
from deepfuse.photo import read_photo, write_photo
from deepfuse.proxy import reduced


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_still_scene_comes_back_as_it_is(count: int) -> None:
    frames = shots([scene()] * count)
    found = remove_ghosts(frames, count // 2)
    assert all(mine is given for mine, given in zip(found.frames, frames, strict=True))
    assert found.record() == {
        "share": 0.0, "regions": 0, "replaced": [0.0] * count,
        "reference": count // 2, "why": "nothing moved", "elsewhere": [],
    }  # fmt: skip
    assert not found.mask(0).any()


def test_half_a_pixel_of_misregistration_is_no_motion() -> None:
    move = np.array([[1, 0, 0.5], [0, 1, -0.5]])
    frames = shots([scene(), cv2.warpAffine(scene(), move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), scene()])
    assert remove_ghosts(frames, 1).regions == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("count", "at"), [(2, 1), (3, 0), (3, 2), (5, 1)])
def test_what_one_frame_alone_shows_vanishes(count: int, at: int, dtype: type) -> None:
    frames = moving(count, at, 1.0 if at == 0 else 0.02, dtype)
    found = remove_ghosts(frames, count // 2 if at != count // 2 else 0)
    assert found.frames[at].dtype == dtype
    assert (found.mask(at)[MOVER] > 250).mean() > 0.95
    assert all(mine is given for i, (mine, given) in enumerate(zip(found.frames, frames, strict=True)) if i != at)
    still = to_float(fuse(shots([scene()] * count, dtype)))
    before, after = (np.abs(to_float(fuse(list(f))) - still)[MOVER].mean() for f in (frames, found.frames))
    assert after < 0.3 * before
    assert after < 0.02


def test_large_frames_are_mended_at_full_size_and_strips_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "reduced", lambda frame: reduced(frame, WIDTH // 2))
    frames = moving(3, 2)
    found = remove_ghosts(frames, 1)
    assert (found.mask(2)[MOVER] > 250).mean() > 0.95
    assert np.abs(to_float(found.frames[2]) - to_float(shots([scene()] * 3)[2]))[MOVER].mean() < 0.05
    monkeypatch.setattr(replacement, "STRIP_ROWS", 7)
    np.testing.assert_array_equal(remove_ghosts(frames, 1).frames[2], found.frames[2])


def test_there_is_no_seam() -> None:
    found = remove_ghosts(moving(3, 2), 1)
    mask = found.mask(2)
    rim = (cv2.dilate(mask, np.ones((5, 5), np.uint8)) > 0) & (cv2.erode(mask, np.ones((5, 5), np.uint8)) < 255)
    steps = [np.abs(cv2.Laplacian(to_float(fuse(list(f))), cv2.CV_32F))[rim].mean()
             for f in (found.frames, shots([scene()] * 3))]  # fmt: skip
    assert steps[0] < 1.2 * steps[1]


def test_a_clipped_frame_betrays_what_the_dark_one_shows() -> None:
    radiance = scene()
    radiance[60:200, 100:220] = 2.0
    frames = [shot(with_mover(radiance, 0.05), -3), shot(radiance, 1)]
    assert to_float(frames[1])[MOVER].min() > 0.99
    found = remove_ghosts(frames, 0)
    assert (found.mask(1)[MOVER] > 250).all()
    assert to_float(found.frames[1])[MOVER].mean() < 0.7


def test_the_order_of_the_frames_does_not_matter() -> None:
    frames = moving(5, 1)
    order = [3, 0, 4, 1, 2]
    one, other = remove_ghosts(frames, 2), remove_ghosts([frames[i] for i in order], order.index(2))
    assert all((one.frames[i] == other.frames[at]).all() for at, i in enumerate(order))


def test_a_change_of_light_is_left_alone_with_a_warning() -> None:
    lit = scene() * np.where(np.arange(HEIGHT) < HEIGHT * 0.4, 8, 0.5).astype(np.float32)[:, None, None]
    frames = [shot(scene(), -1), shot(lit, 0)]
    found = remove_ghosts(frames, 0)
    assert found.frames[0] is frames[0]
    assert found.frames[1] is frames[1]
    assert "light changed" in found.warnings[0]


def test_frames_unlike_each_other_are_refused() -> None:
    frame = np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="2 or more"):
        remove_ghosts([frame], 0)
    with pytest.raises(ValueError, match="frame from 0 to 1"):
        remove_ghosts([frame, frame], 2)
    with pytest.raises(ValueError, match="frame from 0 to 1, got -1"):
        remove_ghosts([frame, frame], 0, reference=-1)
    with pytest.raises(ValueError, match="as frame 0"):
        remove_ghosts([frame, frame[1:]], 0)
    with pytest.raises(TypeError, match="as frame 0"):
        remove_ghosts([frame, frame.astype(np.uint16)], 0)


def test_the_tone_curve_is_that_of_the_camera_also_where_most_moved() -> None:
    frames = shots([scene()] * 2, np.float32)
    changed = frames[1].copy()
    changed[frames[0].max(axis=2) > 0.8] = 0.3
    source = (np.arange(5, 60, dtype=np.float32) / 100)[None, :, None].repeat(3, 2)
    true = encode(8 * decode(source))
    found = tone_curve(make_proxy(frames[0]), make_proxy(changed))(source)
    assert np.abs(found - true).max() < 0.03


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, frame in zip(paths, moving(3, 2), strict=True):
        write_photo(path, frame)
    return [str(path) for path in paths]


def test_fuse_saves_masks_and_keeps_those_that_are_there(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fuse", *files, "-o", str(tmp_path / "out.png"), "--json"]
    assert main([*command, "--save-masks"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["deghosting"]["regions"] == 1
    assert "deghost" in record["seconds"]
    masks = [cv2.imread(path, cv2.IMREAD_UNCHANGED) for path in record["masks"]]
    assert [Path(path).name for path in record["masks"]] == [f"out_mask_{index}.png" for index in range(3)]
    assert [mask.shape for mask in masks] == [read_photo(tmp_path / "out.png").shape[:2]] * 3
    assert [bool(mask.any()) for mask in masks] == [False, False, True]
    (tmp_path / "out.png").unlink()
    assert main([*command, "--save-masks"]) == 4
    assert "out_mask_0.png" in capsys.readouterr().err
    assert main([*command, "--save-masks", "--force"]) == 0
    with pytest.raises(SystemExit):
        main([*command, "--save-masks", "--no-deghost"])


@pytest.mark.parametrize("reference", ["3", "2.png"])
def test_the_moment_can_be_chosen(
    reference: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fuse", *files, "-o", str(tmp_path / "out.png"), "--json", "--no-align"]
    assert main(command) == 0
    auto = json.loads(capsys.readouterr().out)["deghosting"]
    assert auto["reference"] in ("0.png", "1.png")
    assert main([*command, "--force", "--reference", reference]) == 0
    chosen = json.loads(capsys.readouterr().out)["deghosting"]
    assert (chosen["reference"], chosen["why"], chosen["replaced"][2]) == ("2.png", "asked for", 0.0)
    shown = to_float(read_photo(tmp_path / "out.png"))[MOVER].mean()
    assert shown < 0.6 * to_float(fuse(shots([scene()] * 3)))[MOVER].mean()


@pytest.mark.parametrize("reference", ["0", "4", "no.png"])
def test_a_reference_that_is_none_of_the_frames_is_refused(
    reference: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fuse", *files, "-o", str(tmp_path / "out.png"), "--reference", reference]) == 4
    assert f"expected a reference of 1 to 3 or one of 0.png, 1.png, 2.png, got {reference}" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
    with pytest.raises(ValueError, match="deghost off"):
        FuseOptions(reference=reference, deghost=False)


def test_ghosts_stay_if_wanted(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.tif")
    assert main(["fuse", *files, "-o", out, "--no-align", "--no-deghost", "--json"]) == 0
    assert "deghosting" not in json.loads(capsys.readouterr().out)
    assert (read_photo(out) == fuse([read_photo(file) for file in files], controls=default_look())).all()


def test_a_batch_makes_masks_again_and_keeps_those_somebody_changed(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    plain = Job(scene="set", files=tuple(map(Path, files)), output=tmp_path / "out" / "set.png", options=FuseOptions(),
                model=SHIPPED, model_name="shipped", model_sha256=weights_sha256(SHIPPED), version="1",
                grouping={})  # fmt: skip
    assert fuse_set(plain).status == "done"
    job = replace(plain, options=FuseOptions(save_masks=True))
    assert not job.finished
    assert not replace(plain, options=FuseOptions(deghost=False)).finished
    assert fuse_set(job).status == "done"
    assert job.finished
    assert sorted(path.name for path in job.masks) == [f"set_mask_{index}.png" for index in range(3)]
    job.masks[1].unlink()
    assert not job.finished
    assert fuse_set(job).status == "done"
    assert fuse_set(replace(plain, version="2")).status == "done"
    assert fuse_set(job).status == "done", "masks of before are its own, also after a picture without"
    job.masks[2].write_bytes(b"painted")
    outcome = fuse_set(replace(job, version="2"))
    assert outcome.status == "kept"
    assert "set_mask_2.png" in outcome.reason
    assert fuse_set(replace(job, version="2", force=True)).status == "done"
