"""What cannot be read or decoded: a copy of a whole photo, a frame of a set, or nothing that ever was a photo."""

from __future__ import annotations

import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.errors import PhotoError
from deepfuse.grouping.evidence import Found, Pictures
from deepfuse.grouping.formats import format_named, format_of
from deepfuse.grouping.shots import LeftOut, Shot, natural
from deepfuse.photo.kinds import is_foreign


@dataclass(frozen=True)
class Damage:
    """Files of a folder that cannot be read, by what they are.

    Attributes:
        frames: they may be frames of a set.
        copies: of photos that are there whole in another format, by their stem, unless a set may lack them: where a RAW
            is damaged, and its JPEG is not there of the other frames.
        strays: nothing says that they ever were photos of the sets beside them.
    """

    frames: tuple[LeftOut, ...]
    copies: tuple[LeftOut, ...]
    strays: tuple[LeftOut, ...]


def look_at_doubles(shots: Sequence[Shot], pictures: Pictures) -> None:
    """See whether photos taken in one instant alike can be decoded: one may be a damaged copy, and tears the set."""
    alike: dict[object, list[Path]] = defaultdict(list)
    for shot in shots:
        if shot.capture.taken_s is not None and shot.ev is not None:
            alike[shot.capture].append(shot.file)
    for file in (file for files in alike.values() if len(files) > 1 for file in files):
        pictures.level(file)


def look_at_twins(found: Iterable[Found], shots: Sequence[Shot], pictures: Pictures) -> None:
    """See whether frames can be decoded that are there in another format too, of which the set may be whole."""
    formats: dict[Path, set[str]] = defaultdict(set)
    for shot in shots:
        formats[_stem(shot.file)].add(format_of(shot))
    for file in (shot.file for one in found for shot in one.shots):
        if len(formats[_stem(file)]) > 1:
            pictures.level(file)


def undecodable(shots: Sequence[Shot], pictures: Pictures) -> list[LeftOut]:
    """What cannot be decoded; where a good photo was taken in the same instant alike, it is a copy of that."""
    good = {shot.capture: shot.file for shot in reversed(shots) if not pictures.damage(shot.file)}
    found = []
    for shot in shots:
        if why := pictures.damage(shot.file):
            whole = good.get(shot.capture) if shot.capture.taken_s is not None and shot.ev is not None else None
            found.append(_copy(shot.file, whole, why) if whole else LeftOut(shot.file, "unreadable", why))
    return found


def told_apart(unreadable: Sequence[LeftOut], shots: Sequence[Shot], found: Sequence[Found]) -> Damage:
    """What the files that cannot be read are, beside the whole photos of their folder and its sets."""
    whole: dict[Path, list[Shot]] = defaultdict(list)
    for shot in shots:
        whole[_stem(shot.file)].append(shot)
    frames = [shot for one in found for shot in one.shots]
    formats = [set(map(format_of, whole[_stem(shot.file)])) for shot in frames]
    lost, copies, strays = [], [], []
    for one in unreadable:
        twins = [shot for shot in whole[_stem(one.file)] if format_of(shot) != format_named(one.file)]
        taken = [shot for shot in twins if shot in frames]
        judged = [shot for shot in twins if all(format_of(shot) in known for known in formats)]
        if twins and (taken or judged or not any(belongs(one, each, found) for each in found)):
            copies.append(_copy(one.file, (taken or twins)[0].file, one.why))
        elif _is_stray(one.file, [shot.file for shot in frames]):
            strays.append(LeftOut(one.file, "no photo", one.why, damaged=True))
        else:
            lost.append(one)
    return Damage(tuple(lost), tuple(copies), tuple(strays))


def belongs(one: LeftOut, found: Found, sets: Sequence[Found]) -> bool:
    """Whether a file may be of a set by its place: between its frames, or in a folder of no other set."""
    names = sorted(natural(str(shot.file)) for shot in found.shots)
    return len(sets) == 1 or names[0] < natural(str(one.file)) < names[-1]


def doubts(strays: Sequence[LeftOut], found: Found) -> tuple[str, ...]:
    """A warning for each stray of which the names of the frames do not tell whether it belongs among them."""
    told = len({_row(shot.file) for shot in found.shots}) == 1
    return () if told else tuple(f"{one.file.name} holds no photo: a frame may be missing" for one in strays)


def _copy(file: Path, whole: Path, why: str) -> LeftOut:
    fault = printable(why).removeprefix(f"{printable(str(file))}: ")
    return LeftOut(file, "copy", f"a damaged copy of {whole.name}: {fault}", damaged=True)


def _is_stray(file: Path, frames: Iterable[Path]) -> bool:
    """Whether a file never was a frame of these sets: it is none, or holds nothing, or its name and content say so.

    One that is named as the frames are, numbers apart, may be a frame that was lost on the way, though it be empty.
    """
    try:
        found = file.stat()
    except OSError:  # a link into the void may lead to a frame
        return False
    if not stat.S_ISREG(found.st_mode):
        return True
    rows = {_row(frame) for frame in frames}
    if _row(file) in rows or not rows:
        return False
    return not found.st_size or (len(rows) == 1 and _is_foreign(file))


def _is_foreign(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return is_foreign(file, opened)
    except (OSError, PhotoError):
        return False


def _row(file: Path) -> str:
    """What the names of frames shot in a row have in common."""
    return re.sub(r"\d+", "0", file.stem.lower())


def _stem(file: Path) -> Path:
    return file.with_name(file.stem.lower())
