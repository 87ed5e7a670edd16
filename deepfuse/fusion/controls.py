"""What a photographer may change about the fused picture, and how far."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real

# Beyond 1, shares and contrast would change the order of tones; two stops, twice the colour, and a light as far from
# daylight as shade is from late afternoon are as far as a look goes.
RANGES: dict[str, tuple[float, float]] = {
    "strength": (0.0, 1.0),
    "exposure_ev": (-2.0, 2.0),
    "saturation": (0.0, 2.0),
    "highlights": (0.0, 1.0),
    "shadows": (0.0, 1.0),
    "black_point": (0.0, 0.3),
    "white_point": (0.7, 1.0),
    "contrast": (-1.0, 1.0),
    "temperature": (-90.0, 90.0),
}


@dataclass(frozen=True)
class Controls:
    """The look of the fused picture; the values here leave it as the network made it.

    Attributes:
        strength: how much of the network's brightness is taken, 0 to 1; 0 is that of the base exposure: the middle
            one, or the mean of the two in the middle.
        exposure_ev: the stops by which dark parts get brighter, −2 to 2; bright ones less, and white stays white.
        saturation: the share of colour that is kept, 0 to 2; 0 is grey.
        highlights: how far bright parts follow the exposures darker than the base, 0 to 1.
        shadows: how far dark parts stay as dark as in the base exposure, 0 to 1.
        black_point: the luma that becomes nearly black, 0 to 0.3; what was above black stays so.
        white_point: the luma that becomes nearly white, 0.7 to 1; what was below white stays so.
        contrast: of an S-curve around middle grey, −1 to 1.
        temperature: the mireds by which the light gets warmer, −90 to 90; below 0 it gets cooler.
        look: the name of the look that the values come from, if any; each may have been changed since.

    Raises:
        TypeError: one is no number.
        ValueError: one is out of its range.

    >>> from deepfuse import Controls
    >>> Controls(exposure_ev=1, saturation=1.2).exposure_ev
    1.0
    """

    strength: float = 1.0
    exposure_ev: float = 0.0
    saturation: float = 1.0
    highlights: float = 0.0
    shadows: float = 0.0
    black_point: float = 0.0
    white_point: float = 1.0
    contrast: float = 0.0
    temperature: float = 0.0
    look: str = field(default="", compare=False)  # two looks of the same values are the same picture

    def __post_init__(self) -> None:
        for name in RANGES:
            value = getattr(self, name)
            check_control(name, value)
            object.__setattr__(self, name, float(value))


def check_control(name: str, value: float) -> None:
    """Refuse a value out of its range.

    Raises:
        TypeError: it is no number.
        ValueError: it is none of that range.
    """
    least, most = RANGES[name]
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number from {least:g} to {most:g}, got {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name}: expected a number from {least:g} to {most:g}, got {value:g}")


NEUTRAL = Controls()
