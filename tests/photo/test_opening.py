"""A photo is opened once, and nothing of the process is changed by that."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from support.photographs import Card
from support.reference_photo import turned

from deepfuse.errors import PhotoError
from deepfuse.photo import read_header, read_photo, write_photo
from deepfuse.photo.capture import read_capture
from deepfuse.photo.pixels import upright
from deepfuse.photo.preview import read_preview

COUNT_OPENED = """
import collections, json, os, sys
opened = collections.Counter()
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        opened[os.fspath(arguments[0])] += 1
sys.addaudithook(note)
from deepfuse.cli import main
code = main(sys.argv[1:])
print("\\n" + json.dumps([code, opened]))
"""


@pytest.mark.parametrize("command", ["fuse", "align"])
def test_each_photo_is_opened_once(tmp_path: Path, command: str) -> None:
    card = Card(tmp_path)
    files = [str(tmp_path / card.shoot(stops)) for stops in (-2, 0, 2)]
    output = str(tmp_path / ("out.jpg" if command == "fuse" else "out"))
    arguments = [command, *files, "-o", output, *(["--no-align"] if command == "fuse" else [])]
    run = subprocess.run([sys.executable, "-c", COUNT_OPENED, *arguments], capture_output=True, text=True, check=True)
    code, opened = json.loads(run.stdout.splitlines()[-1])
    assert code == 0
    assert {file: opened.get(file, 0) for file in files} == dict.fromkeys(files, 1)


@pytest.fixture(params=[".jpg", ".png"])
def large(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo of more than twice the pixels that Pillow allows."""
    path = tmp_path / f"large{request.param}"
    write_photo(path, np.full((40, 60, 3), 90, np.uint8))
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 1000)
    return path


def test_a_photo_may_be_larger_than_pillow_allows(large: Path) -> None:
    with pytest.raises(PillowImage.DecompressionBombError):
        PillowImage.open(large)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (read_photo(large) == 90).all()
        assert read_header(large).size == "60×40"
        assert read_preview(large, 30).shape == (20, 30, 3)


def test_the_process_stays_as_it_was(large: Path, tmp_path: Path) -> None:
    loggers = {name: logging.getLogger(name).level for name in ("PIL", "tifffile", "")}
    before = PillowImage.MAX_IMAGE_PIXELS, list(warnings.filters), loggers
    write_photo(tmp_path / "a.tif", read_photo(large))
    read_photo(tmp_path / "a.tif")
    read_capture(large)
    read_preview(large, 30)
    after = {name: logging.getLogger(name).level for name in loggers}
    assert (PillowImage.MAX_IMAGE_PIXELS, list(warnings.filters), after) == before


def test_a_jpeg_of_another_kind_is_named_by_its_kind(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", np.zeros((8, 8, 3), np.uint8))
    data = (tmp_path / "a.jpg").read_bytes()
    at = data.index(b"\xff\xc0") + 4
    (tmp_path / "a.jpg").write_bytes(data[:at] + b"\x0c" + data[at + 1 :])
    with pytest.raises(PhotoError, match=r"a\.jpg: .*12-bit"):
        read_header(tmp_path / "a.jpg")


BACK = {**{orientation: orientation for orientation in range(1, 9)}, 6: 8, 8: 6}


@given(height=st.integers(1, 9), width=st.integers(1, 9), orientation=st.sampled_from(range(1, 9)))
def test_turning_back_gives_the_same_picture(height: int, width: int, orientation: int) -> None:
    picture = np.arange(height * width * 3, dtype=np.uint16).reshape(height, width, 3)
    there = upright(picture, orientation)
    assert (there == turned(picture, orientation)).all()
    assert (upright(there, BACK[orientation]) == picture).all()
