"""Camera folders of a card that are one row of photos: where one is full, the camera goes on in the next."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from deepfuse.grouping.evidence import LONGEST_PAUSE_S, Pictures, pauses
from deepfuse.grouping.folders import Folder
from deepfuse.grouping.shots import Shot, by_camera, file_number, in_order

_CAMERA_FOLDER = r"[1-9]\d\d\w{5}"  # DCF 2.0: a number from 100 on, and five characters that are free
_LAST, _FIRST = 9999, (0, 1)  # numbers of photos, and where the counter begins again


def joined(folders: Iterable[Folder], pictures: Pictures) -> list[Folder]:
    """Folders, those of one card together in which a row of photos goes on from one to the next."""
    found: list[Folder] = []
    for folder in folders:
        if found and _goes_on(found[-1], folder, pictures):
            found[-1] = _together(found[-1], folder)
        else:
            found.append(folder)
    return found


def stands_alone(folder: Path) -> bool:
    """Whether a folder is none of a camera's, which may go on in another."""
    return not re.fullmatch(_CAMERA_FOLDER, folder.name)


def _goes_on(before: Folder, after: Folder, pictures: Pictures) -> bool:
    last = max(before.homes)
    if last.parent != after.path.parent or stands_alone(last) or stands_alone(after.path):
        return False
    tails = [in_order(shots)[-1] for shots in by_camera(before.shots)]
    heads = [in_order(shots)[0] for shots in by_camera(after.shots)]
    return any(_next(a, b, pictures) for a in tails for b in heads if len(by_camera([a, b])) == 1)


def _next(last: Shot, first: Shot, pictures: Pictures) -> bool:
    """Whether one photo was shot right after another: by the pause, or else by number and scene."""
    if last.flagged != first.flagged:
        return False
    if (pause := pauses([last, first])[1]) is not None:
        in_time = (first.capture.taken_s or 0.0) >= (last.capture.taken_s or 0.0)
        return in_time and pause <= LONGEST_PAUSE_S[last.flagged]
    number, following = file_number(last), file_number(first)
    counted = following == number + 1 or (number == _LAST and following in _FIRST)
    return counted and pictures.same(last.file, first.file) is not False


def _together(before: Folder, after: Folder) -> Folder:
    return replace(
        before,
        homes=before.homes | after.homes,
        files=before.files + after.files,
        shots=before.shots + after.shots,
        unreadable=before.unreadable + after.unreadable,
    )
