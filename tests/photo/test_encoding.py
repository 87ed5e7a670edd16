"""How files are compressed, and in which depth they hold pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepfuse.photo import Encoding, in_depth, read_photo, write_photo


@pytest.mark.parametrize("compression", ["none", "deflate", "lzw", "zstd"])
def test_tiff_takes_the_compression_asked_for(tmp_path: Path, compression: str) -> None:
    picture = np.repeat(np.arange(0, 60000, 1000, dtype=np.uint16)[:, None, None], 3, 2).repeat(40, 1)
    write_photo(tmp_path / "a.tif", picture, encoding=Encoding(compression=compression))
    assert (read_photo(tmp_path / "a.tif") == picture).all()
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        names = {"none": "NONE", "deflate": "ADOBE_DEFLATE", "lzw": "LZW", "zstd": "ZSTD"}
        assert tiff.pages.first.compression.name == names[compression]


def test_jpeg_quality_and_png_level_change_the_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 9, (60, 60, 3), dtype=np.uint8) * 20
    for suffix, low, high in ((".jpg", Encoding(jpeg_quality=40), Encoding(jpeg_quality=99)),
                              (".png", Encoding(png_level=9), Encoding(png_level=0))):  # fmt: skip
        write_photo(tmp_path / f"low{suffix}", noise, encoding=low)
        write_photo(tmp_path / f"high{suffix}", noise, encoding=high)
        assert (tmp_path / f"low{suffix}").stat().st_size < (tmp_path / f"high{suffix}").stat().st_size


def test_depths_are_converted_between() -> None:
    eight = np.array([[[0, 128, 255]]], np.uint8)
    assert in_depth(eight, "16-bit").tolist() == [[[0, 128 * 257, 65535]]]
    assert in_depth(in_depth(eight, "float"), "8-bit").tolist() == eight.tolist()
    assert in_depth(in_depth(eight, "16-bit"), "8-bit").tolist() == eight.tolist()
