"""Which photos under a folder form brackets, in any layout, with the evidence; and why each other photo is in none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from deepfuse.bracket import RADIANCE_SUFFIX, scene_id
from deepfuse.errors import BracketError, NoPhotoError
from deepfuse.grouping.folders import Folder, Group, Grouping, Refused
from deepfuse.grouping.formats import Prefer
from deepfuse.grouping.names import Home
from deepfuse.grouping.noted import known_groups, noted_groups
from deepfuse.grouping.seams import joined, stands_alone
from deepfuse.grouping.shots import LeftOut, Progress, fused_of, linked_folders, read_shots, walk
from deepfuse.grouping.similarity import Album
from deepfuse.notes import Recall, ask
from deepfuse.photo import DEFAULT_LIMITS, Limits
from deepfuse.photo.capture import Capture
from deepfuse.photo.isolated import Onlooker, onlooker

__all__ = ["Group", "Grouping", "LeftOut", "Prefer", "Refused", "find_brackets"]


def find_brackets(
    source: Path,
    *,
    prefer: Prefer = "raw",
    frames: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = iter,
    looks: Onlooker | None = None,
    recall: Recall = ask,
    taken: Callable[[Path], bool] = bool,
) -> Grouping:
    """The brackets under a folder, in any layout.

    A folder whose photos are one bracket is a scene of the folder's name: its path below `source`, "__" between the
    parts. Where a folder holds more, the stem of each set's first file is added. A radiance map (`.hdr`) is a scene
    of its own, unless photos stand beside it: then it is their ground truth.

    Args:
        source: the folder.
        prefer: the format to take where a photo is there in several; then RAW, 16 bits, HEIC, 8 bits, in this order.
        frames: take sets of this many photos in order, instead of by evidence.
        limits: which files count as unreadable for their size, and whether links are followed or refused.
        progress: wraps the list of files as they are read, as tqdm does.
        looks: what reads the files; a process of its own if `None`.
        recall: answers what was asked of files before, of the same limits; by default nothing is known.
        taken: which files count, of those that are there; all of them by default.

    Raises:
        BracketError: no folder, no photo in it, two scenes of one id, or fewer than 2 frames a set.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from deepfuse import write_photo
    >>> scene = np.random.default_rng(0).random((90, 120, 3), np.float32)
    >>> with TemporaryDirectory() as folder:
    ...     for name, light in (("dark", 0.3), ("bright", 0.9)):
    ...         write_photo(f"{folder}/{name}.png", light * scene)
    ...     [len(group.bracket.files) for group in find_brackets(Path(folder)).groups]
    [2]
    """
    if not source.is_dir():
        raise BracketError(f"{source}: expected a folder of brackets, got {'a file' if source.exists() else 'nothing'}")
    if frames is not None and frames < 2:
        raise BracketError(f"expected 2 or more frames a set, got {frames}")
    walked = ((parent, [*filter(taken, files)]) for parent, files in walk(source, links=limits.links))
    folders = [(parent, files) for parent, files in walked if files]
    fused = {file: name for _, files in folders for file, name in fused_of(files).items()}
    folders = [(parent, [file for file in files if file not in fused]) for parent, files in folders]
    links = [] if limits.links else linked_folders(source)
    if not folders and not links:
        raise NoPhotoError(f"{source}: expected brackets, got no photo and no radiance map")
    with onlooker(limits) if looks is None else nullcontext(looks) as looks:
        named = [Folder(parent, {parent: _home(source, parent)}, tuple(files)) for parent, files in folders]
        parts = _grouped(named, prefer, frames, looks, recall, progress)
    groups = sorted((group for part in parts for group in part.groups), key=lambda group: group.bracket.scene)
    refused = (*(one for part in parts for one in part.refused), *(_link(source, link) for link in links))
    _check_ids(source, [*(group.bracket.scene for group in groups), *(one.scene for one in refused)])
    left_out = [one for part in parts for one in part.left_out]
    left_out += [LeftOut(file, "fused", f"a picture fused of {name} and others") for file, name in fused.items()]
    return Grouping(tuple(groups), tuple(left_out), refused)


def _grouped(
    folders: Sequence[Folder],
    prefer: Prefer,
    frames: int | None,
    looks: Onlooker,
    recall: Recall,
    progress: Progress,
) -> list[Grouping]:
    """What is in each of the folders, or in those that go on in each other together."""
    alone = [folder for folder in folders if stands_alone(folder.path)]
    known = {folder.path: found for folder in alone if (found := known_groups(folder, prefer, frames, recall))}
    album, look, parts = Album(looks.preview, recall), partial(_capture, looks, recall), []
    for folder in joined(_read_folders(folders, known, look, progress), album):
        parts.append(known.get(folder.path) or noted_groups(folder, prefer, frames, album, recall))
        album.close()
    return parts


def _home(source: Path, folder: Path) -> Home:
    below = folder.relative_to(source).parts
    return Home(below or (source.resolve().name,), below)


def _read_folders(
    folders: Sequence[Folder], known: Container[Path], look: Callable[[Path], Capture], progress: Progress
) -> Iterator[Folder]:
    """The folders with what their photos say, but for those that are known."""
    new = (file for folder in folders if folder.path not in known for file in folder.files)
    shots, unreadable = read_shots(progress([file for file in new if file.suffix.lower() != RADIANCE_SUFFIX]), look)
    for folder in folders:
        yield replace(folder, shots=tuple(shots[folder.path]), unreadable=tuple(unreadable[folder.path]))


def _capture(looks: Onlooker, recall: Recall, file: Path) -> Capture:
    return Capture.of_values(recall("capture", [file], lambda: asdict(looks.capture(file))))


def _link(source: Path, link: Path) -> Refused:
    return Refused(scene_id(link.relative_to(source).parts), f"{link}: expected a folder, got a link")


def _check_ids(source: Path, scenes: list[str]) -> None:
    if twice := sorted(scene for scene, count in Counter(scenes).items() if count > 1):
        raise BracketError(f"{source}: expected one scene an id, got several for {', '.join(twice)}")
