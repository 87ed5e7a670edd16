from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from deepfuse.cli import main
from deepfuse.metrics.table import METRICS
from deepfuse.model import SHIPPED
from deepfuse.photo import read_photo, write_photo


def test_fuse_writes_a_picture_in_the_depth_of_its_frames(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "fused.tif"
    assert main(["fuse", *files, "-o", str(out)]) == 0
    assert read_photo(out).dtype == np.uint16
    assert read_photo(out).shape == (120, 160, 3)


def test_fast_is_another_picture(files: list[str], tmp_path: Path) -> None:
    for quality in ("best", "fast"):
        assert main(["fuse", *files, "-o", str(tmp_path / f"{quality}.png"), "--quality", quality]) == 0
    assert (tmp_path / "best.png").read_bytes() != (tmp_path / "fast.png").read_bytes()


def test_fuse_reports_in_json(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fused.png"
    assert main(["fuse", *files, "-o", str(out), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["output"] == str(out)
    assert record["model"] == "shipped"
    assert record["model_sha256"] == json.loads((SHIPPED / "config.json").read_text())["sha256"]
    assert len(record["alignment"]["homographies"]) == 3
    assert main(["score", str(out), *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mef_ssim"] == pytest.approx(record["mef_ssim"], abs=1e-9)


def test_no_align_takes_frames_that_cannot_be_aligned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    paths = [str(tmp_path / f"{i}.png") for i in (0, 1)]
    for path in paths:
        write_photo(path, rng.integers(0, 256, (96, 96, 3), dtype=np.uint8))
    out = str(tmp_path / "out.jpg")
    assert main(["fuse", *paths, "-o", out]) == 4
    assert "--no-align" in capsys.readouterr().err
    assert not Path(out).exists()
    assert main(["fuse", *paths, "-o", out, "--no-align"]) == 0


def test_a_picture_too_small_to_score_is_fused_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / f"{level}.png") for level in (50, 150)]
    for path, level in zip(paths, (50, 150), strict=True):
        write_photo(path, np.full((3, 5, 3), level, np.uint8))
    assert main(["fuse", *paths, "-o", str(tmp_path / "out.png"), "--no-align", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mef_ssim"] is None
    assert read_photo(tmp_path / "out.png").shape == (3, 5, 3)


def test_score_prints_every_measure_and_what_it_means(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", files[1], *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [metric.name for metric in METRICS]
    assert "1 is best" in lines[0]


def test_bad_input_has_its_exit_code_and_names_the_file(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.tif")
    (tmp_path / "broken.jpg").write_text("no picture")
    assert main(["fuse", files[0], str(tmp_path / "broken.jpg"), "-o", out]) == 4
    assert "broken.jpg" in capsys.readouterr().err
    assert main(["fuse", files[0], "-o", out]) == 4
    assert "2 or more exposures" in capsys.readouterr().err
    assert main(["fuse", *files, "-o", files[0], "--force"]) == 4
    assert "one of them" in capsys.readouterr().err
    assert main(["fuse", *files, "-o", out, "--model", str(tmp_path)]) == 5
    assert not Path(out).exists()


def test_the_model_may_be_a_folder_or_its_weights_and_is_checked(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = Path(shutil.copytree(SHIPPED, tmp_path / "model")), str(tmp_path / "out.png")
    weights = folder / "model.safetensors"
    assert main(["fuse", *files, "-o", out, "--model", str(weights)]) == 0
    assert main(["fuse", *files, "-o", out, "--force", "--model", str(folder / "config.json")]) == 5
    assert "model.safetensors" in capsys.readouterr().err
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert main(["fuse", *files, "-o", out, "--force", "--model", str(folder)]) == 5
    assert "expected sha256" in capsys.readouterr().err


@pytest.mark.parametrize(("depth", "dtype"), [("8", np.uint8), ("16", np.uint16), ("float", np.float32)])
def test_the_depth_is_chosen_and_has_real_levels(files: list[str], tmp_path: Path, depth: str, dtype: type) -> None:
    eight = [str(tmp_path / f"{index}.png") for index in range(3)]
    for name, path in zip(eight, files, strict=True):
        write_photo(name, (read_photo(path) >> 8).astype(np.uint8))
    out = tmp_path / "out.tif"
    assert main(["fuse", *eight, "-o", str(out), "--depth", depth, "--compression", "lzw"]) == 0
    picture = read_photo(out)
    assert picture.dtype == dtype
    assert (len(np.unique(picture)) > 256) == (depth != "8")


def test_a_depth_that_the_format_does_not_hold_is_refused(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, depth, held in (("out.jpg", "16", "8-bit"), ("out.png", "float", "16-bit")):
        assert main(["fuse", *files, "-o", str(tmp_path / name), "--depth", depth]) == 4
        assert f"expected a depth up to {held}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["fuse", *files, "-o", "out.jpg", "--jpeg-quality", "101"])


def test_an_existing_file_is_kept_unless_forced(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_text("mine")
    assert main(["fuse", *files, "-o", str(out)]) == 4
    assert out.read_text() == "mine"
    assert main(["fuse", *files, "-o", str(out), "--force"]) == 0
    assert read_photo(out).shape == (120, 160, 3)


def test_wrong_usage_is_exit_code_2() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fuse"])
    assert stop.value.code == 2


@pytest.mark.parametrize("command", ["fuse", "batch", "score"])
def test_help_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys; from deepfuse.cli import main\n"
        f"try: main(['{command}', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'cv2', 'mlflow', 'rawpy', 'shtab', 'platformdirs'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"usage: deepfuse {command}" in done.stdout


def test_a_bracket_is_prepared_without_torch() -> None:
    code = "import sys, deepfuse.job.prepare, deepfuse.job.options; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_refused_model_does_not_wait_for_the_frames(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, waited = threading.Event(), threading.Event()
    monkeypatch.setattr("deepfuse.job.prepare.prepare", lambda *_: refused.wait(20) or waited.set())
    code = main(["fuse", *files, "-o", str(tmp_path / "out.png"), "--model", str(tmp_path)])
    refused.set()
    assert code == 5
    assert not waited.is_set()


def test_a_closed_standard_output_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m deepfuse.cli brackets {tmp_path} >&-"
    write_photo(tmp_path / "alone.png", np.zeros((8, 8, 3), np.uint8))
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (3, "")


def test_a_closed_standard_error_is_no_error(tmp_path: Path) -> None:
    write_photo(tmp_path / "alone.png", np.zeros((8, 8, 3), np.uint8))
    command = f"{sys.executable} -m deepfuse.cli brackets {tmp_path} 2>&-"
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 3
    assert "0 sets of 0 files; 1 photos are in none" in done.stdout


def test_output_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    write_photo(tmp_path / "alone.png", np.zeros((8, 8, 3), np.uint8))
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "deepfuse.cli", "brackets", str(tmp_path), "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 4
    assert "No space left" in done.stderr
