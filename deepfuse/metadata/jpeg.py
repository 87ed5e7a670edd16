"""A JPEG file as Pillow takes it apart: its size, its profile, and where EXIF and XMP lie in it."""

from __future__ import annotations

from PIL.JpegImagePlugin import JpegImageFile


class Jpeg(JpegImageFile):
    """An open JPEG; of several pictures in one file (MPO), the first.

    `PIL.Image.open` would refuse what is larger than a limit that belongs to the process; photos have their own.
    """

    @property
    def exif_block(self) -> bytes:
        """The EXIF as a TIFF structure; empty where there is none."""
        return bytes(self.info.get("exif", b"")).removeprefix(b"Exif\0\0")

    @property
    def xmp_packet(self) -> bytes:
        """The XMP as it lies in the file; empty where there is none."""
        return bytes(self.info.get("xmp", b""))

    def _read_dpi_from_exif(self) -> None:
        """Nothing: resolutions are not used, and Pillow prints warnings where the EXIF is damaged."""
