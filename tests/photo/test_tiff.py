"""TIFF: which of its pages is the picture, and floats that are not from 0 to 1."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from support.bad_files import tiff_with

from deepfuse.errors import PhotoError
from deepfuse.photo import read_bracket, read_header, read_photo

rng = np.random.default_rng(6)
PICTURE = rng.integers(0, 256, (48, 72, 3), np.uint8)
SMALL = PICTURE[::4, ::4]
REDUCED, MASK = 1, 4


def tiff_of(*pages: tuple[NDArray[np.generic], dict[str, object]]) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        for pixels, options in pages:
            tiff.write(pixels, **{"photometric": "rgb", "metadata": None, **options})  # type: ignore[arg-type]
    return buffer.getvalue()


PAGES = {
    "thumbnail flagged": tiff_of((SMALL, {"subfiletype": REDUCED}), (PICTURE, {})),
    "large thumbnail flagged": tiff_of((PICTURE[:40, :60], {"subfiletype": REDUCED}), (PICTURE, {})),
    "thumbnail not flagged": tiff_of((SMALL, {}), (PICTURE, {})),
    "picture below thumbnail": tiff_of((SMALL, {"subifds": 1, "subfiletype": REDUCED}), (PICTURE, {})),
    "picture below, not flagged": tiff_of((SMALL, {"subifds": 1}), (PICTURE, {})),
    "picture first": tiff_of((PICTURE, {}), (SMALL, {"subfiletype": REDUCED})),
    "pyramid": tiff_of((PICTURE, {"subifds": 1}), (SMALL, {"subfiletype": REDUCED})),
    "mask first": tiff_with({254: MASK}, tiff_of((PICTURE[::-1], {"subfiletype": REDUCED}), (PICTURE, {}))),
    "all flagged": tiff_of((PICTURE, {"subfiletype": REDUCED})),
    "a somewhat larger page after it": tiff_of((PICTURE, {}), (rng.integers(0, 256, (90, 100, 3), np.uint8), {})),
}


@pytest.mark.parametrize("case", PAGES)
def test_the_picture_is_read_not_its_thumbnail(tmp_path: Path, case: str) -> None:
    (tmp_path / "a.tif").write_bytes(PAGES[case])
    assert read_header(tmp_path / "a.tif").size == "72×48"
    assert (read_photo(tmp_path / "a.tif") == PICTURE).all()


def test_the_pictures_own_page_tells_its_orientation(tmp_path: Path) -> None:
    turned = (274, "H", 1, 6, True)
    (tmp_path / "a.tif").write_bytes(tiff_of((SMALL, {"subfiletype": REDUCED}), (PICTURE, {"extratags": [turned]})))
    assert (read_photo(tmp_path / "a.tif") == np.rot90(PICTURE, -1)).all()


@pytest.mark.parametrize("after", [8, 1 << 30])
def test_a_damaged_chain_of_pages_costs_nothing(tmp_path: Path, after: int) -> None:
    """A page that points to itself, or beyond the file."""
    data = bytearray(PAGES["all flagged"])
    start = struct.unpack_from("<I", data, 4)[0]
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, after)
    (tmp_path / "a.tif").write_bytes(data)
    assert (read_photo(tmp_path / "a.tif") == PICTURE).all()


def test_the_size_of_the_picture_is_what_is_limited(tmp_path: Path) -> None:
    small = tiff_of((SMALL, {}))
    (tmp_path / "a.tif").write_bytes(tiff_with({256: 100_000, 257: 100_000}, small))
    with pytest.raises(PhotoError, match="expected"):
        read_photo(tmp_path / "a.tif")


def floats(path: Path, values: tuple[float, float, float], **options: object) -> Path:
    pixels = np.full((8, 8, len(values)), values, np.float32)
    tifffile.imwrite(path, pixels, photometric="rgb", **options)  # type: ignore[arg-type]
    return path


def test_floats_a_little_outside_are_clipped_with_a_warning(tmp_path: Path) -> None:
    (picture,) = read_bracket([floats(tmp_path / "a.tif", (-0.01, 0.5, 1.02))])
    assert picture.pixels[0, 0].tolist() == [0, 0.5, 1]
    assert picture.warnings == ("a.tif: its pixels go from -0.01 to 1.02 and are clipped to 0 to 1",)
    (inside,) = read_bracket([floats(tmp_path / "b.tif", (0, 0.5, 1))])
    assert not inside.warnings


def test_an_alpha_is_no_colour_outside(tmp_path: Path) -> None:
    path = floats(tmp_path / "a.tif", (0.2, 0.5, 1, 255), extrasamples=["unspecified"])
    assert read_photo(path)[0, 0].tolist() == [np.float32(0.2), 0.5, 1]


@pytest.mark.parametrize(
    ("values", "said"),
    [((0, 0.5, 40), "got 0 to 40: a radiance map"), ((-3, 0.5, 1), "got -3 to 1$"), ((0, np.nan, 1), "got nan"),
     ((0, np.inf, 1), "got 0 to inf$")],
)  # fmt: skip
def test_floats_that_are_no_exposure_are_named(tmp_path: Path, values: tuple[float, float, float], said: str) -> None:
    with pytest.raises(PhotoError, match=rf"a\.tif: .*expected float pixels from 0 to 1, {said}"):
        read_photo(floats(tmp_path / "a.tif", values))
