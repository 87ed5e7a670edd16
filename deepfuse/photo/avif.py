"""AVIF files: their headers, and their pixels when asked."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL.AvifImagePlugin import AvifImageFile

from deepfuse.color import Image
from deepfuse.metadata.reading import read_blocks
from deepfuse.photo.boxes import box, boxes
from deepfuse.photo.pixels import Stored, full_range
from deepfuse.photo.profiles import Profile, profile_of
from deepfuse.photo.spaces import space_of_codes

_HIGH, _TWELVE = 0x40, 0x20  # AV1 in ISOBMFF 2.3.3: bits of the third byte


def open_avif(file: BinaryIO) -> Stored:
    """The primary picture, of 8, 10 or 12 bits, in standard range.

    Pillow reads the header; it puts how the file is to be turned into EXIF, and would decode all depths to 8 bits.
    """
    file.seek(0)
    data = file.read()
    with AvifImageFile(io.BytesIO(data)) as image:
        if getattr(image, "is_animated", False):
            raise ValueError("expected a picture, got an animated AVIF")
        (width, height), told, mode = image.size, image.info, image.mode
    properties = list(_properties(data))
    bits = next((_bits(content) for kind, content in properties if kind == b"av1C"), 8)
    profile = _profile(properties, told.get("icc_profile") or b"", grey=mode.startswith("L"))
    metadata = read_blocks(bytes(told.get("exif") or b""), bytes(told.get("xmp") or b""))
    decode = partial(_decode, file, width, height, bits)
    return Stored(
        width, height, "8-bit" if bits == 8 else "16-bit", decode, profile, metadata=metadata, alpha="unassociated"
    )


def _bits(configuration: bytes) -> int:
    flags = configuration[2] if len(configuration) > 2 else 0
    return 8 if not flags & _HIGH else 12 if flags & _TWELVE else 10


def _profile(properties: list[tuple[bytes, bytes]], icc: bytes, *, grey: bool) -> Profile:
    if icc:
        return profile_of(icc, grey=grey)
    codes = next((content[4:8] for kind, content in properties if kind == b"colr" and content[:4] == b"nclx"), b"")
    return space_of_codes(*struct.unpack(">HH", codes)) if len(codes) == 4 else space_of_codes(2, 2)


def _properties(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of what belongs to the primary picture: ISO/IEC 14496-12, 8.11.4 and 8.11.14."""
    meta = dict(boxes(box(data, b"meta"), skipped=4))
    shared = meta.get(b"iprp", b"")
    containers, primary = list(boxes(box(shared, b"ipco"))), int.from_bytes(meta.get(b"pitm", b"")[4:], "big")
    for item, index in _associations(io.BytesIO(box(shared, b"ipma"))):
        if item == primary and 0 < index <= len(containers):
            yield containers[index - 1]


def _associations(links: BinaryIO) -> Iterator[tuple[int, int]]:
    """Items and the numbers of their properties, from 1 on; the highest bit of a number says that it is essential."""
    head = links.read(8).ljust(8, b"\0")
    item_bytes, index_bytes = 4 if head[0] else 2, 2 if head[3] & 1 else 1
    for _ in range(int.from_bytes(head[4:], "big")):
        item, count = links.read(item_bytes), links.read(1)
        if not count:
            return
        for _ in range(count[0]):
            index = int.from_bytes(links.read(index_bytes), "big")
            yield int.from_bytes(item, "big"), index & (1 << 8 * index_bytes - 1) - 1


def _decode(file: BinaryIO, width: int, height: int, bits: int) -> Image:
    file.seek(0)
    pixels: Image = imagecodecs.avif_decode(file.read())
    if pixels.shape[:2] != (height, width):
        raise ValueError(f"expected {width}×{height} pixels, got {pixels.shape[1]}×{pixels.shape[0]}")
    return pixels if pixels.dtype == np.uint8 else full_range(pixels, bits)
