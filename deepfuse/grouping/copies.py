"""Which files are one photo twice: copied, cut short or damaged while copied, or edited."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from deepfuse.files import file_digest
from deepfuse.grouping.shots import LeftOut, Shot

_START_BYTES, _BLOCK_BYTES, _BLOCKS = 512, 256, 64
_FEWEST_BLOCKS, _SAME_SHARE = 5, 0.9


def without_copies(shots: Sequence[Shot], *, versions: bool = True) -> tuple[list[Shot], list[LeftOut]]:
    """The photos of one folder without copies, whole or damaged, and without edited `versions`."""
    left_out: dict[Path, LeftOut] = {}
    for find in (_copies, _cut_copies, _versions) if versions else (_copies, _cut_copies):
        left_out |= find([shot for shot in shots if shot.file not in left_out])
    return [shot for shot in shots if shot.file not in left_out], list(left_out.values())


def _copies(shots: Sequence[Shot]) -> dict[Path, LeftOut]:
    """Files of one content: the one of the shortest name stays."""
    alike: dict[tuple[object, ...], list[Path]] = defaultdict(list)
    for shot in shots:
        alike[shot.file.stat().st_size, shot.capture].append(shot.file)
    found: dict[Path, LeftOut] = {}
    for files in alike.values():
        seen: dict[str, Path] = {}
        for file in sorted(files, key=lambda f: (len(f.name), f.name)) if len(files) > 1 else ():
            kept = seen.setdefault(file_digest(file), file)
            if kept is not file:
                found[file] = LeftOut(file, "copy", f"the same content as {kept.name}")
    return found


def _cut_copies(shots: Sequence[Shot]) -> dict[Path, LeftOut]:
    """Copies that were cut short or damaged on the way: the fullest stays, of equals the one of the shortest name."""
    alike: dict[tuple[object, ...], list[Path]] = defaultdict(list)
    for shot in (shot for shot in shots if shot.capture.taken_s is not None):
        with shot.file.open("rb") as opened:
            alike[shot.file.suffix.lower(), shot.capture, opened.read(_START_BYTES)].append(shot.file)
    found: dict[Path, LeftOut] = {}
    for files in alike.values():
        kept: list[Path] = []
        for file in sorted(files, key=_emptiness) if len(files) > 1 else ():
            whole = next((one for one in kept if _same_content(one, file)), None)
            if whole is None:
                kept.append(file)
            else:
                why = f"a damaged copy of {whole.name}: what is whole in it is there too"
                found[file] = LeftOut(file, "copy", why, damaged=True)
    return found


def _emptiness(file: Path) -> tuple[int, int, int, str]:
    size = file.stat().st_size
    return -len(_samples(file, size)), -size, len(file.name), file.name


def _same_content(first: Path, second: Path) -> bool:
    """Whether nearly all that two files hold in the same places is alike, as no two photos' compressed pixels are."""
    size = min(file.stat().st_size for file in (first, second))
    one, other = _samples(first, size), _samples(second, size)
    shared = one.keys() & other.keys()
    same = sum(one[at] == other[at] for at in shared)
    return len(shared) >= _FEWEST_BLOCKS and same + 1 >= _SAME_SHARE * len(shared)  # in one block the damage begins


def _samples(path: Path, size: int) -> dict[int, bytes]:
    """Small blocks from all over the first `size` bytes of a file; none of one byte only, as a gap is filled with."""
    step = max(_BLOCK_BYTES, size // _BLOCKS)
    found: dict[int, bytes] = {}
    with path.open("rb") as file:
        for at in range(0, size - _BLOCK_BYTES + 1, step):
            file.seek(at)
            block = file.read(_BLOCK_BYTES)
            if len(set(block)) > 1:
                found[at] = block
    return found


def _versions(shots: Sequence[Shot]) -> dict[Path, LeftOut]:
    """Edited versions: a name that goes on where another ends, taken in the same instant at the same exposure."""
    instants: dict[tuple[object, ...], list[Path]] = defaultdict(list)
    for shot in shots:
        if shot.capture.taken_s is not None and shot.ev is not None:
            instants[shot.capture.camera, shot.capture.taken_s, shot.ev].append(shot.file)
    found: dict[Path, LeftOut] = {}
    for files in instants.values():
        for file in files:
            if kept := next((one for one in files if _goes_on(one, file)), None):
                found[file] = LeftOut(file, "copy", f"another version of {kept.name}: the same instant and exposure")
    return found


def _goes_on(original: Path, file: Path) -> bool:
    """Whether a file's name goes on where that of another one beside it ends."""
    beside = original.parent == file.parent and original != file
    return beside and re.match(re.escape(original.stem) + r"[ _(~-]", file.stem) is not None
