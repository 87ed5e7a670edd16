"""The pictures in a file of TIFF's structure, RAW or not: TIFF 6.0 section 2, and the SubIFDs of TIFF/EP and DNG."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from deepfuse.metadata.tiff import Block, Tags, integer

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_MOST = 64  # directories of a file; a camera writes seven
_SUBFILE, _WIDTH, _LENGTH, _COMPRESSION, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 256, 257, 259, 262, 330, 50706
_SENSOR = (32803, 34892)  # PhotometricInterpretation: CFA, LinearRaw
_JPEG_XL = 52546  # DNG specification 1.7, Compression
_RAF_START, _RAF_SECOND = b"FUJIFILM", 120  # where the place of a second mosaic stands, 0 for none


@dataclass(frozen=True)
class SensorPictures:
    """What the directories of a RAW file say of the sensor's pictures in it.

    Attributes:
        dng: whether it is a DNG.
        frames: how many pictures of full size it holds; 1 where its kind does not tell.
        jpeg_xl: where the directory lies of the first of them, if it is packed as JPEG XL.
    """

    dng: bool = False
    frames: int = 1
    jpeg_xl: int | None = None


def structure(file: BinaryIO) -> Block | None:
    """The TIFF structure that a file is; `None` for another file."""
    file.seek(0)
    order = _BYTE_ORDERS.get(file.read(4))
    return Block(file, 0, order) if order else None


def sensor_pictures(file: BinaryIO) -> SensorPictures:
    """What a RAW file says of its pictures, in directories that LibRaw does not hand on."""
    block = structure(file)
    if block is None:
        file.seek(0)
        head = file.read(_RAF_SECOND + 4)
        return SensorPictures(frames=2 if head.startswith(_RAF_START) and any(head[_RAF_SECOND:]) else 1)
    found = directories(block)
    full = {
        at: tags for at, tags in found.items() if integer(tags, _PHOTOMETRIC) in _SENSOR and not integer(tags, _SUBFILE)
    }
    largest = max((size_of(tags) for tags in full.values()), default=(0, 0))
    frames = [at for at, tags in full.items() if size_of(tags) == largest]
    packed = bool(frames) and integer(full[frames[0]], _COMPRESSION) == _JPEG_XL
    dng = any(_DNG_VERSION in tags for tags in list(found.values())[:1])
    return SensorPictures(dng, max(1, len(frames)), frames[0] if packed else None)


def directories(block: Block) -> dict[int, Tags]:
    """By where they lie, those that follow each other, then those that they point to; as many as a camera writes."""
    waiting, found = _chain(block), dict[int, Tags]()
    while waiting and len(found) < _MOST:
        offset = waiting.pop(0)
        if offset not in found:
            tags = found[offset] = block.tags(offset)
            waiting += [int(at) for at in tags[_SUB_IFDS].numbers[:_MOST]] if _SUB_IFDS in tags else []
    return found


def _chain(block: Block) -> list[int]:
    """Where the directories lie that follow each other."""
    found = list[int]()
    at = block.start
    while at and at not in found and len(found) < _MOST:
        found.append(at)
        (count,) = struct.unpack(f"{block.order}H", block.bytes(at, 2).ljust(2, b"\0"))
        (at,) = struct.unpack(f"{block.order}I", block.bytes(at + 2 + 12 * count, 4).ljust(4, b"\0"))
    return found


def size_of(tags: Tags) -> tuple[int, int]:
    """Width and height that a directory says; 0 where it says none."""
    return integer(tags, _WIDTH) or 0, integer(tags, _LENGTH) or 0
