"""Metadata of a bracket's frames → those of the picture fused from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepfuse.bracket import printable
from deepfuse.metadata.capture import orientation_of
from deepfuse.metadata.embedded import Embedded
from deepfuse.metadata.fitting import fitted
from deepfuse.metadata.kept_exif import Shape, dpi_of, kept_exif
from deepfuse.metadata.reading import Metadata
from deepfuse.metadata.texts import kept_texts, xmp_of_texts
from deepfuse.metadata.xmp import KeptXmp, kept_xmp, properties

MOST_NAMED, LONGEST_NAME = 8, 80  # of what is lost
_SRGB, _UNCALIBRATED = 1, 0xFFFF  # EXIF 2.32, ColorSpace


@dataclass(frozen=True)
class Transferred:
    """What goes into the fused file, and what could not be carried over."""

    embedded: Embedded
    warnings: tuple[str, ...] = ()


def transfer(
    frames: Sequence[Metadata],
    base: int,
    *,
    names: Sequence[str],
    width: int,
    height: int,
    icc: bytes,
    srgb: bool = True,
    jpeg: bool = False,
) -> Transferred:
    """The metadata of a fused picture: those of one frame, less what is true of that frame only.

    Exposure time, aperture, ISO, flash and what follows from them stay where all frames agree. Exposure compensation
    and mode, maker note and thumbnail go. Orientation, colour space, size and software are the fused picture's own.

    Args:
        frames: what each frame's file tells.
        base: the index of the frame whose metadata are carried over.
        names: the frames' files, for warnings.
        width: of the fused picture, in pixels.
        height: likewise.
        icc: the fused picture's profile.
        srgb: whether that is sRGB; EXIF knows no other space.
        jpeg: whether the file will be one, which has room for less.

    Returns:
        The metadata; those of a damaged file are missing, which is a warning, as is what is lost of the base's.
    """
    own, shape = frames[base], Shape(width, height, _SRGB if srgb else _UNCALIBRATED)
    exif = kept_exif([frame.exif for frame in frames], base, shape, own.dpi)
    texts, strange = kept_texts(own.texts)
    xmp, unread = _xmp(own, shape)
    embedded = Embedded(exif.image, exif.photo, exif.gps, xmp.packet, icc, own.iptc, texts, own.dpi or dpi_of(own.exif))
    embedded, left = fitted(embedded) if jpeg else (embedded, ())
    lost = [*exif.lost, *(f"XMP {name}" for name in xmp.lost), *(f"text {name}" for name in strange), *left]
    said = [*unread, *([f"not carried over: {_listed(lost)}"] if lost else [])]
    return Transferred(embedded, (*_damaged(frames, names), *(f"{printable(names[base])}: {what}" for what in said)))


def _listed(lost: Sequence[str]) -> str:
    """The first names, shortened: a file may say anything."""
    more = [f"and {len(lost) - MOST_NAMED} more"] if len(lost) > MOST_NAMED else []
    return printable(", ".join([*(name[:LONGEST_NAME] for name in lost[:MOST_NAMED]), *more]))


def _damaged(frames: Sequence[Metadata], names: Sequence[str]) -> list[str]:
    return [
        f"{printable(name)}: damaged EXIF, which is not carried over"
        for name, frame in zip(names, frames, strict=True)
        if frame.damaged
    ]


def _xmp(frame: Metadata, shape: Shape) -> tuple[KeptXmp, list[str]]:
    """What is kept of XMP, and what is to be said of a packet that cannot be read."""
    size = (shape.width, shape.height) if orientation_of(frame.exif) == 1 else None
    texts, _ = kept_texts(frame.texts)
    packets, said = [], []
    for packet in frame.xmp:
        try:
            packets.append(properties(packet))
        except Exception as error:  # XMP is written by anyone: damage must not stop the fusion
            said.append(f"XMP cannot be read: {printable(str(error))}")
    return kept_xmp(packets, xmp_of_texts(texts), size=size), said
