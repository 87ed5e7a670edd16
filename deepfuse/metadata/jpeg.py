"""A JPEG file as Pillow takes it apart: its size, its profile, and where EXIF, XMP, IPTC and texts lie in it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import IO

from PIL.JpegImagePlugin import JpegImageFile

from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.iptc import IPTC_RESOURCE, photoshop_block

MOST_SEGMENTS, MOST_HEADER = 10_000, 1 << 26  # before the picture; phones put depth maps there
MOST_EXIF_SEGMENTS = 32  # of 64 kB; Pillow joins them one by one
MOST_BETWEEN = 1 << 16  # bytes that belong to no segment
_BARE = {0x00, 0x01, *range(0xD0, 0xD9)}  # markers without a length
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"  # then GUID, length, offset: XMP specification part 3, 1.1.3.1
_TOO_MUCH = "expected a picture behind a JPEG's header, got too much before it"
_GUID = re.compile(rb"HasExtendedXMP\W+([0-9A-F]{32})")


class Jpeg(JpegImageFile):
    """An open JPEG; of several pictures in one file (MPO), the first.

    `PIL.Image.open` would refuse what is larger than a limit that belongs to the process; photos have their own.
    """

    def _open(self) -> None:
        """Refuse what Pillow would go through byte by byte, or join for ever.

        Raises:
            SyntaxError: the picture begins too late.
        """
        check_segments(self.fp)  # type: ignore[arg-type]
        super()._open()

    @property
    def exif_block(self) -> bytes:
        """The EXIF as a TIFF structure; empty where there is none."""
        return bytes(self.info.get("exif", b"")).removeprefix(b"Exif\0\0")

    @property
    def xmp_packet(self) -> bytes:
        """The XMP as it lies in the file; empty where there is none."""
        return bytes(self.info.get("xmp", b""))

    @property
    def xmp_extension(self) -> bytes:
        """What of the XMP did not fit into one segment, in parts that tell whose and where they are."""
        if (guid := _GUID.search(self.xmp_packet)) is None:
            return b""
        start = _EXTENSION + guid[1]
        parts = [data[len(start) + 4 :] for app, data in self.applist if app == "APP1" and data.startswith(start)]
        return b"".join(part[4:] for part in sorted(parts, key=lambda part: part[:4]))

    @property
    def iptc_block(self) -> bytes:
        """The IPTC records; empty where there are none."""
        return bytes(self.info.get("photoshop", {}).get(IPTC_RESOURCE, b""))

    @property
    def comment(self) -> bytes:
        """The comment; empty where there is none."""
        return bytes(self.info.get("comment", b"")).rstrip(b"\0")

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Dots per inch as JFIF tells them, across and down."""
        found = self.info.get("dpi")
        return (float(found[0]), float(found[1])) if found and min(found) > 0 else None

    def _read_dpi_from_exif(self) -> None:
        """Nothing: EXIF is read elsewhere, and Pillow prints warnings where it is damaged."""


def jpeg_segments(embedded: Embedded) -> bytes:
    """IPTC as a segment; Pillow writes the others."""
    block = photoshop_block(embedded.iptc)
    return b"\xff\xed" + struct.pack(">H", 2 + len(block)) + block if embedded.iptc else b""


def check_segments(file: IO[bytes]) -> None:
    """Make sure that Pillow can go through what is before a JPEG's picture; the file stays where it is.

    Raises:
        SyntaxError: the picture comes too late, or there are too many segments of EXIF.
    """
    start = file.tell()
    exifs = sum(marker == _APP1 and _read(file, at + 4, 6) == b"Exif\0\0" for marker, at, _ in segments(file))
    if exifs > MOST_EXIF_SEGMENTS:
        raise SyntaxError(_TOO_MUCH)
    file.seek(start)


def segments(file: IO[bytes]) -> Iterator[tuple[int, int, int]]:
    """Marker, place and length of each segment of a JPEG before its picture, from where the file stands.

    Raises:
        SyntaxError: so many segments or bytes before it that they are none of a photo.
    """
    start = file.tell()
    at, found, between = start + 2, 0, 0
    while head := _read(file, at, 4):
        if found > MOST_SEGMENTS or between > MOST_BETWEEN or at > start + MOST_HEADER:
            raise SyntaxError(_TOO_MUCH)
        marker = head[1] if len(head) > 1 and head[0] == 0xFF else 0xFF
        if marker in (_SCAN, _END):
            return
        if marker == 0xFF or marker in _BARE:
            step = 1 if marker == 0xFF else 2
            between, at = between + step, at + step
        else:
            length = max(int.from_bytes(head[2:], "big"), 2)
            yield marker, at, length
            found, at = found + 1, at + 2 + length


def _read(file: IO[bytes], at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
