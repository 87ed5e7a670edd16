"""A bracket: frames of one scene at several exposures, which files form one, and the exposure value."""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfuse.errors import BracketError

RAW_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        "3fr arw cr2 cr3 crw dcr dng erf fff iiq k25 kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f"
    ).split()
)
PHOTO_SUFFIXES = RAW_SUFFIXES | {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".heif", ".hif"}
RADIANCE_SUFFIX = ".hdr"
LONGEST_ID_BYTES = 200


@dataclass(frozen=True)
class Exposure:
    """How one frame was exposed; `None` where the file does not say."""

    time_s: float | None = None
    iso: float | None = None
    f_number: float | None = None

    @property
    def ev(self) -> float | None:
        """Exposure value at ISO 100, log2(N²/t) − log2(ISO/100), in stops; larger is darker (ISO 2720:1974).

        A missing ISO counts as 100 and a missing aperture as f/1, since only differences within a bracket
        matter. `None` without an exposure time.
        """
        if not self.time_s:
            return None
        return math.log2((self.f_number or 1.0) ** 2 / self.time_s) - math.log2((self.iso or 100.0) / 100.0)


@dataclass(frozen=True)
class Frame:
    """One exposure of a bracket, as the manifest records it; sizes in pixels, upright.

    `profile` names the colour profile of the file, empty for none; the pixels are sRGB whatever it was.
    """

    file: str
    sha256: str
    camera: str
    exposure: Exposure
    ev: float | None
    width: int
    height: int
    profile: str = ""


@dataclass(frozen=True)
class BracketFiles:
    """The files of one scene: two or more photos, or one radiance map."""

    scene: str
    files: tuple[Path, ...]


def find_brackets(source: Path) -> list[BracketFiles]:
    """The brackets under a folder: one folder, one scene.

    A radiance map (`.hdr`) is a scene of its own, unless photos stand beside it: then it is their ground truth.
    Hidden files and folders, and files of other kinds, are passed over.

    Returns:
        Brackets sorted by scene id: the path below `source` with "__" between its parts, shortened if very long.

    Raises:
        BracketError: no folder, no photos in it, or two scenes of one id.
    """
    if not source.is_dir():
        raise BracketError(f"{source}: expected a folder of brackets, got {'a file' if source.exists() else 'nothing'}")
    folders = {folder.relative_to(source): files for folder, files in _walk(source)}
    brackets = [bracket for parent, files in folders.items() for bracket in _scenes(source, parent, files)]
    if not brackets:
        raise BracketError(f"{source}: expected brackets, one folder a scene, got no photo and no radiance map")
    counts = Counter(bracket.scene for bracket in brackets)
    if twice := sorted(scene for scene, count in counts.items() if count > 1):
        raise BracketError(f"{source}: expected one folder a scene, got several for {', '.join(twice)}")
    return sorted(brackets, key=lambda bracket: bracket.scene)


def printable(name: str) -> str:
    """A file name as text that can be written: bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def _walk(source: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each visible folder below `source` once, links followed, with its photos and radiance maps."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(source, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        files = [Path(parent) / name for name in sorted(names) if not name.startswith(".")]
        yield Path(parent), [file for file in files if file.suffix.lower() in PHOTO_SUFFIXES | {RADIANCE_SUFFIX}]


def _scenes(source: Path, parent: Path, files: list[Path]) -> list[BracketFiles]:
    photos = tuple(file for file in files if file.suffix.lower() != RADIANCE_SUFFIX)
    if photos:
        return [BracketFiles(_scene_id(parent.parts or (source.resolve().name,)), photos)]
    return [BracketFiles(_scene_id((*parent.parts, file.stem)), (file,)) for file in files]


def _scene_id(parts: Sequence[str]) -> str:
    """The parts joined; where that is too long for a folder's name, its start and a hash."""
    name = printable("__".join(parts))
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return name if len(name.encode()) <= LONGEST_ID_BYTES else f"{name[:40]}_{digest}"
