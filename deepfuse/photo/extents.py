"""Whether a RAW file of TIFF's structure holds the pixels that its directories name.

LibRaw takes what is missing for black, or leaves the memory as it was: then a photo shows what was there before.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from deepfuse.metadata.tiff import Block, Place
from deepfuse.photo.directories import directories, structure
from deepfuse.photo.tails import packed_tail, unpacked_tail
from deepfuse.photo.tiles import jpeg_size

# TIFF 6.0 section 8 and TIFF/EP (ISO 12234-2)
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _STRIP_BYTES, _SAMPLES, _ROWS_PER_STRIP, _PLANES = 273, 279, 277, 278, 284
_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES = 322, 323, 324, 325
_PATTERN, _DNG_VERSION = 33422, 50706
_COLOURS = 7  # TIFF/EP, CFAPattern: red, green, blue, cyan, magenta, yellow, white
_CFA, _LINEAR_RAW = _SENSOR = (32803, 34892)  # PhotometricInterpretation
_UNPACKED, _JPEG, _LOSSY_JPEG = 1, 7, 34892  # DNG specification, Compression
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I"}
_MOST_NUMBERS = 1 << 18  # as many tiles of 16 × 16 pixels make 64 megapixels
_JPEG_HEAD = 1 << 14  # bytes: tables come before the frame


@dataclass(frozen=True)
class _Directory:
    block: Block
    places: dict[int, Place]
    file_size: int

    def numbers(self, tag: int) -> tuple[int, ...]:
        place = self.places.get(tag)
        if place is None or place.kind not in _NUMBERS:
            return ()
        if place.count > _MOST_NUMBERS or place.offset + place.bytes > self.file_size:
            raise ValueError(f"expected tag {tag} in the file, got {place.count} values at {place.offset}: damaged")
        return struct.unpack(
            f"{self.block.order}{place.count}{_NUMBERS[place.kind]}", self.block.bytes(place.offset, place.bytes)
        )

    def one(self, tag: int, otherwise: int = 0) -> int:
        return next(iter(self.numbers(tag)), otherwise)

    @property
    def segments(self) -> list[tuple[int, int]]:
        """Offset and bytes of each strip or tile."""
        pairs = ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES))
        return [pair for at, length in pairs for pair in zip(self.numbers(at), self.numbers(length), strict=False)]


def check_extents(path: Path, file: BinaryIO) -> tuple[str, ...]:
    """Refuse a RAW file that is shorter than its directories say, or a DNG whose pixels are not where it says.

    Files of other structures pass.

    Returns:
        A warning where the last of a DNG's pixels were never written.

    Raises:
        ValueError: what is missing.
    """
    if (block := structure(file)) is None:
        return ()
    size = file.seek(0, io.SEEK_END)
    found = [_Directory(block, {place.tag: place for place in block.places(at)}, size) for at in directories(block)]
    for first in found[:1]:
        _check_first(first)
    dng = bool(found) and _DNG_VERSION in found[0].places
    if path.suffix.lower() == ".dng" and not dng:
        raise ValueError("expected a DNG, got a directory without its version: damaged")
    warnings: tuple[str, ...] = ()
    for directory in found:
        for offset, count in directory.segments:
            if offset + count > directory.file_size:
                got = f"{directory.file_size}: cut short or damaged"
                raise ValueError(f"expected {offset + count} bytes or more, got {got}")
        if dng and directory.one(_PHOTOMETRIC) in _SENSOR and directory.one(_PLANES, 1) == 1:
            _check_sensor(directory)
            warnings += _unwritten(directory, file)
    return warnings


def _unwritten(directory: _Directory, file: BinaryIO) -> tuple[str, ...]:
    """A warning where the last of a DNG's pixels were never written."""
    if directory.one(_COMPRESSION, _UNPACKED) != _UNPACKED:
        return packed_tail(file, directory.segments)
    return unpacked_tail(file, directory.segments, white=directory.one(_PHOTOMETRIC) == _LINEAR_RAW)


def _check_first(directory: _Directory) -> None:
    """All that the first directory points to: LibRaw takes a missing colour matrix or white balance for zeros."""
    for place in directory.places.values():
        if (end := place.offset + place.bytes) > directory.file_size:
            raise ValueError(
                f"expected {end} bytes or more, got {directory.file_size} (tag {place.tag}): cut short or damaged"
            )


def _check_sensor(directory: _Directory) -> None:
    """Each strip or tile of a DNG's mosaic, by what it must hold at least."""
    width, length = directory.one(_WIDTH), directory.one(_LENGTH)
    samples, compression = directory.one(_SAMPLES, 1), directory.one(_COMPRESSION, _UNPACKED)
    if compression not in (_UNPACKED, _JPEG, _LOSSY_JPEG):
        return
    across, down = directory.one(_TILE_WIDTH, width), directory.one(_TILE_LENGTH)
    down = down or min(directory.one(_ROWS_PER_STRIP, length), length)
    if max(directory.numbers(_PATTERN), default=0) >= _COLOURS:
        raise ValueError(f"expected a pattern of colours, got {directory.numbers(_PATTERN)}: damaged")
    if min(width, length, across, down, samples) < 1:
        raise ValueError(f"expected a picture, got {width}×{length} pixels in parts of {across}×{down}")
    expected, segments = -(-width // across) * -(-length // down), directory.segments
    if len(segments) < expected:
        raise ValueError(f"expected {expected} strips or tiles, got {len(segments)}: damaged")
    for index, (offset, count) in enumerate(segments[:expected]):
        rows = down if _TILE_LENGTH in directory.places else min(down, length - index * down)
        if compression == _UNPACKED:
            needed, got = -(-across * samples * directory.one(_BITS, 1) // 8) * rows, count
        else:
            wide, high, components = jpeg_size(directory.block.bytes(offset, min(count, _JPEG_HEAD)))
            needed, got = across * rows * samples, wide * high * components
        if got < needed:
            kind = "bytes" if compression == _UNPACKED else "samples"
            raise ValueError(f"expected {needed} {kind} in the part at {offset}, got {got}: damaged")
