"""White balance: one for the frames of a bracket, whatever the order in which they are given."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepfuse.photo.mosaic import WhiteBalance

Light = Literal["as-shot", "daylight", "auto"]
BalanceChoice = Light | int
LIGHTS: tuple[str, ...] = get_args(Light)
COLDEST_K, WARMEST_K = 25000, 2000

_DAYLIGHT_FROM_K = 4000  # CIE 15:2018, 4.1.2: the daylight locus begins here
_D65 = np.array([0.95047, 1.0, 1.08883])  # XYZ of sRGB's white, IEC 61966-2-1
XYZ_TO_SRGB = np.array(  # IEC 61966-2-1, linear
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)


def balance_choice(text: str) -> BalanceChoice:
    """A white balance by its name, or by its colour temperature in kelvin.

    Raises:
        ValueError: another name, or a temperature out of range.

    >>> balance_choice("daylight"), balance_choice("5200")
    ('daylight', 5200)
    """
    choice: Any = int(text) if text.isdecimal() else text
    check_balance(choice)
    return choice  # type: ignore[no-any-return]


def check_balance(choice: BalanceChoice) -> None:
    """Refuse what is no white balance.

    Raises:
        ValueError: another name, or a temperature out of range.
    """
    number = isinstance(choice, int) and not isinstance(choice, bool)
    if choice not in LIGHTS and not (number and WARMEST_K <= int(choice) <= COLDEST_K):
        wanted = f"{', '.join(LIGHTS)} or {WARMEST_K} to {COLDEST_K} (kelvin)"
        raise ValueError(f"expected a white balance of {wanted}, got {choice}")


def multipliers(light: NDArray[np.float64], daylight: WhiteBalance, to_srgb: NDArray[np.float64]) -> WhiteBalance:
    """The multipliers of R, G, B, G that make a light neutral.

    Args:
        light: its XYZ, Y being 1.
        daylight: the sensor's multipliers for D65.
        to_srgb: (3, 3), of the sensor's values, balanced for D65, to linear sRGB.

    Raises:
        ValueError: the sensor's colours are not known.
    """
    if min(daylight[:3]) <= 0 or not np.linalg.det(to_srgb):
        raise ValueError("expected a camera whose colours are known, which this white balance needs")
    seen = (XYZ_TO_SRGB @ light) / (XYZ_TO_SRGB @ _D65)
    sensor = np.linalg.solve(to_srgb, seen) / np.asarray(daylight[:3])
    if sensor.min() <= 0:
        raise ValueError(f"expected a light that this camera can make neutral, got XYZ {light.round(3).tolist()}")
    red, green, blue = (sensor[1] / sensor).tolist()
    return (red, green, blue, green)


def white_point(kelvin: float) -> NDArray[np.float64]:
    """XYZ of a light by its colour temperature, Y being 1.

    Daylight by CIE 15:2018, equations 4.8 and 4.9 (4000 to 25000 K); a black body by Krystek, Color Research and
    Application 10 (1985), 38-40 (1000 to 15000 K).

    >>> (white_point(6504) / white_point(6504).sum()).round(4).tolist()
    [0.3127, 0.3291, 0.3582]
    """
    x, y = _daylight(kelvin) if kelvin >= _DAYLIGHT_FROM_K else _black_body(kelvin)
    return xyz_of(x, y)


def xyz_of(x: float, y: float) -> NDArray[np.float64]:
    """XYZ of a chromaticity, Y being 1."""
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _daylight(t: float) -> tuple[float, float]:
    a, b, c, d = (-4.6070e9, 2.9678e6, 99.11, 0.244063) if t <= 7000 else (-2.0064e9, 1.9018e6, 247.48, 0.237040)
    x = a / t**3 + b / t**2 + c / t + d
    return x, -3.000 * x**2 + 2.870 * x - 0.275


def _black_body(t: float) -> tuple[float, float]:
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t**2) / (1 + 8.42420235e-4 * t + 7.08145163e-7 * t**2)
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t**2) / (1 - 2.89741816e-5 * t + 1.61456053e-7 * t**2)
    return 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)
