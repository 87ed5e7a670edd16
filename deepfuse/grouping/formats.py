"""One photo in several formats: which of its files is taken, so that no set is torn between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from deepfuse.bracket import RAW_SUFFIXES
from deepfuse.grouping.evidence import Found, Pictures
from deepfuse.grouping.reasons import odd_one
from deepfuse.grouping.sequences import Result, find_sequences, take_by_count
from deepfuse.grouping.shots import LeftOut, Shot, by_camera

Prefer = Literal["raw", "dng", "tiff", "tif", "png", "heic", "heif", "avif", "webp", "jp2", "jxl", "jpeg", "jpg"]
_SUFFIXES: dict[Prefer, frozenset[str]] = {
    "raw": RAW_SUFFIXES - {".dng"},
    "dng": frozenset({".dng"}),
    "tiff": frozenset({".tif", ".tiff"}),
    "png": frozenset({".png"}),
    "heic": frozenset({".heic", ".heif", ".hif"}),
    "avif": frozenset({".avif"}),
    "webp": frozenset({".webp"}),
    "jp2": frozenset({".jp2", ".j2k", ".jpx"}),
    "jxl": frozenset({".jxl"}),
    "jpeg": frozenset({".jpg", ".jpeg", ".jpe", ".jfif"}),
}
_FEW_LEVELS = "8-bit pictures"  # the kind of a capture: a TIFF or PNG of it goes behind HEIC
_SAME_INSTANT_S, _SAME_EXPOSURE_EV = 1.5, 0.35  # formats round time and exposure each in its own way
_SAME_LEVEL = 0.4  # in stops of brightness


def find_sets(shots: Sequence[Shot], prefer: Prefer, frames: int | None, pictures: Pictures) -> Result:
    """The brackets among the photos of one folder, each photo in one format.

    Where the preferred format is there of all photos, it is taken. Else, and where some of its files do not say what
    their twins do, sets are looked for in each format, and of sets that share photos the largest is taken, of equals
    the preferred one: neither a few exports beside a set nor damaged EXIF tear it.

    Args:
        shots: without copies, in any order.
        prefer: the format that wins.
        frames: take sets of this many photos in order, instead of by evidence.
        pictures: asked only where metadata cannot decide.
    """
    photos = _photos(shots, prefer, pictures)
    taken = {format_of(photo[0]) for photo in photos}
    if frames or (len(taken) == 1 and not _some_say_less(photos)) or all(len(photo) == 1 for photo in photos):
        found, others = _sets_of([photo[0] for photo in photos], frames, pictures)
        return found, [*others, *(_twin(shot, photo[0]) for photo in photos for shot in photo[1:])]
    candidates: list[Found] = []
    reasons: dict[Shot, LeftOut] = {}
    of_format: dict[str, list[Shot]] = defaultdict(list)
    for shot in sorted((shot for photo in photos for shot in photo), key=lambda shot: _rank(shot, prefer)):
        of_format[format_of(shot)].append(shot)
    for alike in of_format.values():
        sets, rest = _sets_of(alike, None, pictures)
        candidates += sets
        whys = {one.file: one for one in rest}
        reasons |= {shot: whys[shot.file] for shot in alike if shot.file in whys}
    return _best(photos, candidates, reasons)


def _best(photos: Sequence[Sequence[Shot]], candidates: Sequence[Found], reasons: dict[Shot, LeftOut]) -> Result:
    """The largest sets that share no photo; every other file with its reason."""
    photo_of = {shot: index for index, photo in enumerate(photos) for shot in photo}
    kept: dict[int, Shot] = {}
    found: list[Found] = []
    for one in sorted(candidates, key=lambda one: -len(one.shots)):  # stable: of equals the preferred format
        mine = {photo_of[shot]: shot for shot in one.shots}
        if not mine.keys() & kept.keys():
            kept |= mine
            found.append(one)
    others = []
    for index, photo in enumerate(photos):
        own = kept.get(index, photo[0])
        if index not in kept:
            others.append(reasons.get(own) or LeftOut(own.file, "alone", "the other formats of its set are taken"))
        others += [_twin(shot, own) for shot in photo if shot is not own]
    return [one for one in candidates if one in found], others


def _sets_of(shots: Sequence[Shot], frames: int | None, pictures: Pictures) -> Result:
    """The brackets among photos in one format each."""
    cameras = by_camera(shots)
    usual = max(cameras, key=len, default=[])
    several = sum(len(camera) > 1 for camera in cameras) > 1
    found: list[Found] = []
    others: list[LeftOut] = []
    for camera in cameras:
        if len(camera) == 1 and camera is not usual:
            others.append(odd_one(camera[0], usual[0]))
            continue
        if frames:
            sets, rest = take_by_count(camera, frames, pictures)
        else:
            sets, rest = find_sequences(camera, pictures, whole_folder=not several)
        found += sets
        others += rest
    return found, others


def format_of(shot: Shot) -> str:
    """The format that a photo's suffix names."""
    return format_named(shot.file)


