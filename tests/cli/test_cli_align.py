"""`deepfuse align`: the frames it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.photographs import write_tags

from deepfuse.cli import main
from deepfuse.photo import read_header, read_photo, write_photo


def test_align_writes_the_frames_and_the_evidence(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "aligned"
    for path, time in zip(files, ("1/240", "1/60", "1/15"), strict=True):
        write_tags(Path(path), {"Exif.Photo.ExposureTime": time})
    assert main(["align", *files, "-o", str(out), "--dry-run"]) == 0
    assert not out.exists()
    assert main(["align", *files, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert all(Path(file).name in said for file in files)
    record = json.loads((out / "alignment.json").read_text())
    assert [len(record[name]) for name in ("frames", "outputs", "homographies", "evidence")] == [3] * 4
    pictures = [read_photo(path) for path in record["outputs"]]
    assert {(picture.shape, picture.dtype.name) for picture in pictures} == {((120, 160, 3), "uint16")}
    times = [read_header(Path(path)).exposure.time_s for path in record["outputs"]]
    assert times == pytest.approx([1 / 240, 1 / 60, 1 / 15])
    assert main(["align", *files, "-o", str(out)]) == 4
    assert "exists already" in capsys.readouterr().err
    assert main(["align", *files, "-o", str(out), "--force", "--json"]) == 0


def test_align_refuses_what_cannot_be_aligned_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    paths = [str(tmp_path / f"{i}.png") for i in (0, 1)]
    for path in paths:
        write_photo(path, rng.integers(0, 256, (96, 96, 3), dtype=np.uint8))
    assert main(["align", *paths, "-o", str(tmp_path / "out")]) == 4
    assert "frame" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_align_wants_names_that_differ(tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    other = Path(files[1]).rename(tmp_path / "other" / Path(files[0]).name)
    assert main(["align", files[0], str(other), "-o", str(tmp_path / "out")]) == 4
    assert "different names" in capsys.readouterr().err


def test_align_refuses_a_folder_that_cannot_be_made_before_any_work(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepfuse.photo.reading.open_photo", None)
    (tmp_path / "file").touch()
    assert main(["align", *files, "-o", str(tmp_path / "file" / "out")]) == 4
    assert "expected a folder, got a file at" in capsys.readouterr().err


def test_align_says_what_of_a_file_is_passed_over(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = read_photo(files[0])
    hidden = np.dstack([pixels, np.zeros(pixels.shape[:2], pixels.dtype)])
    tifffile.imwrite(files[0], hidden, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    assert main(["align", *files, "-o", str(tmp_path / "out"), "--dry-run"]) == 0
    assert "deepfuse: warning: dark.tif: its alpha hides the whole frame" in capsys.readouterr().err
