"""Pixels to the bytes of TIFF, PNG and JPEG files, with what is embedded in them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import imagecodecs
import numpy as np
import tifffile
from PIL import Image as PillowImage

from deepfuse.color import Image, Mask, from_float, to_float
from deepfuse.metadata.embedded import NOTHING, Embedded, into_tiff
from deepfuse.metadata.fitting import fitted
from deepfuse.metadata.jpeg import jpeg_segments, segments
from deepfuse.metadata.png import png_chunks
from deepfuse.metadata.texts import COMMENT
from deepfuse.photo.profiles import description, srgb_profile

Compression = Literal["none", "deflate", "lzw", "zstd"]
COMPRESSIONS: tuple[Compression, ...] = ("none", "deflate", "lzw", "zstd")
_PNG_HEADER_BYTES = 33  # signature and IHDR
_TIFF_LEVELS = {"deflate": 1, "zstd": 9}  # deflate's 6 takes 2.4 times as long for a twentieth less
_QUANTIZATION = 0xDB  # ITU-T T.81, table B.1
_DEFLATE = "adobe_deflate"  # 8, which every viewer knows; what tifffile calls deflate is 32946


@dataclass(frozen=True)
class Encoding:
    """How files are compressed: TIFF's scheme, PNG's level (0 to 9), JPEG's quality (1 to 100)."""

    compression: Compression = "deflate"
    png_level: int = 4  # 6 takes 2.4 times as long for a twentieth less
    jpeg_quality: int = 95


DEFAULT_ENCODING = Encoding()


def encode_tiff(image: Image, encoding: Encoding = DEFAULT_ENCODING, embedded: Embedded = NOTHING) -> bytes | bytearray:
    """A TIFF of the pixels' own depth; `predictor` makes neighbours' differences of them where it is compressed."""
    level = _TIFF_LEVELS.get(encoding.compression)
    data = tiff_bytes(image, encoding.compression, level)
    if embedded != NOTHING:
        into_tiff(data, embedded)
    return data


def tiff_bytes(image: Image, compression: Compression, level: int | None) -> bytearray:
    """A little-endian TIFF of one page."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, byteorder="<", **page_options(image, compression, level))
    return bytearray(buffer.getbuffer())


def page_options(image: Image, compression: Compression, level: int | None) -> dict[str, Any]:
    """How tifffile writes a page of these pixels, (H, W, 3) or with an alpha."""
    return {
        "photometric": "rgb",
        "extrasamples": ["unassalpha"] if image.shape[2] == 4 else None,
        "compression": {"none": None, "deflate": _DEFLATE}.get(compression, compression),
        "predictor": compression != "none",
        "compressionargs": {"level": level} if level else None,
        "metadata": None,
    }


def encode_png(image: Image, encoding: Encoding = DEFAULT_ENCODING, embedded: Embedded = NOTHING) -> bytes:
    """A PNG of 8 or 16 bits; float becomes 16."""
    if image.dtype == np.float32:
        image = from_float(image, np.dtype(np.uint16))
    data = bytes(imagecodecs.png_encode(image, level=encoding.png_level))
    icc = _profile_name(embedded.icc) + b"\0\0" + zlib.compress(embedded.icc) if embedded.icc else b""
    chunks = _chunk(b"iCCP", icc) + _chunk(b"eXIf", embedded.exif_block())
    chunks += b"".join(_chunk(name, chunk) for name, chunk in png_chunks(embedded))
    return data[:_PNG_HEADER_BYTES] + chunks + data[_PNG_HEADER_BYTES:]


def _profile_name(icc: bytes) -> bytes:
    """The keyword of iCCP: 1 to 79 bytes of printable Latin-1, PNG third edition, 11.3.3.3."""
    if icc == srgb_profile():
        return b"sRGB"
    name = description(icc).encode("latin-1", "replace").decode("latin-1")
    printed = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(printed.split())[:79].strip().encode("latin-1") or b"ICC profile"


def _chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of PNG (third edition, 5.3); nothing where it would be empty."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) if data else b""


def with_alpha(image: Image, shown: Mask) -> Image:
    """Pixels (H, W, 3) with an alpha (H, W, 4): opaque where `shown` (H, W) is 1, transparent where it is 0."""
    top = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    return np.dstack([image, shown.astype(image.dtype) * image.dtype.type(top)])


def encode_jpeg(image: Image, encoding: Encoding = DEFAULT_ENCODING, embedded: Embedded = NOTHING) -> bytes:
    """A JPEG of full colour resolution, with as much of the metadata as it has room for.

    Pillow writes the header, of one pixel: it copies all of them before it encodes.
    """
    embedded, _ = fitted(embedded)
    image = image if image.dtype == np.uint8 else from_float(to_float(image), np.dtype(np.uint8))
    block = embedded.exif_block()
    comment = dict(embedded.texts).get(COMMENT, "").encode()
    extra = {
        "exif": b"Exif\0\0" + block if block else b"", "icc_profile": embedded.icc, "xmp": embedded.xmp,
        "extra": jpeg_segments(embedded), "dpi": embedded.dpi, "comment": comment,
    }  # fmt: skip
    header = io.BytesIO()
    PillowImage.fromarray(image[:1, :1]).save(
        header, "JPEG", quality=encoding.jpeg_quality, subsampling=0, **{key: v for key, v in extra.items() if v}
    )
    data = bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(image), encoding.jpeg_quality, subsampling="444"))
    return header.getvalue()[: _tables_at(header.getvalue())] + data[_tables_at(data) :]


def _tables_at(jpeg: bytes) -> int:
    """Where what is embedded in a JPEG ends and what its pixels need begins."""
    return next(at for marker, at, _ in segments(io.BytesIO(jpeg)) if marker == _QUANTIZATION)


def encode_avif(image: Image, quality: int) -> bytes:
    """An AVIF of 10 bits in Rec. 2020 by the curve of PQ (ITU-T H.273: 9 and 16), of pixels (H, W, 3) that are so."""
    data = imagecodecs.avif_encode(image, quality, speed=6, bitspersample=10, primaries=9, transfer=16, matrix=9)
    return bytes(data)


ARE_JPEG = (".jpg", ".jpeg")
HAVE_ALPHA = (".tif", ".tiff", ".png")
Encode = Callable[[Image, Encoding, Embedded], bytes | bytearray]
ENCODERS: dict[str, Encode] = {
    ".tif": encode_tiff, ".tiff": encode_tiff, ".png": encode_png, ".jpg": encode_jpeg, ".jpeg": encode_jpeg,
}  # fmt: skip
