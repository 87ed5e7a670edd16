import ast

import numpy as np
import pytest
from support.projects import ROOT

from deepfuse.alignment.proxy import luma as luma_by_bands
from deepfuse.color import from_float, luma, mean_luma, rgb_to_ycbcr, to_float


def test_ycbcr_of_known_colours() -> None:
    # ITU-R BT.601 full range: pure blue has Cb = 1, pure red Cr = 1, grey has neutral chroma.
    rgb = np.array([[1, 0, 0], [0, 0, 1], [0.25, 0.25, 0.25]], np.float32)
    y, chroma = rgb_to_ycbcr(rgb)
    np.testing.assert_allclose(y, [0.299, 0.114, 0.25], atol=1e-6)
    np.testing.assert_allclose(chroma, [[0.5 - 0.299 / 1.772, 1], [1, 0.5 - 0.114 / 1.402], [0.5, 0.5]], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_level_survives_float(dtype: type) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1) if dtype != np.float32 else np.linspace(0, 1, 99)
    image = levels.astype(dtype)
    assert (from_float(to_float(image), np.dtype(dtype)) == image).all()


def test_float_is_clipped_before_it_is_stored() -> None:
    assert from_float(np.array([-0.2, 1.7], np.float32), np.dtype(np.uint8)).tolist() == [0, 255]


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(TypeError, match="int32"):
        to_float(np.zeros(3, np.int32))


def test_luma_weighs_green_most() -> None:
    assert luma(np.eye(3, dtype=np.float32)).tolist() == pytest.approx([0.299, 0.587, 0.114])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_luma_is_one_however_it_is_computed(dtype: type) -> None:
    pixels = from_float(np.random.default_rng(1).random((50, 70, 3), np.float32), np.dtype(dtype))
    y = luma(to_float(pixels))
    np.testing.assert_allclose(luma_by_bands(pixels), y, atol=3e-7)
    assert mean_luma(pixels) == pytest.approx(y.mean(dtype=np.float64), abs=1e-7)


def test_the_weights_of_luma_stand_once() -> None:
    files = [file for file in (ROOT / "deepfuse").rglob("*.py") if 0.587 in numbers(file.read_text())]
    assert [file.relative_to(ROOT).as_posix() for file in files] == ["deepfuse/color.py"]


def numbers(text: str) -> set[object]:
    return {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
