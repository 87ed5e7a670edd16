"""Directories of BigTIFF: those of TIFF with 64-bit counts and offsets (its design page, bigtiff.org)."""

from __future__ import annotations

import struct
from dataclasses import replace

from deepfuse.metadata.tiff import MOST_TAGS, Block, Place, Tags

VERSION = {"<": b"\x2b\0\x08\0\0\0", ">": b"\0\x2b\0\x08\0\0"}  # and the size of offsets
_ROW = 20  # bytes of an entry


class BigBlock(Block):
    """A BigTIFF inside a file."""

    def places(self, offset: int) -> list[Place]:
        """The entries of the directory at an offset, as many as the file holds; none of one that is too long."""
        (count,) = self._numbers("Q", offset) or (0,)
        rows = self.bytes(offset + 8, _ROW * count) if count <= MOST_TAGS else b""
        found = []
        for index, row in enumerate(struct.iter_unpack(f"{self.order}HHQQ", rows[: len(rows) // _ROW * _ROW])):
            place = Place(*row)
            found.append(place if place.bytes > 8 else replace(place, offset=offset + 8 + _ROW * index + 12))
        return found

    @property
    def start(self) -> int:
        """Where the first directory lies, as the structure's header says; 0 if nowhere."""
        return (self._numbers("Q", 8) or (0,))[0]

    def second(self) -> Tags:
        """None: thumbnails of EXIF lie in JPEGs, which hold no BigTIFF."""
        return {}
