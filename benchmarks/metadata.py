"""What fused pictures tell, as ExifTool (Debian's libimage-exiftool-perl) reads them and the frame they are told by.

`python benchmarks/metadata.py FOLDER …` fuses the photos of each folder into TIFF, PNG and JPEG and prints for each how
many tags are as in the frame, which differ and which are missing; what must change with the pixels is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepfuse import FuseOptions, fuse_files, write_photo
from deepfuse.bracket import PHOTO_SUFFIXES

FORMATS = (".tif", ".png", ".jpg")
TELLING = ("IFD0", "ExifIFD", "GPS", "IPTC", "XMP", "JFIF", "PNG")  # ExifTool's groups
OWN = {  # the fused picture's, the frame's alone, or of the container
    "Orientation", "Software", "ColorSpace", "ExifImageWidth", "ExifImageHeight", "ImageWidth", "ImageHeight",
    "ImageSize", "BitsPerSample", "Compression", "PhotometricInterpretation", "StripOffsets", "StripByteCounts",
    "SamplesPerPixel", "RowsPerStrip", "PlanarConfiguration", "SubfileType", "Predictor", "YCbCrPositioning",
    "ComponentsConfiguration", "FlashpixVersion", "ExposureTime", "ExposureCompensation", "ExposureMode", "XMPToolkit",
    "Padding", "BitDepth", "ColorType", "Filter", "Interlace", "JFIFVersion", "ThumbnailOffset", "ThumbnailLength",
}  # fmt: skip
SAME = {"Author": "Creator", "Copyright": "Rights"}  # of a PNG's texts, in XMP


def main() -> None:
    """Print a table, a row for each folder and format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    print(f"{'bracket':28}{'format':8}{'as told':>8}  other")
    with TemporaryDirectory() as scratch:
        for folder in options.folders:
            files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
            fused = fuse_files(files, options=FuseOptions(align=False))
            frame = told(folder / fused.record.metadata_of)
            if (sidecar := (folder / fused.record.metadata_of).with_suffix(".xmp")).exists():
                frame |= told(sidecar)
            for suffix in FORMATS:
                out = Path(scratch) / f"out{suffix}"
                write_photo(out, fused.pixels, embedded=fused.embedded)
                print_row(folder.name, suffix, frame, told(out))
                for warning in fused.record.warnings:
                    print(f"{'':36}{'':8}  warning: {warning[:120]}")


def told(path: Path) -> dict[str, Any]:
    """What a file tells by the names of its tags, numbers as they are written."""
    command = ["exiftool", "-j", "-G1", "-n", "-a", "-charset", "iptc=utf8", str(path)]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)[0]
    found: dict[str, Any] = {}
    if not rows.get("JFIF:ResolutionUnit", True):  # then its resolutions are none
        rows = {key: value for key, value in rows.items() if not key.startswith("JFIF")}
    for key, value in sorted(rows.items(), key=lambda row: row[0].startswith("JFIF")):
        group, _, name = key.partition(":")
        if group.split("-")[0] in TELLING and name not in OWN:
            found.setdefault(name, value)
    return found


def print_row(folder: str, suffix: str, frame: dict[str, Any], fused: dict[str, Any]) -> None:
    """How many tags are as told, and the names of the others."""
    missing = [name for name in frame if SAME.get(name, name) not in fused and name not in fused]
    differing = {
        name: (value, other)
        for name, value in frame.items()
        if name not in missing and (other := fused.get(name, fused.get(SAME.get(name, name)))) != value
    }
    shown = [f"missing {name}" for name in missing if not name.startswith("History")]
    shown += [f"{name} {str(was)[:30]!r} → {str(now)[:30]!r}" for name, (was, now) in differing.items()]
    print(f"{folder:28}{suffix:8}{len(frame) - len(missing) - len(differing):8}  {'; '.join(shown)}")


if __name__ == "__main__":
    main()
