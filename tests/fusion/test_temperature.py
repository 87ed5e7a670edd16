"""Warmer and cooler: along daylight, of the same luma."""

from __future__ import annotations

import numpy as np
import pytest

from deepfuse.color import Float, luma
from deepfuse.fusion.temperature import WHITE_MIRED, gains, warmed

rng = np.random.default_rng(5)
# Mireds and CIE x, y of the daylight illuminants: CIE 15:2004, table T.3.
DAYLIGHT = {
    "D50": (1e6 / 5003, (0.3457, 0.3585)),
    "D55": (1e6 / 5503, (0.3324, 0.3474)),
    "D65": (1e6 / 6504, (0.3127, 0.3290)),
    "D75": (1e6 / 7504, (0.2990, 0.3149)),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # IEC 61966-2-1


def chromaticity(encoded: Float) -> np.ndarray:
    """CIE x, y of sRGB."""
    rgb = np.float64(encoded)
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ light
    return xyz[:2] / xyz.sum()


@pytest.mark.parametrize("name", DAYLIGHT)
@pytest.mark.parametrize("grey", [0.3, 0.5, 0.8])
def test_grey_moves_along_daylight(name: str, grey: float) -> None:
    mired, expected = DAYLIGHT[name]
    planes = tuple(np.full((1,), grey, np.float32) for _ in range(3))
    got = np.concatenate(warmed(planes, mired - WHITE_MIRED))
    np.testing.assert_allclose(chromaticity(got), expected, atol=0.003)  # a tenth of the way from D65 to D50
    x, y = chromaticity(got)
    assert y == pytest.approx(-3 * x**2 + 2.87 * x - 0.275, abs=7e-4), "beside the locus"
    assert luma(got) == pytest.approx(grey, abs=1e-6)


def test_no_shift_changes_nothing() -> None:
    np.testing.assert_allclose(gains(0), 1, atol=1e-6)


@pytest.mark.parametrize("mired", [-90, -10, 10, 90])
def test_luma_stays_and_every_colour_fits(mired: float) -> None:
    rgb = rng.random((3, 50_000), np.float32)
    rgb[:, :300] = np.rint(rgb[:, :300])  # black, white, and what is at the limits
    got = np.stack(warmed((rgb[0], rgb[1], rgb[2]), mired))
    assert got.min() >= -1e-6
    assert got.max() <= 1 + 1e-6
    np.testing.assert_allclose(luma(got.T), luma(rgb.T), atol=1e-6)
    ends = np.ptp(rgb, axis=0) == 0
    np.testing.assert_allclose(
        got[:, ends][:, rgb[0, ends] % 1 == 0], rgb[:, ends][:, rgb[0, ends] % 1 == 0], atol=1e-6
    )


def test_the_same_shift_back_gives_the_colour_back() -> None:
    rgb = tuple(0.3 + 0.3 * rng.random((1000,), np.float32) for _ in range(3))
    there = warmed(rgb, 20)
    back = [plane / gain for plane, gain in zip(there, gains(20), strict=True)]
    scale = luma(np.stack(rgb, -1)) / luma(np.stack(back, -1))
    np.testing.assert_allclose(np.stack(back) * scale, np.stack(rgb), atol=1e-5)