def format_named(file: Path) -> str:
    """The format that a file's suffix names; that itself where it is no photo's."""
    suffix = file.suffix.lower()
    return next((name for name, suffixes in _SUFFIXES.items() if suffix in suffixes), suffix)


def _photos(shots: Sequence[Shot], prefer: Prefer, pictures: Pictures) -> list[list[Shot]]:
    """Each photo with its files in different formats, the preferred one first; photos in the order of the files.

    Files of one stem are one photo, unless their capture times or exposures say that they are not, or their pictures
    where nothing is said.
    """
    photos: dict[tuple[Path, str], list[list[Shot]]] = defaultdict(list)
    for shot in sorted(shots, key=lambda shot: _rank(shot, prefer)):
        alike = photos[shot.file.parent, shot.file.stem.lower()]
        mine = next((photo for photo in alike if one_photo(shot, photo, pictures)), None)
        if mine is None:
            alike.append([shot])
        else:
            mine.append(shot)
    place = {shot: index for index, shot in enumerate(shots)}
    return sorted(
        (photo for alike in photos.values() for photo in alike), key=lambda photo: min(place[shot] for shot in photo)
    )


def _rank(shot: Shot, prefer: Prefer) -> tuple[bool, float]:
    """Preferred formats first: as told, then RAW, then what has 16 bits, then HEIC, then what has 8."""
    name, usual = format_of(shot), [*map(str, _SUFFIXES)]
    flat = name in ("tiff", "png") and shot.capture.kind == _FEW_LEVELS
    wanted = format_named(Path(f"photo.{prefer}"))
    return name != wanted, usual.index("heic") + 0.5 if flat else usual.index(name)


def one_photo(shot: Shot, photo: Sequence[Shot], pictures: Pictures) -> bool:
    """Whether a file is a photo in another format that is there in these, all of one stem.

    Capture times and exposures say it; where neither is told of both, the pictures do.
    """
    if format_of(shot) in map(format_of, photo):
        return False
    pairs = [(one.capture.taken_s, shot.capture.taken_s, _SAME_INSTANT_S) for one in photo]
    pairs += [(one.ev, shot.ev, _SAME_EXPOSURE_EV) for one in photo]
    if told := [(a, b, most) for a, b, most in pairs if a is not None and b is not None]:
        return all(abs(a - b) <= most for a, b, most in told)
    if "RAW" in (shot.capture.kind, photo[0].capture.kind):  # its JPEG may be brighter, but nobody names two photos so
        return True
    first, other = photo[0].file, shot.file
    levels = [level for file in (first, other) if (level := pictures.level(file)) is not None]
    return pictures.same(first, other) is not False and max(levels, default=0) - min(levels, default=0) < _SAME_LEVEL


def _some_say_less(photos: Sequence[Sequence[Shot]]) -> bool:
    """Whether EXIF is lost of some photos' preferred files, but not of all: then the format never had it."""
    told = [any(_says_less(photo[0], twin) for twin in photo[1:]) for photo in photos if len(photo) > 1]
    return any(told) and not all(told)


def _says_less(shot: Shot, twin: Shot) -> bool:
    """Whether a file does not say when it was taken, or how exposed, and its twin does."""
    one, other = ((each.capture.taken_s, each.ev) for each in (shot, twin))
    return any(a is None and b is not None for a, b in zip(one, other, strict=True))


def _twin(shot: Shot, kept: Shot) -> LeftOut:
    less = "; it does not say when or how it was taken" if _says_less(shot, kept) else ""
    return LeftOut(shot.file, "twin", f"the same photo as {kept.file.name}, which is taken{less}")
