"""The options of colour reach the picture and its record, by `fuse` and by `batch`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from support.pictures import textured_radiance

from deepfuse.bracket import Exposure
from deepfuse.cli import main
from deepfuse.photo import read_photo
from deepfuse.photo.spaces import named_space
from deepfuse.simulation.camera import CAMERAS, expose, write_dng


@pytest.fixture
def raws(tmp_path: Path) -> list[str]:
    folder = tmp_path / "shots"
    folder.mkdir()
    for stop in (-3, 0):
        mosaic = expose(textured_radiance(64, 96), camera=CAMERAS[3], stops=stop, rng=np.random.default_rng(stop + 9))
        write_dng(folder / f"{stop}.dng", mosaic, camera=CAMERAS[3], exposure=Exposure(2.0**stop / 60, 100, 5.6))
    return [str(folder / "-3.dng"), str(folder / "0.dng")]


def fused(raws: list[str], out: Path, *options: str) -> np.ndarray:
    assert main(["fuse", *raws, "-o", str(out), "--no-align", "--no-deghost", *options]) == 0
    return read_photo(out).reshape(-1, 3).astype(float).mean(axis=0)


def test_the_white_balance_and_the_profile_of_a_picture(
    tmp_path: Path, raws: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    means = {kelvin: fused(raws, tmp_path / f"{kelvin}.tif", "--white-balance", kelvin) for kelvin in ("3000", "9000")}
    assert means["9000"][0] / means["9000"][2] > 1.2 * means["3000"][0] / means["3000"][2], "warmer"
    capsys.readouterr()
    fused(raws, tmp_path / "p3.png", "--profile", "p3", "--white-balance", "daylight", "--json")
    record = json.loads(capsys.readouterr().out)
    assert (record["profile"], record["white_balance"], record["depth"]) == ("Display P3", "daylight", "16-bit")
    with PillowImage.open(tmp_path / "p3.png") as picture:
        assert picture.info["icc_profile"] == named_space("p3").icc


def test_a_batch_takes_them_too(tmp_path: Path, raws: list[str]) -> None:
    done = ["batch", str(Path(raws[0]).parent), "-o", str(tmp_path / "out"), "--frames", "2", "--no-align", "-j", "1"]
    assert main([*done, "--profile", "rec2020", "--white-balance", "4200"]) == 0
    [said] = [json.loads(path.read_text()) for path in (tmp_path / "out" / ".deepfuse").glob("*.json")]
    assert (said["profile"], said["white_balance"]) == ("Rec. 2020", 4200)
    assert said["key"]["options"]["white_balance"] == 4200


@pytest.mark.parametrize("text", ["99", "foo"])
def test_no_white_balance_is_a_wrong_usage(
    tmp_path: Path, raws: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fuse", *raws, "-o", str(tmp_path / "a.tif"), "--white-balance", text])
    assert ended.value.code == 2
    assert f"2000 to 25000 (kelvin), got {text}" in capsys.readouterr().err
