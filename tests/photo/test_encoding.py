"""How files are compressed, and in which depth they hold pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from deepfuse.metadata.embedded import Embedded
from deepfuse.photo import Encoding, in_depth, read_photo, write_photo
from deepfuse.photo.encoding import encode_jpeg


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


@pytest.mark.parametrize("size", [(1, 1), (33, 47)])
@pytest.mark.parametrize("quality", [30, 95])
def test_a_jpeg_is_what_pillow_would_write(size: tuple[int, int], quality: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (*size, 6), np.uint8)[..., ::2]
    embedded = Embedded(icc=b"\xff\xdb" * 40_000, xmp=b"<x/>", dpi=(300, 300))  # markers in it mean nothing
    whole = io.BytesIO()
    PillowImage.fromarray(pixels).save(
        whole, "JPEG", quality=quality, subsampling=0, icc_profile=embedded.icc, xmp=embedded.xmp, dpi=embedded.dpi
    )
    assert encode_jpeg(pixels, Encoding(jpeg_quality=quality), embedded) == whole.getvalue()
