"""What a PNG tells besides its pixels: EXIF, XMP and IPTC, in chunks of their own or as text, and plain text."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping, Sequence

from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.iptc import iptc_of, resources
from deepfuse.metadata.reading import Metadata, read_blocks
from deepfuse.metadata.texts import Texts
from deepfuse.metadata.tiff import MOST_DPI

TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
MOST_TEXT = 1 << 21  # bytes of a text, unpacked
_MOST_TEXTS = 1 << 23  # of all
_XMP = "XML:com.adobe.xmp"
_PROFILE = "Raw profile type "  # ImageMagick's, before PNG had a chunk for EXIF
_ROW = re.compile(rb"\s*[^\n]*\n\s*\d+\s+([0-9A-Fa-f\s]*)")
_XMP_MARK, _EXIF_MARK = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0"
_METRE_INCHES, _PHYS_BYTES = 0.0254, 9


def read_png(exif: bytes, texts: Sequence[tuple[bytes, bytes]], density: bytes) -> Metadata:
    """The metadata of a PNG.

    Args:
        exif: the chunk eXIf.
        texts: the chunks of text, name and content; of one keyword, the first counts.
        density: the chunk pHYs.
    """
    told: dict[str, bytes] = {}
    for name, chunk in texts:
        if sum(map(len, told.values())) > _MOST_TEXTS:
            break
        keyword, text = text_of(name, chunk)
        told.setdefault(keyword, text)
    raw = {key[len(_PROFILE) :].lower(): _profile(text) for key, text in told.items() if key.startswith(_PROFILE)}
    blocks = [exif, raw.get("exif", b""), raw.get("app1", b"")]
    packets = [told.get(_XMP, b""), raw.get("xmp", b""), raw.get("app1", b"").partition(_XMP_MARK)[2]]
    return read_blocks(
        next((block for block in blocks if block.startswith((_EXIF_MARK, b"II", b"MM"))), exif),
        next(filter(None, packets), b""),
        iptc=iptc_of(raw.get("iptc") or raw.get("8bim") or b""),
        texts=_plain(told),
        dpi=_dpi(density),
    )


def text_of(name: bytes, chunk: bytes) -> tuple[str, bytes]:
    """The keyword of a chunk, and its text in UTF-8: PNG third edition, 11.3.3; empty where it is damaged."""
    key, _, rest = chunk.partition(b"\0")
    keyword = key.decode("latin-1")
    if name == b"iTXt":
        text = rest[2:].split(b"\0", 2)[-1]
        return keyword, unpacked(text) if rest[:1] == b"\1" else text
    text = unpacked(rest[1:]) if name == b"zTXt" else rest
    return keyword, text.decode("latin-1").encode()


def png_chunks(embedded: Embedded) -> list[tuple[bytes, bytes]]:
    """Resolution, XMP, texts and IPTC as chunks, name and content; IPTC as text, since PNG has no chunk for it."""
    found = []
    if embedded.dpi:
        x, y = (round(dots / _METRE_INCHES) for dots in embedded.dpi)
        found.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    texts = [(_XMP, embedded.xmp), *((key, text.encode()) for key, text in embedded.texts)]
    found += [(b"iTXt", key.encode("latin-1") + bytes(5) + text) for key, text in texts if text]
    if embedded.iptc:
        text = _written("iptc", resources(embedded.iptc))
        found.append((b"zTXt", f"{_PROFILE}iptc".encode() + b"\0\0" + zlib.compress(text)))
    return found


def _written(kind: str, block: bytes) -> bytes:
    """A block as ImageMagick writes it."""
    rows = "\n".join(block[at : at + 36].hex() for at in range(0, len(block), 36))
    return f"\n{kind}\n{len(block):8d}\n{rows}\n".encode()


def unpacked(data: bytes) -> bytes:
    """What was deflated, up to a length; nothing where that is damaged."""
    try:
        return zlib.decompressobj().decompress(data, MOST_TEXT) if data else b""
    except zlib.error:
        return b""


def _profile(text: bytes) -> bytes:
    """A block that stands in hexadecimal behind its name and length."""
    if (found := _ROW.match(text)) is None:
        return b""
    digits = b"".join(found[1].split()).decode()
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _plain(told: Mapping[str, bytes]) -> Texts:
    """The texts that are not something else in disguise."""
    return tuple(
        (key, text.decode("utf-8", "replace"))
        for key, text in told.items()
        if key and text and key != _XMP and not key.startswith(_PROFILE)
    )


def _dpi(density: bytes) -> tuple[float, float] | None:
    """From pixels a metre, PNG third edition, 11.3.4.3; `None` where the unit is not known, or it cannot be."""
    if len(density) != _PHYS_BYTES or density[-1] != 1:
        return None
    x, y = (round(pixels * _METRE_INCHES, 2) for pixels in struct.unpack(">II", density[:-1]))
    return (x, y) if min(x, y) > 0 and max(x, y) <= MOST_DPI else None
