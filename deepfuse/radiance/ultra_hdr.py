"""A JPEG with a gain map behind it, as ISO 21496-1 and Ultra HDR have it; other readers see the JPEG alone.

The picture comes first, then the gain map, a JPEG of its own. MPF (CIPA DC-007) and the container's XMP say where it
lies; its XMP and its ISO block both say what it means, for readers know one or the other.
"""

from __future__ import annotations

import io
import struct
from fractions import Fraction

from PIL import Image as PillowImage

from deepfuse.radiance.gain_map import OFFSET, GainMap

_ISO = b"urn:iso:std:iso:ts:21496:-1\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_APP1, _APP2 = 0xE1, 0xE2
_GAIN_MAP_NS, _CONTAINER_NS = "http://ns.adobe.com/hdr-gain-map/1.0/", "http://ns.google.com/photos/1.0/container/"
_MAP_QUALITY = 90
_DENOMINATOR = 1_000_000


def ultra_hdr_jpeg(picture: bytes, gain: GainMap) -> bytes:
    """Put a gain map behind a JPEG.

    Args:
        picture: the file, with its metadata; what it holds stays as it is.
        gain: of the picture.

    Returns:
        The new file's bytes.
    """
    map_file = _with(_jpeg(gain), [_segment(_APP1, _XMP + _map_xmp(gain)), _segment(_APP2, _ISO + iso_block(gain))])
    picture = _with(_with_container(picture, len(map_file)), [_segment(_APP2, _ISO + b"\0\0\0\0")])
    at, length = _place(picture), len(_mpf(0, 0, 0))
    first = len(picture) + length
    return picture[:at] + _mpf(first, len(map_file), first - at - 8) + picture[at:] + map_file


def iso_block(gain: GainMap) -> bytes:
    """What the gain map means, as ISO 21496-1 writes it: one channel, no gain to `stops`, gamma 1."""
    values = [(0, 1), _fraction(gain.stops)]  # headroom of the picture, and of what the map makes of it, in stops
    values += [(0, 1), _fraction(gain.stops), (1, 1), _fraction(OFFSET), _fraction(OFFSET)]
    return struct.pack(">HHB", 0, 0, 0x40) + b"".join(struct.pack(">iI", *value) for value in values)


def _fraction(value: float) -> tuple[int, int]:
    found = Fraction(value).limit_denominator(_DENOMINATOR)
    return found.numerator, found.denominator


def _jpeg(gain: GainMap) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(gain.pixels).save(buffer, "JPEG", quality=_MAP_QUALITY)
    return buffer.getvalue()


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _segments(file: bytes) -> list[tuple[int, int, int]]:
    """Marker, start and end of each segment before the picture's data."""
    found, at = [], 2
    while file[at] == 0xFF and file[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        found.append((file[at + 1], at, end))
        at = end
    return found


def _place(file: bytes) -> int:
    """Where further segments go: behind JFIF, EXIF, XMP and profile."""
    ends = [end for marker, _, end in _segments(file) if 0xE0 <= marker <= 0xEF]
    return max(ends, default=2)


def _with(file: bytes, segments: list[bytes]) -> bytes:
    at = _place(file)
    return file[:at] + b"".join(segments) + file[at:]


def _with_container(file: bytes, map_bytes: int) -> bytes:
    """The XMP with what lies behind the picture; a packet that is there keeps what it says."""
    for marker, start, end in _segments(file):
        body = file[start + 4 : end]
        if marker == _APP1 and body.startswith(_XMP) and b"</rdf:RDF>" in body:
            joined = body.replace(b"</rdf:RDF>", _container(map_bytes) + b"</rdf:RDF>", 1)
            return file[:start] + _segment(_APP1, joined) + file[end:]
    return _with(file, [_segment(_APP1, _XMP + _packet(_container(map_bytes)))])


def _packet(descriptions: bytes) -> bytes:
    head = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    return head + descriptions + b"</rdf:RDF></x:xmpmeta>"


def _container(map_bytes: int) -> bytes:
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{semantic}" Item:Mime="image/jpeg"{length}/>'
        "</rdf:li>"
        for semantic, length in (("Primary", ""), ("GainMap", f' Item:Length="{map_bytes}"'))
    )
    return (
        f'<rdf:Description rdf:about="" xmlns:hdrgm="{_GAIN_MAP_NS}" xmlns:Container="{_CONTAINER_NS}" '
        f'xmlns:Item="{_CONTAINER_NS}item/" hdrgm:Version="1.0"><Container:Directory><rdf:Seq>{items}</rdf:Seq>'
        "</Container:Directory></rdf:Description>"
    ).encode()


def _map_xmp(gain: GainMap) -> bytes:
    values = {"Version": "1.0", "GainMapMin": 0, "GainMapMax": round(gain.stops, 6), "Gamma": 1, "OffsetSDR": OFFSET,
              "OffsetHDR": OFFSET, "HDRCapacityMin": 0, "HDRCapacityMax": round(gain.stops, 6),
              "BaseRenditionIsHDR": "False"}  # fmt: skip
    said = " ".join(f'hdrgm:{name}="{value}"' for name, value in values.items())
    return _packet(f'<rdf:Description rdf:about="" xmlns:hdrgm="{_GAIN_MAP_NS}" {said}/>'.encode())


def _mpf(first: int, second: int, offset: int) -> bytes:
    """Multi-Picture Format: two pictures, their sizes in bytes, the second's place from the block's own start on."""
    entries = struct.pack(">IIIHH", 0x030000, first, 0, 0, 0) + struct.pack(">IIIHH", 0, second, offset, 0, 0)
    fields = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    fields += struct.pack(">HHII", 0xB002, 7, len(entries), 50)
    return _segment(_APP2, b"MPF\0" + b"MM\0*" + struct.pack(">IH", 8, 3) + fields + struct.pack(">I", 0) + entries)
