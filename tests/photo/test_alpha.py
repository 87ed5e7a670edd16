"""Alpha: what is transparent is no picture."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from deepfuse.photo import Picture, read_frames, read_photo, write_photo

RNG = np.random.default_rng(4)
COLOURS = RNG.integers(40, 200, (30, 40, 3)).astype(np.uint8)
SHOWN = np.zeros((30, 40), np.uint8)
SHOWN[4:, 7:] = 1


def with_alpha(opacity: np.ndarray, dtype: type) -> np.ndarray:
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    return np.dstack([(COLOURS.astype(float) * scale).astype(dtype), (opacity.astype(float) * top).astype(dtype)])


def read_back(path: Path, pixels: np.ndarray, **options: object) -> Picture:
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(pixels))
    else:
        tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, **options)  # type: ignore[arg-type]
    other = path.with_stem("other")
    other.write_bytes(path.read_bytes())
    return read_frames([path, other])[0]


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".png", np.uint8), (".png", np.uint16), (".tif", np.uint8), (".tif", np.uint16), (".tif", np.float32)],
)
def test_what_is_transparent_is_not_valid(tmp_path: Path, suffix: str, dtype: type) -> None:
    found = read_back(tmp_path / f"a{suffix}", with_alpha(SHOWN, dtype))
    assert found.valid is not None
    assert np.array_equal(found.valid, SHOWN)
    assert np.array_equal(found.pixels, with_alpha(SHOWN, dtype)[..., :3])


def test_colours_times_their_alpha_are_restored(tmp_path: Path) -> None:
    opacity = np.clip(SHOWN * RNG.uniform(0.55, 1, SHOWN.shape), 0, 1)
    stored = with_alpha(opacity, np.uint16)
    stored[..., :3] = np.rint(stored[..., :3] * (stored[..., 3:] / 65535))
    found = read_back(tmp_path / "a.tif", stored, extrasamples=["assocalpha"])
    assert found.valid is not None
    assert np.array_equal(found.valid, SHOWN)
    inside = SHOWN > 0
    assert np.abs(found.pixels[inside].astype(int) - COLOURS[inside].astype(int) * 257).max() <= 1


@pytest.mark.parametrize("opacity", [1, 0])
def test_an_alpha_that_tells_nothing_is_none(tmp_path: Path, opacity: int) -> None:
    found = read_back(tmp_path / "a.png", with_alpha(np.full(SHOWN.shape, opacity), np.uint8))
    assert found.valid is None
    hidden = "a.png: its alpha hides the whole frame and is passed over: what it holds is taken as picture"
    assert found.warnings == (() if opacity else (hidden,))


def test_a_fourth_channel_of_no_known_meaning_is_no_alpha(tmp_path: Path) -> None:
    found = read_back(tmp_path / "a.tif", with_alpha(SHOWN, np.uint8), extrasamples=["unspecified"])
    assert found.valid is None


def test_grey_and_a_transparent_colour(tmp_path: Path) -> None:
    for image, options in (
        (PillowImage.fromarray(np.dstack([COLOURS[..., 0], SHOWN * 255])), {}),
        (PillowImage.fromarray(COLOURS * SHOWN[..., None]), {"transparency": (0, 0, 0)}),
    ):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        for name in ("a.png", "b.png"):
            (tmp_path / name).write_bytes(buffer.getvalue())
        found = read_frames([tmp_path / "a.png", tmp_path / "b.png"])[0]
        assert found.pixels.shape == (30, 40, 3)
        assert found.valid is not None
        assert np.array_equal(found.valid, SHOWN)


def test_the_mask_is_upright_like_the_pixels(tmp_path: Path) -> None:
    stored = with_alpha(SHOWN, np.uint8)
    found = read_back(tmp_path / "a.tif", stored, extratags=[(274, "H", 1, 6, True)])
    assert found.valid is not None
    assert np.array_equal(found.valid, np.rot90(SHOWN, -1))
    assert np.array_equal(found.pixels, np.rot90(stored[..., :3], -1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_what_is_not_shown_is_written_transparent_where_the_format_can_be(
    tmp_path: Path, suffix: str, dtype: type
) -> None:
    pixels, paths = with_alpha(SHOWN, dtype)[..., :3], [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        write_photo(path, pixels, shown=SHOWN)
    found = read_frames(paths)[0]
    assert (found.valid is None) == (suffix == ".jpg")
    if found.valid is not None:
        assert np.array_equal(found.valid, SHOWN)
    if suffix == ".tif":
        assert np.array_equal(read_photo(paths[0]), pixels)
        with tifffile.TiffFile(paths[0]) as tiff:
            assert tiff.pages.first.extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
