"""Small JPEGs with true content and EXIF, as cameras write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import exiv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from support.pictures import expose, textured_radiance

from deepfuse.grouping import Grouping

HEIGHT, WIDTH = 64, 96
START_S = 1_700_000_000


@cache
def scene_radiance(seed: int) -> NDArray[np.float32]:
    """Coloured blocks of many sizes, evenly lit: (64, 96, 3), linear."""
    light = 2.0 ** np.linspace(-5, 5, WIDTH, dtype=np.float32)
    return textured_radiance(HEIGHT, WIDTH, seed) / light[None, :, None]


@dataclass
class Card:
    """A memory card: a folder, a camera, and a clock in seconds that stands still until it is set."""

    folder: Path
    make: str = "Maker"
    serial: str = "1"
    clock_s: float = 0.0
    count: int = 0

    def shoot(
        self,
        stops: float = 0,
        *,
        scene: int = 0,
        name: str | None = None,
        metered: float = 0,
        mode: int | None = None,
        tags: Mapping[str, Any] | None = None,
        timed: bool = True,
        exif: bool = True,
    ) -> str:
        """One photo `stops` brighter than the metered exposure, which itself is `metered` stops above 1/60 s at f/8."""
        self.count += 1
        path = self.folder / (name or f"IMG_{self.count:04d}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(self.count).integers(-2, 3, (HEIGHT, WIDTH, 3))
        picture = np.clip((expose(scene_radiance(scene), stops) >> 8) + noise, 0, 255)
        Image.fromarray(picture.astype(np.uint8)).save(path, "JPEG", quality=92)
        if exif:
            date = np.datetime64(int((START_S + self.clock_s) * 1000), "ms").item()
            basic: dict[str, Any] = {
                "Exif.Image.Make": self.make,
                "Exif.Image.Model": "Model",
                "Exif.Photo.BodySerialNumber": self.serial,
                "Exif.Photo.ExposureTime": f"{int(2.0 ** (stops + metered) * 1_000_000)}/60000000",
                "Exif.Photo.FNumber": "8/1",
                "Exif.Photo.ISOSpeedRatings": exiv2.UShortValue([100]),
            }
            if timed:
                basic["Exif.Photo.DateTimeOriginal"] = date.strftime("%Y:%m:%d %H:%M:%S")
                basic["Exif.Photo.SubSecTimeOriginal"] = f"{date.microsecond // 1000:03d}"
            if mode is not None:
                basic["Exif.Photo.ExposureMode"] = exiv2.UShortValue([mode])
            write_tags(path, {**basic, **(tags or {})})
        return path.name

    def bracket(self, *stops: float, pause_s: float = 0.5, **how: Any) -> set[str]:
        """Photos in a row at these offsets; the names of its files."""
        names = set()
        for offset in stops:
            names.add(self.shoot(offset, **how))
            self.clock_s += pause_s
        return names


def sets(grouping: Grouping) -> list[set[str]]:
    """The names of each bracket's files."""
    return sorted(({file.name for file in group.bracket.files} for group in grouping.groups), key=min)


def causes(grouping: Grouping) -> dict[str, str]:
    """Why each photo was left out."""
    return {one.file.name: one.cause for one in grouping.left_out}


def write_tags(path: Path, tags: Mapping[str, Any]) -> None:
    """Add EXIF and maker-note tags, by Exiv2's names, to a JPEG."""
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    data = image.exifData()
    for key, value in tags.items():
        data[key] = value
    image.setExifData(data)
    image.writeMetadata()
