"""The record of a picture: one for the command line and a batch, complete, and in JSON what it is in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.batches import job, record, shoot

from deepfuse.batch.work import fuse_set
from deepfuse.cli import main
from deepfuse.job.fuse import fuse_prepared
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import prepare
from deepfuse.job.record import PictureRecord, UsedModel
from deepfuse.model import SHIPPED, read_model, weights_sha256

KEYS = (
    "model model_sha256 alignment deghosting mef_ssim quality controls width height orientation depth profile "
    "white_balance metadata_of warnings seconds"
)
SHIPPED_MODEL = UsedModel("shipped", weights_sha256(SHIPPED))


def made(files: tuple[Path, ...], options: FuseOptions, used: UsedModel | None = SHIPPED_MODEL) -> PictureRecord:
    return fuse_prepared(prepare(files, options), read_model(SHIPPED), options, suffix=".png", used=used).record


@pytest.fixture
def barn(tmp_path: Path) -> tuple[Path, ...]:
    return shoot(tmp_path / "barn", 1)


def without_seconds(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in KEYS.split() if name != "seconds"}


def test_command_batch_and_python_say_the_same(
    tmp_path: Path, barn: tuple[Path, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads(json.dumps(made(barn, FuseOptions(score=True)).as_json(), allow_nan=False))
    assert list(expected) == KEYS.split()
    assert main(["fuse", *map(str, barn), "-o", str(tmp_path / "out.png"), "--json"]) == 0
    by_command = json.loads(capsys.readouterr().out)
    assert list(by_command) == ["output", "frames", *KEYS.split()]
    one = job(tmp_path, options=FuseOptions(score=True))
    assert fuse_set(one).status == "done"
    by_batch = record(one.output.parent, "barn")
    assert without_seconds(by_command) == without_seconds(by_batch) == without_seconds(expected)
    assert by_command["seconds"].keys() == by_batch["seconds"].keys() == expected["seconds"].keys()


def test_it_says_in_python_what_it_says_in_json(barn: tuple[Path, ...]) -> None:
    said = made(barn, FuseOptions(score=True))
    values = said.as_json()
    assert (said.width_px, said.height_px, said.depth) == (160, 120, "8-bit")
    assert said.alignment
    assert said.deghosting
    assert not said.alignment.frames, "pixels are not kept"
    assert not said.deghosting.frames, "pixels are not kept"
    assert len(said.alignment.evidence) == len(values["alignment"]["evidence"]) == 3
    assert round(said.deghosting.share, 5) == values["deghosting"]["share"]
    assert values["mef_ssim"] == said.mef_ssim
    assert UsedModel(values["model"], values["model_sha256"]) == said.model == SHIPPED_MODEL


def test_what_was_not_asked_for_is_left_out(barn: tuple[Path, ...]) -> None:
    said = made(barn, FuseOptions(align=False, deghost=False), used=None)
    left_out = {"model", "model_sha256", "alignment", "deghosting", "mef_ssim"}
    assert set(KEYS.split()) - said.as_json().keys() == left_out
    assert (said.model, said.alignment, said.deghosting, said.mef_ssim) == (None,) * 4
    assert said.metadata_of == "1.png"


def test_a_picture_is_fused_where_the_package_lies_beside_the_model(files: list[str]) -> None:
    """A served model carries the package's files; no distribution of that name is installed there."""
    code = (
        "import importlib.metadata as metadata, sys\n"
        "found = metadata.version\n"
        "def version(name):\n"
        "    if name == 'deepfuse':\n"
        "        raise metadata.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "metadata.version = version\n"
        "import deepfuse\n"
        "print(deepfuse.fuse_files(sys.argv[1:]).pixels.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(120, 160, 3)\n"
