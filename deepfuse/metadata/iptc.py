"""IPTC records (IPTC-NAA IIM 4) and the blocks of Photoshop that they lie in."""

from __future__ import annotations

import struct

IPTC_RESOURCE = 0x0404  # Adobe Photoshop File Formats Specification, image resource IDs
_MARK, _PHOTOSHOP = b"8BIM", b"Photoshop 3.0\0"
_RECORD = b"\x1c"
_MOST_RESOURCES = 1000


def iptc_of(block: bytes) -> bytes:
    """The IPTC records in a row of Photoshop's resources, or in a block of their own; empty where there are none."""
    if block.startswith(_RECORD):
        return block
    at = len(_PHOTOSHOP) if block.startswith(_PHOTOSHOP) else 0
    for _ in range(_MOST_RESOURCES):
        if block[at : at + 4] != _MARK or len(block) < at + 12:
            return b""
        (number,) = struct.unpack_from(">H", block, at + 4)
        at += 6 + (1 + block[at + 6] + 1) // 2 * 2  # a name of even length with its own
        size = int.from_bytes(block[at : at + 4], "big")
        if number == IPTC_RESOURCE:
            return block[at + 4 : at + 4 + size]
        at += 4 + (size + 1) // 2 * 2
    return b""


def photoshop_block(iptc: bytes) -> bytes:
    """IPTC records as the content of a JPEG's segment APP13."""
    return _PHOTOSHOP + resources(iptc)


def resources(iptc: bytes) -> bytes:
    """IPTC records as a row of one resource."""
    return _MARK + struct.pack(">HHI", IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
