"""`deepfuse-align-image-stack` called as digiKam, darktable and Luminance HDR call align_image_stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.motions import HEIGHT, IDENTITY, WIDTH, bracket, shift

from deepfuse.compat.align_image_stack import main
from deepfuse.photo import write_photo


def written(folder: Path, frames: list[np.ndarray]) -> list[str]:
    folder.mkdir()
    files = [folder / f"{name}.png" for name in "cab"[: len(frames)]]
    for path, frame in zip(files, frames, strict=True):
        write_photo(path, frame)
    return [str(path) for path in files]


@pytest.fixture
def handheld(tmp_path: Path) -> list[str]:
    """Frames of one exposure and other noise, so that they are alike where they lie on each other."""
    return written(tmp_path / "in", bracket((0.3, 0.0, 0.0), (IDENTITY, shift(9.0, -5.0), shift(-6.0, 8.0))))


def stack(folder: Path) -> list[np.ndarray]:
    return [tifffile.imread(path).astype(int) for path in sorted(folder.glob("s*.tif"))]


def test_frames_are_written_in_order_with_their_alpha(
    handheld: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["-v", "-m", "-d", "-i", "-c", "20", "-g4", "-t", "2", "--corr=0.8", "-a", f"{tmp_path}/s", *handheld])
        == 0
    )
    assert sorted(path.name for path in tmp_path.glob("s*")) == ["s0000.tif", "s0001.tif", "s0002.tif"]
    brighter, *others = stack(tmp_path)
    assert all(frame.shape == (HEIGHT, WIDTH, 4) for frame in (brighter, *others))
    assert brighter[..., :3].mean() > max(frame[..., :3].mean() for frame in others) + 2
    both = np.logical_and.reduce([frame[..., 3] > 0 for frame in others])
    assert 0.8 < both.mean() < 1
    assert np.abs(others[0] - others[1])[both][:, :3].mean() < 3
    said = capsys.readouterr().err
    assert said.count("nothing to do here") == 1
    assert "-m, -d, -i, -c, -g, -t, --corr: " in said
    assert said.count("moved by") == 3


def test_cropped_frames_are_whole(handheld: list[str], tmp_path: Path) -> None:
    assert main(["-vC", "--dont-remap-ref", "-a", f"{tmp_path}/s", *handheld]) == 0
    frames = stack(tmp_path)
    assert len(frames) == 2
    assert frames[0].shape == frames[1].shape
    assert frames[0].shape[1] < WIDTH
    assert min(frame[..., 3].min() for frame in frames) == 255


def test_frames_that_cannot_be_aligned_are_refused_and_nothing_is_written(
    handheld: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [other] = bracket((0.0,), (IDENTITY,), seed=8)
    (tmp_path / "other").mkdir()
    write_photo(tmp_path / "other" / "z.png", other)
    assert main(["-a", f"{tmp_path}/s", handheld[1], f"{tmp_path}/other/z.png"]) == 4
    assert "cannot be laid on" in capsys.readouterr().err
    assert list(tmp_path.glob("s*")) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [([], "expected -a PREFIX"), (["-o", "x.hdr", "-a", "s"], "-o: "), (["-S", "-a", "s"], "-S: ")],
)
def test_another_task_is_refused_by_name(
    options: list[str], named: str, handheld: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*options, *handheld]) == 4
    assert named in capsys.readouterr().err


def test_one_frame_is_too_few(handheld: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-a", f"{tmp_path}/s", handheld[0]]) == 4
    assert "expected 2 or more exposures, got 1" in capsys.readouterr().err


def test_the_second_line_of_the_help_has_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["-h"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("align_image_stack version 2022.0")
