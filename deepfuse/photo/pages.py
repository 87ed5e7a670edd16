"""Which page of a TIFF is the picture: not its thumbnail, and not a mask."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import BinaryIO

import tifffile

from deepfuse.metadata.reading import Metadata
from deepfuse.metadata.tiff import EXIF_POINTER, GPS_POINTER, Block, Tags, integer
from deepfuse.photo.directories import directories, size_of, structure

_SUBFILE, _OLD_SUBFILE = 254, 255
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2  # TIFF 6.0: bits of NewSubfileType, and a value of SubfileType
_THUMBNAIL = 2  # times smaller, and more, in both directions


def picture_page(tiff: tifffile.TiffFile, file: BinaryIO) -> tifffile.TiffPage:
    """The first page that is neither a reduced one nor a mask by its flags; the first of a BigTIFF.

    Programs forget the flags: a page that another one is more than twice as wide and high as is its thumbnail.
    """
    block = structure(file)
    if block is None or (offset := _picture(block)) == block.start:
        return tiff.pages.first
    tiff.filehandle.seek(offset)
    return tifffile.TiffPage(tiff, index=0)


def metadata_with(page: tifffile.TiffPage, file: BinaryIO, told: Metadata) -> Metadata:
    """What the first directory tells, and before it what the picture's own tells, where that is another one."""
    block = structure(file)
    if block is None or page.offset == block.start:
        return told
    own, exif = block.tags(page.offset), told.exif
    photo, gps = _below(block, own, EXIF_POINTER), _below(block, own, GPS_POINTER)
    image = {**exif.image, **own}
    return replace(told, exif=replace(exif, image=image, photo=photo or exif.photo, gps=gps or exif.gps))


def _picture(block: Block) -> int:
    pages = {offset: tags for offset, tags in directories(block).items() if min(size_of(tags))}
    whole = [offset for offset, tags in pages.items() if not _is_flagged(tags)] or list(pages)
    if not whole:
        return block.start
    largest = max(whole, key=lambda offset: math.prod(size_of(pages[offset])))
    (width, height), (most_wide, most_high) = size_of(pages[whole[0]]), size_of(pages[largest])
    return largest if most_wide > _THUMBNAIL * width and most_high > _THUMBNAIL * height else whole[0]


def _is_flagged(tags: Tags) -> bool:
    return bool((integer(tags, _SUBFILE) or 0) & (_REDUCED | _MASK)) or integer(tags, _OLD_SUBFILE) == _OLD_REDUCED


def _below(block: Block, tags: Tags, pointer: int) -> Tags:
    offset = integer(tags, pointer)
    return block.tags(offset) if offset else {}
