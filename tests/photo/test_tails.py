"""Copies that were never finished: unpacked pixels whose end is zeros are warned of, those that are dark are not."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from support.bad_files import PICTURE, raw, tiff

from deepfuse.errors import PhotoError
from deepfuse.photo import read_frames
from deepfuse.photo.opening import open_photo

FLOATS = (PICTURE / 255).astype(np.float32)
NOISE = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
_LEVELS = {"webp": {"level": 80}}


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


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
@pytest.mark.parametrize("suffix", [".jpg", ".jp2", ".avif"])
def test_a_file_of_packed_pixels_that_ends_in_one_byte_is_warned_of_or_refused(
    tmp_path: Path, suffix: str, byte: bytes
) -> None:
    data = packed(suffix)
    lost = round(0.4 * len(data))
    try:
        said = warnings_of(tmp_path / f"a{suffix}", data[:-lost] + byte * lost)
    except PhotoError:
        return
    assert [text for text in said if "40% of the file is one byte again and again" in text]


@pytest.mark.parametrize("suffix", [".jpg", ".jp2", ".avif"])
def test_what_pads_a_whole_file_is_no_hole(tmp_path: Path, suffix: str) -> None:
    data = packed(suffix)
    assert warnings_of(tmp_path / f"a{suffix}", data) == ()
    if suffix == ".jpg":
        assert warnings_of(tmp_path / "a.jpg", data + bytes(len(data))) == ()


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 16}, {"tile": (32, 32)}], ids=["whole", "strips", "tiles"])
@pytest.mark.parametrize("scheme", ["jpeg", "webp", "adobe_deflate", "lzw", "zstd", "packbits", "jpeg2000"])
def test_packed_strips_and_tiles_that_end_in_one_byte_are_warned_of_or_refused(
    tmp_path: Path, scheme: str, options: dict[str, int], byte: bytes
) -> None:
    data = tiff(NOISE, compression=scheme, compressionargs=_LEVELS.get(scheme), **options)
    lost = round(0.4 * len(data))
    try:
        said = warnings_of(tmp_path / "a.tif", data[:-lost] + byte * lost)
    except PhotoError:
        return
    assert [text for text in said if "of its packed pixels is one byte again and again" in text]


@pytest.mark.parametrize("scheme", ["jpeg", "webp", "adobe_deflate", "lzw", "zstd", "packbits", "jpeg2000"])
def test_flat_pictures_packed_whole_are_no_holes(tmp_path: Path, scheme: str) -> None:
    foot = NOISE.copy()
    for level in (0, 127, 255):
        foot[32:] = level
        for pixels in (foot, np.full((512, 512, 3), level, np.uint8)):
            for options in ({}, {"rowsperstrip": 16}, {"tile": (32, 32)}):
                assert warnings_of(tmp_path / "a.tif", tiff(pixels, compression=scheme, **options)) == ()


@pytest.mark.parametrize(("share", "said"), [(0.2, False), (0.4, True)])
def test_a_white_foot_is_a_picture_and_much_of_it_is_doubtful(tmp_path: Path, share: float, said: bool) -> None:
    data = tiff(PICTURE)
    ones = round(share * PICTURE.nbytes)
    found = warnings_of(tmp_path / "a.tif", data[:-ones] + b"\xff" * ones)
    assert bool(found) is said
    assert all(text.startswith(f"a.tif: the last {share:.0%} of its pixels are ones") for text in found)


def test_ones_are_no_floats_and_no_sensors_values(tmp_path: Path) -> None:
    ones = round(0.1 * FLOATS.nbytes)
    [said] = warnings_of(tmp_path / "a.tif", tiff(FLOATS)[:-ones] + b"\xff" * ones)
    assert "the last 10% of its pixels are ones" in said
    data, pixels = raw(tmp_path, 0), PICTURE[..., 0].size * 2
    ones, end = round(0.1 * pixels), 8 + pixels
    [said] = warnings_of(tmp_path / "a.dng", data[: end - ones] + b"\xff" * ones + data[end:])
    assert "the last 10% of its pixels are ones" in said


def packed(suffix: str) -> bytes:
    encode = {".jpg": imagecodecs.jpeg8_encode, ".jp2": imagecodecs.jpeg2k_encode, ".avif": imagecodecs.avif_encode}
    return bytes(encode[suffix](NOISE))
