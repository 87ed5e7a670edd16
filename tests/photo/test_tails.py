"""Copies that were never finished: unpacked pixels whose end is zeros are warned of, those that are dark are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.bad_files import PICTURE, raw, tiff

from deepfuse.photo import read_frames
from deepfuse.photo.opening import open_photo

FLOATS = (PICTURE / 255).astype(np.float32)


def warnings_of(path: Path, data: bytes) -> tuple[str, ...]:
    path.write_bytes(data)
    with open_photo(path) as photo:
        return photo.warnings


def unfinished(data: bytes, share: float, pixels: int, end: int | None = None) -> bytes:
    """With the last share of its pixels zero, which end at `end`."""
    end = len(data) if end is None else end
    zeros = round(share * pixels)
    return data[: end - zeros] + bytes(zeros) + data[end:]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 8}])
def test_the_share_of_zeros_at_the_end_is_said(tmp_path: Path, share: float, options: dict[str, int]) -> None:
    data = tiff(FLOATS, **options)
    [said] = warnings_of(tmp_path / "a.tif", unfinished(data, share, FLOATS.nbytes))
    assert said.startswith(f"a.tif: the last {share:.0%} of its pixels are zeros")
    dng, pixels = raw(tmp_path, 0), PICTURE[..., 0].size * 2
    [said] = warnings_of(tmp_path / "a.dng", unfinished(dng, share, pixels, end=8 + pixels))
    assert said.startswith(f"a.dng: the last {share:.0%} of its pixels are zeros")


def test_the_warning_reaches_who_reads_the_bracket(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(unfinished(tiff(FLOATS), 0.5, FLOATS.nbytes))
    (tmp_path / "b.tif").write_bytes(tiff(FLOATS / 2))
    frames = read_frames([tmp_path / "a.tif", tmp_path / "b.tif"])
    assert [len(frame.warnings) for frame in frames] == [1, 0]


def test_black_borders_pictures_and_margins_are_no_holes(tmp_path: Path) -> None:
    border = FLOATS.copy()
    border[-3:] = 0
    margin = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 255, np.uint8)])
    margin[32:] = 0
    for pixels, options in ((border, {}), (FLOATS * 0, {}), (FLOATS, {}), (margin, {"extrasamples": ["unassalpha"]})):
        assert warnings_of(tmp_path / "a.tif", tiff(pixels, **options)) == ()
    assert warnings_of(tmp_path / "a.dng", raw(tmp_path, 0)) == ()
