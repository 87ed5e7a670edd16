"""The white balance of a bracket's RAW frames, where one of them has a wrong one of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import log2

from deepfuse.photo.mosaic import WhiteBalance

_UNLIKE_EV = 0.5  # of red or blue to green: an automatic balance drifts less between frames of one scene

Told = Callable[[int], WhiteBalance | None]


@dataclass(frozen=True)
class CommonBalance:
    """Multipliers of R, G, B, G, `None` where no frame has any, and what is to be said of frames, by their places."""

    multipliers: WhiteBalance | None
    warnings: dict[int, str]


def common_balance(told: Told, order: Sequence[int], asked: Sequence[int]) -> CommonBalance:
    """The first frame's, unless most frames have another.

    Args:
        told: the multipliers of the frame at a place, for which its mosaic is unpacked.
        order: the places of the frames, the one first whose balance counts.
        asked: those whose mosaics are unpacked anyway; all are asked if one of these says otherwise. Empty where no
            other's counts.
    """
    told = cache(told)
    first = next((place for place in order if told(place)), None)
    if first is None:
        return CommonBalance(None, {})
    others = [place for place in asked if place != first] or [place for place in order if place != first][:1]
    if not asked or all(_alike(told(first), told(other)) for other in others):
        return CommonBalance(told(first), {})
    known = [place for place in order if told(place)]
    odd = {place: [other for other in known if not _alike(told(place), told(other))] for place in known}
    best = min(known, key=lambda place: len(odd[place]))
    if 2 * len(odd[best]) < len(known):
        unlike = "its white balance is unlike that of most frames, which counts for it too"
        return CommonBalance(told(best), dict.fromkeys(odd[best], unlike))
    return CommonBalance(told(first), {first: "its white balance counts for all frames, of which others are unlike it"})


def _alike(one: WhiteBalance | None, other: WhiteBalance | None) -> bool:
    if one is None or other is None:
        return True
    return all(abs(log2(one[c] / one[1] * other[1] / other[c])) < _UNLIKE_EV for c in (0, 2))
