"""Independent formulas for what photo files say of colour and orientation, from the standards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float64]

PRIMARIES = {"adobe": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), "srgb": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))}
PRIMARIES["p3"] = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
D65 = (0.3127, 0.3290)
ADOBE_GAMMA = 2.19921875


def to_xyz(primaries: tuple[tuple[float, float], ...]) -> Pixels:
    """Linear RGB to XYZ: columns of primaries, scaled so that they add up to white (SMPTE RP 177)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([D65[0] / D65[1], 1, (1 - sum(D65)) / D65[1]])
    return columns * np.linalg.solve(columns, white)


def encode(linear: Pixels) -> Pixels:
    """Linear light to sRGB, IEC 61966-2-1."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def decode(encoded: Pixels) -> Pixels:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def converted(linear: Pixels, space: str) -> Pixels:
    return encode(linear @ (np.linalg.inv(to_xyz(PRIMARIES["srgb"])) @ to_xyz(PRIMARIES[space])).T)


def turned(stored: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """EXIF 2.32, tag 0x0112: where row 0 and column 0 of the stored picture belong."""
    quarter_turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[orientation]
    return np.rot90(stored[:, ::-1] if orientation in (2, 4, 5, 7) else stored, quarter_turns)
