"""What headers decide before a pixel is decoded: which frames are one bracket, and what is too large."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepfuse.bracket import Exposure
from deepfuse.errors import BracketError, PhotoError
from deepfuse.photo import Header, Limits, read_photo, read_photos, write_photo
from deepfuse.photo.header import check_alike

rng = np.random.default_rng(6)


def header(**changes: object) -> Header:
    plain = Header(60, 40, "Test One", Exposure(1 / 60), "JPEG", "8-bit")
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 61}, "one size, 60×40 like a.jpg, got 61×40 (c.jpg)"),
        ({"width": 40, "height": 60, "orientation": 6}, "one size, 60×40 like a.jpg, got 40×60 (c.jpg)"),
        ({"orientation": 3}, "one orientation, 1 like a.jpg, got 3 (c.jpg)"),
        ({"camera": "Test Two"}, "one camera, Test One like a.jpg, got Test Two (c.jpg)"),
        ({"depth": "16-bit"}, "one kind, 8-bit pictures like a.jpg, got 16-bit pictures (c.jpg)"),
        ({"kind": "RAW", "depth": "16-bit"}, "one kind, 8-bit pictures like a.jpg, got RAW (c.jpg)"),
    ],
)
def test_what_is_no_bracket_is_named(changes: dict[str, object], message: str) -> None:
    paths = [Path(f"{name}.jpg") for name in "abc"]
    with pytest.raises(BracketError) as caught:
        check_alike(paths, [header(), header(), header(**changes)])
    assert str(caught.value) == f"expected frames of {message}"


def test_frames_that_may_stand_together() -> None:
    paths = [Path(f"{name}.jpg") for name in "abc"]
    turned_by_a_viewer = header(width=40, height=60, orientation=1)
    as_shot = header(width=40, height=60, orientation=6)
    check_alike(paths, [as_shot, as_shot, turned_by_a_viewer])
    check_alike(paths, [header(), header(camera=""), header(kind="PNG", profile="Display P3")])


def test_limits_are_of_the_frame_the_file_and_the_bracket(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_photo(path, rng.integers(0, 256, (40, 50, 3), np.uint8))
    with pytest.raises(PhotoError, match=r"a\.png: expected at most 0\.0019 megapixels, got 50×40"):
        read_photo(path, limits=Limits(megapixels=0.0019))
    with pytest.raises(PhotoError, match=r"a\.png: expected at most 1e-06 GB"):
        read_photo(path, limits=Limits(file_gb=1e-6))
    with pytest.raises(BracketError, match="at most 2 exposures, got 3"):
        read_photos([path] * 3, limits=Limits(frames=2))
