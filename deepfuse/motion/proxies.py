"""Small versions of the frames in which what moved is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfuse.color import Float, Image
from deepfuse.proxy import averaged, reduced
from deepfuse.structure import Structure, structure_of

PLACES = 1024  # four for each level of 8 bits
CLIPPED = 0.97  # a channel beyond is clipped, or bent towards it: it says nothing of tones

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Proxy:
    """A frame (3, height, width) from 0 to 1, and the place of each value in a table of `PLACES`, see `place_of`."""

    planes: Float
    places: NDArray[np.uint16]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.planes.shape[1], self.planes.shape[2]

    @cached_property
    def structure(self) -> Structure:
        """Of the luma at half the size, where textures lie on each other also if they are half a pixel off."""
        size = max(self.shape[1] // 2, 1), max(self.shape[0] // 2, 1)
        return structure_of(np.asarray(averaged(cv2.merge([*self.planes]), size), np.float32))

    def cut(self, box: Box) -> Proxy:
        """The part in a box (top, bottom, left, right)."""
        top, bottom, left, right = box
        return Proxy(self.planes[:, top:bottom, left:right], self.places[:, top:bottom, left:right])

    def mean_of(self, table: Float) -> Float:
        """What a table (3, PLACES) says of each channel, averaged over the channels: (height, width)."""
        red, green, blue = map(looked_up, table, self.places)
        return np.asarray((red + green + blue) / 3, np.float32)


def make_proxy(frame: Image) -> Proxy:
    """The proxy of a frame (height, width, 3) of uint8, uint16 or float32, averaged in its own depth."""
    small = reduced(frame)
    scale = 1.0 if frame.dtype == np.float32 else 1.0 / np.iinfo(frame.dtype).max
    planes = np.stack(cv2.split(small.astype(np.float32))) * np.float32(scale)
    return Proxy(planes, np.rint(place_of(planes)).astype(np.uint16))


def place_of(values: Float) -> Float:
    """Where encoded values from 0 to 1 stand in a table: its places are closest in the dark.

    There a darker exposure differs most from a brighter one.
    """
    return np.asarray(np.sqrt(np.clip(values, 0, 1)) * np.float32(PLACES - 1), np.float32)


def looked_up(row: Float, places: NDArray[np.uint16]) -> Float:
    """What a row (PLACES,) of a table says at places of it; none lies beyond, which indexing would make sure of."""
    return np.asarray(row.take(places, mode="clip"), np.float32)


def at_places() -> Float:
    """The encoded value at each place of a table."""
    return np.asarray((np.arange(PLACES) / (PLACES - 1)) ** 2, np.float32)
