"""PNG files: their headers, and their pixels when asked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

import imagecodecs

from deepfuse.color import Image
from deepfuse.metadata.png import TEXT_CHUNKS, read_png, unpacked
from deepfuse.photo.pixels import Stored
from deepfuse.photo.profiles import NO_PROFILE, Profile, profile_of
from deepfuse.photo.spaces import space_of_codes, space_of_gamma

_SIGNATURE = b"\x89PNG\r\n\x1a\n"  # PNG specification 5.2
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_GREY = (0, 4)  # colour types, PNG specification 11.2.2
_KEPT = (b"IHDR", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"eXIf")
_PER_ONE, _USUAL_GAMMA = 100000, 45455  # PNG third edition, 11.3.2: numbers are written times 100 000
_MOST = 1 << 22  # bytes of a chunk beside the pixels, and of all texts; what is longer is cut or passed over
_MOST_CHUNKS = 1 << 20
_TEXT_COSTS = 1 << 14  # bytes that a text counts for besides its own, so that there are few


def open_png(file: BinaryIO) -> Stored:
    """A PNG of any kind; palettes are looked up, and a transparent colour becomes an alpha.

    Its chunks are gone through here, because Pillow finds none behind the pixels and refuses a file for a long text.
    """
    chunks, texts = _chunks(file)
    if len(chunks.get(b"IHDR", b"")) != struct.calcsize(">IIBBBBB"):
        raise ValueError("expected a PNG, got no header")
    width, height, bits, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    profile = _profile(chunks, grey=colour in _GREY)
    metadata = read_png(chunks.get(b"eXIf", b""), texts, chunks.get(b"pHYs", b""))
    return Stored(
        width, height, "16-bit" if bits == 16 else "8-bit", partial(_decode, file), profile, metadata=metadata,
        alpha="unassociated",
    )  # fmt: skip


def _profile(chunks: dict[bytes, bytes], *, grey: bool) -> Profile:
    """By the chunk that counts before the others, PNG third edition, 4.3: cICP, iCCP, sRGB, gAMA with cHRM."""
    if len(codes := chunks.get(b"cICP", b"")) == 4:
        return space_of_codes(codes[0], codes[1])
    if icc := unpacked(chunks.get(b"iCCP", b"").partition(b"\0")[2][1:]):
        return profile_of(icc, grey=grey)
    gamma = int.from_bytes(chunks.get(b"gAMA", b""), "big") or _USUAL_GAMMA
    colours = chunks.get(b"cHRM", b"")
    if b"sRGB" in chunks:
        return NO_PROFILE
    primaries = tuple(value / _PER_ONE for value in struct.unpack(">8I", colours)) if len(colours) == 32 else None
    return space_of_gamma(_PER_ONE / gamma, primaries, grey=grey)


def _decode(file: BinaryIO) -> Image:
    """Of the pixels' own chunks alone: libpng complains of long texts, and of EXIF as JPEGs have it."""
    own = bytearray(_SIGNATURE)
    for name, at, length in _walk(file):
        if name in _PIXELS:
            own += _read(file, at, 12 + length)
    pixels: Image = imagecodecs.png_decode(own)
    return pixels


def _chunks(file: BinaryIO) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]]]:
    """Header, size, colour and EXIF, by the names of their chunks; and the texts, with those names."""
    found: dict[bytes, bytes] = {}
    texts: list[tuple[bytes, bytes]] = []
    room = _MOST
    for name, at, length in _walk(file):
        if name in TEXT_CHUNKS and length <= room:
            texts.append((name, _read(file, at + 8, length)))
            room -= length + _TEXT_COSTS
        elif name in _KEPT:
            found.setdefault(name, _read(file, at + 8, min(length, _MOST)))
    return found, texts


def _walk(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The chunks up to the last: name, where it begins, and the length of its data.

    Raises:
        ValueError: not one header before all else: decoders differ in which of two they believe.
    """
    at = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        start = _read(file, at, 8)
        if len(start) < 8:
            return
        length, name = int.from_bytes(start[:4], "big"), start[4:]
        if (name == b"IHDR") != (at == len(_SIGNATURE)):
            raise ValueError("expected a PNG with one header, before all else")
        yield name, at, length
        if name == b"IEND":
            return
        at += 12 + length


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
