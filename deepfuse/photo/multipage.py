"""The frames of one scene in one TIFF, a page each."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import tifffile

from deepfuse.bracket import printable
from deepfuse.color import Image, Mask
from deepfuse.files import replacing
from deepfuse.photo.codecs import alpha_of, check_page
from deepfuse.photo.encoding import page_options, with_alpha
from deepfuse.photo.opening import blaming
from deepfuse.photo.pixels import Decoded, shown

LEVEL = 1  # of zstd, its fastest: see `writing_pages`
_FIRST_LINK, _COUNT_BYTES, _TAG_BYTES = 8, 8, 20  # of a BigTIFF: where the first directory stands, and the parts of one

WritePage = Callable[[Image, Mask | None], None]


@contextmanager
def writing_pages(path: Path) -> Iterator[WritePage]:
    """Write the frames of a scene that stays in the pipeline, one after the other, as BigTIFF with zstd.

    Each is (H, W, 3), with a mask (H, W) that is 0 where it is to be transparent, or `None`. The file appears under its
    name when all of them are in it.

    On a noisy frame of 12 megapixels and 16 bits it takes a fifth of deflate's time, and no more room; fewer viewers
    open it.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as temporary, tifffile.TiffWriter(temporary, bigtiff=True, byteorder="<") as tiff:

        def write(image: Image, valid: Mask | None) -> None:
            pixels = image if valid is None else with_alpha(image, valid)
            try:
                tiff.write(pixels, **page_options(pixels, "zstd", LEVEL))
            except OSError as error:
                raise OSError(f"{printable(str(path))}: cannot be written: {error.strerror or error}") from error

        yield write


def order_pages(path: Path, order: Sequence[int]) -> None:
    """Give the pages of a file of `writing_pages` another order, in place: their directories are relinked.

    Args:
        path: the file.
        order: for each place the page that comes there, counted as they are now.

    Raises:
        ValueError: not each page once.
    """
    with tifffile.TiffFile(path) as tiff:
        offsets = [page.offset for page in tiff.pages]
    if sorted(order) != list(range(len(offsets))):
        raise ValueError(f"{path}: expected an order of {len(offsets)} pages, got {list(order)}")
    with path.open("r+b") as file:
        link = _FIRST_LINK
        for offset in (offsets[page] for page in order):
            _write_number(file, link, offset)
            link = offset + _COUNT_BYTES + _TAG_BYTES * _read_number(file, offset)
        _write_number(file, link, 0)


def _read_number(file: BinaryIO, at: int) -> int:
    file.seek(at)
    [number] = struct.unpack("<Q", file.read(8))
    return int(number)


def _write_number(file: BinaryIO, at: int, number: int) -> None:
    file.seek(at)
    file.write(struct.pack("<Q", number))


def read_pages(path: Path, wanted: Iterable[int]) -> Iterator[Decoded]:
    """The frames of a scene's file, each decoded when it is asked for.

    Args:
        path: a file of `writing_pages`.
        wanted: their places, from 0; no other is read.

    Raises:
        PhotoError: the file cannot be read, is damaged, or has no such page.
    """
    with blaming(path), path.open("rb") as file, tifffile.TiffFile(file) as tiff:
        pages = len(tiff.pages)
        for place in wanted:
            if not 0 <= place < pages:
                raise ValueError(f"expected a page {place}, got {pages} pages: cut short or damaged")
            yield _decoded(tiff.pages[place].aspage(), tiff.filehandle.size)


def _decoded(page: tifffile.TiffPage, file_size: int) -> Decoded:
    check_page(page, file_size)
    found = shown(page.asarray(), alpha_of(page))
    return Decoded(np.ascontiguousarray(found.pixels[..., :3]), found.valid, found.warnings)
