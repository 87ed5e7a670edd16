"""DNG files whose sensor's picture is packed as JPEG XL, which LibRaw does not unpack: the same file, unpacked.

The directory is told anew where its pixels lie; they are appended. DNG specification 1.7.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from deepfuse.metadata.tiff import LONG, Block, Tags, integer
from deepfuse.photo.directories import size_of, structure
from deepfuse.photo.jpeg_xl_header import size_of_jpeg_xl

_BITS, _COMPRESSION, _OFFSETS, _ROWS, _COUNTS, _SAMPLES = 258, 259, 273, 278, 279, 277
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_ROW_FIELDS, _COLUMN_FIELDS = 50975, 52547  # Row- and ColumnInterleaveFactor
_MOST_FIELDS = 16
_WHITE_LEVEL, _LINEARIZATION = 50717, 50712

Mosaic = NDArray[np.uint16]


@dataclass(frozen=True)
class PackedDng:
    """The bytes of such a file, and where the directory of the sensor's picture lies."""

    data: bytes
    directory: int

    def described(self) -> bytes:
        """The file, saying that its pixels lie unpacked behind its end; they are not there yet.

        Raises:
            ValueError: the directory says nothing that is known.
        """
        block = self._block
        tags, file = block.tags(self.directory), bytearray(self.data)
        width, height = size_of(tags)
        samples = _samples(tags)
        said = {
            _COMPRESSION: 1, _ROWS: height, _TILE_WIDTH: width, _TILE_LENGTH: height,
            **dict.fromkeys((_OFFSETS, _TILE_OFFSETS), len(self.data)),
            **dict.fromkeys((_COUNTS, _TILE_COUNTS), width * height * samples * 2),
        }  # fmt: skip
        for index, place in enumerate(block.places(self.directory)):
            row = self.directory + 2 + 12 * index
            if place.tag in said:
                struct.pack_into(f"{block.order}HII", file, row + 2, LONG, 1, said[place.tag])
            if place.tag == _BITS and place.count == samples:
                struct.pack_into(f"{block.order}{samples}H", file, place.offset, *[16] * samples)
        return bytes(file)

    def unpacked(self) -> bytes:
        """The file with its pixels.

        Raises:
            ValueError: a part is damaged, or of another size than the directory says.
        """
        tags = self._block.tags(self.directory)
        if (integer(tags, _BITS) or 16) < 16 and not {_WHITE_LEVEL, _LINEARIZATION} & tags.keys():
            raise ValueError("expected a white level beside fewer than 16 bits")
        width, height = size_of(tags)
        picture = np.zeros((height, width, _samples(tags)), np.uint16)
        for top, left, rows, columns, part in _parts(self.data, tags):
            inside = picture[top : top + rows, left : left + columns]
            inside[:] = _decoded(part, rows, columns, picture.shape[2])[: inside.shape[0], : inside.shape[1]]
        for axis, key in enumerate((_ROW_FIELDS, _COLUMN_FIELDS)):
            picture = _interleaved(picture, integer(tags, key) or 1, axis)
        return self.described() + picture.astype(f"{self._block.order}u2").tobytes()

    @property
    def _block(self) -> Block:
        block = structure(io.BytesIO(self.data))
        if block is None:
            raise ValueError("expected a DNG, got other content")
        return block


def _samples(tags: Tags) -> int:
    samples = integer(tags, _SAMPLES) or 1
    if samples not in (1, 3):
        raise ValueError(f"expected 1 or 3 samples a pixel, got {samples}")
    return samples


def _decoded(part: bytes, rows: int, columns: int, samples: int) -> Mosaic:
    """One part, whose size is looked at before it is decoded."""
    if (size := size_of_jpeg_xl(part)) != (columns, rows):
        raise ValueError(f"expected a part of {columns}×{rows} pixels, got {size[0]}×{size[1]}: damaged")
    pixels = np.asarray(imagecodecs.jpegxl_decode(part)).reshape(rows, columns, -1)
    if pixels.shape[2] != samples or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"expected {samples} samples a pixel, got {pixels.shape[2]} of {pixels.dtype}")
    return pixels.astype(np.uint16)


def _parts(data: bytes, tags: Tags) -> Iterator[tuple[int, int, int, int, bytes]]:
    """The tiles, or the strips: where each begins, its height and width, and its bytes."""
    width, height = size_of(tags)
    tiled = _TILE_OFFSETS in tags
    across = (integer(tags, _TILE_WIDTH) if tiled else None) or width
    down = integer(tags, _TILE_LENGTH if tiled else _ROWS) or height
    places = [(top, left) for top in range(0, height, down) for left in range(0, width, across)]
    where = (_TILE_OFFSETS, _TILE_COUNTS) if tiled else (_OFFSETS, _COUNTS)
    offsets, counts = (tags[key].numbers if key in tags else () for key in where)
    if not len(places) == len(offsets) == len(counts):
        raise ValueError(f"expected {len(places)} parts of the picture, got {len(offsets)}: damaged")
    for (top, left), offset, count in zip(places, offsets, counts, strict=True):
        rows = down if tiled else min(down, height - top)
        yield top, left, rows, across, data[int(offset) : int(offset) + int(count)]


def _interleaved(picture: Mosaic, fields: int, axis: int) -> Mosaic:
    """Every so many rows, or columns, lie together in the file: first 0, n, 2n, then 1, n + 1 and so on."""
    if not 1 <= fields <= _MOST_FIELDS:
        raise ValueError(f"expected up to {_MOST_FIELDS} fields, got {fields}")
    order = np.concatenate([np.arange(first, picture.shape[axis], fields) for first in range(fields)])
    return picture if fields == 1 else np.take(picture, np.argsort(order), axis=axis)
